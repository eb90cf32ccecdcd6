/// The bytes that digests are made of: fixed-width little-endian, in the order of declaration, the
/// same on every host and in every release of Swift. See docs/digest.md.
public struct CanonicalBytes: Sendable {
  public private(set) var bytes: [UInt8] = []
  public init() {}

  public mutating func append<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Seven bits a byte, the low ones first (LEB128): for what is small as a rule.
  mutating func append(short value: UInt64) {
    var rest = value
    while rest > 0x7F {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  public mutating func append(_ value: Bool) { bytes.append(value ? 1 : 0) }

  /// Its UTF-8, behind its length.
  public mutating func append(_ text: String) {
    append(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  public mutating func append(raw more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  /// A value by way of `Codable`: its properties in the order in which they are encoded, without
  /// names.
  public mutating func append(encoding value: some Encodable) { append(value, CanonicalEncoder()) }

  /// The same with the name of each property before it, for who reads it back with another version
  /// of the type: `CanonicalReader`.
  mutating func append(naming value: some Encodable) {
    append(value, CanonicalEncoder(naming: true))
  }

  private mutating func append(_ value: some Encodable, _ encoder: CanonicalEncoder) {
    do {
      try encoder.encode(value)
    } catch {
      preconditionFailure("\(type(of: value)) has no canonical bytes: \(error)")
    }
    append(raw: encoder.output.bytes)
  }
}

/// Codable's way to canonical bytes. Integers in their own width, Bool one byte, floating point as
/// its bit pattern, String and arrays behind a 64-bit count, an optional property behind a byte
/// that says whether it is there, an enum case with its name. Dictionaries and sets have no order
/// and are refused, as are optionals that are no property.
private final class CanonicalEncoder: Encoder {
  var output = CanonicalBytes()
  private let naming: Bool
  init(naming: Bool = false) { self.naming = naming }

  func name(_ key: some CodingKey) { if naming { output.append(key.stringValue) } }

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(Keyed<Key>(encoder: self))
  }
  func unkeyedContainer() -> any UnkeyedEncodingContainer { Single(encoder: self) }
  func singleValueContainer() -> any SingleValueEncodingContainer { Single(encoder: self) }

  func encode<T: Encodable>(_ value: T) throws {
    if T.self is any AnyOptional.Type {
      throw EncodingError.invalidValue(
        value, .init(codingPath: [], debugDescription: "an optional that is no property"))
    }
    switch value {
    case let value as any FixedWidthInteger: append(value)
    case let value as Bool: output.append(value)
    case let value as Double: output.append(value.bitPattern)
    case let value as Float: output.append(value.bitPattern)
    case let value as String: output.append(value)
    // As any other array, at once.
    case let value as [UInt8]:
      output.append(UInt64(value.count))
      output.append(raw: value)
    case is any Unordered:
      throw EncodingError.invalidValue(
        value, .init(codingPath: [], debugDescription: "it has no order"))
    case let value as any CountedSequence:
      output.append(UInt64(value.count))
      try value.encode(to: self)
    default: try value.encode(to: self)
    }
  }

  private func append(_ integer: some FixedWidthInteger) { output.append(integer) }

  func encodeNil() { output.append(false) }
}

private protocol AnyOptional {}
extension Optional: AnyOptional {}

private protocol Unordered {}
extension Dictionary: Unordered {}
extension Set: Unordered {}

private protocol CountedSequence: Encodable { var count: Int { get } }
extension Array: CountedSequence where Element: Encodable {}

/// One value, or the elements of an array, whose count is already out.
private struct Single: SingleValueEncodingContainer, UnkeyedEncodingContainer {
  let encoder: CanonicalEncoder
  var codingPath: [any CodingKey] { [] }
  var count = 0

  mutating func encodeNil() { encoder.encodeNil() }
  mutating func encode<T: Encodable>(_ value: T) throws { try encoder.encode(value) }
  mutating func nestedContainer<Key: CodingKey>(
    keyedBy type: Key.Type
  ) -> KeyedEncodingContainer<Key> { encoder.container(keyedBy: type) }
  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self }
  mutating func superEncoder() -> any Encoder { encoder }
}

private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: CanonicalEncoder
  var codingPath: [any CodingKey] { [] }

  mutating func encodeNil(forKey key: Key) {
    encoder.name(key)
    encoder.encodeNil()
  }
  mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    encoder.name(key)
    try encoder.encode(value)
  }
  // This has a default of its own, which refuses it.
  mutating func encode(_ value: UInt128, forKey key: Key) throws {
    encoder.name(key)
    encoder.output.append(value)
  }
  private func optional<T: Encodable>(_ value: T?, _ key: Key) throws {
    encoder.name(key)
    encoder.output.append(value != nil)
    if let value { try encoder.encode(value) }
  }
  mutating func encodeIfPresent<T: Encodable>(_ v: T?, forKey key: Key) throws {
    try optional(v, key)
  }
  // Each of these has a default of its own, which writes nothing for nil.
  mutating func encodeIfPresent(_ v: Bool?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: String?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: Double?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: Float?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: Int?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: Int8?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: Int16?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: Int32?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: Int64?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: UInt?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: UInt8?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: UInt16?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: UInt32?, forKey key: Key) throws { try optional(v, key) }
  mutating func encodeIfPresent(_ v: UInt64?, forKey key: Key) throws { try optional(v, key) }
  /// Only an enum nests containers: the key is the name of the case.
  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    encoder.output.append(key.stringValue)
    return encoder.container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    encoder.unkeyedContainer()
  }
  mutating func superEncoder() -> any Encoder { encoder }
  mutating func superEncoder(forKey key: Key) -> any Encoder { encoder }
}
