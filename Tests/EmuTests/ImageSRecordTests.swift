import Emu
import Testing

@Suite struct ImageSRecordTests {
  private func image(_ text: String...) throws -> Image {
    try Image(bytes: Array(text.joined().utf8), path: "a.srec")
  }

  private func complaint(_ text: String...) -> String {
    EmuTests.complaint { try Image(bytes: Array(text.joined().utf8), path: "a.srec") }
  }

  @Test func readsAllSizesOfAddress() throws {
    let image = try image(
      HexFile.srec(0, 0, Array("name".utf8)), HexFile.srec(1, 0x1234, [1]),
      HexFile.srec(2, 0x12_3456, [2]), HexFile.srec(3, 0x8000_0000, ELFFile.code),
      HexFile.srec(5, 3), HexFile.srec(6, 3), HexFile.srec(7, 0x8000_0000))
    #expect(image.format == .srec)
    #expect(image.segments.map(\.address) == [0x1234, 0x12_3456, 0x8000_0000])
    #expect(image.segments.map(\.bytes) == [[1], [2], ELFFile.code])
    #expect(image.entry == 0x8000_0000)
  }

  @Test func theOtherTerminationsToo() throws {
    #expect(try image(HexFile.srec(1, 2, [1, 2]), HexFile.srec(9, 2)).entry == 2)
    #expect(try image(HexFile.srec(2, 0x20000, [1, 2]), HexFile.srec(8, 0x20000)).entry == 0x20000)
    #expect(try image(HexFile.srec(1, 2, [1, 2]), HexFile.srec(9, 0)).entry == nil)
  }

  @Test func badRecords() {
    let advice = "the file is damaged: build or copy it again"
    let good = HexFile.srec(1, 0, [1])
    #expect(
      complaint(good, "S104000102F7\n")
        == "a.srec: line 2 has the checksum 0xf7 where 0xf8 fits; \(advice)")
    #expect(
      complaint(good, "S10400010\n")
        == "a.srec: line 2 has something that is no pair of hex digits; \(advice)")
    #expect(complaint(good, "S1\n") == "a.srec: line 2 is not as long as it says; \(advice)")
    #expect(
      complaint(good, "S105000102F8\n") == "a.srec: line 2 is not as long as it says; \(advice)")
    #expect(
      complaint(good, "S4040001FA\n")
        == "a.srec: line 2 does not begin with S0 to S9 (there is no S4); \(advice)")
    #expect(
      complaint(good, "x\n")
        == "a.srec: line 2 does not begin with S0 to S9 (there is no S4); \(advice)")
    #expect(
      complaint(HexFile.srec(1, 0xFFFF, [1, 2]))
        == "a.srec: line 1 wraps around the end of its address space; \(advice)")
    #expect(
      complaint(good, HexFile.srec(5, 2))
        == "a.srec: line 2 counts 2 data records where there are 1; \(advice)")
    #expect(
      complaint(good, HexFile.srec(9, 0), good)
        == "a.srec: line 3 comes after the termination record; \(advice)")
  }

  @Test func badFiles() {
    #expect(
      complaint(HexFile.srec(1, 0, [1]))
        == "a.srec: has no termination record (S7, S8 or S9); "
        + "the file is cut short: copy or build it again")
    #expect(complaint(HexFile.srec(9, 0)) == "a.srec: holds no data; build it again")
    #expect(
      complaint(HexFile.srec(1, 0, [1, 2]), HexFile.srec(1, 1, [3]), HexFile.srec(9, 0))
        == "a.srec: gives the memory at 0x1 twice, in the segments 0x0..0x1 and 0x1..0x1; "
        + "check the addresses in its linker script")
  }
}
