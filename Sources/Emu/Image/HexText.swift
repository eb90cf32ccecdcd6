/// What Intel HEX and SREC share: lines of hex digits behind a mark.
struct HexText {
  struct Line {
    let number: Int
    /// Without white space at its ends.
    let text: Range<Int>
  }

  let file: ImageFile
  private var position = 0
  private var number = 0

  init(_ file: ImageFile) { self.file = file }

  static func recognises(_ bytes: [UInt8], mark: Unicode.Scalar, digits: Int) -> Bool {
    let line = bytes.prefix(4_096).drop(while: isSpace).prefix(1 + digits)
    return line.count == 1 + digits && line.first == UInt8(ascii: mark)
      && line.dropFirst().allSatisfy { digit($0) != nil }
  }

  /// The next line that is not empty.
  mutating func next() -> Line? {
    let bytes = file.bytes
    while position < bytes.count {
      let start = position
      while position < bytes.count, bytes[position] != Self.lf, bytes[position] != Self.cr {
        position += 1
      }
      let text = trimmed(start..<position)
      number += 1
      if bytes[position...].starts(with: [Self.cr, Self.lf]) { position += 1 }
      position += 1
      if !text.isEmpty { return Line(number: number, text: text) }
    }
    return nil
  }

  /// The bytes that the digits of a line say from its `offset`-th character on.
  func decode(
    _ line: Line, from offset: Int, into record: inout [UInt8]
  ) throws(ImageError) {
    record.removeAll(keepingCapacity: true)
    let bytes = file.bytes
    var position = line.text.lowerBound + offset
    while position + 1 < line.text.upperBound {
      let high = Self.digit(bytes[position])
      let low = Self.digit(bytes[position + 1])
      guard let high, let low else { break }
      record.append(high << 4 | low)
      position += 2
    }
    guard position == line.text.upperBound else {
      throw bad(line, "has something that is no pair of hex digits")
    }
  }

  func bad(_ line: Line, _ what: String) -> ImageError {
    file.bad("line \(line.number) \(what); the file is damaged: build or copy it again")
  }

  private func trimmed(_ line: Range<Int>) -> Range<Int> {
    var text = line
    while let first = text.first, Self.isSpace(file.bytes[first]) { text = text.dropFirst() }
    while let last = text.last, Self.isSpace(file.bytes[last]) { text = text.dropLast() }
    return text
  }

  private static let lf: UInt8 = 10
  private static let cr: UInt8 = 13

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 32 || 9...13 ~= byte
  }

  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
