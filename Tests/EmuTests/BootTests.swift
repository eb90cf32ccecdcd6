import Testing

@testable import Emu

/// From images and options to memory and a first instruction: docs/boot.md.
@Suite struct BootTests {
  /// A root node with nothing in it: header, an empty reservation, begin, name, end, end.
  static let emptyTree: [UInt8] = {
    let words: [UInt32] = [
      0xD00D_FEED, 72, 56, 72, 40, 17, 16, 0, 0, 16, 0, 0, 0, 0, 1, 0, 2, 9,
    ]
    return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - $0 * 8)) }
    }
  }()

  private static func raw(_ words: [UInt32], _ path: String) throws -> Image {
    try Image(
      bytes: words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } },
      path: path, format: .raw)
  }
  private static let loop: UInt32 = 0x6F

  private static func options(_ set: (inout MachineOptions) throws -> Void) rethrows
    -> MachineOptions
  {
    var options = MachineOptions()
    options.deviceTree = (emptyTree, "tree")
    try set(&options)
    return options
  }

  private func registers(_ machine: Machine) -> [String: UInt64] {
    Dictionary(uniqueKeysWithValues: machine.registers.map { ($0.name, $0.value) })
  }

  /// magic, version, next_addr, next_mode
  private func info(_ machine: Machine, at address: UInt64) -> [UInt64] {
    (0..<4).map { machine.memory.load(address + 8 * $0) ?? 0 }
  }

  private func error(
    _ image: Image, _ options: MachineOptions, board: Board = .test
  ) -> MachineError? {
    do { _ = try Machine(board, image: image, options: options) } catch { return error }
    return nil
  }

  // MARK: Where it starts

  @Test func aFirmwareFindsItsPayloadByTheResetROM() throws {
    let options = try Self.options {
      $0.firmware = (try Self.raw([Self.loop], "firmware"), nil)
    }
    let machine = try Machine(.test, image: Self.raw([Self.loop, 1], "kernel"), options: options)
    #expect(machine.pc == 0x1000)
    // docs/boot.md: six instructions of reset ROM.
    _ = machine.run(until: RunLimit(index: 6))
    let named = registers(machine)
    #expect(machine.pc == 0x8000_0000 && named["priv"] == 3)
    #expect(named["a0"] == 0 && named["a1"] == 0x80E0_0000)
    #expect(info(machine, at: named["a2"] ?? 0) == [0x4942_534F, 2, 0x8020_0000, 1])
    #expect(machine.memory.load(0x8020_0004, as: UInt32.self) == 1)
  }

  @Test(arguments: [0x1000, 0x2000] as [UInt64])
  func aBootROMOfOnesOwnTakesThePlaceOfTheResetROM(address: UInt64) throws {
    let options = try Self.options {
      $0.firmware = (try Self.raw([Self.loop], "rom"), address)
    }
    let machine = try Machine(.test, image: Self.raw([Self.loop], "kernel"), options: options)
    let named = registers(machine)
    #expect(machine.pc == address && named["priv"] == 3)
    #expect(named["a0"] == 0 && named["a1"] == 0x80E0_0000)
    #expect(info(machine, at: named["a2"] ?? 0) == [0x4942_534F, 2, 0x8020_0000, 1])
    #expect(machine.deviceTree == Self.emptyTree)
  }

  @Test func whoAnswersSMode() throws {
    let image = try Self.raw([Self.loop], "image")
    func answers(_ set: (inout MachineOptions) -> Void) throws -> Bool {
      let machine = try Machine(.test, image: image, options: Self.options(set))
      return machine.boot.start.answersSBI
    }
    try #expect(!answers { _ in })
    try #expect(answers { $0.mode = .supervisor })
    try #expect(answers { $0.sbi = .host })
    try #expect(!answers { $0.firmware = (image, nil) })
    try #expect(
      answers {
        $0.firmware = (image, nil)
        $0.sbi = .host
      })
    let nobody = error(
      image,
      Self.options {
        $0.mode = .supervisor
        $0.sbi = .firmware
      })
    #expect(nobody?.kind == .options)
  }

  /// A boot ROM that goes to S mode, where an ecall is answered by the emulator under `--sbi host`
  /// and by the ROM under `--sbi firmware`.
  @Test(arguments: MachineOptions.SBIProvider.allCases)
  func callsGoToWhoIsToAnswerThem(sbi: MachineOptions.SBIProvider) throws {
    let code = Assembler.program { rom in
      rom.la(.t0, "trap")
      rom.csrw(0x305, .t0)  // mtvec
      rom.la(.t0, "payload")
      rom.csrw(0x341, .t0)  // mepc
      // pmpaddr0 = all ones, pmpcfg0 = NAPOT, R, W, X
      rom.addi(.t0, .zero, -1)
      rom.csrw(0x3B0, .t0)
      rom.addi(.t0, .zero, 0x1F)
      rom.csrw(0x3A0, .t0)
      rom.lui(.t0, 1)
      rom.addi(.t0, .t0, -0x800)  // MPP = S
      rom.csrw(0x300, .t0)
      rom.emit(0x3020_0073)  // mret
      rom.label("payload")
      rom.addi(.a7, .zero, 0x10)  // base extension: which specification?
      rom.addi(.a6, .zero, 0)
      rom.ecall()
      rom.label("end")
      rom.j("end")
      rom.label("trap")
      rom.addi(.a1, .zero, 77)
      rom.label("again")
      rom.j("again")
    }
    let bytes = try Self.raw(code, "rom")
    let options = Self.options {
      $0.firmware = (bytes, 0x1000)
      $0.sbi = sbi
    }
    let machine = try Machine(.test, image: Self.raw([Self.loop], "kernel"), options: options)
    _ = machine.run(until: RunLimit(index: 100))
    #expect(registers(machine)["a1"] == (sbi == .host ? 2 << 24 : 77))
    #expect(registers(machine)["priv"] == (sbi == .host ? 1 : 3))
  }

  // MARK: What it finds

  @Test func anInitialDiskAndACommandLine() throws {
    let options = Self.options {
      $0.mode = .supervisor
      $0.commandLine = "console=ttyS0"
      $0.initialDisk = [1, 2, 3]
    }
    let machine = try Machine(.test, image: Self.raw([Self.loop], "kernel"), options: options)
    // Half of 16 MiB behind the kernel's first instruction.
    #expect(machine.memory.read(0x80A0_0000, count: 4) == [1, 2, 3, 0])
    let tree = try #require(machine.deviceTree)
    let text = String(decoding: tree, as: UTF8.self)
    #expect(text.contains("console=ttyS0\0"))
    #expect(text.contains("linux,initrd-start\0linux,initrd-end\0"))
    for address in [0x80A0_0000, 0x80A0_0003] as [UInt64] {
      #expect(tree.contains((0..<8).map { UInt8(truncatingIfNeeded: address >> (56 - 8 * $0)) }))
    }
    #expect(registers(machine)["a1"] == 0x80E0_0000)
  }

  /// A firmware whose data and code have changed starts anew at a reset, also in a machine from a
  /// snapshot.
  @Test func aResetPutsTheFilesBack() throws {
    let code = Assembler.program { a in
      a.lui(.t0, 0x10000)
      a.la(.t1, "data")
      a.lw(.t2, .t1, 0)
      a.label("letter")
      a.addi(.a0, .zero, 65)
      a.sb(.a0, .t0, 0)
      a.bne(.t2, .zero, "end")
      a.sw(.t0, .t1, 0)
      a.la(.s0, "letter")
      a.sw(.t2, .s0, 0)
      a.sw(.t0, .t0, 28)  // reset
      a.label("end")
      a.j("end")
      a.label("data")
      a.emit(0)
    }
    var machine = try Machine.running(code)
    for round in 1...3 {
      _ = machine.run(until: RunLimit(index: UInt64(round) * 20))
      machine = try Machine(machine.snapshot())
    }
    #expect(machine.resets == 3 && machine.console.text == "AAA")
  }

  // MARK: What does not fit

  @Test func whatIsNoDeviceTree() throws {
    let image = try Self.raw([Self.loop], "image")
    var cut = Self.emptyTree
    cut.removeLast()
    var noise = Self.emptyTree
    noise[56] = 0xFF
    for bytes in [[], [1], cut, noise, [UInt8](repeating: 0, count: 100)] {
      let options = Self.options { $0.deviceTree = (bytes, "bad.dtb") }
      let words = error(image, options)?.description ?? ""
      #expect(words.hasPrefix("bad.dtb: is no device tree blob ("), "\(words)")
    }
  }

  /// `riscv64-unknown-elf-gcc -nostdlib -Ttext=0x80000000`: the file's headers are part of its segment, and lie below RAM.
  @Test func headersBelowMemoryAreLeftOut() throws {
    func image(headersEndWith byte: UInt8) throws -> Image {
      var file = ELFFile(segments: [.load(0x8000_0000, [byte] + [0, 0, 0] + ELFFile.code)]).bytes
      let end = 64 + 56
      for (offset, value) in [
        (72, 0), (80, 0x8000_0000 - end - 4), (88, 0x8000_0000 - end - 4), (96, end + 12),
        (104, end + 12),
      ] {
        for byte in 0..<8 { file[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
      }
      return try Image(bytes: file, path: "headers.elf")
    }
    let content = try Boot(image(headersEndWith: 0), on: .test, MachineOptions()).content
    #expect(content.contains { $0.address == 0x8000_0000 && $0.bytes == ELFFile.code })
    #expect(!content.contains { 0x7000_0000..<0x8000_0000 ~= $0.address })
    let words = try self.error(image(headersEndWith: 1), MachineOptions())?.description ?? ""
    #expect(words.hasPrefix("headers.elf: its segment at 0x7fffff84"), "\(words)")
  }

  @Test func filesThatLieOnEachOther() throws {
    let image = try Self.raw([Self.loop, 0], "kernel")
    func zeros(_ count: Int, _ path: String) throws -> Image {
      try Image(bytes: [UInt8](repeating: 0, count: count), path: path, format: .raw)
    }
    let large = try zeros(0x20_0004, "firmware")
    #expect(
      error(image, Self.options { $0.firmware = (large, nil) })?.description
        == "kernel: its segment at 0x80200000..0x80200007 would lie on what is at "
        + "0x80000000..0x80200003 (firmware: its segment); link or load one of them elsewhere")
    let kernel = try zeros(0x80_0004, "kernel")
    let disk = Self.options {
      $0.mode = .supervisor
      $0.initialDisk = [1]
    }
    #expect(
      error(kernel, disk)?.description
        == "the initial RAM disk at 0x80a00000..0x80a00000 would lie on what is at "
        + "0x80200000..0x80a00003 (kernel: its segment); link or load one of them elsewhere")
    let tooLarge = Self.options {
      $0.mode = .supervisor
      $0.initialDisk = [UInt8](repeating: 0, count: 7 << 20)
    }
    #expect(
      error(image, tooLarge)?.description
        == "the initial RAM disk, 7340032 bytes, would go to 0x80a00000..0x810fffff, beyond the "
        + "end of RAM at 0x80ffffff; give it more --memory")
    let outside = Self.options { $0.firmware = (image, 0x4000_0000) }
    #expect(
      error(image, outside)?.description
        == "kernel: its segment at 0x40000000, 8 bytes, does not lie in the memory of test "
        + "(rom 0x1000..0xffff, ram 0x80000000..0x80ffffff); link it for this board or take "
        + "another one with --board")
  }
}

extension Sequence where Element: Equatable {
  fileprivate func contains(_ run: [Element]) -> Bool {
    let all = Array(self)
    return all.indices.contains { all[$0...].starts(with: run) }
  }
}
