import Devices
import Emu
import Testing

/// Against the LM3S6965 datasheet, chapter 8.
@Suite struct StellarisGPIOTests {
  private let bench = DeviceBench(StellarisGPIO())
  private enum R {
    static let all: UInt64 = 0x3FC
    static let direction: UInt64 = 0x400
    static let sense: UInt64 = 0x404
    static let both: UInt64 = 0x408
    static let event: UInt64 = 0x40C
    static let mask: UInt64 = 0x410
    static let raw: UInt64 = 0x414
    static let masked: UInt64 = 0x418
    static let clear: UInt64 = 0x41C
    static let alternate: UInt64 = 0x420
    static let digital: UInt64 = 0x51C
    static let lock: UInt64 = 0x520
    static let commit: UInt64 = 0x524
  }
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }

  /// The datasheet's figure 8-3: 0xEB written to address 0x098 changes bits 5, 2 and 1 only.
  @Test func theAddressIsAMask() {
    bench.write(R.digital, 0xFF)
    bench.write(R.direction, 0xFF)
    bench.write(R.all, 0x04)
    bench.write(0x098, 0xEB)
    #expect(read(R.all) == 0x22 && read(0x098) == 0x22 && read(0x0C4) == 0x20)
    #expect(bench.pins == ["2+", "1+", "2-", "5+"] && bench.findings.isEmpty)
  }

  /// An LED from the supply to a pin keeps it high until somebody drives it low: by the port, or by an alternate function.
  @Test(arguments: [StellarisGPIO(), StellarisGPIO(.tm4c123)])
  func anIdlePinWithAnLEDToTheSupplyIsHigh(_ device: StellarisGPIO) {
    let bench = DeviceBench(device, activeLow: [1])
    bench.write(R.digital, 0xFF)
    bench.write(R.direction, 0b0110)
    bench.write(R.all, 0b0110)
    bench.write(R.all, 0)
    bench.write(R.direction, 0)
    #expect(bench.pins == ["1-", "1+", "2+", "1-", "2-", "1+"])
  }

  @Test func inputsShowTheWorldOutside() {
    bench.input(4, true)
    #expect(read(R.all) == 0x10)
    bench.write(R.direction, 0x10)
    #expect(read(R.all) == 0 && bench.pins == [])
    bench.write(R.direction, 0)
    #expect(read(R.all) == 0x10)
  }

  @Test func drivingWithoutDigitalEnableIsAFinding() {
    bench.write(R.direction, 1)
    bench.write(0x004, 1)
    #expect(bench.pins == ["0+"] && bench.findings.count == 1)
  }

  @Test(
    arguments: [
      // (both, event, what comes of a rising and of a falling edge)
      (0, 0, false, true), (0, 1, true, false), (1, 0, true, true),
    ] as [(UInt64, UInt64, Bool, Bool)])
  func edges(both: UInt64, event: UInt64, onRise: Bool, onFall: Bool) {
    bench.write(R.both, both)
    bench.write(R.event, event)
    bench.write(R.mask, 1)
    bench.input(0, true)
    #expect(bench.isRaised == onRise && read(R.raw) == (onRise ? 1 : 0))
    bench.write(R.clear, 1)
    #expect(!bench.isRaised)
    bench.input(0, false)
    #expect(bench.isRaised == onFall && read(R.masked) == (onFall ? 1 : 0))
  }

  /// "For a level-sensitive interrupt, it is assumed that the external source holds the level constant."
  @Test func levels() {
    bench.write(R.sense, 3)
    bench.write(R.event, 1)
    #expect(read(R.raw) == 2 && !bench.isRaised)
    bench.write(R.mask, 3)
    bench.input(1, true)
    #expect(!bench.isRaised)
    bench.input(0, true)
    #expect(bench.isRaised)
    bench.write(R.clear, 3)
    #expect(bench.isRaised)
    bench.input(0, false)
    #expect(!bench.isRaised)
  }

  @Test func debugPinsAreCommitted() {
    let bench = DeviceBench(StellarisGPIO(jtag: 0x0F))
    #expect(bench.read(R.alternate) == 0x0F && bench.read(R.commit) == 0xF0)
    bench.write(R.alternate, 0xF0)
    #expect(bench.read(R.alternate) == 0xFF)
    bench.write(R.commit, 0xFF)
    #expect(bench.read(R.commit) == 0xF0 && bench.read(R.lock) == 1)
    bench.write(R.lock, 0x1ACC_E551)
    bench.write(R.commit, 0xFF)
    bench.write(R.alternate, 0)
    #expect(bench.read(R.lock) == 0 && bench.read(R.alternate) == 0)
    bench.write(R.lock, 0)
    #expect(bench.read(R.lock) == 1)
  }

  @Test func onePinHasOneStrength() {
    bench.write(0x508, 0x0F)
    #expect(read(0x500) == 0xF0 && read(0x508) == 0x0F)
    bench.write(0x504, 0x03)
    #expect(read(0x500) == 0xF0 && read(0x504) == 3 && read(0x508) == 0x0C)
  }

  @Test func aResetLetsPinsGo() {
    bench.write(R.direction, 2)
    bench.write(R.all, 2)
    bench.input(3, true)
    bench.reset()
    #expect(bench.pins == ["1+", "1-"] && read(R.all) == 8)
  }
}
