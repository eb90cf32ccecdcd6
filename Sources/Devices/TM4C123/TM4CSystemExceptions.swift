import Emu

/// The system exception module of the TM4C123GH6PM: datasheet SPMS376E, chapter 6, "System Exception Module": what the floating-point
/// unit finds, as one interrupt.
///
/// The core has an output for each cumulative flag of FPSCR. A bit of SYSEXCRIS is set when its flag comes up in FPSCR, and cleared by
/// SYSEXCIC alone, whatever the flag is then. Nothing of this is on the way of instructions: FPSCR is looked at with every access
/// to the module and, while an interrupt is enabled that is not raised yet, behind every instruction, one at a time. So interrupts are
/// exact, and a flag that comes and is gone again (by VMSR, or by an exception's return) with its interrupt off is not seen.
///
/// Line 0 is the interrupt.
public struct TM4CSystemExceptions: Device {
  public struct State: Codable, Hashable, Sendable {
    /// The flags of FPSCR when they were last looked at, and the tick of that; here and below as SYSEXCRIS has them.
    var seen: UInt8 = 0
    var looked: Tick = 0
    var raw: UInt8 = 0
    var mask: UInt8 = 0
    /// Nothing is computed.
    var isAsleep = false
  }
  public var state = State()

  public init() {}

  private enum Offset {
    static let raw: UInt64 = 0x0
    static let mask: UInt64 = 0x4
    static let masked: UInt64 = 0x8
    static let clear: UInt64 = 0xC
  }

  /// FPSCR's bits (IDC, DZC, IOC, UFC, OFC, IXC) in the order of the module's.
  private static let flags = [7, 1, 0, 3, 2, 4]
  private static let names = ["FPIDC", "FPDZC", "FPIOC", "FPUFC", "FPOFC", "FPIXC"]
  private static let all: UInt64 = 0x3F

  public let map: RegisterMap = {
    func fields(_ suffix: String) -> [RegisterMap.Field] {
      names.enumerated().map { .init($1 + suffix, $0) }
    }
    return RegisterMap([
      .init("SYSEXCRIS", Offset.raw, .readOnly, fields: fields("RIS")),
      .init("SYSEXCIM", Offset.mask, fields: fields("IM")),
      .init("SYSEXCMIS", Offset.masked, .readOnly, fields: fields("MIS")),
      .init("SYSEXCIC", Offset.clear, .writeOnly, fields: fields("IC")),
    ])
  }()

  public func accepts(_ state: State, now: Tick) -> Bool { state.looked <= now }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    look(port)
    return switch access.offset {
    case Offset.raw: UInt64(state.raw)
    case Offset.mask: UInt64(state.mask)
    case Offset.masked: UInt64(state.raw & state.mask)
    default: 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    look(port)
    switch access.offset {
    case Offset.mask: state.mask = UInt8(value & Self.all)
    case Offset.clear: state.raw &= ~UInt8(value & Self.all)
    default: break
    }
  }

  // MARK: Looking

  private mutating func look(_ port: DevicePort) {
    var flags: UInt8 = 0
    let status = port.floatingPointStatus
    for (place, bit) in Self.flags.enumerated() {
      flags |= UInt8(status >> UInt32(bit) & 1) << UInt8(place)
    }
    state.raw |= flags & ~state.seen
    state.seen = flags
    state.looked = port.now
  }

  public var deadline: Tick? {
    state.mask & ~state.raw == 0 || state.isAsleep ? nil : state.looked + 1
  }

  public mutating func advance(_ port: inout DevicePort) { look(port) }

  public static var followsSleep: Bool { true }

  public mutating func sleepChanged(to sleep: CoreSleep, _ port: inout DevicePort) {
    look(port)
    state.isAsleep = sleep != .awake
  }

  public var lines: LineSet { LineSet(level: state.raw & state.mask != 0) }
}
