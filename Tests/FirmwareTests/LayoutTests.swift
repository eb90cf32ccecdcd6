import Emu
import Foundation
import Testing

/// Where the linker scripts put things, read from the bytes.
@Suite struct LayoutTests {
  /// Section by section: where it runs, where it lies, and on what border.
  @Test func anchoredTable() throws {
    let text = try Firmware.sections("anchored-m4")
    let table = [".text", ".rodata", ".data", ".bss"].map { name in
      text.first { $0.name == name }.map { "\(name) \(hex($0.address)) \(hex($0.load))" }
    }
    #expect(
      table == [
        ".text 0x100000 0x100000", ".rodata 0x101000 0x101000", ".data 0x20001000 0x102000",
        ".bss 0x20002000 0x20002000",
      ])
    for section in text where table.contains(where: { $0?.hasPrefix(section.name + " ") == true }) {
      #expect(section.address % 4_096 == 0 && section.load % 4_096 == 0)
    }
    let machine = try Firmware.machine("anchored-m4")
    _ = machine.run(until: RunLimit(index: 10_000))
    let lines = machine.console.text.split(separator: "\n")
    try #require(lines.count == 4)
    #expect(lines[0].hasPrefix(".text 0x0010") && lines[1] == ".data 0x20001000")
    #expect(lines[2] == ".bss 0x20002000" && lines[3] == "initialised")
  }

  /// Flat, with the vector table as the first 64 bytes: SP in SRAM, then handlers with the Thumb bit.
  @Test(arguments: ["led-heartbeat.bin", "zero-trap-m4.bin", "tasks-m4.bin"])
  func beginsWithItsVectors(file: String) throws {
    let bytes = try Firmware.bytes(file)
    let words = (0..<16).map { word in
      (0..<4).reduce(0 as UInt32) { $0 | UInt32(bytes[word * 4 + $1]) << UInt32(8 * $1) }
    }
    #expect(words[0] == 0x2000_1000)
    let size = UInt32(bytes.count)
    for number in [1, 2, 3, 4, 5, 6, 11, 12, 14, 15] {
      #expect(words[number] & 1 == 1 && 64..<size ~= words[number])
    }
    for number in [7, 8, 9, 10, 13] { #expect(words[number] == 0) }
  }

  /// At the boot ROM's address, and no larger than QEMU's mask ROM.
  @Test func theBootROMFits() throws {
    let sections = try Firmware.sections("sbi-bootrom")
    #expect(sections.first { $0.name == ".reset" }?.address == 0x1000)
    #expect(try Firmware.bytes("sbi-bootrom.bin").count <= 60 << 10)
  }

  private func hex(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }
}
