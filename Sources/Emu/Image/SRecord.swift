/// Motorola SREC: lines `S`, type, length, address (2, 3 or 4 bytes by type), data, checksum.
enum SRecord {
  static func layout(of file: ImageFile) throws(ImageError) -> ImageLayout {
    var text = HexText(file)
    var record: [UInt8] = []
    var memory = SegmentBuilder()
    var dataRecords: UInt64 = 0
    var start: UInt64?
    while let line = text.next() {
      guard start == nil else {
        throw text.bad(line, "comes after the termination record")
      }
      let (type, addressSize) = try kind(line, text)
      try text.decode(line, from: 2, into: &record)
      try check(record, addressSize, line, text)
      let address = record[1...addressSize].reduce(0) { $0 << 8 | UInt64($1) }
      let data = record[(1 + addressSize)..<record.count - 1]
      switch type {
      case 0: break  // a header: a name and a version for people
      case 1, 2, 3:
        let end = UInt64(1) << UInt64(8 * addressSize)
        guard address + UInt64(data.count) <= end else {
          throw text.bad(line, "wraps around the end of its address space")
        }
        memory.append(data, at: address)
        dataRecords += 1
      case 5, 6:
        guard address == dataRecords else {
          throw text.bad(line, "counts \(address) data records where there are \(dataRecords)")
        }
      default: start = address
      }
    }
    guard let start else {
      throw file.bad(
        "has no termination record (S7, S8 or S9); the file is cut short: copy or build it again")
    }
    return ImageLayout(try memory.finished(file), start: start)
  }

  private static func kind(
    _ line: HexText.Line, _ text: HexText
  ) throws(ImageError) -> (type: UInt8, addressSize: Int) {
    let characters = text.file.bytes[line.text].prefix(2)
    guard characters.count == 2, characters.first == UInt8(ascii: "S"),
      let type = characters.last.map({ $0 &- UInt8(ascii: "0") }), type <= 9, type != 4
    else {
      throw text.bad(line, "does not begin with S0 to S9 (there is no S4)")
    }
    return switch type {
    case 2, 6, 8: (type, 3)
    case 3, 7: (type, 4)
    default: (type, 2)
    }
  }

  private static func check(
    _ record: [UInt8], _ addressSize: Int, _ line: HexText.Line, _ text: HexText
  ) throws(ImageError) {
    guard record.count >= addressSize + 2, record.count == Int(record[0]) + 1 else {
      throw text.bad(line, "is not as long as it says")
    }
    let sum = record.reduce(0, &+)
    guard sum == 0xFF else {
      let wrong = record[record.count - 1]
      throw text.bad(
        line,
        "has the checksum \(text.file.hex(wrong)) where \(text.file.hex(wrong &+ (0xFF &- sum))) fits"
      )
    }
  }
}
