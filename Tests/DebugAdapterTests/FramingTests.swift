import DebugAdapter
import Testing

@Suite struct FramingTests {
  private static func items(_ bytes: [UInt8], in piece: Int = 1 << 20) -> [MessageDecoder.Item] {
    var decoder = MessageDecoder()
    var items: [MessageDecoder.Item] = []
    for start in stride(from: 0, to: bytes.count, by: piece) {
      decoder.feed(Array(bytes[start..<min(start + piece, bytes.count)]))
      while let item = decoder.next() { items.append(item) }
    }
    return items
  }

  private static func message(_ text: String) -> MessageDecoder.Item { .message(Array(text.utf8)) }

  @Test(arguments: [1, 2, 7, 1000])
  func messagesInPieces(piece: Int) {
    let text =
      "Content-Length: 2\r\n\r\n{}Content-Type: x\r\ncontent-length:3\r\n\r\n[1]Content-Length: 0\r\n\r\n"
    #expect(
      Self.items(Array(text.utf8), in: piece) == [
        Self.message("{}"), Self.message("[1]"), Self.message(""),
      ])
  }

  /// What is damaged is told once, and what is whole behind it is read.
  @Test(arguments: [1, 3, 1 << 20])
  func damage(piece: Int) {
    for (text, words) in [
      ("nonsense\r\n\r\n", "no header"),
      ("Content-Length: x\r\n\r\n", "no Content-Length in a header"),
      ("Content-Type: x\r\n\r\n", "no Content-Length in a header"),
      (
        "Content-Length: 99999999999999999999999\r\n\r\n",
        "a message of 9223372036854775807 bytes; 16777216 is the most"
      ),
      ("Content-Length: -1\r\n\r\n", "no Content-Length in a header"),
      ("\u{FF}\u{0}\u{1}", "no header"),
    ] {
      let bytes = Array((text + "Content-Length: 2\r\n\r\n{}").utf8)
      let items = Self.items(bytes, in: piece)
      #expect(
        items == [
          .damaged("\(words): what follows is ignored up to the next header"), Self.message("{}"),
        ], "\(text)")
    }
    // A header that does not end.
    let endless = Array("Content-Length".utf8) + [UInt8](repeating: 32, count: 2000)
    #expect(Self.items(endless, in: piece).count == 1)
  }
}
