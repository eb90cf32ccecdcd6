import Emu

/// The watchdog timer of Luminary Micro's Stellaris parts: LM3S6965 datasheet, chapter 11, "Watchdog Timer".
///
/// It counts system clocks down from WDTLOAD, from the store that enables it. The first time-out raises the interrupt and loads
/// the counter again; a second one with the interrupt not cleared resets the board if RESEN is set. Stalling for a debugger is
/// declared, not modelled.
public struct StellarisWatchdog: Device {
  public struct State: Codable, Hashable, Sendable {
    var load: UInt32 = .max
    /// WDTCTL: INTEN and RESEN.
    var control: UInt8 = 0
    var isRaised = false
    var isLocked = false
    /// The counter at `since`.
    var value: UInt32 = .max
    var since: Tick = 0

    var isRunning: Bool { control & 1 != 0 }
  }
  public var state = State()

  public init() {}

  private enum Offset {
    static let load: UInt64 = 0x000
    static let value: UInt64 = 0x004
    static let control: UInt64 = 0x008
    static let interruptClear: UInt64 = 0x00C
    static let rawInterrupt: UInt64 = 0x010
    static let maskedInterrupt: UInt64 = 0x014
    static let lock: UInt64 = 0xC00
  }

  private static let key: UInt64 = 0x1ACC_E551
  private static let identity = PrimeCellIdentity([0x05, 0x18, 0x18, 0x01])

  public let map = RegisterMap(
    [
      .init("WDTLOAD", Offset.load, reset: 0xFFFF_FFFF),
      .init("WDTVALUE", Offset.value, .readOnly, reset: 0xFFFF_FFFF),
      .init("WDTCTL", Offset.control, fields: [.init("INTEN", 0), .init("RESEN", 1)]),
      .init("WDTICR", Offset.interruptClear, .writeOnly),
      .init("WDTRIS", Offset.rawInterrupt, .readOnly),
      .init("WDTMIS", Offset.maskedInterrupt, .readOnly),
      .notModelled("WDTTEST", 0x418),
      .init("WDTLOCK", Offset.lock),
    ]
      + identity.registers("WDT").map { .init($0.name, $0.offset, .readOnly, reset: $0.reset) })

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.load: UInt64(state.load)
    case Offset.value: UInt64(value(at: port.now))
    case Offset.control: UInt64(state.control)
    case Offset.rawInterrupt, Offset.maskedInterrupt: state.isRaised ? 1 : 0
    case Offset.lock: state.isLocked ? 1 : 0
    default: Self.identity.value(at: access.offset) ?? 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    if access.offset == Offset.lock {
      state.isLocked = value != Self.key
      return
    }
    // "Writing any other value ... prevents write accesses to the other registers".
    if state.isLocked { return }
    switch access.offset {
    case Offset.load:
      state.load = UInt32(truncatingIfNeeded: value)
      reload(at: port.now)
    case Offset.control: control(UInt8(value & 3), port.now)
    case Offset.interruptClear:
      state.isRaised = false
      reload(at: port.now)
    default: break
    }
  }

  /// "Once set, this bit can only be cleared by a hardware reset": INTEN, and QEMU keeps all of the register with it.
  private mutating func control(_ bits: UInt8, _ now: Tick) {
    if state.isRunning {
      state.control |= bits & 2
      return
    }
    state.control = bits
    if state.isRunning { reload(at: now) }
  }

  private mutating func reload(at now: Tick) {
    state.value = state.load
    state.since = now
  }

  private func value(at now: Tick) -> UInt32 {
    if !state.isRunning { return state.value }
    return state.value - UInt32(clamping: min(now - state.since, Tick(state.value)))
  }

  public var deadline: Tick? { state.isRunning ? state.since + max(1, Tick(state.value)) : nil }

  public mutating func advance(_ port: inout DevicePort) {
    if state.isRaised && state.control & 2 != 0 { port.reset() }
    state.isRaised = true
    // It may be called late, between two instructions that take several cycles.
    reload(at: deadline ?? port.now)
  }

  public var lines: LineSet { LineSet(level: state.isRaised && state.isRunning) }
}
