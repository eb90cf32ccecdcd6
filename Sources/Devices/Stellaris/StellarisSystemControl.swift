import Emu

/// System control of the LM3S6965: its datasheet, chapter 5, with the identification of QEMU's `lm3s6965evb`.
///
/// The PLL locks within the store that powers it up. Clock registers can be read back; what they make of the system clock is told
/// by a finding where it is not the one that the board has, since time does not follow. Clock gates can be read back too, and a
/// peripheral whose gate is closed works all the same, as in QEMU. Software resets of single peripherals, brown-out, and causes of a reset other than
/// power-on are declared, not modelled.
public struct StellarisSystemControl: Device {
  public struct State: Codable, Hashable, Sendable {
    /// RIS.PLLLRIS.
    var isLocked = false
    var interruptMask: UInt8 = 0
    /// What software keeps here, by offset: `Kept.all`.
    var kept: [UInt32] = Kept.all.map(\.reset)
  }
  public var state = State()
  let clock: Clock

  /// - Parameter clock: the system clock that the board has.
  public init(clock: Clock) { self.clock = clock }

  private enum Offset {
    static let interruptStatus: UInt64 = 0x050
    static let interruptMask: UInt64 = 0x054
    static let maskedInterrupts: UInt64 = 0x058
    static let rcc: UInt64 = 0x060
    static let pll: UInt64 = 0x064
    static let rcc2: UInt64 = 0x070
  }

  /// A register that keeps the bits that are written to it.
  private struct Kept {
    var name: String
    var offset: UInt64
    var mask: UInt32
    var reset: UInt32

    init(_ name: String, _ offset: UInt64, _ mask: UInt32 = .max, _ reset: UInt32 = 0) {
      (self.name, self.offset, self.mask, self.reset) = (name, offset, mask, reset)
    }

    static let all = [
      Kept("PBORCTL", 0x030, 0xFFFF, 0x7FFD), Kept("LDOPCTL", 0x034, 0x3F),
      Kept("RESC", 0x05C, 0x3F, 1),
      Kept("RCC", Offset.rcc, .max, 0x078E_3AC0), Kept("RCC2", Offset.rcc2, .max, 0x0780_2810),
      Kept("RCGC0", 0x100, .max, 0x40), Kept("RCGC1", 0x104), Kept("RCGC2", 0x108),
      Kept("SCGC0", 0x110, .max, 0x40), Kept("SCGC1", 0x114), Kept("SCGC2", 0x118),
      Kept("DCGC0", 0x120, .max, 0x40), Kept("DCGC1", 0x124), Kept("DCGC2", 0x128),
      Kept("DSLPCLKCFG", 0x144, .max, 0x0780_0000),
      // The board's MAC address, as flash holds it: QEMU's first.
      Kept("USER_REG0", 0x1E0, .max, 0x0000_5452), Kept("USER_REG1", 0x1E4, .max, 0x0056_3412),
    ]
  }

  /// DID0, DID1, DC0 to DC4.
  private static let identity: [(name: String, offset: UInt64, value: UInt32)] = [
    ("DID0", 0x000, 0x1001_0002), ("DID1", 0x004, 0x1073_402E), ("DC0", 0x008, 0x00FF_007F),
    ("DC1", 0x010, 0x0011_33FF), ("DC2", 0x014, 0x030F_5317), ("DC3", 0x018, 0x0F0F_87FF),
    ("DC4", 0x01C, 0x5000_007F),
  ]

  public let map = RegisterMap(
    identity.map { .init($0.name, $0.offset, .readOnly, reset: UInt64($0.value)) }
      + Kept.all.map { .init($0.name, $0.offset, reset: UInt64($0.reset)) }
      + [
        .init("RIS", Offset.interruptStatus, .readOnly, fields: [.init("PLLLRIS", 6, .readOnly)]),
        .init("IMC", Offset.interruptMask, fields: [.init("BORIM", 1), .init("PLLLIM", 6)]),
        .init("MISC", Offset.maskedInterrupts),
        .init("PLLCFG", Offset.pll, .readOnly, reset: pllConfigurations[11]),
        .notModelled("SRCR0", 0x040), .notModelled("SRCR1", 0x044),
        .notModelled("SRCR2", 0x048),
      ])

  /// By RCC.XTAL: datasheet, table 5-5, "PLL output frequency", and the register's description.
  private static let pllConfigurations: [UInt64] = [
    0x3200, 0x1B20, 0x1900, 0xF42B, 0x37E3, 0x1B21, 0x0C80, 0x98EE, 0xD5B4, 0x0A00, 0x4E27, 0x1902,
    0xEC1C, 0x1B23, 0x0640, 0xB11C,
  ]

  // MARK: Accesses

  private func kept(_ offset: UInt64) -> Int? { Kept.all.firstIndex { $0.offset == offset } }
  private func word(_ offset: UInt64) -> UInt32 { kept(offset).map { state.kept[$0] } ?? 0 }

  private var interrupts: UInt64 { state.isLocked ? 1 << 6 : 0 }

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.kept.count == Kept.all.count
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.interruptStatus: interrupts
    case Offset.interruptMask: UInt64(state.interruptMask)
    case Offset.maskedInterrupts: interrupts & UInt64(state.interruptMask)
    case Offset.pll: Self.pllConfigurations[Int(word(Offset.rcc) >> 6 & 0xF)]
    default:
      UInt64(
        kept(access.offset).map { state.kept[$0] }
          ?? Self.identity.first { $0.offset == access.offset }?.value ?? 0)
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let word = UInt32(truncatingIfNeeded: value)
    switch access.offset {
    case Offset.interruptMask: state.interruptMask = UInt8(word & 0x42)
    case Offset.maskedInterrupts: if word & 1 << 6 != 0 { state.isLocked = false }
    default:
      guard let number = kept(access.offset) else { return }
      let old = state.kept[number]
      state.kept[number] = word & Kept.all[number].mask
      if access.offset == Offset.rcc || access.offset == Offset.rcc2 {
        // PWRDN, and PWRDN2: "the PLL is powered ... and the PLLLRIS interrupt is asserted when it locks".
        if old & ~word & 1 << 13 != 0 { state.isLocked = true }
        checkClock(&port)
      }
    }
  }

  /// The system clock as QEMU has it, whatever the oscillator is: 200 MHz through the divisor.
  private var systemClock: UInt64 {
    let rcc2 = word(Offset.rcc2)
    let divisor =
      rcc2 >> 31 & 1 == 1 ? rcc2 >> 23 & 0x3F : word(Offset.rcc) >> 23 & 0xF
    return 200_000_000 / UInt64(divisor + 1)
  }

  private mutating func checkClock(_ port: inout DevicePort) {
    // Software takes the PLL out of use, waits, and then sets its divisor for good.
    if word(Offset.rcc) & 1 << 11 != 0 && word(Offset.rcc2) >> 31 == 0 { return }
    if systemClock != clock.hertz {
      port.notModelled("a system clock other than this board's", value: systemClock)
    }
  }

  public var lines: LineSet { LineSet(level: interrupts & UInt64(state.interruptMask) != 0) }
}
