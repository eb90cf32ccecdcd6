import Emu

/// The fold from events to one waveform for each LED of a board, in the board's order. Events may come all at once or as
/// they happen.
public struct Waveforms: Sendable {
  public private(set) var leds: [Waveform]
  private var time: EvenTime
  private let wiring: [Board.LED]
  /// By slot: which LEDs hang on its pins.
  private let numbers: [[(pin: UInt32, led: Int)]]

  /// - Parameters:
  ///   - most: edges of an LED that are kept one by one.
  ///   - clock: where not all events come by, the machine's.
  public init(_ board: Board, most: Int = .max, clock: Clock? = nil) {
    time = EvenTime(board, clock)
    wiring = board.leds
    leds = board.leds.map { Waveform($0, most: most) }
    var numbers: [[(pin: UInt32, led: Int)]] = Array(repeating: [], count: board.devices.count)
    for (number, led) in board.leds.enumerated() {
      guard let slot = board.slot(of: led.device) else { continue }
      numbers[slot].append((UInt32(led.pin), number))
    }
    self.numbers = numbers
  }

  /// All LEDs over a whole trace, known up to `end`.
  public init(
    _ board: Board, _ events: some Sequence<Event>, end: Tick, clock: Clock? = nil
  ) {
    self.init(board, clock: clock)
    for event in events { add(event) }
    extend(to: end)
  }

  /// What the waveforms' ticks are ticks of.
  public var clock: Clock { time.drawn }
  /// A tick of the machine as one of theirs.
  public func drawn(_ tick: Tick) -> Tick { time(tick) }

  public mutating func add(_ event: Event) {
    switch event.kind {
    case .clock: time.follow(event)
    case .pin where Int(event.source) < numbers.count:
      for (pin, led) in numbers[Int(event.source)] where pin == event.detail {
        leds[led].set((event.value != 0) == wiring[led].activeHigh, at: time(event.tick))
      }
    default: break
    }
  }

  public mutating func extend(to tick: Tick) {
    for led in leds.indices { leds[led].extend(to: time(tick)) }
  }

  public subscript(name: String) -> Waveform? { leds.first { $0.name == name } }
}
