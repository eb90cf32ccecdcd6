/// Machine time: core cycles since power-on. See docs/time.md.
public typealias Tick = UInt64

/// An exact positive fraction that scales times. 128-bit products: nothing is rounded on the way
/// and nothing overflows.
public struct Ratio: Sendable, Hashable, Codable {
  public var numerator: UInt64
  public var denominator: UInt64

  public init(_ numerator: UInt64, _ denominator: UInt64) {
    precondition(numerator > 0 && denominator > 0, "a ratio of times is positive")
    self.numerator = numerator
    self.denominator = denominator
  }

  /// ⌊x · ratio⌋, modulo 2^64 as a counter register would have it.
  public func floor(_ x: UInt64) -> UInt64 {
    UInt64(
      truncatingIfNeeded: UInt128(x) * UInt128(numerator) / UInt128(denominator))
  }

  /// The smallest x with ⌊x · ratio⌋ ≥ y: when a scaled counter gets there. nil: not in 2^64 ticks.
  public func first(reaching y: UInt64) -> UInt64? {
    UInt64(
      exactly: (UInt128(y) * UInt128(denominator) + UInt128(numerator - 1)) / UInt128(numerator))
  }
}

/// How long a tick is, exactly.
public struct Clock: Sendable, Hashable, Codable {
  public let hertz: UInt64

  public init(hertz: UInt64) {
    precondition(hertz > 0, "a clock has a frequency")
    self.hertz = hertz
  }

  public static let nanosecondsPerSecond: UInt64 = 1_000_000_000

  /// The floor of the exact time of a tick. Saturates after 584 years.
  public func nanoseconds(at tick: Tick) -> UInt64 {
    // A division of 128 bits costs as much as all the rest of a line of a trace.
    if tick < UInt64.max / Self.nanosecondsPerSecond {
      return tick * Self.nanosecondsPerSecond / hertz
    }
    return UInt64(clamping: UInt128(tick) * UInt128(Self.nanosecondsPerSecond) / UInt128(hertz))
  }

  /// The exact time in picoseconds; 128 bits, since 64 of them end after 213 days.
  public func picoseconds(at tick: Tick) -> UInt128 {
    UInt128(tick) * 1_000_000_000_000 / UInt128(hertz)
  }

  /// The first tick that is not before that time. Saturates.
  public func ticks(nanoseconds: UInt64) -> Tick {
    let exact = UInt128(nanoseconds) * UInt128(hertz)
    let unit = UInt128(Self.nanosecondsPerSecond)
    return Tick(clamping: (exact + unit - 1) / unit)
  }

  /// The first tick that is not before that time; a negative time is 0.
  public func ticks(_ duration: Duration) -> Tick {
    let (seconds, attoseconds) = duration.components
    if seconds < 0 || attoseconds < 0 { return 0 }
    let unit: UInt128 = 1_000_000_000_000_000_000
    // Below a tick's length attoseconds and hertz both fit 64 bits, so neither product leaves 128.
    let part = (UInt128(UInt64(attoseconds)) * UInt128(hertz) + unit - 1) / unit
    return Tick(clamping: UInt128(UInt64(seconds)) * UInt128(hertz) + part)
  }
}
