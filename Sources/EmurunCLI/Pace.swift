import Emu

/// How a run is cut into slices. Between two of them its host writes what came out, redraws and listens; nothing in the run can
/// tell how it is cut.
enum Pace {
  /// Long enough to cost nothing, short enough that a person does not wait: the length follows what the last slice took.
  case steady(size: UInt64)
  /// Anything from one instruction up, for the second of two runs that must agree.
  case ragged(state: UInt64)

  static let start = Pace.steady(size: 1 << 20)

  /// Attempts, and ticks, of the next slice.
  mutating func next() -> UInt64 {
    switch self {
    case .steady(let size): return size
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
    guard case .steady(let size) = self else { return }
    if seconds < 0.01 && size < 1 << 40 { self = .steady(size: size * 2) }
    if seconds > 0.04 && size > 1 << 16 { self = .steady(size: size / 2) }
  }
}
