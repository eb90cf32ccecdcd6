/// Numbers and bytes as the protocol writes them.
enum Hex {
  private static let digits = Array("0123456789abcdef".utf8)

  static func bytes(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return text
  }

  static func text(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: Self.bytes(bytes), as: UTF8.self)
  }

  /// As a target's register or word is written: little-endian.
  static func littleEndian(_ value: UInt64, size: Int) -> [UInt8] {
    bytes((0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) })
  }

  static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// nil: no digits, others than hexadecimal ones, or more than 64 bits.
  static func value(_ text: some Collection<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for character in text {
      guard let digit = digit(character), value >> 60 == 0 else { return nil }
      value = value << 4 | UInt64(digit)
    }
    return text.isEmpty ? nil : value
  }

  /// nil: not pairs of digits.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in text {
      guard let digit = digit(character) else { return nil }
      if let first = high {
        bytes.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return high == nil ? bytes : nil
  }
}

/// Takes a packet apart from its front.
struct PacketText {
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: some Sequence<UInt8>) { rest = Array(bytes)[...] }

  var isEmpty: Bool { rest.isEmpty }
  var text: String { String(decoding: rest, as: UTF8.self) }

  /// False, and nothing taken: something else is there.
  mutating func take(_ prefix: String) -> Bool {
    guard rest.starts(with: prefix.utf8) else { return false }
    rest = rest.dropFirst(prefix.utf8.count)
    return true
  }

  /// Up to a separator, which goes, too; all where there is none.
  mutating func word(until separator: Character) -> ArraySlice<UInt8> {
    guard let byte = separator.asciiValue, let end = rest.firstIndex(of: byte) else {
      defer { rest = [] }
      return rest
    }
    defer { rest = rest[(end + 1)...] }
    return rest[..<end]
  }

  mutating func number() -> UInt64? {
    let digits = rest.prefix { Hex.digit($0) != nil }
    guard let value = Hex.value(digits) else { return nil }
    rest = rest.dropFirst(digits.count)
    return value
  }

  /// "1000,20"
  mutating func pair(_ separator: String = ",") -> (UInt64, UInt64)? {
    guard let first = number(), take(separator), let second = number() else { return nil }
    return (first, second)
  }

  /// A thread's number: 0 any, -1 all.
  mutating func thread() -> Int? { take("-1") ? -1 : number().flatMap { Int(exactly: $0) } }
}
