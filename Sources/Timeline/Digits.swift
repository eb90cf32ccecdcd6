/// Numbers as the bytes of text, for writers that write millions of lines: no string is made on the way.
extension [UInt8] {
  /// - Parameter width: padded on the left with spaces up to there.
  mutating func append(decimal value: UInt64, width: Int = 0) {
    append(room: Swift.max(width, 20)) { $0.put(decimal: value, width: width) }
  }

  /// - Parameter digits: at least so many, with zeros on the left.
  mutating func append(hex value: UInt64, digits: Int = 1) {
    append(room: Swift.max(digits, 16)) { $0.put(hex: value, digits: digits) }
  }

  /// A fraction of a power of ten: with all its zeros.
  mutating func append(decimals value: UInt64, count: Int) {
    append(room: count) { $0.put(decimals: value, count: count) }
  }

  mutating func append(_ text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// A text of at most `room` bytes, put together and then appended at once.
  @inline(__always) mutating func append(room: Int, _ body: (inout Scratch) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { room in
      var text = Scratch(room)
      body(&text)
      append(contentsOf: text.text)
    }
  }

  /// Gives away what was written so far, and forgets it; its room stays.
  mutating func drain<E: Error>(_ body: ([UInt8]) throws(E) -> Void) throws(E) {
    if isEmpty { return }
    try body(self)
    removeAll(keepingCapacity: true)
  }
}

/// A short text on the stack.
struct Scratch {
  private let room: UnsafeMutableBufferPointer<UInt8>
  private var count = 0

  init(_ room: UnsafeMutableBufferPointer<UInt8>) { self.room = room }

  var text: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: room[..<count]) }

  mutating func put(_ text: StaticString) {
    put(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let start = bytes.baseAddress, let to = room.baseAddress else { return }
    (to + count).update(from: start, count: bytes.count)
    count += bytes.count
  }

  /// - Parameter width: padded on the left with spaces up to there.
  mutating func put(decimal value: UInt64, width: Int = 0) {
    var digits = 1
    var limit: UInt64 = 10
    while digits < 20 && value >= limit {
      digits += 1
      limit &*= digits < 20 ? 10 : 1
    }
    var padding = width - digits
    while padding > 0 {
      room[count] = UInt8(ascii: " ")
      count += 1
      padding -= 1
    }
    put(digits: digits, of: value)
  }

  /// A fraction of a power of ten: with all its zeros.
  mutating func put(decimals value: UInt64, count: Int) { put(digits: count, of: value) }

  /// - Parameter digits: at least so many, with zeros on the left.
  mutating func put(hex value: UInt64, digits: Int = 1) {
    var shift = UInt64(max((64 - value.leadingZeroBitCount + 3) / 4, digits) * 4)
    while shift > 0 {
      shift -= 4
      let digit = shift < 64 ? Int(truncatingIfNeeded: value >> shift & 15) : 0
      room[count] = Self.hexadecimal.utf8Start[digit]
      count += 1
    }
  }

  /// The last ones of a number, two at a time.
  private mutating func put(digits: Int, of value: UInt64) {
    count += digits
    var place = count
    var left = digits
    var rest = value
    while left >= 2 {
      let next = rest / 100
      let pair = Int(truncatingIfNeeded: rest &- next &* 100) &* 2
      place -= 2
      left -= 2
      room[place] = Self.pairs.utf8Start[pair]
      room[place + 1] = Self.pairs.utf8Start[pair + 1]
      rest = next
    }
    if left == 1 { room[place - 1] = UInt8(truncatingIfNeeded: rest % 10) | 0x30 }
  }

  private static let hexadecimal: StaticString = "0123456789abcdef"
  private static let pairs: StaticString = """
    00010203040506070809101112131415161718192021222324252627282930313233343536373839\
    40414243444546474849505152535455565758596061626364656667686970717273747576777879\
    8081828384858687888990919293949596979899
    """
}
