import Emu

/// One register that counts the stores to it.
struct Faulty: Device {
  enum Mistake {
    case resetValue
    case hiddenState
    case tooWide
    case hiddenLine
    case loudReset

    static let sentences: [(Mistake, String)] = [
      (.resetValue, "its reset value is"), (.hiddenState, "moved to a new device half-way"),
      (.tooWide, "more than was asked for"), (.hiddenLine, "lines are not its state's"),
      (.loudReset, "a second reset says something"),
    ]
  }
  struct State: Codable, Hashable, Sendable { var count: UInt32 = 0 }
  var state = State()
  private let mistake: Mistake?
  private var hidden: UInt64 = 0

  init(_ mistake: Mistake?) { self.mistake = mistake }

  var map: RegisterMap {
    RegisterMap([
      .init("COUNT", 0, widths: [.byte, .word], reset: mistake == .resetValue ? 7 : 0)
    ])
  }
  mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    if mistake == .hiddenState { return hidden & 0xFF }
    let count = UInt64(state.count)
    return access.width == 1 && access.offset == 0 && mistake != .tooWide ? count & 0xFF : count
  }
  mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    state.count &+= mistake == .tooWide ? 0x1000 : 1
    if access.width == 1 && access.offset != 0 { state.count &= 0xFF }
    hidden += 1
  }
  var lines: LineSet { LineSet(level: mistake == .hiddenLine && hidden > 100) }
  mutating func reset(to initial: State, _ port: inout DevicePort) {
    state = initial
    hidden = 0
    if mistake == .loudReset { port.pin(0, false) }
  }
}
