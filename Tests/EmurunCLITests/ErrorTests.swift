import Emu
import Glibc
import Testing

@testable import EmurunCLI

/// Every sentence that refuses a run, and its exit code.
@Suite struct ErrorTests {
  private let m4 = image("hello-m4.elf")
  private let rv64 = image("hello-rv64.elf")

  /// The sentence as golden text; folders that differ from machine to machine as "IMAGES".
  private func expect(
    _ arguments: String..., code: Int32, _ sentence: String,
    at location: SourceLocation = #_sourceLocation
  ) {
    let errors = Output()
    let output = Output()
    let result = Emurun.main(
      arguments, on: Host(output: output, errors: errors, environment: { _ in nil }))
    #expect(result == code, sourceLocation: location)
    let folder = image("")
    var text = ""
    var rest = Substring(errors.text)
    while let range = rest.firstRange(of: folder) {
      text += rest[..<range.lowerBound] + "IMAGES/"
      rest = rest[range.upperBound...]
    }
    text += rest
    #expect(text == "emurun: \(sentence)\n", sourceLocation: location)
    #expect(output.text == "", sourceLocation: location)
  }

  @Test func usage() {
    expect(code: 64, "which image? Usage: emurun IMAGE [OPTIONS]; see emurun --help")
    expect(m4, m4, code: 64, "Unexpected argument 'IMAGES/hello-m4.elf'. See 'emurun --help'.")
    expect(
      "--bogus", code: 64, "Unknown option '--bogus'. Did you mean '--board'? See 'emurun --help'.")
    expect(m4, "--for", code: 64, "Missing value for '--for <duration>'. See 'emurun --help'.")
    expect(
      m4, "--for", "10", code: 64,
      "The value '10' is invalid for '--for <duration>': a time is a number and ns, us, ms, s, min "
        + "or h, such as 1.5s, or inf. See 'emurun --help'.")
    expect(
      rv64, "--memory", "5X", code: 64,
      "The value '5X' is invalid for '--memory <size>': a size is a number and K, M or G, such as "
        + "512M. See 'emurun --help'.")
    expect(
      rv64, "--load", "data.bin", code: 64,
      "The value 'data.bin' is invalid for '--load <file@addr>': write FILE@ADDRESS, such as "
        + "data.bin@0x80100000. See 'emurun --help'.")
    expect(
      rv64, "--uart", "modem", code: 64,
      "The value 'modem' is invalid for '--uart <n=file>': write N=FILE or N=stdout, such as "
        + "1=modem.log. See 'emurun --help'.")
    expect(
      m4, "--max-instructions", "many", code: 64,
      "The value 'many' is invalid for '--max-instructions <n>'. See 'emurun --help'.")
    expect(m4, "--mode", "u", code: 64, "--mode is m or s, not \"u\"")
    expect(
      m4, "--mode", "s", code: 64, "m4-led has a Cortex-M4F: --mode is for RV64; leave it out")
    expect("boards", "extra", code: 64, "Unexpected argument 'extra'. See 'emurun boards --help'.")
    expect(
      "why", m4, "PF1", "--board", "m4-led", code: 64,
      "Unknown option '--board'. Options of the run come behind --. See 'emurun why --help'.")
  }

  @Test func combinations() {
    expect(
      m4, "--trace", "led,insn", code: 64,
      "--trace insn: single instructions cannot be traced yet; known are "
        + "led,gpio,uart,mmio,irq,trap,sbi")
    expect(
      m4, "--trace", "leds", code: 64,
      "--trace: there is no kind \"leds\"; known are led,gpio,uart,mmio,irq,trap,sbi")
    expect(
      m4, "--twice", "--interactive", code: 64,
      "--twice cannot repeat what somebody types; use --input instead of --interactive")
    expect(
      m4, "--input", "-", "--interactive", code: 64,
      "--input - and --interactive both want standard input; choose one")
    for (memory, address, advice) in [
      ("128M", "0x87e00000", "give it more --memory"),
      ("4G", "0xbfe00000", "let it end below or begin above"),
    ] {
      expect(
        rv64, "-m", memory, "--load", m4 + "@" + address, code: 65,
        "the file loaded at \(address) covers \(address), where the device tree goes; \(advice)")
    }
    expect(
      m4, "--trace-file", m4, code: 64,
      "IMAGES/hello-m4.elf: is read by this run; name another file to write")
    expect(
      m4, "--input", rv64, "--uart", "0=" + image("./hello-rv64.elf"), code: 64,
      "IMAGES/./hello-rv64.elf: is read by this run; name another file to write")
    expect(
      m4, "--uart", "0=/tmp/emurun-one", "--trace-file", "/tmp/../tmp/emurun-one", code: 64,
      "/tmp/../tmp/emurun-one: is to be written twice; name another file for one")
    expect(
      m4, "--json", "--interactive", code: 64,
      "--json leaves no console for --interactive; choose one")
    expect(
      m4, "--expect-text", "", code: 64,
      "--expect-text and --fail-text need a text that is not empty")
    expect(m4, "--uart", "7=x", code: 64, "--uart: m4-led has no uart7; it has uart0")
    expect(
      m4, "--uart", "0=stdout", "--json", code: 64,
      "--json leaves no standard output for --uart 0=stdout")
  }

  @Test func starts() throws {
    let sbi = image("sbi-heartbeat-rv64.elf")
    expect(
      rv64, "-kernel", sbi, code: 64,
      "IMAGES/hello-rv64.elf and --kernel IMAGES/sbi-heartbeat-rv64.elf are two images; what "
        + "starts first is --bios, and more files go into memory with --load")
    expect(
      m4, "--bios", rv64, code: 64, "m4-led has a Cortex-M4F: --bios is for RV64; leave it out")
    expect(
      "-kernel", sbi, "-bios", rv64, "--mode", "s", code: 64,
      "--mode s: what --bios names starts in M mode; leave one of them out")
    expect(rv64, "--sbi", "both", code: 64, "--sbi is host or firmware, not \"both\"")
    expect(
      rv64, "--sbi", "host", "-bios-sbi-pass-through", code: 64,
      "-bios-sbi-pass-through is --sbi firmware; choose one")
    expect(
      sbi, "--sbi", "firmware", code: 64,
      "the image starts in S mode, and nothing below it would answer its calls: name a firmware "
        + "with --bios, or leave --sbi firmware out")
    expect(
      rv64, "-M", "virt,aia=aplic", code: 64,
      "-machine: aia=aplic cannot be had; known are dumpdtb=FILE, and aclint=off, aia=none, "
        + "usb=off and accel=tcg, which change nothing")
    expect(
      sbi, "--dtb", rv64, code: 65,
      "IMAGES/hello-rv64.elf: is no device tree blob (FDT_ERR_BADMAGIC); make one with dtc -O dtb")
    expect(
      "-kernel", m4, code: 64, "m4-led has a Cortex-M4F: --kernel is for RV64; leave it out")
    for option in ["-bios", "-initrd", "-dtb"] {
      #expect(emurun("-kernel", sbi, option, "no-such").code == 66)
    }
  }

  @Test func drives() throws {
    let sbi = image("sbi-heartbeat-rv64.elf")
    try withFolder { folder in
      let (disk, odd, empty) = (folder + "/disk", folder + "/odd", folder + "/empty")
      write([UInt8](repeating: 0, count: 1024), to: disk)
      write([UInt8](repeating: 0, count: 1025), to: odd)
      write([], to: empty)
      expect(
        sbi, "--drive", odd, code: 65,
        "\(odd): its 1025 bytes are not a multiple of 512, so it is no raw disk image (truncate -s "
          + "%512 fills it up)")
      expect(sbi, "--drive", empty, code: 65, "\(empty): is empty, so it cannot be a disk")
      expect(
        sbi, "--drive", folder, code: 65,
        "\(folder): is no file with a size, so it cannot be a disk")
      expect(
        sbi, "--drive", "no-such", code: 66,
        "no-such: cannot be opened: No such file or directory; check the path")
      expect(
        m4, "--drive", disk, code: 64,
        "m4-led has a Cortex-M4F: --drive is for RV64; leave it out")
      expect(
        sbi, "--drive", disk + ",format=qcow2", code: 64,
        "--drive: format=qcow2 cannot be had; known are file, id, if=none|virtio, format=raw, "
          + "write, readonly and snapshot")
      expect(sbi, "-drive", "format=raw", code: 64, "--drive: which file?")
      let detached = "file=\(disk),if=none,id=a"
      expect(
        sbi, "-drive", detached, code: 64,
        "-drive id=a with if=none is in no slot; add -device virtio-blk-device,drive=a")
      expect(
        sbi, "-drive", detached, "-drive", detached, code: 64,
        "-drive: with if=none it needs an id of its own")
      expect(
        sbi, "-device", "virtio-blk-device,drive=b", code: 64,
        "-device virtio-blk-device: there is no -drive if=none,id=b left for it")
      expect(
        sbi, "-device", "virtio-blk-device", code: 64,
        "-device virtio-blk-device: which drive? Add drive=ID")
      expect(
        sbi, "-device", "e1000", code: 64,
        "-device: \"e1000\" cannot be had; there is virtio-blk-device, and virtio-rng-device, "
          + "virtio-serial-device and virtconsole are always there")
      expect(sbi, "--virtio", "new", code: 64, "--virtio is legacy or modern, not \"new\"")
      expect(
        sbi, "-global", "x.y=z", code: 64,
        "-global x.y=z: only virtio-mmio.force-legacy=true and false are known")
      let seven = (0..<7).flatMap { _ in ["--drive", disk] }
      let errors = Output()
      #expect(Emurun.main([sbi] + seven, on: Host(output: Output(), errors: errors)) == 64)
      #expect(errors.text == "emurun: there is room for 6 drives, not more\n")
      expect(
        sbi, "--drive", disk, "--trace-file", disk, code: 64,
        "\(disk): is read by this run; name another file to write")
    }
  }

  /// What `dtc` reads, with and without an image.
  @Test func deviceTreesAreWritten() throws {
    try withFolder { folder in
      let (one, two) = (folder + "/one", folder + "/two")
      #expect(emurun("--dtb-dump", one).code == 0)
      #expect(emurun("-M", "virt,dumpdtb=" + two, "-append", "x=y").code == 0)
      let bytes = try InputFile.read(one, standardInput: -1)
      #expect(bytes.starts(with: [0xD0, 0x0D, 0xFE, 0xED]))
      let texts = try (read(one), read(two))
      #expect(!texts.0.contains("bootargs") && texts.1.contains("bootargs"))
      // It can be given back.
      let sbi = image("sbi-heartbeat-rv64.elf")
      #expect(emurun(sbi, "--dtb", one, "--for", "1ms").code == 0)
      #expect(emurun(sbi, "--dtb", one, "--dtb-dump", one).code == 64)
    }
  }

  @Test func boards() {
    expect(
      m4, "--board", "z80", code: 64,
      "there is no board \"z80\"; there are m4-led, lm3s6965evb, tm4c123gxl, rv64-virt")
    expect(
      rv64, "-M", "m4-led", code: 65,
      "IMAGES/hello-rv64.elf: is code for RV64, and m4-led has a Cortex-M4F; leave --board out or "
        + "name another one")
    expect(
      m4, "--memory", "1M", code: 64,
      "m4-led has 64 KiB of SRAM, no more and no less; leave --memory out")
    expect(m4, "-smp", "2", code: 64, "m4-led has one core; leave --smp out")
    expect(
      rv64, "--smp", "9", code: 64,
      "The value '9' is invalid for '--smp <n>': harts are a number from 1 to 8. See 'emurun "
        + "--help'.")
    expect(
      rv64, "--cycles", "m4", code: 64,
      "--cycles m4 is for a Cortex-M4, which rv64-virt has none of")
    expect(
      m4, "--cycles", "m3", code: 64,
      "The value 'm3' is invalid for '--cycles <m4>': the only timing beside one cycle an instruction "
        + "is m4. See 'emurun --help'.")
    expect(
      rv64, "--quantum", "0", code: 64,
      "The value '0' is invalid for '--quantum <n>': a turn is a number of instructions from 1 to "
        + "1000000000. See 'emurun --help'.")
    expect(
      rv64, "-m", "1K", code: 64,
      "1024 bytes of memory do not fit rv64-virt; it takes 64K to 64G, in steps of 4K")
  }

  @Test func images() throws {
    expect("no-such.elf", code: 66, "no-such.elf: there is no such file; check the path")
    expect("/tmp", code: 66, "/tmp: is a directory; name an image file in it")
    try withFolder { folder in
      let path = folder + "/image"
      write([], to: path)
      expect(path, code: 65, "\(path): is empty; build it again, or check the path")
      write([0x1F, 0x8B, 8, 0, 0, 0], to: path)
      expect(
        "-kernel", path, code: 65,
        "\(path): is compressed (gzip), and nothing would unpack it; use gunzip")
      write([UInt8](repeating: 0xFF, count: 64), to: path)
      expect(
        path, code: 65,
        "\(path): shows neither a Cortex-M vector table nor RISC-V code in its first bytes; name "
          + "its board with --board")
      write(words(0x3000_0000, 0x0000_0101, 0, 0), to: path)
      expect(
        path, code: 65,
        "\(path): SP 0x3000_0000 and PC 0x0000_0100 fit no built-in board of its architecture "
          + "(m4-led, lm3s6965evb, tm4c123gxl); link it for one of them, or name a board with --board"
      )
    }
  }

  @Test func files() {
    expect(
      rv64, "--input", "no-such", code: 66,
      "no-such: cannot be read: No such file or directory; check the path")
    expect(
      rv64, "--load", "no-such@0x80000000", code: 66,
      "no-such: cannot be read: No such file or directory; check the path")
    expect(
      rv64, "--trace-file", "/no/such/folder", code: 73,
      "/no/such/folder: cannot be written: No such file or directory; name another file")
    expect(
      rv64, "--commit-log", "/no/such/folder", code: 73,
      "/no/such/folder: cannot be written: No such file or directory; name another file")
    expect(
      m4, "--commit-log", "/dev/null", code: 64,
      "--commit-log: m4-led has no RV64 harts; leave it out")
    expect(
      rv64, "--trace-file", "/tmp", code: 73,
      "/tmp: cannot be written: Is a directory; name another file")
    for option in ["--coverage", "--vcd", "--record", "--sarif"] {
      expect(rv64, option, "", code: 73, "a file without a name cannot be written; name one")
    }
    for folder in ["/no/such/folder", "/dev/null"] {
      let outcome = emurun(m4, "--semihosting-root", folder)
      #expect(outcome.code == 66 && outcome.errors.hasPrefix("emurun: \(folder): cannot be read: "))
    }
    let endless = #expect(throws: Refusal.self) {
      try InputFile.read("/dev/zero", standardInput: 0, most: 1 << 20)
    }
    #expect(endless?.sentence == "/dev/zero: is longer than 1 MiB; is it the right one?")
    expect(
      rv64, "--uart", "0=/no/such/folder", code: 73,
      "/no/such/folder: cannot be written: No such file or directory; name another file")
  }

  @Test func badInputLeavesNoFile() throws {
    try withFolder { folder in
      let (trace, bad) = (folder + "/trace", folder + "/bad.elf")
      write(words(0x464C_457F, 0, 0, 0), to: bad)
      #expect(emurun(bad, "--trace-file", trace).code == 65)
      #expect(
        emurun(rv64, "--trace-file", trace, "--load", "\(bad)@0x10").code == 65)
      #expect(names(in: folder) == ["bad.elf"])
    }
  }

  @Test func outputThatFailsOnTheWay() {
    let outcome = emurun(rv64, "--trace-file", "/dev/full")
    #expect(outcome.code == 74)
    #expect(
      outcome.errors.hasSuffix("emurun: /dev/full: cannot be written: No space left on device\n"))
  }

  @Test func aLibraryThatWillNotDo() {
    let refusal = EngineLibrary.current.refusal("a symbol is missing")
    #expect(refusal.code == 69)
    #expect(refusal.sentence.hasPrefix("libunicorn 2."))
    #expect(refusal.sentence.contains(" on this host fails a check: a symbol is missing; install "))
  }
}
