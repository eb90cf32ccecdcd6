import _Volatile

/// Nanoseconds since `start`, out of the core's cycle counter. That has 32 bits, 268 s at 16 MHz; an interrupt that comes
/// more often than that keeps what it was last seen at, in 64.
enum Clock {
  private nonisolated(unsafe) static var low: UInt32 = 0
  private nonisolated(unsafe) static var high: UInt32 = 0

  private static var counter: VolatileMappedRegister<UInt32> {
    .init(unsafeBitPattern: 0xE000_1004)
  }

  static func start() {
    let demcr = VolatileMappedRegister<UInt32>(unsafeBitPattern: 0xE000_EDFC)
    let control = VolatileMappedRegister<UInt32>(unsafeBitPattern: 0xE000_1000)
    demcr.store(demcr.load() | 1 << 24)  // TRCENA
    counter.store(0)
    control.store(control.load() | 1)  // CYCCNTENA
  }

  /// Cycles, modulo 2^32.
  static func count() -> UInt32 { counter.load() }

  /// From an interrupt, at least once in 2^32 cycles.
  static func extend() {
    let now = counter.load()
    if now < low { high = high &+ 1 }
    low = now
  }

  /// A cycle is 62.5 ns: the factor 125 / 2 is all that is left of it in the code.
  @inline(never) @_silgen_name("nanoseconds")
  static func nanoseconds() -> UInt64 { (cycles() &* 125) &>> 1 }

  /// What passed since the interrupt last looked is a difference modulo 2^32, whether the counter went through zero in
  /// between or not. If the interrupt came in between, all is read again.
  @inline(__always)
  private static func cycles() -> UInt64 {
    while true {
      let seen = loadAgain(&low)
      let upper = loadAgain(&high)
      let since = counter.load() &- seen
      if loadAgain(&low) == seen { return wide(upper, seen) &+ wide(0, since) }
    }
  }
}
