import Emu

/// SiFive's general-purpose I/O, the part that drives and reads pins: SiFive FU540-C000 manual v1p4, chapter 17, with the
/// 32 pins that the FE310 has, and an interrupt for each. Pulls and drive strength are declared, not modelled.
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
    var rise = Condition()
    var fall = Condition()
    var high = Condition()
    /// A pin that is not read is low.
    var low = Condition(pending: .max)

    /// The levels that this port drives.
    var driven: UInt32 { outputEnable & (outputValue ^ outputInvert) }
    var pins: PinLevels { PinLevels(outputs: outputEnable, driven: driven) }

    /// The levels that it reads, 0 where it does not read.
    var input: UInt32 { (driven | external & ~outputEnable) & inputEnable }
  }

  /// One of the four things of a pin that can interrupt.
  struct Condition: Codable, Hashable, Sendable {
    var enabled: UInt32 = 0
    var pending: UInt32 = 0
  }

  public var state = State()

  public init() {}

  private enum Offset {
    static let inputValue: UInt64 = 0x00
    static let inputEnable: UInt64 = 0x04
    static let outputEnable: UInt64 = 0x08
    static let outputValue: UInt64 = 0x0C
    static let rise: UInt64 = 0x18
    static let fall: UInt64 = 0x20
    static let high: UInt64 = 0x28
    static let low: UInt64 = 0x30
    static let outputInvert: UInt64 = 0x40
    /// From a condition's enable bits to its pending bits.
    static let pending: UInt64 = 4
  }

  // "Only naturally aligned 32-bit memory accesses are supported."
  public let map = RegisterMap([
    .init("input_val", Offset.inputValue, .readOnly),
    .init("input_en", Offset.inputEnable),
    .init("output_en", Offset.outputEnable),
    .init("output_val", Offset.outputValue),
    .notModelled("pue", 0x10),
    .notModelled("ds", 0x14),
    .init("rise_ie", Offset.rise),
    .init("rise_ip", Offset.rise + Offset.pending),
    .init("fall_ie", Offset.fall),
    .init("fall_ip", Offset.fall + Offset.pending),
    .init("high_ie", Offset.high),
    .init("high_ip", Offset.high + Offset.pending),
    .init("low_ie", Offset.low),
    .init("low_ip", Offset.low + Offset.pending, reset: 0xFFFF_FFFF),
    // The FE310's; the FU540 has nothing here.
    .notModelled("iof_en", 0x38),
    .notModelled("iof_sel", 0x3C),
    .init("out_xor", Offset.outputInvert),
  ])

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.inputValue: return UInt64(state.input)
    case Offset.inputEnable: return UInt64(state.inputEnable)
    case Offset.outputEnable: return UInt64(state.outputEnable)
    case Offset.outputValue: return UInt64(state.outputValue)
    case Offset.outputInvert: return UInt64(state.outputInvert)
    default:
      let condition = state[keyPath: Self.condition(at: access.offset)]
      let isPending = access.offset & Offset.pending != 0
      return UInt64(isPending ? condition.pending : condition.enabled)
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let old = state.pins
    let oldInput = state.input
    let value = UInt32(truncatingIfNeeded: value)
    switch access.offset {
    case Offset.inputValue: return
    case Offset.inputEnable: state.inputEnable = value
    case Offset.outputEnable: state.outputEnable = value
    case Offset.outputValue: state.outputValue = value
    case Offset.outputInvert: state.outputInvert = value
    default:
      let condition = Self.condition(at: access.offset)
      // "Once the interrupt is pending, it will remain set until a 1 is written to the *_ip register at that bit."
      if access.offset & Offset.pending != 0 {
        state[keyPath: condition].pending &= ~value
      } else {
        state[keyPath: condition].enabled = value
      }
    }
    port.pins(old, become: state.pins)
    sample(since: oldInput)
  }

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    guard 0..<32 ~= line else { return }
    let old = state.input
    let pin: UInt32 = 1 << UInt32(line)
    if level { state.external |= pin } else { state.external &= ~pin }
    sample(since: old)
  }

  // MARK: Interrupts: section 17.5

  private static func condition(at offset: UInt64) -> WritableKeyPath<State, Condition> {
    switch offset & ~Offset.pending & ~3 {
    case Offset.rise: \.rise
    case Offset.fall: \.fall
    case Offset.high: \.high
    default: \.low
    }
  }

  /// "The interrupt can be driven by rising or falling edges, or by level values." What is pending does not depend on what is
  /// enabled, and a level that lasts is pending again at once.
  private mutating func sample(since old: UInt32) {
    let new = state.input
    state.rise.pending |= new & ~old
    state.fall.pending |= old & ~new
    state.high.pending |= new
    state.low.pending |= ~new
  }

  /// "A single interrupt bit can be generated for each GPIO bit": line n is pin n's.
  public var lines: LineSet {
    LineSet(
      rawValue: UInt64(
        state.rise.enabled & state.rise.pending | state.fall.enabled & state.fall.pending
          | state.high.enabled & state.high.pending | state.low.enabled & state.low.pending))
  }

  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let old = state.pins
    let external = state.external
    state = initial
    // The world outside does not hear of a reset; no pin is read, so none has an edge.
    state.external = external
    port.pins(old, become: state.pins)
  }
}

extension SiFiveGPIO: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    var node = DeviceTreeNode("gpio", at: place.address, size: place.size, label: place.name)
    node.set("compatible", "sifive,gpio0")
    node.set("gpio-controller")
    node.set("#gpio-cells", 2)
    node.set("ngpios", 32)
    node.set("interrupt-controller")
    node.set("#address-cells", 0)
    node.set("#interrupt-cells", 2)
    node.setInterrupts(place)
    tree.addToBus(node)
  }
}
