import Emu

/// The ticks of pictures, which are all of one length: a board's own, or nanoseconds where software can change its core clock.
struct EvenTime: Sendable {
  private var clock: Clock
  private let isEven: Bool
  /// What pictures' ticks are ticks of.
  let drawn: Clock

  /// - Parameter clock: where not all events come by, the machine's; nil: the board's, and then as the events say.
  init(_ board: Board, _ clock: Clock? = nil) {
    self.clock = clock ?? board.clock
    isEven = !board.hasVariableClock
    drawn = isEven ? board.clock : Clock(hertz: Clock.nanosecondsPerSecond)
  }

  mutating func follow(_ event: Event) { if !isEven { clock.follow(event) } }

  func callAsFunction(_ tick: Tick) -> Tick { isEven ? tick : clock.nanoseconds(at: tick) }
}
