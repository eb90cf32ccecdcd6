import Devices
import Emu
import Testing

/// Against the LM3S6965 datasheet, chapter 10.
@Suite struct StellarisTimerTests {
  private let bench = DeviceBench(
    StellarisTimer(), clock: Clock(hertz: 1000))
  private enum R {
    static let configuration: UInt64 = 0x00
    static let modeA: UInt64 = 0x04
    static let modeB: UInt64 = 0x08
    static let control: UInt64 = 0x0C
    static let mask: UInt64 = 0x18
    static let raw: UInt64 = 0x1C
    static let clear: UInt64 = 0x24
    static let loadA: UInt64 = 0x28
    static let loadB: UInt64 = 0x2C
    static let matchA: UInt64 = 0x30
    static let prescaleA: UInt64 = 0x38
    static let prescaleB: UInt64 = 0x3C
    static let valueA: UInt64 = 0x48
    static let valueB: UInt64 = 0x4C
  }
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }

  /// "When the timer reaches the 0x0000.0000 state, ... a one-shot timer stops counting and clears TAEN".
  @Test func oneShot() {
    bench.write(R.modeA, 1)
    bench.write(R.loadA, 0x1_0000)
    bench.write(R.mask, 1)
    bench.advance(to: 10)
    bench.write(R.control, 1)
    #expect(bench.deadline == 10 + 0x1_0000 && read(R.valueA) == 0x1_0000)
    bench.advance(to: 11)
    #expect(read(R.valueA) == 0xFFFF)
    bench.advance(to: 10 + 0xFFFF)
    #expect(read(R.valueA) == 1 && !bench.isRaised)
    bench.advance(to: 10 + 0x1_0000)
    #expect(bench.isRaised && read(R.control) == 0 && bench.deadline == nil)
    bench.write(R.clear, 1)
    #expect(!bench.isRaised)
  }

  /// "If it is a periodic timer, it continues counting", with its load value again on the next cycle.
  @Test func periodic() {
    bench.write(R.modeA, 2)
    bench.write(R.loadA, 9)
    bench.write(R.mask, 1)
    bench.write(R.control, 1)
    var timeouts: [Tick] = []
    for tick in 0...40 as ClosedRange<Tick> {
      bench.advance(to: tick)
      if bench.isRaised {
        timeouts.append(tick)
        bench.write(R.clear, 1)
      }
      #expect(read(R.valueA) == 9 - tick % 10)
    }
    #expect(timeouts == [9, 19, 29, 39])
  }

  /// Two 16-bit timers with their own prescalers and interrupts.
  @Test func halves() {
    bench.write(R.configuration, 4)
    bench.write(R.modeA, 2)
    bench.write(R.modeB, 1)
    bench.write(R.loadA, 0xABCD_0003)
    bench.write(R.loadB, 5)
    bench.write(R.prescaleA, 9)
    bench.write(R.mask, 0x101)
    bench.write(R.control, 0x101)
    #expect(read(R.loadA) == 3 && read(R.loadB) == 5)
    bench.advance(to: 5)
    #expect(bench.lines == .line(1) && read(R.control) == 1 && read(R.valueA) == 3)
    // TimerB's registers leave timer A's phase alone.
    bench.write(R.control, 1)
    bench.write(R.loadB, 7)
    bench.advance(to: 29)
    #expect(read(R.valueA) == 1 && read(R.raw) == 0x100)
    bench.advance(to: 30)
    #expect(bench.lines == [.line(0), .line(1)] && read(R.valueA) == 0)
    #expect(bench.deadline == 70)
  }

  @Test func seconds() {
    bench.write(R.configuration, 1)
    bench.write(R.matchA, 2)
    bench.write(R.mask, 8)
    bench.write(R.control, 1)
    bench.advance(to: 2999)
    #expect(read(R.valueA) == 2 && !bench.isRaised)
    bench.advance(to: 3000)
    #expect(read(R.valueA) == 0 && bench.isRaised)
  }

  @Test func aTriggerIsAChangeOfLevel() {
    bench.write(R.modeA, 2)
    bench.write(R.loadA, 4)
    bench.write(R.control, 0x21)
    bench.advance(to: 4)
    #expect(bench.lines == .line(2))
    bench.advance(to: 9)
    #expect(bench.lines == [])
  }

  @Test func captureIsAFinding() {
    bench.write(R.configuration, 4)
    bench.write(R.modeA, 7)
    bench.write(R.control, 1)
    #expect(bench.deadline == nil)
    #expect(
      bench.findings.map(\.name) == [
        "GPTMTAMR.TACMR", "GPTMCTL enables a timer in a capture or PWM mode",
      ])
  }
}
