import _Volatile

/// Nanoseconds since 1970, out of the `time` register. Reading it is a handful of instructions: the factor is a
/// constant of the board, and what the count began at was found out once.
enum Clock {
  /// The board's timebase, which its device tree says too.
  static let frequency: UInt64 = 10_000_000
  private static let nanosecondsPerTick = 1_000_000_000 / frequency

  private nonisolated(unsafe) static var start: UInt64 = 0

  @inline(never) @_silgen_name("nanoseconds")
  static func nanoseconds() -> UInt64 { readTime() &* nanosecondsPerTick &+ start }

  /// Holds the factor against the real-time clock for a millisecond and takes the time of day from it.
  static func calibrate() {
    let (wallBefore, before) = (realTime(), readTime())
    var wall = wallBefore
    while wall < wallBefore + 1_000_000 { wall = realTime() }
    let now = readTime()
    let expected = (now - before) * nanosecondsPerTick
    let error = Int64(wall - wallBefore) - Int64(expected)
    // Both are read a few instructions apart, and `time` is a tick coarse.
    if error.magnitude > 10 * nanosecondsPerTick {
      panic("the timebase is not the one that this was built for")
    }
    start = wall - now * nanosecondsPerTick
  }

  /// The Goldfish RTC: reading the low word holds the high one.
  private static func realTime() -> UInt64 {
    let low = VolatileMappedRegister<UInt32>(unsafeBitPattern: 0x10_1000).load()
    let high = VolatileMappedRegister<UInt32>(unsafeBitPattern: 0x10_1004).load()
    return UInt64(high) << 32 | UInt64(low)
  }
}
