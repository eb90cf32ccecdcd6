import Emu
import Testing

@Suite struct ImageRawTests {
  private let vectors: [UInt8] = [0, 0x80, 0, 0x20, 9, 0, 0, 0, 0xFE, 0xE7]

  private func machine(_ bytes: UInt8...) throws -> Image.Machine? {
    try Image(bytes: bytes, path: "a.bin").machine
  }

  @Test func knowsACortexMByItsVectors() throws {
    let image = try Image(bytes: vectors, path: "a.bin")
    #expect(image.format == .raw)
    #expect(image.machine == .arm)
    #expect(image.needsBase)
    #expect(image.vectors?.initialStackPointer == 0x2000_8000)
    #expect(image.vectors?.reset == 9)
    // A stack that is not aligned, one outside of SRAM, and an even reset vector.
    #expect(try machine(6, 0x81, 0, 0x20, 9, 0, 0, 0) == .riscv64)
    #expect(try machine(0, 0x80, 0, 0x80, 9, 0, 0, 0) == nil)
    #expect(try machine(0, 0x80, 0, 0x20, 8, 0, 0, 0) == nil)
  }

  @Test func knowsRISCVByItsFirstInstruction() throws {
    #expect(try machine(0x13, 0x05, 0x70, 0x00) == .riscv64)  // li a0, 7
    #expect(try machine(0x97, 0x02, 0x00, 0x00) == .riscv64)  // auipc t0, 0
    #expect(try machine(0x73, 0x25, 0x40, 0xF1) == .riscv64)  // csrr a0, mhartid
    #expect(try machine(0x1D, 0x45) == .riscv64)  // c.li a0, 7
    #expect(try machine(0x3B, 0x45, 0xB5, 0x02) == .riscv64)  // divw a0, a0, a1
    #expect(try machine(0, 0, 0, 0) == nil)
    #expect(try machine(0xFF, 0xFF, 0xFF, 0xFF) == nil)
    #expect(try machine(0x03, 0x70, 0x00, 0x00) == nil)  // a load of function 7
    #expect(try machine(0x13) == nil)
    #expect(try machine(0x13, 0x05, 0x70) == nil)
  }

  /// "# e" begins a RISC-V instruction.
  @Test func textIsNoCode() throws {
    let text = Array("# emurun\n\nA firmware emulator\n".utf8)
    #expect(try Image(bytes: text, path: "README.md").machine == nil)
    #expect(try Image(bytes: text + [0], path: "a.bin").machine == .riscv64)
  }

  @Test func asksForTheBoardOfAnythingElse() throws {
    let image = try Image(bytes: [0, 0, 0, 0], path: "a.bin")
    #expect(
      throws: ImageError(
        .data,
        "a.bin: shows neither a Cortex-M vector table nor RISC-V code in its first bytes; "
          + "name its board with --board")
    ) { try image.knownMachine() }
  }

  @Test func readsTheBootImageHeader() throws {
    var bytes = Bytes(all: [0x6F, 0, 0, 0x04, 0, 0, 0, 0])
    bytes.u64(0x20_0000)
    bytes.u64(0x1234)
    bytes.all += [UInt8](repeating: 0, count: 0x38 - 24)
    bytes.all += Array("RSC\u{5}".utf8) + [0, 0, 0, 0]
    let block = UF2Block(address: 0x8020_0000, family: 0x1234, data: bytes.all)
    for image in try [
      Image(bytes: bytes.all, path: "a.bin"), Image(bytes: block.bytes, path: "a.uf2"),
    ] {
      #expect(image.machine == .riscv64)
      #expect(image.bootHeader?.textOffset == 0x20_0000)
      #expect(image.bootHeader?.imageSize == 0x1234)
    }
    #expect(try Image(bytes: Array(bytes.all.dropLast()), path: "a.bin").bootHeader == nil)
  }

  @Test func isPlacedByTheBoard() throws {
    let image = try Image(bytes: ELFFile.code, path: "a.bin")
    #expect(image.entry == nil)
    let placed = try image.placed(at: 0x8000_0000)
    #expect(placed.segments.map(\.address) == [0x8000_0000])
    #expect(placed.entry == 0x8000_0000)
    #expect(!placed.needsBase)
    #expect(try placed.placed(at: 0x9000_0000).entry == 0x8000_0000)
    #expect(try Image(bytes: ELFFile.code, path: "a.bin", base: 16).entry == 16)
    #expect(try Image(bytes: vectors, path: "a.bin", base: 0).vectors?.reset == 9)
    #expect(try ELFFile().image().placed(at: 0).entry == 0x8000_0000)
  }

  @Test func doesNotWrap() throws {
    let image = try Image(bytes: ELFFile.code, path: "a.bin")
    #expect(try image.placed(at: .max - 7).segments.first?.lastAddress == .max)
    #expect(
      complaint { try image.placed(at: .max - 6) }
        == "a.bin: its 8 bytes wrap around the end of the address space at 0xfffffffffffffff9; "
        + "load it at a lower address")
  }

  @Test func anyFormatMayBeReadAsRaw() throws {
    let image = try Image(bytes: ELFFile().bytes, path: "a.elf", format: .raw)
    #expect(image.format == .raw)
    #expect(image.segments.map(\.bytes.count) == [128])
  }

  @Test func hashesTheFile() throws {
    let image = try Image(bytes: Array("abc".utf8), path: "a.bin")
    #expect(
      image.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }
}
