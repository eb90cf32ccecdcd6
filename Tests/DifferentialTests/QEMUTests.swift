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

  private let imagesFolder =
    #filePath.split(separator: "/", omittingEmptySubsequences: false)
    .dropLast(3).joined(separator: "/") + "/images/"

  private func run(_ path: String) throws -> Machine {
    let machine = try Machine(.rv64Virt(), image: Image(path: path))
    _ = machine.run(until: RunLimit(tick: 60_000_000_000))
    return machine
  }
}
