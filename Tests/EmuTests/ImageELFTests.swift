import Emu
import Testing

@Suite struct ImageELFTests {
  @Test func readsSegmentsAndEntry() throws {
    let image = try ELFFile().image()
    #expect(image.format == .elf)
    #expect(image.machine == .riscv64)
    #expect(image.entry == 0x8000_0000)
    #expect(!image.needsBase)
    let segment = try #require(image.segments.first)
    #expect(segment.address == 0x8000_0000)
    #expect(segment.bytes == ELFFile.code)
    #expect(segment.size == 8)
    #expect(segment.isExecutable)
    #expect(!segment.isWritable)
  }

  /// A segment that may not even be read says nothing of what it may: linker scripts make such.
  @Test func noPermissionsAreNoStatement() throws {
    var file = ELFFile()
    file.segments[0].flags = 0
    let segment = try #require(file.image().segments.first)
    #expect(segment.isExecutable && segment.isWritable)
  }

  @Test func readsArm() throws {
    let image = try ELFFile.cortexM.image()
    #expect(image.machine == .arm)
    #expect(image.entry == 9)
    let vectors = try #require(image.vectors)
    #expect(vectors.address == 0)
    #expect(vectors.initialStackPointer == 0x2000_8000)
    #expect(vectors.reset == 9)
  }

  @Test func loadsByPhysicalAddress() throws {
    let image = try ELFFile(
      entry: 0xFFFF_FFFF_8000_0004,
      segments: [.load(0xFFFF_FFFF_8000_0000, ELFFile.code, physical: 0x8020_0000)]
    ).image()
    #expect(image.entry == 0x8020_0004)
    #expect(image.virtualEntry == 0xFFFF_FFFF_8000_0004)
    #expect(image.segments.map(\.address) == [0x8020_0000])
    #expect(image.segments.map(\.virtualAddress) == [0xFFFF_FFFF_8000_0000])
  }

  @Test func takesAPhysicalEntryToo() throws {
    let image = try ELFFile(
      entry: 0x8020_0004,
      segments: [.load(0xFFFF_FFFF_8000_0000, ELFFile.code, physical: 0x8020_0000)]
    ).image()
    #expect(image.entry == 0x8020_0004)
  }

  @Test func takesVirtualAddressesWhereAllPhysicalOnesAreZero() throws {
    let image = try ELFFile(segments: [
      .load(0x8000_1000, ELFFile.code, physical: 0), .load(0x8000_0000, ELFFile.code, physical: 0),
    ]).image()
    #expect(image.segments.map(\.address) == [0x8000_0000, 0x8000_1000])
  }

  @Test func leavesTheZerosOfCopiedDataToTheProgram() throws {
    var file = ELFFile.cortexM
    file.segments.append(.load(0x2000_0000, [1, 2, 3], size: 0x8000, physical: 0x10))
    file.segments.append(.load(0x2000_8000, size: 0x1000, physical: 0x13))
    let image = try file.image()
    #expect(image.segments.map(\.address) == [0, 0x10])
    #expect(image.segments.map(\.size) == [10, 3])
  }

  @Test func keepsZerosAsANumber() throws {
    let image = try ELFFile(segments: [
      .load(0x8000_0000, ELFFile.code), .load(0x1_0000_0000, size: 4 << 30),
      .load(0x10_0000_0000, [1], size: 1 << 60),
    ]).image()
    #expect(image.segments.map(\.size) == [8, 4 << 30, 1 << 60])
    #expect(image.segments.map(\.bytes.count) == [8, 0, 1])
  }

  @Test func aSegmentMayEndWithTheAddressSpace() throws {
    let image = try ELFFile(segments: [
      .load(0x8000_0000, ELFFile.code), .load(0xFFFF_FFFF_FFFF_F000, size: 0x1000),
    ]).image()
    #expect(image.segments.last?.lastAddress == .max)
  }

  @Test func acceptsFirmwareThatRelocatesItself() throws {
    #expect(try ELFFile(type: 3).image().entry == 0x8000_0000)
  }

  @Test func readsTheBuildID() throws {
    var file = ELFFile()
    file.addNote("GNU", type: 1, [1, 2, 3, 4])
    file.addNote("GNU", type: 3, [0xDE, 0xAD, 0, 0x0F])
    #expect(try file.image().buildID == "dead000f")
    #expect(try ELFFile().image().buildID == nil)
  }

  @Test func readsSymbols() throws {
    var file = ELFFile()
    file.sections = [.init(name: ".text", flags: 6, address: 0x8000_0000, bytes: ELFFile.code)]
    file.addSymbols([
      .init(name: "$x", address: 0x8000_0000, type: 0, isGlobal: false),
      .init(name: ".L7", address: 0x8000_0004, type: 0, isGlobal: false),
      .init(name: "start", address: 0x8000_0000, size: 8),
      .init(name: "label", address: 0x8000_0004, type: 0),
      .init(name: "tohost", address: 0x8000_1000, size: 8, type: 1, section: 0xFFF1),
      .init(name: "elsewhere", address: 0, section: 0),
    ])
    let symbols = try file.image().symbols()
    #expect(symbols.map(\.name) == ["start", "label", "tohost"])
    #expect(symbols.map(\.address) == [0x8000_0000, 0x8000_0004, 0x8000_1000])
    #expect(symbols.map(\.size) == [8, 0, 8])
    #expect(symbols.map(\.isFunction) == [true, true, false])
    #expect(try ELFFile().image().symbols() == [])
  }

  @Test func aThumbFunctionHasAnEvenAddress() throws {
    var file = ELFFile.cortexM
    file.sections = [.init(name: ".text", flags: 6, bytes: [0xFE, 0xE7])]
    file.addSymbols([.init(name: "reset", address: 9, size: 2)])
    #expect(try file.image().symbols().map(\.address) == [8])
  }
}

/// Each sentence that a bad ELF file can lead to.
@Suite struct ImageELFErrorTests {
  /// The complaint about a good file with some of its bytes replaced.
  private func complaint(
    _ file: ELFFile = ELFFile(), patch: [Int: UInt8] = [:], size: Int? = nil
  ) -> String {
    var bytes = file.bytes
    for (offset, byte) in patch { bytes[offset] = byte }
    return EmuTests.complaint { try Image(bytes: Array(bytes.prefix(size ?? .max)), path: "a.elf") }
  }

  @Test func otherMachines() {
    #expect(
      complaint(patch: [18: 62, 19: 0])
        == "a.elf: is a program for x86-64; build it for 64-bit RISC-V or for Arm Cortex-M")
    #expect(
      complaint(patch: [18: 77, 19: 1])
        == "a.elf: is a program for ELF machine 333; build it for 64-bit RISC-V or for Arm Cortex-M"
    )
    #expect(
      complaint(patch: [4: 1])
        == "a.elf: is a 32-bit RISC-V program; build it for rv64 (-march=rv64gc -mabi=lp64d)")
    #expect(
      complaint(.cortexM, patch: [4: 2])
        == "a.elf: is a 64-bit file for a 32-bit Arm processor; build it again")
    #expect(
      complaint(patch: [4: 9]) == "a.elf: is of ELF class 9, which is unknown; build it again")
    #expect(
      complaint(patch: [5: 2])
        == "a.elf: is not little-endian; build it for a little-endian target")
  }

  @Test func noPrograms() {
    #expect(
      complaint(ELFFile(type: 1)) == "a.elf: is an object file (.o); link it into a program")
    #expect(
      complaint(ELFFile(type: 4)) == "a.elf: is a core dump; name the program that left it")
    #expect(
      complaint(ELFFile(type: 7)) == "a.elf: is of ELF type 7, no program; link it again")
    #expect(
      complaint(ELFFile(segments: []))
        == "a.elf: has no segment to load (PT_LOAD); link it with a linker script")
    #expect(
      complaint(ELFFile(segments: [.load(0x8000_0000)]))
        == "a.elf: has no segment to load (PT_LOAD); link it with a linker script")
    // Zeros that the program itself is to write somewhere else.
    #expect(
      complaint(ELFFile(machine: .arm, segments: [.load(0x2000_0000, size: 64, physical: 0)]))
        == "a.elf: has no segment to load (PT_LOAD); link it with a linker script")
    #expect(
      complaint(
        ELFFile(segments: [
          .load(0x8000_0000, ELFFile.code), .init(type: 3, virtual: 0, physical: 0, bytes: [0]),
        ]))
        == "a.elf: wants an operating system's dynamic linker; link it with -static and no -pie")
  }

  @Test func cutShort() {
    let advice = "the file is cut short: copy or build it again"
    #expect(complaint(size: 19) == "a.elf: ends at 19 bytes, before its ELF header does; \(advice)")
    #expect(complaint(size: 63) == "a.elf: ends at 63 bytes, before its ELF header does; \(advice)")
    #expect(
      complaint(.cortexM, size: 51)
        == "a.elf: ends at 51 bytes, before its ELF header does; \(advice)")
    #expect(
      complaint(size: 119)
        == "a.elf: ends at 119 bytes, before its table of program headers does; \(advice)")
    #expect(
      complaint(size: 127) == "a.elf: ends at 127 bytes, before its segment 0 does; \(advice)")
    #expect(
      complaint(patch: [39: 0xFF])
        == "a.elf: ends at 128 bytes, before its table of program headers does; \(advice)")
  }

  @Test func damagedHeaders() {
    #expect(
      complaint(patch: [54: 32])
        == "a.elf: has program headers of 32 bytes, 56 are right; "
        + "the file is damaged: build it again")
    #expect(
      complaint(ELFFile(segments: [.load(0x8000_0000, ELFFile.code, size: 4)]))
        == "a.elf: segment 0 has 8 bytes in the file and only 4 in memory; "
        + "the file is damaged: build it again")
    let big = [UInt8](repeating: 0, count: 4_096)
    var bytes = ELFFile(segments: [.load(0x8000_0000, big), .load(0x9000_0000, big)]).bytes
    bytes.removeLast(4_096)
    bytes[64 + 56 + 8] = bytes[64 + 8]
    bytes[64 + 56 + 9] = bytes[64 + 9]
    #expect(
      EmuTests.complaint { try Image(bytes: bytes, path: "a.elf") }
        == "a.elf: its segments take 8192 bytes from a file of 4272; "
        + "the file is damaged: build it again")
  }

  @Test func wrongAddresses() {
    #expect(
      complaint(ELFFile(segments: [.load(0xFFFF_FFFF_FFFF_FFFC, ELFFile.code)]))
        == "a.elf: segment 0 of 8 bytes at 0xfffffffffffffffc wraps around the end of the "
        + "address space; check its linker script")
    #expect(
      complaint(
        ELFFile(machine: .arm, entry: 1, segments: [.load(0xFFFF_FFFF, [0, 0])]))
        == "a.elf: segment 0 of 2 bytes at 0xffffffff wraps around the end of the "
        + "address space; check its linker script")
    #expect(
      complaint(ELFFile(segments: [.load(0x8000_0000, size: 64), .load(0x8000_003F, [1])]))
        == "a.elf: gives the memory at 0x8000003f twice, in the segments "
        + "0x80000000..0x8000003f and 0x8000003f..0x8000003f; "
        + "check the addresses in its linker script")
  }

  @Test func noEntry() throws {
    let missing = try ELFFile(entry: 0).image("a.elf")
    #expect(missing.entry == nil)
    #expect(
      throws: ImageError(
        .data, "a.elf: has no entry point; link it with ENTRY(_start), or as a raw image")
    ) { try missing.knownEntry() }
    #expect(
      throws: ImageError(
        .data,
        "a.elf: its entry point 0x40 lies in none of its segments; "
          + "check ENTRY and the addresses in its linker script")
    ) { try ELFFile(entry: 0x40).image("a.elf").knownEntry() }
  }
}
