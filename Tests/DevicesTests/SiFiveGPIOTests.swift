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

  /// An LED from the supply to a pin keeps it high until somebody drives it low.
  @Test func anIdlePinWithAnLEDToTheSupplyIsHigh() {
    let bench = DeviceBench(SiFiveGPIO(), activeLow: [1])
    bench.write(outputEnable, 0b0110)
    bench.write(outputValue, 0b0110)
    bench.write(outputValue, 0)
    bench.write(outputEnable, 0)
    #expect(bench.pins == ["1-", "1+", "2+", "1-", "2-", "1+"])
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

  /// "The interrupt can be driven by rising or falling edges": by the offset of the enable bits.
  @Test(arguments: [(0x18, true), (0x20, false)] as [(UInt64, Bool)])
  func edges(enable: UInt64, isRising: Bool) {
    bench.write(inputEnable, 1 << 7)
    bench.input(7, !isRising)
    bench.write(enable + 4, 0xFFFF_FFFF)
    bench.write(enable, 1 << 7)
    #expect(bench.lines == [])
    bench.input(7, isRising)
    #expect(bench.lines == .line(7))
    bench.write(enable + 4, 1 << 7)
    #expect(bench.lines == [])
    bench.input(7, !isRising)
    #expect(bench.lines == [])
  }

  /// "Or by level values": pending again for as long as the level lasts.
  @Test(arguments: [(0x28, true), (0x30, false)] as [(UInt64, Bool)])
  func levels(enable: UInt64, isHigh: Bool) {
    bench.write(inputEnable, 1 << 7)
    bench.input(7, isHigh)
    bench.write(enable, 1 << 7)
    bench.write(enable + 4, 1 << 7)
    #expect(bench.lines == .line(7))
    bench.input(7, !isHigh)
    #expect(bench.lines == .line(7))
    bench.write(enable + 4, 1 << 7)
    #expect(bench.lines == [])
  }

  /// "Once the interrupt is pending, it will remain set until a 1 is written to the *_ip register at that bit."
  @Test func pendingInterruptsStay() {
    bench.write(inputEnable, 0xFF)
    bench.input(3, true)
    bench.input(3, false)
    #expect(bench.read(0x1C) == 8 && bench.read(0x24) == 8 && bench.read(0x2C) == 8)
    bench.write(0x1C, 1)
    bench.write(0x18, 8)
    #expect(bench.lines == .line(3))
    bench.write(0x1C, 8)
    #expect(bench.lines == [] && bench.read(0x1C) == 0 && bench.read(0x24) == 8)
    // An output that is read back counts as any other pin.
    bench.write(outputEnable, 8)
    bench.write(outputValue, 8)
    #expect(bench.lines == .line(3))
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
    bench.write(0x14, 1)
    #expect(bench.read(0x10) == 0)
    #expect(bench.read(outputValue, width: 1) == nil)
    #expect(
      bench.findings.map(\.name) == ["ds", "pue", "output_val, 1 bytes, which takes 4"])
  }
}
