/// JSON, written in the order in which it is said. Numbers that may not fit a double (addresses, register values) are said
/// as hexadecimal strings by those who call; ticks, indexes and nanoseconds are numbers.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8] = []
  /// One member a line, for people; otherwise all in one line.
  private let isPretty: Bool
  /// Of each open object or array: whether it has a member yet.
  private var open: [Bool] = []

  public init(pretty: Bool = false) { isPretty = pretty }

  public var text: String { String(decoding: bytes, as: UTF8.self) }

  // MARK: Structure

  /// An object as the whole text, as a member (`key`) or as an element.
  public mutating func object(_ key: String? = nil, _ body: (inout JSONWriter) -> Void) {
    nest(key, "{", "}", body)
  }

  public mutating func array(_ key: String? = nil, _ body: (inout JSONWriter) -> Void) {
    nest(key, "[", "]", body)
  }

  private mutating func nest(
    _ key: String?, _ opening: Unicode.Scalar, _ closing: Unicode.Scalar,
    _ body: (inout JSONWriter) -> Void
  ) {
    begin(key)
    put(opening)
    open.append(false)
    body(&self)
    if open.removeLast() { newLine() }
    put(closing)
  }

  // MARK: Values

  public mutating func add(_ key: String? = nil, _ value: some BinaryInteger) {
    begin(key)
    bytes.append(contentsOf: String(value).utf8)
  }

  /// null where there is none.
  public mutating func add(_ key: String? = nil, _ value: UInt64?) {
    begin(key)
    bytes.append(contentsOf: value.map(String.init)?.utf8 ?? "null".utf8)
  }

  /// null where there is none.
  public mutating func add(_ key: String? = nil, _ value: Double?) {
    begin(key)
    bytes.append(contentsOf: value.map { $0.isFinite ? "\($0)" : "null" }?.utf8 ?? "null".utf8)
  }

  public mutating func add(_ key: String? = nil, _ value: Bool) {
    begin(key)
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  /// null where there is none.
  public mutating func add(_ key: String? = nil, _ value: String?) {
    begin(key)
    if let value { quote(value) } else { bytes.append(contentsOf: "null".utf8) }
  }

  public mutating func add(_ key: String? = nil, hex value: UInt64) {
    add(key, "0x" + String(value, radix: 16))
  }

  public mutating func add(_ key: String? = nil, base64 value: [UInt8]) {
    begin(key)
    put("\"")
    bytes += Base64.encode(value)
    put("\"")
  }

  /// What follows is another text, on its own line.
  public mutating func endLine() { put("\n") }

  /// Everything so far, and forgets it.
  public mutating func take() -> [UInt8] {
    defer { bytes.removeAll(keepingCapacity: true) }
    return bytes
  }

  // MARK: Bytes

  private mutating func put(_ scalar: Unicode.Scalar) { bytes.append(UInt8(ascii: scalar)) }

  private mutating func begin(_ key: String?) {
    if let last = open.last {
      if last { put(",") }
      open[open.count - 1] = true
      newLine()
    }
    if let key {
      quote(key)
      put(":")
      if isPretty { put(" ") }
    }
  }

  private mutating func newLine() {
    guard isPretty else { return }
    put("\n")
    for _ in 0..<2 * open.count { put(" ") }
  }

  private mutating func quote(_ text: String) { Self.quote(text, into: &bytes) }

  static func quote(_ text: String, into bytes: inout [UInt8]) {
    bytes.append("\"")
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append("\\")
        bytes.append(byte)
      case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
      case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
      case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7F:
        let digits = String(byte, radix: 16)
        bytes.append(contentsOf: ("\\u00" + (digits.count == 1 ? "0" : "") + digits).utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append("\"")
  }
}
