import Devices
import Emu
import Testing

@Suite struct GPIOFBlockTests {
  private let bench = DeviceBench(GPIOFBlock())
  private let direction: UInt64 = 0x604
  private let data: UInt64 = 0x608

  @Test func drivesOutputsOnly() {
    bench.write(data, 0b0110)
    #expect(bench.pins == [] && bench.read(data) == 0)
    bench.write(direction, 0b0010)
    #expect(bench.pins == ["1+"] && bench.read(data) == 0b0010)
    bench.write(data, 0b1010)
    #expect(bench.pins == ["1+"])
    bench.write(data, 0)
    #expect(bench.pins == ["1+", "1-"])
  }

  @Test func aPinThatTurnsToInputGoesLow() {
    bench.write(direction, 0b1110)
    bench.write(data, 0b1110)
    bench.write(direction, 0b0110)
    #expect(bench.pins == ["1+", "2+", "3+", "3-"])
  }

  /// An LED from the supply to a pin keeps it high until somebody drives it low.
  @Test func anIdlePinWithAnLEDToTheSupplyIsHigh() {
    let bench = DeviceBench(GPIOFBlock(), activeLow: [1])
    bench.write(direction, 0b0110)
    bench.write(data, 0b0110)
    bench.write(data, 0)
    bench.write(direction, 0)
    #expect(bench.pins == ["1-", "1+", "2+", "1-", "2-", "1+"])
  }

  @Test func readsInputs() {
    bench.input(4, true)
    #expect(bench.read(data) == 1 << 4)
    bench.write(direction, 1 << 4)
    #expect(bench.read(data) == 0)
  }

  @Test func takesBytesAndHalves() {
    bench.write(direction, 2, width: 1)
    bench.write(data, 2, width: 2)
    bench.write(data + 1, 0xFF, width: 1)
    #expect(
      bench.pins == ["1+"] && bench.read(data, width: 1) == 2 && bench.read(data + 2, width: 2) == 0
    )
  }

  @Test func systemControlIsDeclaredByName() {
    bench.write(0x618, 1)
    #expect(bench.read(0xA08) == 0 && bench.read(0xFFC) == 0)
    bench.write(data, 0x100)
    #expect(
      bench.findings.map(\.name) == [
        "SYSCTL.RCGCUART", "SYSCTL.PRGPIO", "+0xffc", "DATA.reserved",
      ])
  }

  @Test func aResetLetsPinsGo() {
    bench.write(direction, 2)
    bench.write(data, 2)
    bench.reset()
    #expect(bench.pins == ["1+", "1-"])
  }
}
