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

  /// A text of at most `room` bytes, put together where it is to stand.
  @inline(__always) mutating func append(room: Int, _ body: (inout Scratch) -> Void) {
    append(addingCapacity: room) { span in
      span.withUnsafeMutableBufferPointer { room, count in
        var text = Scratch(room)
        body(&text)
        count = text.count
      }
    }
  }

  /// Gives away what was written so far, and forgets it; its room stays.
  mutating func drain<E: Error>(_ body: ([UInt8]) throws(E) -> Void) throws(E) {
    if isEmpty { return }
    try body(self)
    removeAll(keepingCapacity: true)
  }
}

/// A short text in the making.
struct Scratch {
  private let room: UnsafeMutableBufferPointer<UInt8>
  private(set) var count = 0

  init(_ room: UnsafeMutableBufferPointer<UInt8>) { self.room = room }

  var text: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: room[..<count]) }

  @inline(__always) mutating func put(_ text: StaticString) {
    put(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  @inline(__always) mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let start = bytes.baseAddress, let to = room.baseAddress else { return }
    (to + count).update(from: start, count: bytes.count)
    count += bytes.count
  }

  /// - Parameter width: padded on the left with spaces up to there.
  @inline(__always) mutating func put(decimal value: UInt64, width: Int = 0) {
    let (upper, lower) = value.quotientAndRemainder(dividingBy: 100_000_000)
    if upper >= 100_000_000 { return putLong(decimal: value, width: width) }
    let leading = upper > 0 ? upper : lower
    let text = Self.eightDigits(leading)
    // Zeros on the left, but for the last digit.
    let zeros = min(7, (text ^ Self.eightZeros).trailingZeroBitCount / 8)
    pad(width - (upper > 0 ? 16 : 8) + zeros)
    put(text &>> UInt64(8 * zeros), count: 8 - zeros)
    if upper > 0 { put(Self.eightDigits(lower), count: 8) }
  }

  private mutating func putLong(decimal value: UInt64, width: Int) {
    let (upper, lower) = value.quotientAndRemainder(dividingBy: 10_000_000_000_000_000)
    put(decimal: upper, width: width - 16)
    put(decimals: lower, count: 16)
  }

  @inline(__always) private mutating func pad(_ padding: Int) {
    var left = padding
    while left > 0 {
      room[count] = UInt8(ascii: " ")
      count += 1
      left -= 1
    }
  }

  /// A fraction of a power of ten: with all its zeros.
  @inline(__always) mutating func put(decimals value: UInt64, count digits: Int) {
    if digits > 8 {
      let (upper, lower) = value.quotientAndRemainder(dividingBy: 100_000_000)
      put(decimals: upper, count: digits - 8)
      put(Self.eightDigits(lower), count: 8)
    } else {
      put(Self.eightDigits(value) >> UInt64(64 - 8 * digits), count: digits)
    }
  }

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

  /// The first bytes of a word, which is stored whole where there is room for it.
  @inline(__always) private mutating func put(_ word: UInt64, count bytes: Int) {
    if room.count - count >= 8 {
      UnsafeMutableRawPointer(room.baseAddress.unsafelyUnwrapped + count)
        .storeBytes(of: word.littleEndian, as: UInt64.self)
    } else {
      for byte in 0..<bytes {
        room[count + byte] = UInt8(truncatingIfNeeded: word >> UInt64(8 * byte))
      }
    }
    count += bytes
  }

  private static var eightZeros: UInt64 { 0x3030_3030_3030_3030 }

  /// A number below 10^8 as eight characters, the first one in the lowest byte: all quotients side by side, by multiplication.
  @inline(__always) private static func eightDigits(_ value: UInt64) -> UInt64 {
    let (upper, lower) = value.quotientAndRemainder(dividingBy: 10_000)
    var fields = upper | lower << 32
    let hundreds = (fields &* 5243) >> 19 & 0x0000_007F_0000_007F
    fields = hundreds | (fields &- hundreds &* 100) << 16
    let tens = (fields &* 103) >> 10 & 0x000F_000F_000F_000F
    fields = tens | (fields &- tens &* 10) << 8
    return fields | eightZeros
  }

  private static let hexadecimal: StaticString = "0123456789abcdef"
}
