import Devices
import Emu
import Testing

@Suite struct SiFiveGPIOTests {
  private let bench = DeviceBench(SiFiveGPIO())
  private let inputValue: UInt64 = 0x00
  private let inputEnable: UInt64 = 0x04
  private let outputEnable: UInt64 = 0x08
  private let outputValue: UInt64 = 0x0C
  private let invert: UInt64 = 0x40

  @Test func onlyEnabledPinsMove() {
    bench.write(outputValue, 0b1010)
    #expect(bench.pins == [])
    bench.write(outputEnable, 0b0110)
    #expect(bench.pins == ["1+"])
    bench.write(outputValue, 0b1010)
    bench.write(outputValue, 0b1100)
    #expect(bench.pins == ["1+", "1-", "2+"])
    bench.write(outputEnable, 0)
    #expect(bench.pins.suffix(1) == ["2-"])
  }

  @Test func allPinsAtOnceInOrder() {
    bench.write(outputEnable, 0xFFFF_FFFF)
    bench.write(outputValue, 0xFFFF_FFFF)
    #expect(bench.pins == (0..<32).map { "\($0)+" })
  }

  @Test func invertsOutputs() {
    bench.write(outputEnable, 0b11)
    bench.write(invert, 0b01)
    #expect(bench.pins == ["0+"])
    bench.write(outputValue, 0b01)
    #expect(bench.pins == ["0+", "0-"])
    #expect(bench.read(outputValue) == 1)
  }

  @Test func readsPins() {
    bench.input(5, true)
    #expect(bench.read(inputValue) == 0)
    bench.write(inputEnable, 0xFF)
    #expect(bench.read(inputValue) == 1 << 5)
    // What the port drives itself wins, and can be read back.
    bench.write(outputEnable, 1 << 5 | 1 << 6)
    bench.write(outputValue, 1 << 6)
    #expect(bench.read(inputValue) == 1 << 6)
    bench.write(inputValue, 0xFF)
    #expect(bench.read(inputValue) == 1 << 6)
  }

  @Test func aResetLetsPinsGo() {
    bench.write(outputEnable, 1)
    bench.write(outputValue, 1)
    bench.reset()
    #expect(bench.pins == ["0+", "0-"])
    bench.reset()
    #expect(bench.pins.count == 2)
  }

  @Test func theRestIsDeclared() {
    bench.write(0x18, 1)
    #expect(bench.read(0x10) == 0)
    #expect(bench.read(outputValue, width: 1) == nil)
    #expect(bench.findings.map(\.name) == ["rise_ie", "pue"])
  }
}
