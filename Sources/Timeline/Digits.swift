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
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { digits in
      var rest = value
      for place in (0..<count).reversed() {
        let next = rest / 10
        digits[place] = UInt8(truncatingIfNeeded: rest &- next &* 10) | 0x30
        rest = next
      }
      append(contentsOf: UnsafeBufferPointer(digits))
    }
  }

  mutating func append(_ text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}

extension [UInt8] {
  /// Gives away what was written so far, and forgets it; its room stays.
  mutating func drain<E: Error>(_ body: ([UInt8]) throws(E) -> Void) throws(E) {
    if isEmpty { return }
    try body(self)
    removeAll(keepingCapacity: true)
  }
}

/// A short text on the stack, so that what is written of it in pieces is appended at once.
struct Scratch {
  private let room: UnsafeMutableBufferPointer<UInt8>
  private var count = 0

  init(_ room: UnsafeMutableBufferPointer<UInt8>) { self.room = room }

  var text: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: room[..<count]) }

  mutating func put(_ text: StaticString) {
    for place in 0..<text.utf8CodeUnitCount { room[count + place] = text.utf8Start[place] }
    count += text.utf8CodeUnitCount
  }

  mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let start = bytes.baseAddress, let to = room.baseAddress else { return }
    (to + count).update(from: start, count: bytes.count)
    count += bytes.count
  }

  mutating func put(decimal value: UInt64) {
    var digits = 1
    var limit: UInt64 = 10
    while digits < 20 && value >= limit {
      digits += 1
      limit &*= digits < 20 ? 10 : 1
    }
    count += digits
    var place = count
    var rest = value
    while rest >= 100 {
      let next = rest / 100
      let pair = Int(truncatingIfNeeded: rest &- next &* 100) &* 2
      place -= 2
      room[place] = Self.pairs.utf8Start[pair]
      room[place + 1] = Self.pairs.utf8Start[pair + 1]
      rest = next
    }
    if rest >= 10 { room[place - 2] = UInt8(truncatingIfNeeded: rest / 10) | 0x30 }
    room[place - 1] = UInt8(truncatingIfNeeded: rest % 10) | 0x30
  }

  mutating func put(hex value: UInt64) {
    var shift = UInt64(max((64 - value.leadingZeroBitCount + 3) / 4, 1) * 4)
    while shift > 0 {
      shift -= 4
      room[count] = Self.digits.utf8Start[Int(truncatingIfNeeded: value >> shift & 15)]
      count += 1
    }
  }

  private static let digits: StaticString = "0123456789abcdef"
  private static let pairs: StaticString = """
    00010203040506070809101112131415161718192021222324252627282930313233343536373839\
    40414243444546474849505152535455565758596061626364656667686970717273747576777879\
    8081828384858687888990919293949596979899
    """
}
