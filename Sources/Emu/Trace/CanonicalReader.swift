/// Bytes from outside, read from the front: what `CanonicalBytes` wrote, or anything at all. Nothing is allocated for what is not
/// there: an element takes a byte at least.
struct CanonicalReader {
  private let bytes: ArraySlice<UInt8>
  private(set) var position: Int

  init(_ bytes: some RandomAccessCollection<UInt8>) {
    self.bytes = ArraySlice(bytes)
    position = self.bytes.startIndex
  }

  var left: Int { bytes.endIndex - position }

  mutating func read<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(Unreadable) -> T {
    let part = try read(count: MemoryLayout<T>.size)
    return part.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(as: T.self)) }
  }

  mutating func read(count: Int) throws(Unreadable) -> ArraySlice<UInt8> {
    guard count >= 0, count <= left else { throw Unreadable("it ends too early") }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// What `append(short:)` wrote.
  mutating func readShort() throws(Unreadable) -> UInt64 {
    var value: UInt64 = 0
    for place in stride(from: 0 as UInt64, to: 64, by: 7) {
      let byte = try read(UInt8.self)
      value |= UInt64(byte & 0x7F) << place
      if byte & 0x80 == 0 {
        guard place < 63 || byte <= 1 else { break }
        return value
      }
    }
    throw Unreadable("a number is out of range")
  }

  mutating func readFlag() throws(Unreadable) -> Bool {
    switch try read(UInt8.self) {
    case 0: return false
    case 1: return true
    case let byte: throw Unreadable("\(byte) is neither yes nor no")
    }
  }

  /// How many elements follow, of which each takes a byte at least.
  mutating func readCount() throws(Unreadable) -> Int {
    let count = try read(UInt64.self)
    guard count <= UInt64(left) else { throw Unreadable("it ends before \(count) elements do") }
    return Int(count)
  }

  mutating func readText() throws(Unreadable) -> String {
    let text = try read(count: readCount())
    guard let text = String(validating: text, as: UTF8.self) else {
      throw Unreadable("a name is no UTF-8")
    }
    return text
  }

  /// What `append(naming:)` wrote.
  mutating func read<T: Decodable>(naming type: T.Type) throws(Unreadable) -> T {
    let decoder = CanonicalDecoder(self)
    do {
      let value = try decoder.decode(type)
      self = decoder.input
      return value
    } catch let error as Unreadable {
      throw error
    } catch DecodingError.dataCorrupted(let context) {
      throw Unreadable(context.debugDescription)
    } catch {
      throw Unreadable("\(error)")
    }
  }
}

/// Why bytes from outside are not what they should be, in a few words.
struct Unreadable: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Codable's way back from canonical bytes with names: each property must be the next one, so what another version of a type
/// wrote is refused by the name of the first property that is not where it was.
private final class CanonicalDecoder: Decoder {
  var input: CanonicalReader
  private var depth = 0
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  /// Deeper than any state, and not as deep as a stack.
  private static let mostDepth = 64

  init(_ input: CanonicalReader) { self.input = input }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(KeyedReader<Key>(decoder: self))
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    UnkeyedReader(decoder: self, count: try input.readCount())
  }
  func singleValueContainer() -> any SingleValueDecodingContainer { SingleReader(decoder: self) }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    switch type {
    case let type as any FixedWidthInteger.Type: return try cast(integer(type))
    case is Bool.Type: return try cast(input.readFlag())
    case is Double.Type: return try cast(Double(bitPattern: input.read()))
    case is Float.Type: return try cast(Float(bitPattern: input.read()))
    case is String.Type: return try cast(input.readText())
    case is [UInt8].Type: return try cast(Array(input.read(count: input.readCount())))
    default:
      depth += 1
      defer { depth -= 1 }
      guard depth <= Self.mostDepth else { throw Unreadable("it is nested too deeply") }
      return try T(from: self)
    }
  }

  private func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T { try input.read(type) }

  private func cast<T>(_ value: Any) throws -> T {
    guard let value = value as? T else { preconditionFailure("\(T.self) is not what it is") }
    return value
  }

  func expect(_ key: some CodingKey) throws {
    let name = try input.readText()
    guard name == key.stringValue else {
      throw Unreadable("it has \"\(name)\" where \"\(key.stringValue)\" belongs")
    }
  }
}

private struct SingleReader: SingleValueDecodingContainer {
  let decoder: CanonicalDecoder
  var codingPath: [any CodingKey] { [] }

  func decodeNil() -> Bool { false }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }
}

private struct UnkeyedReader: UnkeyedDecodingContainer {
  let decoder: CanonicalDecoder
  let count: Int?
  var currentIndex = 0
  var codingPath: [any CodingKey] { [] }
  var isAtEnd: Bool { currentIndex == count }

  init(decoder: CanonicalDecoder, count: Int) {
    self.decoder = decoder
    self.count = count
  }

  mutating func decodeNil() throws -> Bool { false }
  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let before = decoder.input.position
    let value = try decoder.decode(type)
    // Else the count would be all that bounds them.
    guard decoder.input.position > before else { throw Unreadable("an element takes no room") }
    currentIndex += 1
    return value
  }
  mutating func nestedContainer<Key: CodingKey>(
    keyedBy type: Key.Type
  ) throws -> KeyedDecodingContainer<Key> { throw Unreadable("a nested container") }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    throw Unreadable("a nested container")
  }
  mutating func superDecoder() -> any Decoder { decoder }
}

private struct KeyedReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: CanonicalDecoder
  var codingPath: [any CodingKey] { [] }

  /// Asked by enums only, whose one key is the name of the case.
  var allKeys: [Key] {
    var ahead = decoder.input
    guard let name = try? ahead.readText(), let key = Key(stringValue: name) else { return [] }
    return [key]
  }
  func contains(_ key: Key) -> Bool {
    var ahead = decoder.input
    return (try? ahead.readText()) == key.stringValue
  }
  func decodeNil(forKey key: Key) throws -> Bool {
    try decoder.expect(key)
    return try !decoder.input.readFlag()
  }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try decoder.expect(key)
    return try decoder.decode(type)
  }
  func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 {
    try decoder.expect(key)
    return try decoder.input.read()
  }
  private func optional<T: Decodable>(_ type: T.Type, _ key: Key) throws -> T? {
    try decodeNil(forKey: key) ? nil : decoder.decode(type)
  }
  func decodeIfPresent<T: Decodable>(_ t: T.Type, forKey k: Key) throws -> T? {
    try optional(t, k)
  }
  // Each of these has a default of its own.
  func decodeIfPresent(_ t: Bool.Type, forKey k: Key) throws -> Bool? { try optional(t, k) }
  func decodeIfPresent(_ t: String.Type, forKey k: Key) throws -> String? { try optional(t, k) }
  func decodeIfPresent(_ t: Double.Type, forKey k: Key) throws -> Double? { try optional(t, k) }
  func decodeIfPresent(_ t: Float.Type, forKey k: Key) throws -> Float? { try optional(t, k) }
  func decodeIfPresent(_ t: Int.Type, forKey k: Key) throws -> Int? { try optional(t, k) }
  func decodeIfPresent(_ t: Int8.Type, forKey k: Key) throws -> Int8? { try optional(t, k) }
  func decodeIfPresent(_ t: Int16.Type, forKey k: Key) throws -> Int16? { try optional(t, k) }
  func decodeIfPresent(_ t: Int32.Type, forKey k: Key) throws -> Int32? { try optional(t, k) }
  func decodeIfPresent(_ t: Int64.Type, forKey k: Key) throws -> Int64? { try optional(t, k) }
  func decodeIfPresent(_ t: UInt.Type, forKey k: Key) throws -> UInt? { try optional(t, k) }
  func decodeIfPresent(_ t: UInt8.Type, forKey k: Key) throws -> UInt8? { try optional(t, k) }
  func decodeIfPresent(_ t: UInt16.Type, forKey k: Key) throws -> UInt16? { try optional(t, k) }
  func decodeIfPresent(_ t: UInt32.Type, forKey k: Key) throws -> UInt32? { try optional(t, k) }
  func decodeIfPresent(_ t: UInt64.Type, forKey k: Key) throws -> UInt64? { try optional(t, k) }
  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try decoder.expect(key)
    return decoder.container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    throw Unreadable("a nested container")
  }
  func superDecoder() -> any Decoder { decoder }
  func superDecoder(forKey key: Key) -> any Decoder { decoder }
}
