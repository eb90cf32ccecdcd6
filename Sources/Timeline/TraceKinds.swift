import Emu

/// What a user asks to be told of: the words of `--trace`.
public struct TraceKinds: OptionSet, Sendable, Hashable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  public static let led = TraceKinds(rawValue: 1)
  public static let gpio = TraceKinds(rawValue: 2)
  public static let uart = TraceKinds(rawValue: 4)
  public static let mmio = TraceKinds(rawValue: 8)
  public static let irq = TraceKinds(rawValue: 16)
  public static let trap = TraceKinds(rawValue: 32)
  public static let sbi = TraceKinds(rawValue: 64)

  /// In the order in which help and errors name them.
  public static let names: [(name: String, kind: TraceKinds)] = [
    ("led", .led), ("gpio", .gpio), ("uart", .uart), ("mmio", .mmio), ("irq", .irq),
    ("trap", .trap), ("sbi", .sbi),
  ]
  /// What a trace file holds unless told: everything but single accesses.
  public static let standard: TraceKinds = [.led, .gpio, .uart, .irq, .trap, .sbi]

  /// What a machine must record for it.
  public var mask: Event.Mask {
    var mask: Event.Mask = []
    if contains(.mmio) { mask.formUnion(.mmio) }
    if contains(.irq) { mask.formUnion(.interrupts) }
    if contains(.trap) { mask.formUnion(.traps) }
    if contains(.sbi) { mask.formUnion(.sbi) }
    return mask.union(.visible)
  }
}
