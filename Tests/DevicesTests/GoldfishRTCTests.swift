import Devices
import Emu
import Testing

@Suite struct GoldfishRTCTests {
  private let bench = DeviceBench(GoldfishRTC(clock: Clock(hertz: 1_000_000_000)))
  private let epoch = GoldfishRTC.epoch

  private var time: UInt64 { (bench.read(0) ?? 0) | (bench.read(4) ?? 0) << 32 }
  private func setAlarm(_ time: UInt64) {
    bench.write(0xC, time >> 32)
    bench.write(8, time & 0xFFFF_FFFF)
  }

  @Test func countsVirtualNanosecondsSince1970() {
    #expect(time == epoch && epoch == 1_767_225_600 * 1_000_000_000)
    bench.advance(to: 12_345_678_901)
    #expect(time == epoch + 12_345_678_901)
  }

  /// TIME_HIGH: "high 32 bits, from previous TIME_LOW read".
  @Test func theUpperHalfIsLatched() {
    let next = epoch | 0xFFFF_FFFF
    bench.advance(to: next - epoch)
    #expect(bench.read(0) == 0xFFFF_FFFF)
    bench.advance(to: next - epoch + 1)
    #expect(bench.read(4) == next >> 32)
    #expect(time == next + 1)
  }

  @Test func theAlarmComesAtItsTick() {
    bench.write(0x10, 1)
    setAlarm(epoch + 1000)
    #expect(bench.read(0x18) == 1 && bench.deadline == 1000 && !bench.isRaised)
    bench.advance(to: 999)
    #expect(!bench.isRaised)
    bench.advance(to: 1000)
    #expect(bench.isRaised && bench.read(0x18) == 0 && bench.deadline == nil)
    bench.write(0x1C, 1)
    #expect(!bench.isRaised)
    #expect(bench.read(8) == (epoch + 1000) & 0xFFFF_FFFF && bench.read(0xC) == epoch >> 32)
  }

  @Test func anAlarmThatHasPassedComesAtOnce() {
    bench.advance(to: 50)
    setAlarm(epoch + 50)
    #expect(!bench.isRaised)
    // It waits until it is enabled.
    bench.write(0x10, 1)
    #expect(bench.isRaised)
  }

  @Test func anAlarmThatIsCleared() {
    bench.write(0x10, 1)
    setAlarm(epoch + 1000)
    bench.write(0x14, 1)
    #expect(bench.read(0x18) == 0 && bench.deadline == nil)
    bench.advance(to: 2000)
    #expect(!bench.isRaised)
  }

  @Test func theTimeIsSet() {
    bench.advance(to: 7)
    bench.write(4, 5)
    bench.write(0, 9)
    #expect(time == 5 << 32 | 9)
    bench.write(0x10, 1)
    setAlarm(5 << 32 | 109)
    #expect(bench.deadline == 107)
    bench.write(0, 209)
    #expect(bench.isRaised)
  }
}
