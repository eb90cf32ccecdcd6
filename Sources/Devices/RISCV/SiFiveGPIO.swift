import Emu

/// SiFive's general-purpose I/O, the part that drives and reads pins: SiFive FU540-C000 manual v1p4, chapter 17, with the
/// 32 pins that the FE310 has. Pulls, drive strength and interrupts are declared, not modelled.
///
/// A pin whose output is enabled has the level `output_val` XOR `out_xor`; any other is driven from outside, low unless
/// told. A pin that stops being an output goes low.
public struct SiFiveGPIO: Device {
  public struct State: Codable, Hashable, Sendable {
    var inputEnable: UInt32 = 0
    var outputEnable: UInt32 = 0
    var outputValue: UInt32 = 0
    var outputInvert: UInt32 = 0
    /// What the world outside puts on the pins.
    var external: UInt32 = 0

    /// The levels that this port drives.
    var driven: UInt32 { outputEnable & (outputValue ^ outputInvert) }
  }
  public var state = State()

  public init() {}

  private enum Offset {
    static let inputValue: UInt64 = 0x00
    static let inputEnable: UInt64 = 0x04
    static let outputEnable: UInt64 = 0x08
    static let outputValue: UInt64 = 0x0C
    static let outputInvert: UInt64 = 0x40
  }

  // "Only naturally aligned 32-bit memory accesses are supported."
  public let map = RegisterMap([
    .init("input_val", Offset.inputValue, .readOnly),
    .init("input_en", Offset.inputEnable),
    .init("output_en", Offset.outputEnable),
    .init("output_val", Offset.outputValue),
    .notModelled("pue", 0x10),
    .notModelled("ds", 0x14),
    .notModelled("rise_ie", 0x18),
    .notModelled("rise_ip", 0x1C),
    .notModelled("fall_ie", 0x20),
    .notModelled("fall_ip", 0x24),
    .notModelled("high_ie", 0x28),
    .notModelled("high_ip", 0x2C),
    .notModelled("low_ie", 0x30),
    .notModelled("low_ip", 0x34),
    // The FE310's; the FU540 has nothing here.
    .notModelled("iof_en", 0x38),
    .notModelled("iof_sel", 0x3C),
    .init("out_xor", Offset.outputInvert),
  ])

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.inputValue:
      let levels = state.driven | state.external & ~state.outputEnable
      return UInt64(levels & state.inputEnable)
    case Offset.inputEnable: return UInt64(state.inputEnable)
    case Offset.outputEnable: return UInt64(state.outputEnable)
    case Offset.outputValue: return UInt64(state.outputValue)
    default: return UInt64(state.outputInvert)
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let old = state.driven
    let value = UInt32(truncatingIfNeeded: value)
    switch access.offset {
    case Offset.inputValue: return
    case Offset.inputEnable: state.inputEnable = value
    case Offset.outputEnable: state.outputEnable = value
    case Offset.outputValue: state.outputValue = value
    default: state.outputInvert = value
    }
    port.pins(old, become: state.driven)
  }

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    guard 0..<32 ~= line else { return }
    let pin: UInt32 = 1 << UInt32(line)
    if level { state.external |= pin } else { state.external &= ~pin }
  }

  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let old = state.driven
    let external = state.external
    state = initial
    // The world outside does not hear of a reset.
    state.external = external
    port.pins(old, become: state.driven)
  }
}

extension SiFiveGPIO: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    var node = DeviceTreeNode("gpio", at: place.address, size: place.size, label: place.name)
    node.set("compatible", "sifive,gpio0")
    node.set("gpio-controller")
    node.set("#gpio-cells", 2)
    node.set("ngpios", 32)
    tree.addToBus(node)
  }
}
