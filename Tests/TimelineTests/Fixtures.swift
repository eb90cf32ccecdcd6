@testable import Emu
@testable import Timeline

/// A block of pins, of which nothing is needed here but its name, its registers and its place on a board.
struct Pins: Device {
  struct State: Codable, Hashable, Sendable {}
  var state = State()
  var map: RegisterMap {
    RegisterMap([
      .init("DATA", 0x00, widths: [.byte, .word]), .init("DIR", 0x10),
      .init("MODE", 0x20, count: 4),
    ])
  }
  mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 { 0 }
  mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {}
}

extension Board {
  /// Slot 0 is a UART, slot 1 has the pins; 1 tick is 1 µs.
  static let bench = Board(
    name: "bench", revision: 3, summary: "", core: .cortexM4(priorityBits: 3, interrupts: 64),
    clock: Clock(hertz: 1_000_000), regions: [],
    devices: [
      Placement("uart0", Pins(), at: 0x1000, size: 0x100, interrupt: 5),
      Placement("pins", Pins(), at: 0x2000, size: 0x100),
    ],
    leds: [
      LED("RED", .red, device: "pins", pin: 1),
      LED("LOW", .green, device: "pins", pin: 2, activeHigh: false),
    ])

  static let rv64Bench = Board(
    name: "rv64-bench", revision: 1, summary: "", core: .rv64(timebase: Ratio(1, 100)),
    clock: Clock(hertz: 1_000_000_000), regions: [],
    devices: [Placement("uart0", Pins(), at: 0x1000, size: 0x100, interrupt: 11)])
}

extension Event {
  init(
    _ tick: Tick, _ kind: Kind, source: UInt16 = Event.core, detail: UInt32 = 0, _ value: UInt64 = 0
  ) {
    self.init(
      tick: tick, index: tick / 2, source: source, rawKind: kind.rawValue, hart: 0,
      detail: detail, value: value)
  }

  static func pin(_ number: UInt32, _ level: UInt64, at tick: Tick) -> Event {
    Event(tick, .pin, source: 1, detail: number, level)
  }

  static func text(_ text: String, at tick: Tick, _ kind: Kind = .uart) -> [Event] {
    text.utf8.map { Event(tick, kind, source: 0, UInt64($0)) }
  }
}

extension Waveform {
  /// On at `first` and then with that period, in ticks of 1 µs.
  static func square(
    _ name: String, period: Tick, on: Tick, from first: Tick, to end: Tick,
    _ colour: Board.LED.Colour = .red
  ) -> Waveform {
    var edges: [Tick] = []
    for rise in stride(from: first, to: end, by: Tick.Stride(period)) {
      edges.append(rise)
      if rise + on < end { edges.append(rise + on) }
    }
    return Waveform(name: name, colour: colour, edges: edges, end: end)
  }
}
