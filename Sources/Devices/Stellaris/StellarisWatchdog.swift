import Emu

/// The watchdog timer of Luminary Micro's Stellaris parts: LM3S6965 datasheet, chapter 11, "Watchdog Timer"; and of the
/// TM4C123GH6PM, SPMS376E, chapter 12, whose second one is clocked by the precision oscillator of 16 MHz.
///
/// It counts system clocks down from WDTLOAD, from the store that enables it. The first time-out raises the interrupt and loads
/// the counter again; a second one with the interrupt not cleared resets the board if RESEN is set. With INTTYPE, which the LM3S6965
/// has not, line 1, the NMI, is raised in place of line 0, the interrupt. While a debugger halts the core time stands still, so WDTTEST.STALL changes nothing. A store takes effect at once, so
/// WDTCTL.WRC is always set.
public struct StellarisWatchdog: Device {
  public struct State: Codable, Hashable, Sendable {
    var load: UInt32 = .max
    /// WDTCTL: INTEN, RESEN and INTTYPE.
    var control: UInt8 = 0
    var isRaised = false
    var isLocked = false
    /// WDTTEST.STALL.
    var stalls = false
    /// The counter at `since`, which counts the watchdog's own clocks.
    var value: UInt32 = .max
    var since: UInt64 = 0
    /// The tick of the next time-out.
    var due: Tick = 0

    var isRunning: Bool { control & 1 != 0 }
  }
  public var state = State()

  public enum Clocking: String, Sendable, CaseIterable {
    case system
    /// And WRC says whether a store has got there.
    case piosc
  }
  let clocking: Clocking
  let hasNMI: Bool
  public let map: RegisterMap

  /// - Parameter hasNMI: WDTCTL.INTTYPE is there, as on a TM4C123.
  public init(_ clocking: Clocking = .system, hasNMI: Bool = false) {
    self.clocking = clocking
    self.hasNMI = hasNMI
    map = Self.map(hasWRC: clocking == .piosc, hasNMI: hasNMI)
  }

  private static let piosc: UInt64 = 16_000_000
  private static let writeComplete: UInt64 = 1 << 31

  private enum Control {
    static let enable: UInt8 = 1
    static let reset: UInt8 = 2
    static let nmi: UInt8 = 4
  }

  private enum Offset {
    static let load: UInt64 = 0x000
    static let value: UInt64 = 0x004
    static let control: UInt64 = 0x008
    static let interruptClear: UInt64 = 0x00C
    static let rawInterrupt: UInt64 = 0x010
    static let maskedInterrupt: UInt64 = 0x014
    static let test: UInt64 = 0x418
    static let lock: UInt64 = 0xC00
  }

  private static let key: UInt64 = 0x1ACC_E551
  private static let identity = PrimeCellIdentity([0x05, 0x18, 0x18, 0x01])

  private static func map(hasWRC: Bool, hasNMI: Bool) -> RegisterMap {
    let registers: [RegisterMap.Register] = [
      .init("WDTLOAD", Offset.load, reset: 0xFFFF_FFFF),
      .init("WDTVALUE", Offset.value, .readOnly, reset: 0xFFFF_FFFF),
      .init(
        "WDTCTL", Offset.control, reset: hasWRC ? writeComplete : 0,
        fields: [
          .init("INTEN", 0), .init("RESEN", 1), .init("INTTYPE", 2, modelled: hasNMI),
          .init("WRC", 31, .readOnly),
        ]),
      .init("WDTICR", Offset.interruptClear, .writeOnly),
      .init("WDTRIS", Offset.rawInterrupt, .readOnly),
      .init("WDTMIS", Offset.maskedInterrupt, .readOnly),
      .init("WDTTEST", Offset.test, fields: [.init("STALL", 8)]),
      .init("WDTLOCK", Offset.lock),
    ]
    return RegisterMap(
      registers
        + identity.registers("WDT").map { .init($0.name, $0.offset, .readOnly, reset: $0.reset) })
  }

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.since < 1 << 62 && (clocking == .piosc || state.since <= now)
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.load: UInt64(state.load)
    case Offset.value: UInt64(value(port))
    case Offset.control: UInt64(state.control) | (clocking == .piosc ? Self.writeComplete : 0)
    case Offset.rawInterrupt, Offset.maskedInterrupt: state.isRaised ? 1 : 0
    case Offset.test: state.stalls ? 1 << 8 : 0
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
      reload(port)
    case Offset.control: control(UInt8(value & (hasNMI ? 7 : 3)), port)
    case Offset.interruptClear:
      state.isRaised = false
      reload(port)
    case Offset.test: state.stalls = value >> 8 & 1 == 1
    default: break
    }
  }

  /// "Once set, this bit can only be cleared by a hardware reset": INTEN. QEMU's LM3S6965 keeps RESEN with it.
  private mutating func control(_ bits: UInt8, _ port: DevicePort) {
    if state.isRunning {
      state.control = hasNMI ? bits | Control.enable : state.control | bits
      return
    }
    state.control = bits
    if state.isRunning { reload(port) }
  }

  private func cycle(_ port: DevicePort) -> UInt64 {
    clocking == .system ? port.now : port.cycles(of: Self.piosc)
  }

  /// - Parameter cycle: of the watchdog's own clock; nil: now.
  private mutating func reload(_ port: DevicePort, at cycle: UInt64? = nil) {
    state.value = state.load
    state.since = cycle ?? self.cycle(port)
    setDue(port)
  }

  private mutating func setDue(_ port: DevicePort) {
    let cycle = state.since + max(1, UInt64(state.value))
    state.due =
      clocking == .system
      ? cycle : max(port.now + 1, port.tick(reaching: cycle, of: Self.piosc))
  }

  public mutating func clockChanged(_ port: inout DevicePort) {
    if state.isRunning && clocking == .piosc { setDue(port) }
  }

  private func value(_ port: DevicePort) -> UInt32 {
    if !state.isRunning { return state.value }
    return state.value - UInt32(clamping: min(cycle(port) &- state.since, UInt64(state.value)))
  }

  public var deadline: Tick? { state.isRunning ? state.due : nil }

  public mutating func advance(_ port: inout DevicePort) {
    if state.isRaised && state.control & Control.reset != 0 { port.reset() }
    state.isRaised = true
    // It may be called late, between two instructions that take several cycles.
    reload(port, at: clocking == .system ? state.due : nil)
  }

  private var interruptLine: LineSet { state.control & Control.nmi == 0 ? .line(0) : .line(1) }

  public var lines: LineSet { state.isRaised && state.isRunning ? interruptLine : [] }

  /// The first time-out is an interrupt, the second none: it stays raised until software clears it.
  public var armed: LineSet { state.isRunning && !state.isRaised ? interruptLine : [] }
}
