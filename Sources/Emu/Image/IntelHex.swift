/// Intel HEX: lines `:` length, address (2 bytes), type, data, checksum.
enum IntelHex {
  static func layout(of file: ImageFile) throws(ImageError) -> ImageLayout {
    var text = HexText(file)
    var record: [UInt8] = []
    var memory = SegmentBuilder()
    /// What the last record of type 2 or 4 said, and how far an offset reaches from there.
    var base: UInt64 = 0
    var start: UInt64?
    var isEnded = false
    while let line = text.next() {
      guard !isEnded else {
        throw text.bad(line, "comes after the end-of-file record")
      }
      guard file.bytes[line.text.lowerBound] == UInt8(ascii: ":") else {
        throw text.bad(line, "does not begin with \":\"")
      }
      try text.decode(line, from: 1, into: &record)
      try check(record, line, text)
      let data = record[4..<record.count - 1]
      switch record[3] {
      case 0:
        let offset = number(record[1...2])
        guard offset + UInt64(data.count) <= 0x1_0000 else {
          throw text.bad(line, "wraps around the end of its 64 KiB")
        }
        memory.append(data, at: base + offset)
      case 1: isEnded = true
      case 2: base = number(data) << 4
      case 3: start = number(data.prefix(2)) << 4 + number(data.suffix(2))
      case 4: base = number(data) << 16
      default: start = number(data)
      }
    }
    guard isEnded else {
      throw file.bad(
        "has no end-of-file record (:00000001FF); the file is cut short: copy or build it again")
    }
    return ImageLayout(try memory.finished(file), start: start)
  }

  private static func check(
    _ record: [UInt8], _ line: HexText.Line, _ text: HexText
  ) throws(ImageError) {
    guard record.count >= 5, record.count == Int(record[0]) + 5 else {
      throw text.bad(line, "is not as long as it says")
    }
    let sum = record.reduce(0, &+)
    guard sum == 0 else {
      let wrong = record[record.count - 1]
      throw text.bad(
        line, "has the checksum \(text.file.hex(wrong)) where \(text.file.hex(wrong &- sum)) fits")
    }
    guard record[3] <= 5 else {
      throw text.bad(line, "has the record type \(record[3]), which is unknown")
    }
    let length: UInt8? =
      switch record[3] {
      case 0: nil
      case 1: 0
      case 2, 4: 2
      default: 4
      }
    guard record[0] == length ?? record[0] else {
      throw text.bad(line, "has \(record[0]) bytes of data, not right for type \(record[3])")
    }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
