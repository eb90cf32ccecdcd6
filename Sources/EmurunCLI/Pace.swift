import Emu

/// How a run is cut into slices. Between two of them its host writes what came out, redraws and listens; nothing in the run can
/// tell how it is cut.
enum Pace {
  /// Long enough to cost nothing, short enough that a person does not wait: the length follows what the last slice took.
  case steady(size: UInt64, most: UInt64)
  /// Anything from one instruction up, for the second of two runs that must agree.
  case ragged(state: UInt64)

  static let second = Pace.ragged(state: 0x9E37_79B9_7F4A_7C15)
  static let start = Pace.steady(size: 1 << 20, most: 1 << 40)
  /// Somebody types, and is listened to every 20 ms of virtual time.
  static func typed(_ clock: Clock) -> Pace {
    .steady(size: 1 << 16, most: clock.ticks(nanoseconds: 20_000_000))
  }

  /// Attempts, and ticks, of the next slice.
  mutating func next() -> UInt64 {
    switch self {
    case .steady(let size, let most): return min(size, most)
    case .ragged(var state):
      // Marsaglia's xorshift, with all sizes up to 2^24 in equal shares of their logarithm.
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      self = .ragged(state: state)
      return 1 + (state >> 8) % (1 << (state % 25))
    }
  }

  mutating func took(_ seconds: Double) {
    guard case .steady(let size, let most) = self else { return }
    if seconds < 0.01 && size < most { self = .steady(size: size * 2, most: most) }
    if seconds > 0.04 && size > 1 << 16 { self = .steady(size: size / 2, most: most) }
  }
}

/// For a run at a terminal: virtual time does not get ahead of the host's. A guest that sleeps from timer to timer would
/// race through hours while its user thinks, and a countdown would be over before it can be read.
struct WallClock {
  /// Virtual less host seconds where the two agree.
  private var offset: Double?

  /// Seconds by which virtual time is ahead. What is behind is not made up for.
  mutating func lead(virtual: Double, host: Double) -> Double {
    let lead = virtual - host - (offset ?? virtual - host)
    if offset == nil || lead < 0 { offset = virtual - host }
    return max(lead, 0)
  }
}
