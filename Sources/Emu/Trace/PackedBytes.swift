/// Bytes of which many are zero, as runs of 8-byte words: how many are zero, how many are not, and these.
extension CanonicalBytes {
  mutating func append(packing bytes: some RandomAccessCollection<UInt8>) {
    append(UInt32(bytes.count))
    let padded = Array(bytes) + [UInt8](repeating: 0, count: -bytes.count & 7)
    var packed: [UInt8] = []
    padded.withUnsafeBytes { bytes in
      let words = bytes.bindMemory(to: UInt64.self)
      var place = 0
      while place < words.count {
        var start = place
        while start < words.count, start - place < 0xFFFF, words[start] == 0 { start += 1 }
        var end = start
        while end < words.count, end - start < 0xFFFF, words[end] != 0 { end += 1 }
        for count in [start - place, end - start] {
          packed.append(UInt8(truncatingIfNeeded: count))
          packed.append(UInt8(truncatingIfNeeded: count >> 8))
        }
        packed.append(contentsOf: bytes[8 * start..<8 * end])
        place = end
      }
    }
    append(raw: packed)
  }
}

extension CanonicalReader {
  mutating func unpack(atMost most: Int) throws(Unreadable) -> [UInt8] {
    let count = Int(try read(UInt32.self))
    guard count <= most else { throw Unreadable("\(count) bytes are more than belong there") }
    let padded = (count + 7) & ~7
    var bytes: [UInt8] = []
    bytes.reserveCapacity(padded)
    while bytes.count < padded {
      let zeros = 8 * Int(try read(UInt16.self))
      let others = 8 * Int(try read(UInt16.self))
      guard zeros + others > 0, zeros + others <= padded - bytes.count else {
        throw Unreadable("runs of bytes do not fit")
      }
      bytes.append(contentsOf: repeatElement(0, count: zeros))
      bytes.append(contentsOf: try read(count: others))
    }
    bytes.removeLast(padded - count)
    return bytes
  }
}
