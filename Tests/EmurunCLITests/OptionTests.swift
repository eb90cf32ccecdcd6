import Emu
import Testing

@testable import EmurunCLI

@Suite struct OptionTests {
  @Test func times() {
    for (text, nanoseconds) in [
      ("10s", 10_000_000_000), ("500ms", 500_000_000), ("2us", 2000), ("2µs", 2000), ("7ns", 7),
      ("1.5s", 1_500_000_000), ("0.001us", 1), ("3min", 180_000_000_000), ("1h", 3_600_000_000_000),
      ("0s", 0), ("1.500000000s", 1_500_000_000),
    ] as [(String, UInt64)] {
      #expect(VirtualTime(argument: text)?.nanoseconds == nanoseconds)
    }
    #expect(VirtualTime(argument: "inf") != nil)
    #expect(VirtualTime(argument: "inf")?.nanoseconds == nil)
    for text in [
      "", "10", "s", "-1s", "1,5s", "1.s", ".5s", "1.5ns", "1.0000000001s", "1e3s", "1 s", "1S",
      "99999999999999999999s", "18446744074s", "1..5s",
    ] { #expect(VirtualTime(argument: text) == nil, "\(text)") }
  }

  @Test func sizes() {
    for (text, bytes) in [
      ("2G", 2 << 30), ("512M", 512 << 20), ("64K", 64 << 10), ("64k", 64 << 10),
      ("128", 128 << 20),
    ] as [(String, UInt64)] { #expect(MemorySize(argument: text)?.bytes == bytes) }
    for text in ["", "M", "0", "1T", "-1M", "1.5G", "99999999999999G"] {
      #expect(MemorySize(argument: text) == nil, "\(text)")
    }
  }

  @Test func filesAndAddresses() {
    #expect(FileAtAddress(argument: "a@b@0x80000000")?.path == "a@b")
    #expect(FileAtAddress(argument: "a@0x80000000")?.address == 0x8000_0000)
    #expect(FileAtAddress(argument: "a@16")?.address == 16)
    for text in ["a", "@16", "a@", "a@0x", "a@zz"] { #expect(FileAtAddress(argument: text) == nil) }
    #expect(UARTOutput(argument: "1=a=b")?.path == "a=b")
    #expect(UARTOutput(argument: "1=stdout")?.path == nil)
    for text in ["1", "=a", "x=a", "-1=a", "1="] { #expect(UARTOutput(argument: text) == nil) }
  }

  @Test func optionsAsQEMUUsersTypeThem() throws {
    let command = try Emurun.parse([
      "x.elf", "-machine", "virt", "-m", "256", "-nographic", "-no-reboot", "-semihosting",
      "-append", "a b",
    ])
    #expect(command.machine.board?.name == "virt")
    #expect(command.machine.memory?.bytes == 256 << 20)
    #expect(command.streams.noGraphic)
    #expect(command.ending.noReboot)
    #expect(command.machine.semihosting)
    #expect(command.machine.append == "a b")
    try #expect(Emurun.parse(["-M", "virt", "x.elf"]).machine.board?.name == "virt")
  }

  @Test func wordsAsQEMUHasThem() throws {
    let drive = try #require(QEMUWords(argument: "file=a,,b=c,format=raw,snapshot"))
    #expect(drive.name == nil)
    #expect(drive.properties.map(\.key) == ["file", "format", "snapshot"])
    #expect(drive.properties.map(\.value) == ["a,b=c", "raw", "on"])
    #expect(QEMUWords(argument: "rv64,g=on")?.name == "rv64")
    #expect(QEMUWords(argument: "rv64,") == nil)
  }

  /// `-cpu` is taken where it says what the core is.
  @Test func cpus() throws {
    func words(_ model: String) -> String? {
      guard let model = QEMUWords(argument: model) else { return "no words" }
      do { _ = try CPUModel.check(model) } catch { return error.sentence }
      return nil
    }
    let chosen = try #require(QEMUWords(argument: "rv64,svade=on,zicclsm=off"))
    #expect(try CPUModel.check(chosen) == [.svade, .trapsMisaligned])
    let defaults = try #require(QEMUWords(argument: "rv64,svade=off,zicclsm=on"))
    #expect(try CPUModel.check(defaults) == [])
    for model in [
      "rv64", "rv64,g=on", "rv64,g=true,v=false,h=off,sstc=off,zba=off", "rv64,priv_spec=v1.12.0",
    ] { #expect(words(model) == nil) }
    let core =
      "the core is rv64 (RV64GC: i m a f d c, s and u mode, mmu, pmp; svade and zicclsm can be "
      + "chosen)"
    #expect(words("rv64,v=on") == "-cpu: \(core), and has no v")
    #expect(words("rv64,c=off") == "-cpu: \(core), and c cannot be switched off")
    #expect(words("rv64,vlen=256") == "-cpu: vlen=256 cannot be chosen; \(core)")
    #expect(words("max") == "-cpu: there is no \"max\" on this board; \(core)")
  }

  @Test func drivesInTheOrderOfTheirSlots() throws {
    try withFolder { folder in
      for name in ["a", "b", "c"] {
        write([UInt8](repeating: 0, count: 512), to: folder + "/" + name)
      }
      func group(_ words: String...) throws -> DriveOptionsGroup {
        try Emurun.parse([image("hello-rv64.elf")] + words).drives
      }
      let drives = try group(
        "-drive", "file=\(folder)/a,format=raw,if=none,id=x", "-device",
        "virtio-blk-device,drive=x,bus=virtio-mmio-bus.0", "--drive", folder + "/b,write", "-drive",
        "file=\(folder)/c,readonly=on"
      ).drives()
      #expect(drives.map(\.image.path) == ["b", "c", "a"].map { folder + "/" + $0 })
      #expect(drives.map(\.access) == [.commit, .readOnly, .copyOnWrite])
      try #expect(group().version() == .modern)
      try #expect(group("--virtio", "legacy").version() == .legacy)
      try #expect(group("-global", "virtio-mmio.force-legacy=true").version() == .legacy)
    }
  }

  /// What starts where, for each way to say it.
  @Test func whatStarts() throws {
    func plan(_ words: String...) throws -> RunPlan {
      try Emurun.parse(words).plan(standardInput: -1)
    }
    let (raw, elf) = (image("hello-rv64.bin"), image("sbi-heartbeat-rv64.elf"))
    try #expect(plan(raw).options.mode == nil)
    try #expect(plan("-kernel", raw).options.mode == .supervisor)
    try #expect(plan("-kernel", raw, "-bios", "none").options.mode == .machine)
    try #expect(plan(elf, "-bios", "default").options.mode == .supervisor)
    try #expect(plan(elf, "-bios", "none", "--mode", "s").options.mode == .supervisor)
    let alone = try plan("-bios", raw)
    #expect(alone.options.mode == .machine && alone.options.firmware == nil)
    try #expect(plan("-bios", raw + "@0x1000").options.base == 0x1000)
    let both = try plan("-bios", raw + "@0x80001000", "-kernel", elf)
    #expect(both.options.firmware?.address == 0x8000_1000 && both.image.path == elf)
    #expect(both.options.sbi == nil && both.notices.isEmpty)
    let passed = try plan("-bios", raw, "-kernel", elf, "-bios-sbi-pass-through")
    #expect(passed.options.firmware?.address == 0x1000 && passed.options.sbi == .firmware)
    let size = passed.options.firmware?.image.contents.count ?? 0
    #expect(passed.notices == ["\(raw): \(size) bytes, a boot ROM at 0x1000"])
    try #expect(plan(elf, "--sbi", "host").options.sbi == .host)
    try #expect(plan("-kernel", elf, "-append", "a b").options.commandLine == "a b")
  }

  /// The command line of the document that this board grew from, with only the program's name
  /// replaced: a boot ROM in M mode at 0x1000 starts the payload in S mode and answers its calls,
  /// here by printing the letter behind the one it is given.
  @Test func aBootROMWithTheCallsPassedThrough() throws {
    try withFolder { folder in
      let (rom, payload) = (folder + "/bootrom.bin", folder + "/payload.elf")
      write(Self.bootROM, to: rom)
      write(Self.payload, to: payload)
      let outcome = emurun(
        "-machine", "virt", "-cpu", "rv64,g=on", "-bios", rom, "-kernel", payload, "-smp", "2",
        "-m",
        "2G", "-bios-sbi-pass-through")
      #expect(outcome.code == 0)
      #expect(outcome.output == "OK")
      let lines = outcome.errors.split(separator: "\n")
      #expect(lines.first == "emurun: \(rom): 120 bytes, a boot ROM at 0x1000")
      #expect(lines.dropFirst().first?.contains("2 harts of RV64GC") ?? false)
      // Answered by the emulator instead, the same calls print the letters themselves.
      let other = emurun(
        "-bios", rom + "@0x1000", "-kernel", payload, "-smp", "2", "--sbi", "host")
      #expect(other.output == "NJ")
    }
  }

  /// Assembly in the order of the words; a0 to a2 are as docs/boot.md says.
  private static let bootROM = words(
    0x0205_1C63, 0x0000_0297, 0x03C2_8293, 0x3052_9073,  // bnez a0, park; la t0, trap; mtvec
    0x0106_3283, 0x3412_9073, 0xFFF0_0293, 0x3B02_9073,  // mepc = next_addr; pmpaddr0 = -1
    0x01F0_0293, 0x3A02_9073, 0x0000_12B7, 0x8002_8293,  // pmpcfg0 = NAPOT RWX; MPP = S
    0x3002_9073, 0x3020_0073, 0x1050_0073, 0xFFDF_F06F,  // mstatus; mret; park: wfi, park
    0x3410_22F3, 0x0042_8293, 0x3412_9073, 0x0080_0313,  // trap: mepc += 4; a7 == 8?
    0x0068_8A63, 0x0015_0513, 0x1000_02B7, 0x00A2_8023,  // beq off; UART <- a0 + 1
    0x3020_0073, 0x0010_02B7, 0x0000_5337, 0x5553_0313,  // mret; off: finisher <- 0x5555
    0x0062_A023, 0xFF1F_F06F)

  /// Legacy console putchar of N and J, shutdown.
  private static let payload = elf(
    words(
      0x0010_0893, 0x04E0_0513, 0x0000_0073, 0x04A0_0513, 0x0000_0073, 0x0080_0893, 0x0000_0073))

  /// An ELF with this code at 0x8020_0000 and a note of its needs.
  private static func elf(_ code: [UInt8], note: String = "") -> [UInt8] {
    func long(_ value: UInt64) -> [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
    let base: UInt64 = 0x8020_0000
    let size = UInt64(code.count)
    let text = Array(note.utf8) + [UInt8](repeating: 0, count: -note.utf8.count & 3)
    let content = words(7, UInt32(note.utf8.count), 1) + Array("emurun\0\0".utf8) + text
    let noteSize = UInt64(content.count)
    let header: [UInt8] =
      [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + long(0) + words(0x00F3_0002, 1) + long(base)
      + long(64) + long(0) + words(0, 0x0038_0040, 2, 0)
    let load = words(1, 5) + long(176) + long(base) + long(base) + long(size) + long(size) + long(4)
    let notes =
      words(4, 4) + long(176 + size) + long(0) + long(0) + long(noteSize) + long(noteSize) + long(4)
    return header + load + notes + code + content
  }

  /// A note says what `--bios`, `--sbi`, `--mode` and `--smp` say, and gives way to them.
  @Test func notesOfABoot() throws {
    try withFolder { folder in
      let path = folder + "/noted.elf"
      func plan(_ note: String, _ words: String...) throws -> RunPlan {
        write(Self.elf([0x6F, 0, 0, 0], note: note), to: path)
        return try Emurun.parse([path] + words).plan(standardInput: -1)
      }
      let noted = try plan("bios=none\nsbi=host\nsmp=2\nmemory=64M")
      #expect(noted.options.mode == .machine && noted.options.sbi == .host)
      #expect(noted.board.harts == 2 && noted.warnings.isEmpty)
      try #expect(plan("bios=default").options.mode == .supervisor)
      let overruled = try plan("bios=none\nsbi=host", "-bios", "default", "--sbi", "firmware")
      #expect(overruled.options.mode == .supervisor && overruled.options.sbi == .firmware)
      try #expect(plan("mode=m", "-bios", "default").options.mode == .supervisor)
      let wrong = try plan("bios=fw.bin\nsbi=both").warnings
      #expect(
        wrong == [
          "\(path): its note says bios=fw.bin, which can only be none or default; ignored",
          "\(path): its note says sbi=both, which can only be host or firmware; ignored",
        ])
      // It names a board, and opens no file.
      write(Array("name: mine\nextends: rv64-virt\n".utf8), to: folder + "/mine.yaml")
      let file = #expect(throws: Refusal.self) { try plan("board=\(folder)/mine.yaml") }
      #expect(file?.code == 65 && file?.sentence.contains("its note names a board") == true)
    }
  }

  @Test func theCommandLineOverrulesTheNote() throws {
    let hello = image("hello-m4.elf")
    try #expect(Emurun.parse([hello]).plan(standardInput: -1).options.semihosting != nil)
    let named = try Emurun.parse([image("hello-rv64.elf"), "-M", "virt", "-m", "64"])
      .plan(standardInput: -1)
    #expect(named.board.name == "rv64-virt")
    #expect(named.board.regions.contains { $0.size == 64 << 20 })
    #expect(named.end == Moment(nanoseconds: 10_000_000_000))
    try #expect(Emurun.parse([hello, "--for", "inf"]).plan(standardInput: -1).end == nil)
    try #expect(Emurun.parse([hello, "--interactive"]).plan(standardInput: -1).end == nil)
    // Without a terminal, as in CI, nobody could end a run without a limit.
    let noTerminal = try Emurun.parse([hello, "-nographic"]).plan(standardInput: -1)
    #expect(noTerminal.end != nil && !noTerminal.isInteractive)
  }
}
