import Devices
import Emu
import Testing

@Suite struct SiFiveTestTests {
  private let bench = DeviceBench(SiFiveTest())

  @Test func passes() {
    bench.write(0, 0x5555)
    #expect(bench.stop?.reason == .finisher && bench.stop?.code == 0)
  }

  @Test func failsWithACode() {
    bench.write(0, 0x002A_3333)
    #expect(bench.stop?.reason == .finisher && bench.stop?.code == 42)
  }

  @Test func aFailureWithoutACodeIsNoPass() {
    bench.write(0, 0x3333)
    #expect(bench.stop?.code == 1)
  }

  @Test func aHalfWordIsEnough() {
    bench.write(0, 0x5555, width: 2)
    #expect(bench.stop?.code == 0)
  }

  @Test func resets() {
    bench.write(0, 0x7777)
    #expect(bench.isResetRequested && bench.stop == nil)
  }

  @Test func otherCommandsAreFindings() {
    bench.write(0, 0x1234)
    bench.write(2, 0x5555, width: 2)
    #expect(bench.stop == nil && bench.findings.count == 2)
  }

  @Test func bytesAndDoublesFault() {
    #expect(!bench.write(0, 0x55, width: 1) && !bench.write(0, 0x5555, width: 8))
    #expect(bench.stop == nil)
  }
}
