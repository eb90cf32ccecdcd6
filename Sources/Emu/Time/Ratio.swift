/// Machine time: core cycles since power-on. See docs/time.md.
public typealias Tick = UInt64

/// An exact positive fraction that scales times. 128-bit products: nothing is rounded on the way
/// and nothing overflows.
public struct Ratio: Sendable, Hashable {
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
    let (numerator, denominator) = (UInt128(numerator), UInt128(denominator))
    return UInt64(exactly: (UInt128(y) * denominator + numerator - 1) / numerator)
  }

  /// The same with the smallest terms.
  var reduced: Ratio {
    let common = greatestCommonDivisor(numerator, denominator)
    return Ratio(numerator / common, denominator / common)
  }
}

extension Ratio: Codable {
  private enum Keys: String, CodingKey {
    case numerator
    case denominator
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: Keys.self)
    try keys.encode(numerator, forKey: .numerator)
    try keys.encode(denominator, forKey: .denominator)
  }

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: Keys.self)
    numerator = try keys.decode(UInt64.self, forKey: .numerator)
    denominator = try keys.decode(UInt64.self, forKey: .denominator)
    guard numerator > 0, denominator > 0 else { throw Unreadable("a ratio of times is positive") }
  }
}
