import Devices
import Emu
import Testing

@Suite struct CLINTTests {
  private let bench = DeviceBench(CLINT(harts: 2, timebase: Ratio(1, 100)), size: 0x1_0000)
  private let mtime: UInt64 = 0xBFF8
  private func mtimecmp(_ hart: UInt64) -> UInt64 { 0x4000 + 8 * hart }
  private func timer(_ hart: Int) -> Bool {
    bench.lines.contains(.line(CLINT.timerLine(hart: hart)))
  }
  private func software(_ hart: Int) -> Bool {
    bench.lines.contains(.line(CLINT.softwareLine(hart: hart)))
  }

  @Test func nothingIsPendingAtReset() {
    #expect(bench.lines == [] && bench.deadline == nil)
    bench.advance(to: 1_000_000_000)
    #expect(bench.lines == [])
  }

  /// msip is 32 bits wide, and the upper 31 are tied to 0.
  @Test func softwareInterrupts() {
    bench.write(4, 0xFFFF_FFFF)
    #expect(bench.read(4) == 1 && software(1) && !software(0))
    bench.write(4, 0xFFFF_FFFE)
    #expect(bench.read(4) == 0 && !software(1))
    #expect(bench.read(0, width: 8) == nil)
  }

  @Test func timeRunsAtOneHundredthOfTheTicks() {
    bench.advance(to: 12_399)
    #expect(bench.read(mtime, width: 8) == 123)
    bench.advance(to: 12_400)
    #expect(bench.read(mtime) == 124 && bench.read(mtime + 4) == 0)
  }

  /// "A timer interrupt is pending whenever mtime is greater than or equal to the value in the mtimecmp register."
  @Test func firesAtTheExactTick() {
    bench.write(mtimecmp(0), 50, width: 8)
    #expect(bench.deadline == 5000)
    bench.advance(to: 4999)
    #expect(!timer(0))
    bench.advance(to: 5000)
    #expect(timer(0) && !timer(1))
    bench.write(mtimecmp(0), 51, width: 8)
    #expect(!timer(0) && bench.deadline == 5100)
    // One that has passed is pending within the store.
    bench.write(mtimecmp(1), 3, width: 8)
    #expect(timer(1))
  }

  /// The way that the privileged specification sets 64 bits with 32-bit stores: never a smaller value on the way.
  @Test func setsHalves() {
    bench.advance(to: 1000)
    bench.write(mtimecmp(0), 0xFFFF_FFFF)
    bench.write(mtimecmp(0) + 4, 0)
    #expect(!timer(0))
    bench.write(mtimecmp(0), 20)
    #expect(!timer(0) && bench.deadline == 2000)
    #expect(bench.read(mtimecmp(0), width: 8) == 20 && bench.read(mtimecmp(0) + 4) == 0)
  }

  @Test func timeCanBeWritten() {
    bench.advance(to: 1050)
    bench.write(mtimecmp(0), 1_000_010, width: 8)
    bench.write(mtime, 1_000_000, width: 8)
    #expect(bench.read(mtime, width: 8) == 1_000_000)
    #expect(bench.timeOffset == 1_000_000 - 10)
    #expect(bench.deadline == 2000)
    bench.advance(to: 2000)
    #expect(timer(0))
    // Back in time: no longer pending, and due again.
    bench.write(mtime, 0, width: 8)
    #expect(!timer(0) && bench.deadline == 2000 + 100_001_000)
    bench.write(mtimecmp(0), .max, width: 8)
    #expect(bench.deadline == nil || bench.deadline.map { $0 > 1 << 60 } == true)
    bench.write(mtime + 4, 1)
    #expect(bench.read(mtime, width: 8) == 1 << 32)
  }

  @Test func aPendingTimerEndsWhenTimeWrapsAround() {
    bench.write(mtimecmp(0), 5, width: 8)
    bench.write(mtime, .max - 9, width: 8)
    // Hart 1, whose mtimecmp is all ones, has a turn before that.
    #expect(timer(0) && bench.deadline == 900)
    bench.advance(to: 999)
    #expect(timer(0) && bench.read(mtime, width: 8) == .max)
    bench.advance(to: 1000)
    #expect(!timer(0) && bench.read(mtime, width: 8) == 0 && bench.deadline == 1500)
    bench.advance(to: 1500)
    #expect(timer(0))
  }

  @Test func hartsThatAreNotThereAreReserved() {
    #expect(bench.read(8) == 0)
    #expect(bench.read(mtimecmp(2), width: 8) == 0)
    #expect(bench.findings.map(\.name) == ["+0x8", "+0x4010"])
  }
}
