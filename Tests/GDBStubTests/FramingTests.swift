import GDBStub
import Testing

@Suite struct FramingTests {
  private func items(_ bytes: [UInt8], in pieces: Int = 1 << 20) -> [PacketDecoder.Item] {
    var decoder = PacketDecoder()
    var items: [PacketDecoder.Item] = []
    for start in stride(from: 0, to: bytes.count, by: pieces) {
      decoder.feed(bytes[start..<min(start + pieces, bytes.count)])
      while let item = decoder.next() { items.append(item) }
    }
    return items
  }

  @Test(arguments: [1, 2, 3, 1000]) func packetsInPieces(pieces: Int) {
    let stream = Array("+$g#67-noise\u{03}$m0,4#fd$$?#3f$X0,1:}]#f9$?#00$?#zz$?#3f".utf8)
    #expect(
      items(stream, in: pieces) == [
        .acknowledged, .packet(Array("g".utf8)), .refused, .interrupt,
        .packet(Array("m0,4".utf8)), .packet(Array("?".utf8)), .packet(Array("X0,1:}".utf8)),
        .damaged, .damaged, .packet(Array("?".utf8)),
      ])
  }

  /// A packet that never ends costs no more memory than the longest one.
  @Test func tooLong() {
    let endless = Array("$".utf8) + [UInt8](repeating: 0x61, count: PacketDecoder.longest + 1)
    let sum = UInt8(truncatingIfNeeded: (PacketDecoder.longest + 1) * 0x61)
    let end = Array("#".utf8) + Array(Conversation.hex([sum]).utf8)
    #expect(items(endless + end + Array("$?#3f".utf8)) == [.damaged, .packet(Array("?".utf8))])
  }

  @Test func answersAreAcknowledgedUntilTheDebuggerWantsNone() throws {
    let session = try Conversation("led-heartbeat.elf").session
    func answer(_ bytes: String) -> String {
      session.receive(bytes.utf8)
      return String(decoding: session.takeOutput(), as: UTF8.self)
    }
    #expect(answer("$qAttached#8f") == "+$1#31")
    #expect(answer("-") == "$1#31")
    #expect(answer("$qAttached#00") == "-")
    #expect(answer("+") == "")
    #expect(answer("$QStartNoAckMode#b0") == "+$OK#9a")
    #expect(answer("$qAttached#8f") == "$1#31")
  }
}
