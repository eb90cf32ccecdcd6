import Emu

/// A peripheral that a chip has and no model: its registers by name, so that whoever touches one is told which it was. They read
/// as their reset values and keep nothing.
public struct DeclaredPeripheral: Device {
  public struct State: Codable, Hashable, Sendable {}
  public var state = State()
  public let map: RegisterMap

  public init(_ registers: [RegisterMap.Register]) { map = RegisterMap(registers) }

  // The register table answers for all that is not modelled.
  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 { 0 }
  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {}
}

/// What of the LM3S6965 is only declared: its datasheet, chapters 7, 15 and 16 to 19.
extension DeclaredPeripheral {
  private static func list(
    _ prefix: String, _ registers: [(String, UInt64)]
  ) -> [RegisterMap.Register] {
    registers.map { .notModelled(prefix + $0.0, $0.1) }
  }

  /// Chapter 7, internal memory: flash control.
  static let lm3sFlashControl = DeclaredPeripheral(
    list(
      "", [("FMA", 0), ("FMD", 4), ("FMC", 8), ("FCRIS", 0xC), ("FCIM", 0x10), ("FCMISC", 0x14)])
  )

  /// Chapter 6, the hibernation module.
  static let lm3sHibernation = DeclaredPeripheral(
    list(
      "HIB",
      [
        ("RTCC", 0), ("RTCM0", 4), ("RTCM1", 8), ("RTCLD", 0xC), ("CTL", 0x10), ("IM", 0x14),
        ("RIS", 0x18), ("MIS", 0x1C), ("IC", 0x20), ("RTCT", 0x24),
      ]) + [.notModelled("HIBDATA", 0x30, count: 64)])

  /// Chapter 15, the Ethernet controller.
  static let lm3sEthernet = DeclaredPeripheral(
    list(
      "MAC",
      [
        ("RIS/IACK", 0), ("IM", 4), ("RCTL", 8), ("TCTL", 0xC), ("DATA", 0x10), ("IA0", 0x14),
        ("IA1", 0x18), ("THR", 0x1C), ("MCTL", 0x20), ("MDV", 0x24), ("MTXD", 0x2C),
        ("MRXD", 0x30), ("NP", 0x34), ("TR", 0x38),
      ]))

  /// Chapter 16, the analogue comparators.
  static let lm3sComparators = DeclaredPeripheral(
    list(
      "AC",
      [
        ("MIS", 0), ("RIS", 4), ("INTEN", 8), ("REFCTL", 0x10), ("STAT0", 0x20), ("CTL0", 0x24),
        ("STAT1", 0x40), ("CTL1", 0x44),
      ]))

  /// Chapter 17, the pulse width modulator.
  static let lm3sPWM = DeclaredPeripheral(
    list(
      "PWM",
      [
        ("CTL", 0), ("SYNC", 4), ("ENABLE", 8), ("INVERT", 0xC), ("FAULT", 0x10), ("INTEN", 0x14),
        ("RIS", 0x18), ("ISC", 0x1C), ("STATUS", 0x20),
      ]) + (0..<3).flatMap(generator))

  private static func generator(_ number: UInt64) -> [RegisterMap.Register] {
    let names = [
      "CTL", "INTEN", "RIS", "ISC", "LOAD", "COUNT", "CMPA", "CMPB", "GENA", "GENB", "DBCTL",
      "DBRISE", "DBFALL",
    ]
    return names.enumerated().map { place, name in
      .notModelled("PWM\(number)\(name)", 0x40 + 0x40 * number + 4 * UInt64(place))
    }
  }

  /// Chapter 18, the quadrature encoder interface.
  static let lm3sEncoder = DeclaredPeripheral(
    list(
      "QEI",
      [
        ("CTL", 0), ("STAT", 4), ("POS", 8), ("MAXPOS", 0xC), ("LOAD", 0x10), ("TIME", 0x14),
        ("COUNT", 0x18), ("SPEED", 0x1C), ("INTEN", 0x20), ("RIS", 0x24), ("ISC", 0x28),
      ]))
}
