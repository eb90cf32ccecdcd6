/// The framing of the Debug Adapter Protocol ("Base protocol"): bytes in, the JSON of messages out.
public struct MessageDecoder {
  public enum Item: Hashable, Sendable {
    case message([UInt8])
    /// What is wrong, as a sentence. What follows is looked through for the next header.
    case damaged(String)
  }

  /// Of a message's content, in bytes.
  public static let longest = 1 << 24
  /// Of a header.
  private static let longestHeader = 1 << 10

  private var waiting: [UInt8] = []
  /// Of the message whose header has come.
  private var length: Int?
  /// Bytes go by until a header comes.
  private var isLost = false

  public init() {}

  public mutating func feed(_ bytes: [UInt8]) { waiting += bytes }

  /// In the order in which they came; nil: no more for now.
  public mutating func next() -> Item? {
    if let length { return content(length) }
    if isLost { skipToHeader() }
    if isLost { return nil }
    let header = waiting.prefix(Self.longestHeader)
    if !couldBegin(header) { return lose("no header") }
    guard let end = header.firstRange(of: Array("\r\n\r\n".utf8)) else {
      return header.count == Self.longestHeader ? lose("no header") : nil
    }
    guard let length = Self.length(header[..<end.lowerBound]) else {
      return lose("no Content-Length in a header")
    }
    guard length <= Self.longest else {
      return lose("a message of \(length) bytes; \(Self.longest) is the most")
    }
    waiting.removeFirst(end.upperBound)
    self.length = length
    return content(length)
  }

  private mutating func content(_ length: Int) -> Item? {
    guard waiting.count >= length else { return nil }
    defer { waiting.removeFirst(length) }
    self.length = nil
    return .message(Array(waiting.prefix(length)))
  }

  private static let name = Array("Content-".utf8)

  /// Is what there is of a header the start of one?
  private func couldBegin(_ header: ArraySlice<UInt8>) -> Bool {
    zip(header, Self.name).allSatisfy { ($0 | 0x20) == ($1 | 0x20) }
  }

  private mutating func lose(_ what: String) -> Item {
    isLost = true
    if !waiting.isEmpty { waiting.removeFirst() }
    return .damaged("\(what): what follows is ignored up to the next header")
  }

  private mutating func skipToHeader() {
    if let start = waiting.firstRange(of: Array("Content-Length:".utf8)) {
      waiting.removeFirst(start.lowerBound)
      isLost = false
    } else {
      // The first half of one may have come.
      waiting.removeFirst(max(0, waiting.count - Self.name.count * 2))
    }
  }

  /// Of header fields, one a line; nil: it is not told, or not in digits.
  private static func length(_ header: ArraySlice<UInt8>) -> Int? {
    for line in String(decoding: header, as: UTF8.self).split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":"),
        line[..<colon].lowercased() == "content-length"
      else { continue }
      let digits = line[line.index(after: colon)...].filter { $0 != " " }
      return digits.allSatisfy { ("0"..."9").contains($0) } ? Int(digits) ?? .max : nil
    }
    return nil
  }
}

/// As a message goes over the wire.
func framed(_ content: [UInt8]) -> [UInt8] {
  Array("Content-Length: \(content.count)\r\n\r\n".utf8) + content
}
