/// Numbers as the bytes of text, for writers that write millions of lines: no string is made on the way.
extension [UInt8] {
  /// - Parameter width: padded on the left with spaces up to there.
  mutating func append(decimal value: UInt64, width: Int = 0) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var place = 20
      var rest = value
      repeat {
        let next = rest / 10
        place -= 1
        digits[place] = UInt8(truncatingIfNeeded: rest &- next &* 10) | 0x30
        rest = next
      } while rest > 0
      var padding = width - (20 - place)
      while padding > 0 {
        append(0x20)
        padding -= 1
      }
      append(contentsOf: UnsafeBufferPointer(rebasing: digits[place...]))
    }
  }

  /// - Parameter digits: at least so many, with zeros on the left.
  mutating func append(hex value: UInt64, digits: Int = 1) {
    var shift = Swift.max((64 - value.leadingZeroBitCount + 3) / 4, digits) * 4
    while shift > 0 {
      shift -= 4
      let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 15
      append(digit < 10 ? digit | 0x30 : digit + 87)
    }
  }

  /// A fraction of a power of ten: with all its zeros.
  mutating func append(decimals value: UInt64, count: Int) {
    var unit = (1..<count).reduce(1 as UInt64) { unit, _ in unit * 10 }
    var rest = value
    while unit > 0 {
      append(UInt8(truncatingIfNeeded: rest / unit) | 0x30)
      rest %= unit
      unit /= 10
    }
  }

  mutating func append(_ text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
