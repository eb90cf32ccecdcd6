import Emu
import Testing

@Suite struct ImageUF2Tests {
  private func image(_ blocks: UF2Block...) throws -> Image {
    try Image(bytes: blocks.flatMap(\.bytes), path: "a.uf2")
  }

  private func complaint(_ blocks: UF2Block...) -> String {
    EmuTests.complaint { try Image(bytes: blocks.flatMap(\.bytes), path: "a.uf2") }
  }

  @Test func readsBlocksInAnyOrder() throws {
    let image = try image(
      UF2Block(address: 0x1000_0100, number: 1, total: 2),
      UF2Block(address: 0x1000_0000, number: 0, total: 2))
    #expect(image.format == .uf2)
    #expect(image.machine == .arm)
    #expect(image.family == 0xE48B_FF56)
    #expect(image.familyName == "RP2040")
    #expect(image.segments.map(\.address) == [0x1000_0000])
    #expect(image.segments.map(\.size) == [512])
  }

  @Test func skipsWhatIsNotForTheMainFlash() throws {
    let image = try image(
      UF2Block(flags: 1, number: 0, total: 2), UF2Block(flags: 0, number: 1, total: 2))
    #expect(image.segments.map(\.size) == [256])
    #expect(image.family == nil)
    #expect(image.familyName == nil)
  }

  @Test func anUnknownFamilyIsANumber() throws {
    let image = try image(UF2Block(family: 0x1234, data: ELFFile.code))
    #expect(image.familyName == "0x1234")
    #expect(image.machine == .riscv64)
  }

  @Test func startsAtItsFirstByte() throws {
    let image = try image(
      UF2Block(address: 0x8000_0100, number: 1, total: 2, family: 0x1234, data: ELFFile.code),
      UF2Block(address: 0x8000_0000, number: 0, total: 2, family: 0x1234, data: ELFFile.code))
    #expect(image.machine == .riscv64)
    #expect(try image.knownEntry() == 0x8000_0000)
  }

  @Test func damagedFiles() {
    let damaged = "the file is damaged: build or copy it again"
    #expect(
      EmuTests.complaint { try Image(bytes: UF2Block().bytes.dropLast(), path: "a.uf2") }
        == "a.uf2: is 511 bytes long, not a multiple of 512; "
        + "the file is cut short: copy or build it again")
    #expect(
      EmuTests.complaint {
        try Image(bytes: UF2Block().bytes.dropLast() + [0], path: "a.uf2")
      } == "a.uf2: block 0 lacks the magic number at byte 508; \(damaged)")
    #expect(
      complaint(UF2Block(total: 2))
        == "a.uf2: has 1 blocks and block 0 speaks of 2; "
        + "the file is incomplete: copy or build it again")
    #expect(
      complaint(UF2Block(total: 2), UF2Block(address: 256, total: 2))
        == "a.uf2: block 1 has the number 0, which is taken or too high; \(damaged)")
    #expect(
      complaint(UF2Block(number: 1))
        == "a.uf2: block 0 has the number 1, which is taken or too high; \(damaged)")
    #expect(
      complaint(UF2Block(size: 477))
        == "a.uf2: block 0 claims 477 bytes of data, 476 fit; \(damaged)")
  }

  @Test func unfitFiles() {
    #expect(
      complaint(UF2Block(flags: 0x1000))
        == "a.uf2: carries files, not a flash image; convert the program itself to UF2")
    #expect(
      complaint(UF2Block(), UF2Block(family: 0x1234))
        == "a.uf2: is for several chips (RP2040 and 0x1234); build one file a chip")
    #expect(
      complaint(UF2Block(address: 0xFFFF_FF01))
        == "a.uf2: block 0 at 0xffffff01 wraps around the end of the address space; "
        + "check its linker script")
    #expect(complaint(UF2Block(flags: 1)) == "a.uf2: holds no data; build it again")
    #expect(
      complaint(UF2Block(number: 0, total: 2), UF2Block(address: 255, number: 1, total: 2))
        == "a.uf2: gives the memory at 0xff twice, in the segments 0x0..0xff and 0xff..0x1fe; "
        + "check the addresses in its linker script")
  }
}
