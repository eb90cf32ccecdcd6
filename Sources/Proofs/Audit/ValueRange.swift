/// The values that a register may have: an interval of unsigned numbers, of which the low bits are
/// known. Each operation gives a range that holds every result; none is ever empty.
struct ValueRange: Hashable, Sendable {
  private(set) var low: UInt64
  private(set) var high: UInt64
  /// How many low bits are known, and what they are.
  private(set) var knownBits: UInt8
  private(set) var bits: UInt64

  static func constant(_ value: UInt64) -> ValueRange {
    ValueRange(low: value, high: value, knownBits: 64, bits: value)
  }

  /// Everything of so many bits.
  static func all(_ width: UInt8) -> ValueRange {
    ValueRange(low: 0, high: mask(width), knownBits: 0, bits: 0)
  }

  static func mask(_ width: UInt8) -> UInt64 {
    width >= 64 ? .max : (1 << UInt64(width)) - 1
  }

  /// nil: there is no such value.
  init?(_ low: UInt64, _ high: UInt64, knownBits: UInt8 = 0, bits: UInt64 = 0) {
    self.init(low: low, high: high, knownBits: knownBits, bits: bits & Self.mask(knownBits))
    guard low <= high else { return nil }
    if low == high {
      guard (low ^ bits) & Self.mask(knownBits) == 0 else { return nil }
      self = .constant(low)
      return
    }
    if knownBits >= 64 {
      guard low <= bits, bits <= high else { return nil }
      self = .constant(bits)
      return
    }
    guard knownBits > 0 else { return }
    // Inwards to the next values that have those bits.
    let step = Self.mask(knownBits)
    let (first, overflow) = low.addingReportingOverflow((self.bits &- low) & step)
    let (last, underflow) = high.subtractingReportingOverflow((high &- self.bits) & step)
    guard !overflow, !underflow, first <= last else { return nil }
    (self.low, self.high) = (first, last)
    if first == last { self = .constant(first) }
  }

  private init(low: UInt64, high: UInt64, knownBits: UInt8, bits: UInt64) {
    self.low = low
    self.high = high
    self.knownBits = knownBits
    self.bits = bits
  }

  var constant: UInt64? { low == high ? low : nil }

  /// Whether every value is a multiple of a power of two.
  func isMultiple(of size: UInt8) -> Bool {
    size <= 1 || knownBits >= UInt8(size.trailingZeroBitCount) && bits & UInt64(size - 1) == 0
  }

  // MARK: Sets

  func joined(_ other: ValueRange) -> ValueRange {
    let differing = UInt8((bits ^ other.bits).trailingZeroBitCount)
    let known = min(knownBits, other.knownBits, differing)
    let (low, high) = (min(low, other.low), max(high, other.high))
    return ValueRange(low, high, knownBits: known, bits: bits)
      ?? ValueRange(low: low, high: high, knownBits: 0, bits: 0)
  }

  /// nil: nothing is in both.
  func within(_ low: UInt64, _ high: UInt64) -> ValueRange? {
    ValueRange(max(self.low, low), min(self.high, high), knownBits: knownBits, bits: bits)
  }

  func within(_ other: ValueRange) -> ValueRange? {
    let both = min(knownBits, other.knownBits)
    guard (bits ^ other.bits) & Self.mask(both) == 0 else { return nil }
    let known = knownBits >= other.knownBits ? self : other
    return ValueRange(
      max(low, other.low), min(high, other.high), knownBits: known.knownBits, bits: known.bits)
  }

  /// Without one value; nil: that was all.
  func without(_ value: UInt64) -> ValueRange? {
    if low == high { return low == value ? nil : self }
    if value == low { return ValueRange(low + 1, high, knownBits: knownBits, bits: bits) }
    if value == high { return ValueRange(low, high - 1, knownBits: knownBits, bits: bits) }
    return self
  }

  /// A bound that moved goes on to the next of `limits` (sorted), else to the end.
  func widened(from old: ValueRange, _ limits: [UInt64], _ width: UInt8) -> ValueRange {
    let low = low < old.low ? limits.last { $0 <= self.low } ?? 0 : low
    let high = high > old.high ? limits.first { $0 >= self.high } ?? Self.mask(width) : high
    return ValueRange(low, high, knownBits: knownBits, bits: bits)
      ?? ValueRange(low: low, high: high, knownBits: 0, bits: 0)
  }
}

extension ValueRange {
  // MARK: Arithmetic of `width` bits: 32 or 64

  private static func make(
    _ low: UInt64, _ high: UInt64, _ known: UInt8, _ bits: UInt64, _ width: UInt8
  ) -> ValueRange {
    // All bits are known, however wide the interval is.
    if known >= width { return .constant(bits & mask(width)) }
    return ValueRange(low, high, knownBits: known, bits: bits & mask(width))
      ?? ValueRange(low: 0, high: mask(width), knownBits: 0, bits: 0)
  }

  func adding(_ other: ValueRange, _ width: UInt8) -> ValueRange {
    let known = min(knownBits, other.knownBits)
    let mask = Self.mask(width)
    let (first, one) = Self.sum(low, other.low, mask)
    let (last, two) = Self.sum(high, other.high, mask)
    // All of it wraps around, or nothing.
    if one != two { return Self.make(0, mask, known, bits &+ other.bits, width) }
    return Self.make(first, last, known, bits &+ other.bits, width)
  }

  private static func sum(_ one: UInt64, _ two: UInt64, _ mask: UInt64) -> (UInt64, Bool) {
    let (sum, overflow) = one.addingReportingOverflow(two)
    return (sum & mask, overflow || sum > mask)
  }

  func subtracting(_ other: ValueRange, _ width: UInt8) -> ValueRange {
    let known = min(knownBits, other.knownBits)
    let mask = Self.mask(width)
    let difference = bits &- other.bits
    if low >= other.high {
      return Self.make(low - other.high, high - other.low, known, difference, width)
    }
    if high < other.low {
      return Self.make(
        (low &- other.high) & mask, (high &- other.low) & mask, known, difference, width)
    }
    return Self.make(0, mask, known, difference, width)
  }

  func and(_ other: ValueRange, _ width: UInt8) -> ValueRange {
    if let one = constant, let two = other.constant { return .constant(one & two) }
    if let value = other.constant { return and(value, width) }
    if let value = constant { return other.and(value, width) }
    return Self.make(
      0, min(high, other.high), min(knownBits, other.knownBits), bits & other.bits, width)
  }

  private func and(_ value: UInt64, _ width: UInt8) -> ValueRange {
    // A mask of low bits that takes nothing away.
    if value & (value &+ 1) == 0 && high <= value { return self }
    let settled = Self.mask(knownBits) | ~value
    let known = UInt8((~settled).trailingZeroBitCount)
    return Self.make(0, min(high, value), known, bits & value, width)
  }

  func or(_ other: ValueRange, _ width: UInt8) -> ValueRange {
    let known = min(knownBits, other.knownBits)
    if let one = constant, let two = other.constant { return .constant(one | two) }
    return Self.make(
      max(low, other.low), Self.filled(high | other.high), known, bits | other.bits, width)
  }

  func xor(_ other: ValueRange, _ width: UInt8) -> ValueRange {
    let known = min(knownBits, other.knownBits)
    if let one = constant, let two = other.constant { return .constant(one ^ two) }
    return Self.make(0, Self.filled(high | other.high), known, bits ^ other.bits, width)
  }

  /// All ones up to the highest one.
  private static func filled(_ value: UInt64) -> UInt64 {
    value == 0 ? 0 : .max >> UInt64(value.leadingZeroBitCount)
  }

  func multiplied(by other: ValueRange, _ width: UInt8) -> ValueRange {
    let known = min(knownBits, other.knownBits)
    let product = bits &* other.bits
    let (last, overflow) = high.multipliedReportingOverflow(by: other.high)
    if overflow || last > Self.mask(width) {
      return Self.make(0, Self.mask(width), known, product, width)
    }
    return Self.make(low * other.low, last, known, product, width)
  }

  /// - Parameter amount: below `width`.
  func shiftedLeft(_ amount: UInt64, _ width: UInt8) -> ValueRange {
    let known = UInt8(min(64, UInt64(knownBits) + amount))
    let last = high << amount
    if last >> amount != high || last > Self.mask(width) {
      return Self.make(0, Self.mask(width), known, bits << amount, width)
    }
    return Self.make(low << amount, last, known, bits << amount, width)
  }

  func shiftedRight(_ amount: UInt64) -> ValueRange {
    let known = knownBits == 64 ? 64 : UInt8(max(0, Int(knownBits) - Int(amount)))
    return Self.make(low >> amount, high >> amount, known, bits >> amount, 64)
  }

  func shiftedRightSigned(_ amount: UInt64, _ width: UInt8) -> ValueRange {
    let sign = Self.mask(width - 1)
    if high <= sign { return shiftedRight(amount) }
    if low > sign {
      let shifted = { (value: UInt64) in
        let extended = width == 64 ? value : value | ~Self.mask(width)
        return UInt64(bitPattern: Int64(bitPattern: extended) >> Int64(amount)) & Self.mask(width)
      }
      return Self.make(shifted(low), shifted(high), 0, 0, width)
    }
    return .all(width)
  }

  /// By amounts that are not known.
  func shiftedRight(by amounts: ValueRange) -> ValueRange {
    Self.make(low >> amounts.high, high >> amounts.low, 0, 0, 64)
  }

  /// The low 32 bits.
  var word: ValueRange {
    let mask = Self.mask(32)
    if low >> 32 == high >> 32 {
      return Self.make(low & mask, high & mask, knownBits, bits, 32)
    }
    return Self.make(0, mask, min(32, knownBits), bits, 32)
  }

  /// Of 32 bits (`width`), sign-extended to 64.
  func signExtended(from width: UInt8) -> ValueRange {
    let sign: UInt64 = 1 << UInt64(width - 1)
    let upper = ~Self.mask(width)
    if high < sign { return self }
    if low >= sign { return Self.make(low | upper, high | upper, min(knownBits, width), bits, 64) }
    return Self.make(0, .max, min(knownBits, width), bits, 64)
  }
}
