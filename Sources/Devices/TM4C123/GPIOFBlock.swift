import Emu

/// A GPIO port F in two registers, DIR and DATA, at the addresses where simple firmware for `m4-led` looks for them.
///
/// No chip has this block. The TM4C123GH6PM's own port F is elsewhere and larger (datasheet SPMS376E, chapter 10), and its
/// system control fills this window: DIR stands where that has RCGCTIMER, DATA where it has RCGCGPIO. What is declared
/// here beside the two are system control's registers (chapter 5), none of them modelled, so that firmware for the real chip
/// which strays onto this board is told by name what it missed.
///
/// DIR and DATA themselves behave as chapter 10 has them: a pin whose DIR bit is 1 drives its DATA bit; one whose bit is 0 is
/// an input, reads as the level outside (low unless told) and drives nothing, so that it is seen to go to its idle level. DATA keeps
/// what is written to it for the pin that becomes an output later.
public struct GPIOFBlock: Device {
  public struct State: Codable, Hashable, Sendable {
    var direction: UInt8 = 0
    var data: UInt8 = 0
    /// What the world outside puts on the pins.
    var external: UInt8 = 0

    /// The levels that this port drives.
    var driven: UInt8 { data & direction }
    var pins: PinLevels { PinLevels(outputs: direction, driven: driven) }
  }
  public var state = State()

  public init() {}

  private enum Offset {
    static let direction: UInt64 = 0x604
    static let data: UInt64 = 0x608
  }

  public let map = RegisterMap(
    [port("DIR", Offset.direction), port("DATA", Offset.data)] + systemControl)

  private static func port(_ name: String, _ offset: UInt64) -> RegisterMap.Register {
    .init(
      name, offset, widths: [.byte, .half, .word],
      fields: [.init("PF", 0...7), .init("reserved", 8...31, modelled: false)])
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    access.part(of: UInt64(value(of: access.register())))
  }

  private func value(of register: UInt64) -> UInt8 {
    register == Offset.direction
      ? state.direction : state.driven | state.external & ~state.direction
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    // Of the upper bytes, which are reserved, there is nothing to keep.
    guard access.offset == access.register() else { return }
    let old = state.pins
    let value = UInt8(truncatingIfNeeded: value)
    if access.offset == Offset.direction { state.direction = value } else { state.data = value }
    port.pins(old, become: state.pins)
  }

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    guard 0..<8 ~= line else { return }
    let pin: UInt8 = 1 << UInt8(line)
    if level { state.external |= pin } else { state.external &= ~pin }
  }

  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let old = state.pins
    let external = state.external
    state = initial
    // The world outside does not hear of a reset.
    state.external = external
    port.pins(old, become: state.pins)
  }

  // MARK: What the TM4C123GH6PM has here

  private static var systemControl: [RegisterMap.Register] {
    let single: [(String, UInt64)] = [
      ("DID0", 0x000), ("DID1", 0x004), ("DC0", 0x008), ("DC1", 0x010), ("DC2", 0x014),
      ("DC3", 0x018), ("DC4", 0x01C), ("DC5", 0x020), ("DC6", 0x024), ("DC7", 0x028),
      ("DC8", 0x02C), ("PBORCTL", 0x030), ("SRCR0", 0x040), ("SRCR1", 0x044), ("SRCR2", 0x048),
      ("RIS", 0x050), ("IMC", 0x054), ("MISC", 0x058), ("RESC", 0x05C), ("RCC", 0x060),
      ("GPIOHBCTL", 0x06C), ("RCC2", 0x070), ("MOSCCTL", 0x07C), ("RCGC0", 0x100),
      ("RCGC1", 0x104), ("RCGC2", 0x108), ("SCGC0", 0x110), ("SCGC1", 0x114), ("SCGC2", 0x118),
      ("DCGC0", 0x120), ("DCGC1", 0x124), ("DCGC2", 0x128), ("DSLPCLKCFG", 0x144),
      ("SYSPROP", 0x14C), ("PIOSCCAL", 0x150), ("PIOSCSTAT", 0x154), ("PLLFREQ0", 0x160),
      ("PLLFREQ1", 0x164), ("PLLSTAT", 0x168), ("DC9", 0x190), ("NVMSTAT", 0x1A0),
    ]
    // Peripheral present, software reset, clock gating in run, sleep and deep-sleep mode, peripheral ready: one register
    // for each kind of peripheral, at the same place in each group.
    let groups: [(String, UInt64)] = [
      ("PP", 0x300), ("SR", 0x500), ("RCGC", 0x600), ("SCGC", 0x700), ("DCGC", 0x800),
      ("PR", 0xA00),
    ]
    let kinds: [(String, UInt64)] = [
      ("WD", 0x00), ("TIMER", 0x04), ("GPIO", 0x08), ("DMA", 0x0C), ("HIB", 0x14), ("UART", 0x18),
      ("SSI", 0x1C), ("I2C", 0x20), ("USB", 0x28), ("CAN", 0x34), ("ADC", 0x38), ("ACMP", 0x3C),
      ("PWM", 0x40), ("QEI", 0x44), ("EEPROM", 0x58), ("WTIMER", 0x5C),
    ]
    let grouped = groups.flatMap { group in
      kinds.map { kind in (group.0 + kind.0, group.1 + kind.1) }
    }
    return (single + grouped)
      .filter { $0.1 != Offset.direction && $0.1 != Offset.data }
      .map { .notModelled("SYSCTL." + $0.0, $0.1) }
  }
}
