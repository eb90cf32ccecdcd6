import Devices
import Emu
import Testing

/// The same bytes on both emulators. What differs, and why, is in docs/differences.md.
@Suite(.enabled(if: QEMU.isHere || QEMU.isRequired, "qemu-system-riscv64 is not here"))
struct QEMUTests {
  static let images = ["hello-rv64", "sbi-heartbeat-rv64"].flatMap { ["\($0).elf", "\($0).bin"] }

  @Test(arguments: images) func printsTheSameText(name: String) throws {
    let path = imagesFolder + name
    let bios = name.hasPrefix("hello") ? "none" : "default"
    let theirs = try QEMU.console(path, bios: bios)
    let ours = try run(path)
    #expect(theirs.status == 0)
    #expect(ours.stop?.code == 0)
    // OpenSBI prints its banner first.
    let start = try #require(theirs.text.range(of: String(ours.console.text.prefix(12))))
    #expect(
      String(theirs.text[start.lowerBound...]) == ours.console.text.replacing("\r\n", with: "\n"))
  }

  @Test func mcycleMovesByTheSame() throws {
    let path = try Guest.build("counters.S")
    let theirs = try QEMU.console(path, bios: "none")
    let ours = try run(path)
    #expect(ours.stop?.reason == .finisher)
    #expect(ours.console.text.split(separator: "\n").count == 11)
    #expect(ours.console.text == theirs.text)
  }

  /// Tasks, system calls and refused stores come to the same checksums. The next line counts
  /// cycles, and QEMU has no counter for them.
  @Test func tortureComesToTheSame() throws {
    let path = imagesFolder + "torture-m4.elf"
    let theirs = try QEMU.stellaris(path)
    var options = MachineOptions()
    options.semihosting = SemihostingOptions()
    let ours = try Machine(.lm3s6965EVB, image: Image(path: path), options: options)
    _ = ours.run(until: RunLimit(tick: 10_000_000))
    #expect(theirs.status == 0 && ours.stop?.code == 0)
    let line = ours.console.text.prefix { $0 != "\n" }
    #expect(line.hasSuffix(" passed") && theirs.text.prefix { $0 != "\n" } == line)
  }

  /// Where this part's datasheet says something else than QEMU does: an address, QEMU's value and ours.
  private static let known = [
    // GPIODR2R and GPIODR4R: a pin has one strength. GPIOLOCK, unlocked.
    "40004500 000000ff 000000f0", "40004504 0000000f 0000000c", "40004520 00000001 00000000",
    // SSIRIS.RTRIS: QEMU has no time-out. SSIPeriphID1 and 2: QEMU's are Arm's own.
    "40008018 0000000c 0000000e", "40008018 00000008 0000000a", "40008fe4 00000010 00000000",
    "40008fe8 00000004 00000018",
    // ADCSSPRI at reset.
    "40038020 00000000 00003210",
  ]

  /// Registers of UART, GPIO, I2C, SSI, GPTM and ADC, 89 reads of them.
  @Test func stellarisDevicesReadTheSame() throws {
    let path = try Guest.stellaris()
    let theirs = try QEMU.stellaris(path)
    var options = MachineOptions()
    options.semihosting = SemihostingOptions()
    let ours = try Machine(.lm3s6965EVB, image: Image(path: path), options: options)
    _ = ours.run(until: RunLimit(tick: 10_000_000))
    #expect(theirs.status == 0 && ours.stop?.code == 0)
    let lines = [theirs.text, ours.console.text].map { $0.split(separator: "\n") }
    #expect(lines[0].count == 89 && lines[1].count == 89)
    let different = zip(lines[0], lines[1]).compactMap { theirs, ours in
      theirs == ours ? nil : "\(theirs) \(ours.suffix(8))"
    }
    #expect(different == Self.known)
  }

  private let imagesFolder =
    #filePath.split(separator: "/", omittingEmptySubsequences: false)
    .dropLast(3).joined(separator: "/") + "/images/"

  private func run(_ path: String) throws -> Machine {
    let machine = try Machine(.rv64Virt(), image: Image(path: path))
    _ = machine.run(until: RunLimit(tick: 60_000_000_000))
    return machine
  }
}
