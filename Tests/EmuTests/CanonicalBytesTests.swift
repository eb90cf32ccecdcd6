import Testing

@testable import Emu

@Suite struct CanonicalBytesTests {
  private struct Inner: Codable {
    var byte: UInt8
    var flag: Bool
  }
  private enum Phase: Codable {
    case idle
    case sending(UInt8, left: UInt16)
  }
  private enum Named: UInt16, Codable {
    case first = 0x102
  }
  private struct Everything: Codable {
    var word: UInt32 = 0x0403_0201
    var signed: Int16 = -2
    var maybe: UInt8? = nil
    var really: UInt8? = 9
    var list: [UInt16] = [1, 2]
    var text = "é"
    var inner = Inner(byte: 7, flag: true)
    var inners = [Inner(byte: 1, flag: false)]
    var phase = Phase.sending(5, left: 6)
    var named = Named.first
    var float = Float(1)
  }

  @Test func everyKindOfValueHasItsBytes() {
    var bytes = CanonicalBytes()
    bytes.append(encoding: Everything())
    let list: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0]
    let text: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0, 0xC3, 0xA9]
    let inners: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    let phase: [UInt8] = [7, 0, 0, 0, 0, 0, 0, 0] + Array("sending".utf8) + [5, 6, 0]
    let expected: [UInt8] =
      [1, 2, 3, 4, 0xFE, 0xFF, 0, 1, 9] + list + text + [7, 1] + inners + phase
      + [2, 1, 0, 0, 0x80, 0x3F]
    #expect(bytes.bytes == expected)
  }

  @Test func caseWithoutValuesHasItsName() {
    var bytes = CanonicalBytes()
    bytes.append(encoding: [Phase.idle])
    #expect(bytes.bytes == [1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0] + Array("idle".utf8))
  }
}
