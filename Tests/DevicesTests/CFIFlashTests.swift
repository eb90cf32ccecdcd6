import Devices
import Emu
import Testing

@Suite struct CFIFlashTests {
  private let bench = DeviceBench(CFIFlash(bankSize: 512 << 10), size: 1 << 20)
  private let bank: UInt64 = 512 << 10
  private let sector: UInt64 = 256 << 10

  private func command(_ value: UInt64, _ offset: UInt64 = 0) {
    bench.write(offset, value | value << 16)
  }

  /// Each chip gives a byte in the lower half of its lane: "QRY" at word 0x10 (JESD68.01, table 1).
  @Test(arguments: [0, 512 << 10] as [UInt64]) func query(bank: UInt64) {
    command(0x98, bank + 0x154)
    for (word, byte) in zip(0x10..., Array("QRY".utf8)) {
      let value = UInt64(byte)
      #expect(bench.read(bank + UInt64(word) * 4) == value | value << 16)
      #expect(bench.read(bank + UInt64(word) * 4, width: 2) == value)
    }
    // 2^18 bytes a chip, 2 sectors of 128 KiB.
    let geometry = [0x27, 0x2C, 0x2D, 0x2F, 0x30].map { (word: UInt64) in
      bench.read(bank + word * 4, width: 1)
    }
    #expect(geometry == [18, 1, 1, 0, 2])
    command(0xFF, bank)
    #expect(bench.read(bank + 0x40) == 0)
  }

  @Test func identifier() {
    command(0x90)
    #expect(bench.read(0) == 0x89_0089 && bench.read(4) == 0x18_0018 && bench.read(8) == 0)
    #expect(bench.read(bank) == 0, "the other bank is at rest")
  }

  /// "Only 1s can be programmed to 0s"; an erase makes all of a sector ones.
  @Test func erasesAndPrograms() {
    command(0x20, sector + 0x100)
    command(0xD0, sector + 0x100)
    #expect(bench.read(0) == 0x80_0080, "ready")
    command(0xFF)
    #expect(bench.read(sector - 4) == 0 && bench.read(sector) == 0xFFFF_FFFF)
    #expect(bench.read(2 * sector - 8, width: 8) == .max && bench.read(2 * sector) == 0)
    for value in [0x1234_5678, 0xFF00_FF00] as [UInt64] {
      command(0x40)
      bench.write(sector + 8, value)
      command(0x70)
      #expect(bench.read(sector) == 0x80_0080)
    }
    command(0xFF)
    #expect(bench.read(sector + 8) == 0x1200_5600 && bench.read(sector + 12) == 0xFFFF_FFFF)
  }

  @Test func writesABuffer() {
    command(0x20)
    command(0xD0)
    command(0xE8)
    #expect(bench.read(0) == 0x80_0080)
    command(2)
    for word in 0..<3 as Range<UInt64> { bench.write(4 * word, word + 1) }
    command(0xD0)
    command(0xFF)
    #expect((0..<4).map { bench.read(4 * $0) } == [1, 2, 3, 0xFFFF_FFFF])
  }

  @Test func sequencesThatAreNone() {
    command(0x20)
    command(0x40)
    command(0x70)
    #expect(bench.read(0) == 0xB0_00B0)
    command(0x50)
    command(0x70)
    #expect(bench.read(0) == 0x80_0080)
    command(0xE8)
    command(0xFFFF)
    command(0x33)
    #expect(
      bench.findings.map(\.name) == [
        "a flash command that is not confirmed", "a flash command that is not in Intel's set",
      ])
  }

  @Test func keepsItsContentOverAReset() {
    command(0x20)
    command(0xD0)
    command(0x98)
    bench.reset()
    #expect(bench.read(0x40) == 0xFFFF_FFFF)
  }
}

@Suite struct PCIHostTests {
  /// "All 1's data" of any width, and nothing is remembered.
  @Test func nothingIsThere() {
    let bench = DeviceBench(PCIHost("pci", size: 1 << 20), size: 1 << 20)
    #expect(bench.read(0) == 0xFFFF_FFFF && bench.read(0xF_FFF8, width: 8) == .max)
    #expect(bench.read(0xFFE, width: 2) == 0xFFFF && bench.read(3, width: 1) == 0xFF)
    bench.write(4, 0)
    #expect(bench.read(4) == 0xFFFF_FFFF && bench.findings.isEmpty)
  }
}
