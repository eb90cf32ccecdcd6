import Emu

/// The I2C master of Luminary Micro's Stellaris parts, with nobody on its bus: LM3S6965 datasheet, chapter 14, "Inter-Integrated
/// Circuit (I2C) Interface". A transfer takes no time and is not acknowledged. The slave interface is declared, not modelled.
public struct StellarisI2C: Device {
  public struct State: Codable, Hashable, Sendable {
    var address: UInt8 = 0
    var data: UInt8 = 0
    var period: UInt8 = 1
    var mask: UInt8 = 0
    var raw: UInt8 = 0
    var configuration: UInt8 = 0
    /// ERROR and ADRACK of I2CMCS.
    var failed = false
  }
  public var state = State()

  public init() {}

  private enum Offset {
    static let address: UInt64 = 0x00
    static let control: UInt64 = 0x04
    static let data: UInt64 = 0x08
    static let period: UInt64 = 0x0C
    static let mask: UInt64 = 0x10
    static let raw: UInt64 = 0x14
    static let masked: UInt64 = 0x18
    static let clear: UInt64 = 0x1C
    static let configuration: UInt64 = 0x20
  }

  public let map = RegisterMap([
    .init("I2CMSA", Offset.address),
    .init("I2CMCS", Offset.control, reset: 0x20),
    .init("I2CMDR", Offset.data),
    .init("I2CMTPR", Offset.period, reset: 1),
    .init("I2CMIMR", Offset.mask),
    .init("I2CMRIS", Offset.raw, .readOnly),
    .init("I2CMMIS", Offset.masked, .readOnly),
    .init("I2CMICR", Offset.clear, .writeOnly),
    .init(
      "I2CMCR", Offset.configuration,
      fields: [
        .init("LPBK", 0, modelled: false), .init("MFE", 4), .init("SFE", 5, modelled: false),
      ]),
    .notModelled("I2CSOAR", 0x800), .notModelled("I2CSCSR", 0x804),
    .notModelled("I2CSDR", 0x808), .notModelled("I2CSIMR", 0x80C),
    .notModelled("I2CSRIS", 0x810), .notModelled("I2CSMIS", 0x814),
    .notModelled("I2CSICR", 0x818),
  ])

  private enum Status {
    static let error: UInt64 = 1 << 1
    static let addressNotAcknowledged: UInt64 = 1 << 2
    static let idle: UInt64 = 1 << 5
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.address: UInt64(state.address)
    case Offset.control:
      Status.idle | (state.failed ? Status.error | Status.addressNotAcknowledged : 0)
    case Offset.data: UInt64(state.data)
    case Offset.period: UInt64(state.period)
    case Offset.mask: UInt64(state.mask)
    case Offset.raw: UInt64(state.raw)
    case Offset.masked: UInt64(state.raw & state.mask)
    case Offset.configuration: UInt64(state.configuration)
    default: 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let byte = UInt8(truncatingIfNeeded: value)
    switch access.offset {
    case Offset.address: state.address = byte
    case Offset.control: run(byte)
    case Offset.data: state.data = byte
    case Offset.period: state.period = byte
    case Offset.mask: state.mask = byte & 1
    case Offset.clear: state.raw &= ~byte
    case Offset.configuration: state.configuration = byte & 0x31
    default: break
    }
  }

  /// RUN, with the master enabled. "If set, an error occurred on the last operation": there is never an acknowledgement.
  private mutating func run(_ command: UInt8) {
    if state.configuration & 0x10 == 0 || command & 1 == 0 { return }
    state.failed = true
    state.raw |= 1
  }

  public var lines: LineSet { LineSet(level: state.raw & state.mask != 0) }
}
