import Emu
import Testing

@Suite struct ImageHexTests {
  private func image(_ text: String...) throws -> Image {
    try Image(bytes: Array(text.joined().utf8), path: "a.hex")
  }

  private func complaint(_ text: String...) -> String {
    EmuTests.complaint { try Image(bytes: Array(text.joined().utf8), path: "a.hex") }
  }

  @Test func readsDataAtLinearAddresses() throws {
    let image = try image(
      HexFile.ihex(4, 0, [0x80, 0x00]), HexFile.ihex(0, 0x0000, Array(ELFFile.code.prefix(4))),
      HexFile.ihex(0, 0x0004, Array(ELFFile.code.suffix(4))), HexFile.ihex(0, 0x100, [1]),
      HexFile.ihex(4, 0, [0x00, 0x01]), HexFile.ihex(0, 0xFFFF, [2]),
      HexFile.ihex(5, 0, [0x80, 0, 0, 4]), HexFile.ihexEnd)
    #expect(image.format == .ihex)
    #expect(image.segments.map(\.address) == [0x1_FFFF, 0x8000_0000, 0x8000_0100])
    #expect(image.segments.map(\.bytes) == [[2], ELFFile.code, [1]])
    #expect(image.entry == 0x8000_0004)
    #expect(!image.needsBase)
  }

  @Test func readsDataAtSegmentAddresses() throws {
    let image = try image(
      HexFile.ihex(2, 0, [0x12, 0x34]), HexFile.ihex(0, 0x10, [7, 8]),
      HexFile.ihex(3, 0, [0x12, 0x34, 0, 0x10]), HexFile.ihexEnd)
    #expect(image.segments.map(\.address) == [0x12350])
    #expect(image.entry == 0x12350)
  }

  @Test func joinsNeighbours() throws {
    let image = try image(
      HexFile.ihex(0, 2, [3, 4]), HexFile.ihex(0, 0, [1, 2]), HexFile.ihex(0, 4, []),
      HexFile.ihexEnd)
    #expect(image.segments.map(\.bytes) == [[1, 2, 3, 4]])
  }

  @Test func guessesTheMachine() throws {
    let vectors: [UInt8] = [0, 0x80, 0, 0x20, 9, 0, 0, 0]
    #expect(try image(HexFile.ihex(0, 0, vectors), HexFile.ihexEnd).machine == .arm)
    #expect(try image(HexFile.ihex(0, 0, ELFFile.code), HexFile.ihexEnd).machine == .riscv64)
    // By what is at the start address, below which there may be data.
    let data = HexFile.ihex(0, 0, [0, 0, 0, 0])
    let code = HexFile.ihex(0, 0x10, ELFFile.code)
    #expect(try image(data, code, HexFile.ihexEnd).machine == nil)
    let even = HexFile.ihex(5, 0, [0, 0, 0, 0x10])
    #expect(try image(data, code, even, HexFile.ihexEnd).machine == .riscv64)
    let odd = HexFile.ihex(5, 0, [0, 0, 0, 0x11])
    #expect(try image(data, code, odd, HexFile.ihexEnd).machine == .arm)
  }

  @Test func toleratesWhiteSpaceAndSmallLetters() throws {
    let text = "\r\n  " + HexFile.ihex(0, 0, [0xAB]).lowercased() + " \r\n\r" + ":00000001FF  "
    #expect(try image(text).segments.map(\.bytes) == [[0xAB]])
  }

  @Test func startOutsideOfTheDataIsNoEntry() throws {
    let image = try image(
      HexFile.ihex(0, 0, [1]), HexFile.ihex(5, 0, [0, 0, 0, 9]), HexFile.ihexEnd)
    #expect(image.entry == nil)
    #expect(image.virtualEntry == 9)
  }

  @Test func badRecords() {
    let advice = "the file is damaged: build or copy it again"
    let good = HexFile.ihex(0, 0, [1])
    #expect(
      complaint(good, ":0100010002FD\n")
        == "a.hex: line 2 has the checksum 0xfd where 0xfc fits; \(advice)")
    #expect(
      complaint(good, ":0100010002F\n")
        == "a.hex: line 2 has something that is no pair of hex digits; \(advice)")
    #expect(
      complaint(good, ":01000100G2FC\n")
        == "a.hex: line 2 has something that is no pair of hex digits; \(advice)")
    #expect(complaint(good, ":\n") == "a.hex: line 2 is not as long as it says; \(advice)")
    #expect(
      complaint(good, ":0200010002FB\n") == "a.hex: line 2 is not as long as it says; \(advice)")
    #expect(complaint(good, "hello\n") == "a.hex: line 2 does not begin with \":\"; \(advice)")
    #expect(
      complaint(HexFile.ihex(6))
        == "a.hex: line 1 has the record type 6, which is unknown; \(advice)")
    #expect(
      complaint(HexFile.ihex(4, 0, [1]))
        == "a.hex: line 1 has 1 bytes of data, not right for type 4; \(advice)")
    #expect(
      complaint(HexFile.ihex(0, 0xFFFF, [1, 2]))
        == "a.hex: line 1 wraps around the end of its 64 KiB; \(advice)")
    #expect(
      complaint(good, HexFile.ihexEnd, good)
        == "a.hex: line 3 comes after the end-of-file record; \(advice)")
  }

  @Test func badFiles() {
    #expect(
      complaint(HexFile.ihex(0, 0, [1]))
        == "a.hex: has no end-of-file record (:00000001FF); "
        + "the file is cut short: copy or build it again")
    #expect(complaint(HexFile.ihexEnd) == "a.hex: holds no data; build it again")
    #expect(
      complaint(HexFile.ihex(0, 0, [1, 2]), HexFile.ihex(0, 1, [3]), HexFile.ihexEnd)
        == "a.hex: gives the memory at 0x1 twice, in the segments 0x0..0x1 and 0x1..0x1; "
        + "check the addresses in its linker script")
  }
}
