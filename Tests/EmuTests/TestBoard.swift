import Emu

/// Sends what is stored to it; raises line 0 `delay` ticks after a store to +4, until a store to
/// +8. +12 ends the run.
struct Beeper: Device {
  struct State: Codable, Hashable, Sendable {
    var alarm: Tick?
    var isRaised = false
    var level = false
    var received: [UInt8] = []
  }
  var state = State()

  var map: RegisterMap {
    RegisterMap([
      .init("DATA", 0, widths: [.byte, .word]),
      .init("ALARM", 4),
      .init("CLEAR", 8, .writeOnly, fields: [.init("TURBO", 7, modelled: false)]),
      .init("END", 12, .writeOnly),
      .init("PIN", 16),
      .notModelled("SPARE", 20, count: 2, reset: 0x55),
      .init("RESET", 28, .writeOnly),
    ])
  }

  mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case 0:
      state.received.isEmpty ? 0 : UInt64(state.received.removeFirst())
    case 4: port.now
    default: 0
    }
  }

  mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    switch access.offset {
    case 0: port.uart(UInt8(truncatingIfNeeded: value))
    case 4: state.alarm = port.now + value
    case 8: state.isRaised = false
    case 12: port.stop(.finisher, code: UInt32(value))
    case 28: port.reset()
    default:
      if state.level != (value & 1 == 1) {
        state.level.toggle()
        port.pin(1, state.level)
      }
    }
  }

  mutating func advance(_ port: inout DevicePort) {
    state.alarm = nil
    state.isRaised = true
  }
  var deadline: Tick? { state.alarm }
  var lines: LineSet { LineSet(level: state.isRaised) }

  mutating func offer(_ byte: UInt8, _ port: inout DevicePort) -> Bool {
    if state.received.count == 2 { return false }
    state.received.append(byte)
    return true
  }
}

extension Board {
  /// An RV64 with RAM, reset ROM and a beeper on the machine external interrupt.
  static let test = Board(
    name: "test", revision: 1, summary: "for tests", core: .rv64(timebase: Ratio(1, 100)),
    clock: Clock(hertz: 1_000_000_000),
    regions: [
      Region("rom", at: 0x1000, size: 0xF000, writable: false),
      Region("ram", at: 0x8000_0000, size: 0x100_0000, writable: true),
    ],
    devices: [Placement("uart0", Beeper(), at: 0x1000_0000, size: 0x1000, interrupt: 11)])
}

extension Machine {
  /// Machine code at the start of RAM, in M mode.
  static func running(
    _ code: [UInt32], board: Board = .test, options: MachineOptions = MachineOptions()
  ) throws -> Machine {
    let bytes = code.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    return try Machine(
      board, image: Image(bytes: bytes, path: "test", format: .raw), options: options)
  }
}
