import Devices
import Emu
import Testing

/// The TM4C123GH6PM's converters against its datasheet, chapter 13.
@Suite struct TM4CADCTests {
  private enum R {
    static let active: UInt64 = 0x000
    static let raw: UInt64 = 0x004
    static let mask: UInt64 = 0x008
    static let clear: UInt64 = 0x00C
    static let overflow: UInt64 = 0x010
    static let triggers: UInt64 = 0x014
    static let underflow: UInt64 = 0x018
    static let priorities: UInt64 = 0x020
    static let initiate: UInt64 = 0x028
    static let averaging: UInt64 = 0x030
    static let comparators: UInt64 = 0x034
    static let rate: UInt64 = 0xFC4
    static func mux(_ number: UInt64) -> UInt64 { 0x040 + 0x20 * number }
    static func control(_ number: UInt64) -> UInt64 { 0x044 + 0x20 * number }
    static func fifo(_ number: UInt64) -> UInt64 { 0x048 + 0x20 * number }
    static func status(_ number: UInt64) -> UInt64 { 0x04C + 0x20 * number }
  }
  private static let clock = Clock(hertz: 16_000_000)
  private let bench = DeviceBench(
    TM4CADC([
      .init(millivolts: 0), .init(millivolts: 3_300), .init(millivolts: 825),
      .init([(0, 0), (100_000, 3_300)]),
    ]), clock: clock)
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }

  /// A sequence of inputs 0, 1, 2, 4 and the temperature sensor: "The ADC ... 12-bit precision", a sample a microsecond.
  @Test func aSequence() {
    bench.write(R.mux(0), 0x04210)
    // TS and END with IE in the fifth step.
    bench.write(R.control(0), 0xE0000)
    bench.write(R.mask, 1)
    bench.write(R.initiate, 1)
    #expect(read(R.active) == 0)
    bench.write(R.active, 1)
    bench.write(R.initiate, 1)
    #expect(read(R.active) == 1 << 16 | 1)
    bench.advance(to: 5 * 16 - 1)
    #expect(bench.lines == [] && read(R.status(0)) == 0x40)
    bench.advance(to: 5 * 16)
    #expect(read(R.raw) == 1 && bench.lines.contains(.line(0)) && read(R.status(0)) == 0x50)
    #expect((0..<5).map { _ in read(R.fifo(0)) } == [0, 0xFFF, 0x400, 0x800, 2_027])
    #expect(read(R.underflow) == 0 && read(R.status(0)) == 0x155)
    _ = read(R.fifo(0))
    #expect(read(R.underflow) == 1)
    bench.write(R.clear, 1)
    #expect(!bench.lines.contains(.line(0)) && bench.findings.isEmpty)
  }

  /// "125 ksps" takes 8 µs, and hardware averaging of 2^n samples 2^n times as long.
  @Test func rates() {
    bench.write(R.rate, 1)
    bench.write(R.averaging, 2)
    bench.write(R.control(3), 6)
    bench.write(R.active, 8)
    bench.write(R.initiate, 8)
    bench.advance(to: 4 * 128 - 1)
    #expect(read(R.raw) == 0)
    bench.advance(to: 4 * 128)
    #expect(read(R.raw) == 8)
  }

  /// A signal that is a step in time: four samples around it are averaged.
  @Test func averages() {
    bench.write(R.averaging, 2)
    bench.write(R.mux(3), 3)
    bench.write(R.control(3), 6)
    bench.write(R.active, 8)
    // The step is at 100 µs, which is tick 1,600: of these four samples three are not before it.
    bench.advance(to: 1_568)
    bench.write(R.initiate, 8)
    bench.advance(to: 1_700)
    #expect(read(R.fifo(3)) == 0xBFF)
    bench.write(R.initiate, 8)
    bench.advance(to: 1_800)
    #expect(read(R.fifo(3)) == 0xFFF)
  }

  /// "... the difference between two inputs", around 0x800.
  @Test func differential() {
    bench.write(R.mux(3), 0)
    bench.write(R.control(3), 7)
    bench.write(R.active, 8)
    bench.write(R.initiate, 8)
    bench.advance(to: 100)
    #expect(read(R.fifo(3)) == 0)
    bench.write(R.mux(3), 2)
    bench.write(R.initiate, 8)
    bench.advance(to: 200)
    #expect(read(R.fifo(3)) == 0x800)
  }

  /// "... the FIFO is full ... the sample is discarded"; the best priority begins first.
  @Test func overflowAndPriorities() {
    bench.write(R.mux(3), 1)
    bench.write(R.control(3), 6)
    bench.write(R.control(2), 6)
    bench.write(R.priorities, 0x0123)
    bench.write(R.active, 0xC)
    bench.write(R.initiate, 0xC)
    bench.advance(to: 16)
    #expect(read(R.raw) == 0x8)
    bench.advance(to: 32)
    #expect(read(R.raw) == 0xC)
    bench.write(R.initiate, 8)
    bench.advance(to: 100)
    #expect(read(R.overflow) == 8 && read(R.status(3)) & 0x1100 == 0x1000)
  }

  /// Timers, generators of PWM and ports trigger by changes of level; "always" goes round and round.
  @Test func triggers() {
    bench.write(R.control(3), 6)
    bench.write(R.active, 8)
    for (source, input) in [(5, 3), (7, 17), (4, 24)] as [(UInt64, Int)] {
      bench.write(R.triggers, source << 12)
      bench.write(R.initiate, 8)
      bench.advance(to: bench.now + 100)
      #expect(read(R.raw) == 0)
      for level in [true, false] {
        bench.input(input, level)
        bench.advance(to: bench.now + 100)
        #expect(read(R.raw) == 8 && read(R.fifo(3)) == 0)
        bench.write(R.clear, 8)
      }
    }
    bench.write(R.triggers, 0xF000)
    for _ in 0..<3 {
      bench.advance(to: bench.now + 16)
      #expect(read(R.raw) == 8)
      bench.write(R.clear, 8)
    }
  }

  /// Section 13.3.7: samples that go to a comparator and not into the FIFO, in the low band once.
  @Test func digitalComparators() {
    bench.write(0xE00, 0x11)
    bench.write(0xE40, 0x800 << 16 | 0x400)
    bench.write(R.mux(2), 0x10)
    bench.write(R.control(2), 0x20)
    bench.write(0x090, 0x11)
    bench.write(R.mask, 1 << 18)
    bench.write(R.active, 4)
    bench.write(R.initiate, 4)
    bench.advance(to: 40)
    #expect(read(R.comparators) == 1 && bench.lines == [.line(2)] && read(R.raw) == 1 << 16)
    #expect(read(R.status(2)) & 0x100 == 0x100)
    bench.write(R.comparators, 1)
    #expect(bench.lines == [])
    // It stays in the band only if it was outside between.
    bench.write(R.mux(2), 0)
    bench.write(R.control(2), 2)
    for expected in [1, 0] as [UInt64] {
      bench.write(R.initiate, 4)
      bench.advance(to: bench.now + 40)
      #expect(read(R.comparators) == expected)
      bench.write(R.comparators, 1)
    }
  }

  /// ADCDCCTLn.CTE: the trigger for PWM is at the level of the last sample; "once" is when the band is entered, and ADCDCRIC.DCTRIG
  /// forgets where the last one was.
  @Test(arguments: [0, 0x100] as [UInt64]) func comparatorTriggers(mode: UInt64) {
    bench.write(0xE0C, 0x1C00 | mode)
    bench.write(0xE4C, 0x800 << 16 | 0x400)
    bench.write(R.control(3), 2)
    bench.write(0x0B0, 1)
    bench.write(0x0B4, 3)
    bench.write(R.active, 8)
    for (input, isHigh) in [(0, false), (1, true), (1, mode == 0), (2, false), (1, true)] {
      bench.write(R.mux(3), UInt64(input))
      bench.write(R.initiate, 8)
      bench.advance(to: bench.now + 20)
      #expect(bench.lines.contains(.line(8 + 3)) == isHigh)
    }
    #expect(read(R.comparators) == 0 && read(R.raw) == 0)
    bench.write(0xD00, 1 << 19)
    #expect(!bench.lines.contains(.line(8 + 3)))
    bench.write(R.initiate, 8)
    bench.advance(to: bench.now + 20)
    #expect(bench.lines.contains(.line(8 + 3)) && bench.findings.isEmpty)
  }

  /// ADCSPC: 180 degrees are half of a sample's time.
  @Test func phase() {
    bench.write(0x024, 8)
    bench.write(R.control(3), 6)
    bench.write(R.active, 8)
    bench.write(R.initiate, 8)
    bench.advance(to: 23)
    #expect(read(R.raw) == 0)
    bench.advance(to: 24)
    #expect(read(R.raw) == 8 && read(0x024) == 8)
  }

  /// SYNCWAIT: sampling "is not initiated until the GSYNC bit is set", here or in the other converter.
  @Test(arguments: [true, false]) func globalSync(isOwn: Bool) {
    bench.write(R.control(3), 6)
    bench.write(R.active, 8)
    bench.write(R.initiate, 1 << 27 | 8)
    bench.advance(to: 100)
    #expect(read(R.raw) == 0 && bench.deadline == nil)
    if isOwn { bench.write(R.initiate, 1 << 31) } else { bench.input(32, true) }
    #expect(bench.lines.contains(.line(16)) == isOwn)
    bench.advance(to: 116)
    #expect(read(R.raw) == 8)
    bench.write(R.clear, 8)
    bench.write(R.initiate, 1 << 31 | 8)
    bench.advance(to: 132)
    #expect(read(R.raw) == 8 && bench.findings.isEmpty)
  }
}

/// The TM4C123GH6PM's PWM against its datasheet, chapter 20.
@Suite struct TM4CPWMTests {
  private enum R {
    static let control: UInt64 = 0x000
    static let sync: UInt64 = 0x004
    static let enable: UInt64 = 0x008
    static let invert: UInt64 = 0x00C
    static let fault: UInt64 = 0x010
    static let interrupts: UInt64 = 0x014
    static let raw: UInt64 = 0x018
    static let status: UInt64 = 0x01C
    static let generator: UInt64 = 0x040
    static let triggers: UInt64 = 0x044
    static let generatorRaw: UInt64 = 0x048
    static let clear: UInt64 = 0x04C
    static let load: UInt64 = 0x050
    static let count: UInt64 = 0x054
    static let compareA: UInt64 = 0x058
    static let compareB: UInt64 = 0x05C
    static let actionsA: UInt64 = 0x060
    static let actionsB: UInt64 = 0x064
    static let deadBand: UInt64 = 0x068
    static let rise: UInt64 = 0x06C
    static let fall: UInt64 = 0x070
  }
  private let bench = DeviceBench(TM4CPWM())
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }

  /// When an output, 0 to 7, changes up to that tick.
  private func changes(_ output: Int, to end: Tick) -> [Tick] {
    var changes: [Tick] = []
    var level = bench.lines.contains(.line(8 + output))
    while bench.now < end {
      bench.advance(to: min(end, max(bench.now + 1, bench.deadline ?? .max)))
      if bench.lines.contains(.line(8 + output)) != level {
        level.toggle()
        changes.append(bench.now)
      }
    }
    return changes
  }

  /// Section 20.4's example: a 25 kHz signal of 25 and 75 % at 20 MHz / 2, which is LOAD 399, CMPA 299 and CMPB 99, counting down.
  @Test func theDatasheetsExample() {
    bench.write(R.generator, 0)
    bench.write(R.actionsA, 0x8C)
    bench.write(R.actionsB, 0x80C)
    bench.write(R.load, 399)
    bench.write(R.compareA, 299)
    bench.write(R.compareB, 99)
    bench.write(R.generator, 1)
    bench.write(R.enable, 3)
    #expect(bench.lines.contains([.line(8), .line(9)]) && read(R.count) == 399)
    // High at the load, low at the comparator: 100 of 400 clocks, and 300.
    #expect(changes(0, to: 1_000) == [100, 400, 500, 800, 900])
    let other = DeviceBench(TM4CPWM())
    other.input(0, true)
    #expect(other.deadline == nil)
  }

  @Test func downTheOtherOutput() {
    bench.write(R.actionsB, 0x80C)
    bench.write(R.load, 399)
    bench.write(R.compareB, 99)
    bench.write(R.generator, 1)
    bench.write(R.enable, 2)
    #expect(changes(1, to: 1_000) == [300, 400, 700, 800])
  }

  /// "In Count-Up/Down mode ... center-aligned": high where it passes CMPA upwards, low where downwards.
  @Test func upAndDown() {
    bench.write(R.actionsA, 0xB0)
    bench.write(R.load, 100)
    bench.write(R.compareA, 40)
    bench.write(R.generator, 3)
    bench.write(R.enable, 1)
    #expect(changes(0, to: 500) == [40, 160, 240, 360, 440])
    bench.advance(to: 530)
    #expect(read(R.count) == 70)
  }

  /// RCC.USEPWMDIV and PWMDIV: here / 8.
  @Test func dividedClock() {
    bench.input(0, true)
    bench.input(2, true)
    bench.write(R.actionsA, 0xB0)
    bench.write(R.load, 100)
    bench.write(R.compareA, 40)
    bench.write(R.generator, 3)
    bench.write(R.enable, 1)
    #expect(changes(0, to: 2_000) == [320, 1_280, 1_920])
  }

  /// PWMnINTEN by its events, and a trigger for the ADC with each that is enabled.
  @Test func interruptsAndTriggers() {
    bench.write(R.load, 100)
    bench.write(R.compareA, 40)
    bench.write(R.compareB, 50)
    bench.write(R.triggers, 0x01 | 0x400)
    bench.write(R.interrupts, 1)
    bench.write(R.generator, 3)
    // Zero at once, then A up, B up, load, B down, A down.
    #expect(bench.lines.contains(.line(0)) && read(R.raw) == 1 && read(R.status) == 1)
    bench.write(R.clear, 1)
    let seen = [
      (39, 0x00), (40, 0x04), (50, 0x14), (100, 0x16), (150, 0x36), (160, 0x3E), (200, 0x3F),
    ]
    for (tick, raw) in seen {
      bench.advance(to: Tick(tick))
      #expect(read(R.generatorRaw) == raw && bench.lines.contains(.line(0)) == (tick == 200))
      #expect(bench.lines.contains(.line(16)) == (tick >= 40))
    }
  }

  /// A new period is in force when the counter is zero; with LOADUPD not before PWMCTL says so.
  @Test func synchronizedUpdates() {
    bench.write(R.actionsA, 0x8C)
    bench.write(R.load, 99)
    bench.write(R.compareA, 49)
    bench.write(R.generator, 1)
    bench.write(R.enable, 1)
    bench.advance(to: 10)
    bench.write(R.load, 199)
    #expect(changes(0, to: 400) == [50, 100, 250, 300])
    bench.write(R.generator, 1 | 1 << 3)
    bench.write(R.load, 99)
    #expect(changes(0, to: 800) == [450, 500, 650, 700])
    bench.write(R.control, 1)
    #expect(read(R.control) == 1)
    #expect(changes(0, to: 1_100) == [850, 900, 950, 1_000, 1_050, 1_100] && read(R.control) == 0)
  }

  /// Section 20.3.5: "the rising edge of the first is delayed", and the second is the inverse, delayed as well.
  @Test func deadBand() {
    bench.write(R.actionsA, 0xB0)
    bench.write(R.load, 100)
    bench.write(R.compareA, 50)
    bench.write(R.rise, 10)
    bench.write(R.fall, 5)
    bench.write(R.deadBand, 1)
    bench.write(R.generator, 3)
    bench.write(R.enable, 3)
    #expect(!bench.lines.contains(.line(8)) && bench.lines.contains(.line(9)))
    var first: [Tick] = []
    var second: [Tick] = []
    var levels = (false, true)
    for tick in 1...300 as ClosedRange<Tick> {
      bench.advance(to: tick)
      let now = (bench.lines.contains(.line(8)), bench.lines.contains(.line(9)))
      if now.0 != levels.0 { first.append(tick) }
      if now.1 != levels.1 { second.append(tick) }
      #expect(!(now.0 && now.1))
      levels = now
    }
    #expect(first == [60, 150, 260] && second == [50, 155, 250])
  }

  /// PWMENABLE clear is "a zero value which is also passed to the output stage", which PWMINVERT inverts; a fault, where PWMFAULT has
  /// the output, is PWMFAULTVAL.
  @Test func outputStage() {
    bench.write(R.invert, 1)
    #expect(bench.lines == [.line(8)])
    bench.write(R.enable, 1)
    bench.write(R.actionsA, 0x3)
    bench.write(R.load, 10)
    bench.write(R.generator, 1)
    bench.advance(to: 10)
    #expect(bench.lines == [])
    bench.write(R.interrupts, 1 << 16)
    bench.write(R.fault, 1)
    bench.input(4, true)
    // Of all generators the pin is the source.
    #expect(bench.lines == [.line(4), .line(8)] && read(0x020) == 0xF)
    bench.input(4, false)
    bench.write(R.status, 1 << 16)
    #expect(bench.lines == [])
    bench.write(0x024, 1)
    bench.input(4, true)
    #expect(bench.lines == [.line(4)])
  }

  // MARK: Faults

  /// Output 0 is high from tick 10 on, and low while there is a fault.
  private func high(_ control: UInt64) {
    bench.write(R.fault, 1)
    bench.write(R.enable, 1)
    bench.write(R.actionsA, 0x3)
    bench.write(R.load, 10)
    bench.write(R.generator, 1 | control)
    bench.advance(to: 10)
    #expect(isHigh)
  }
  private var isHigh: Bool { bench.lines.contains(.line(8)) }
  private var isRaised: Bool { read(R.raw) >> 16 & 1 == 1 }
  /// Of the other generators the pin is the source, active high.
  private var isUnderWay: Bool { read(0x020) & 1 == 1 }

  /// PWMnFLTSEN says at which level the pin is a fault, and PWMnMINFLTPER how long it lasts at least, less one clock.
  @Test func minimumFaultPeriod() {
    bench.write(0x074, 1)
    bench.write(0x800, 1)
    bench.write(0x07C, 99)
    bench.write(R.interrupts, 1 << 16)
    bench.input(4, true)
    high(1 << 16 | 1 << 17)
    bench.input(4, false)
    #expect(!isHigh && isRaised && isUnderWay && read(0x804) == 1 && bench.lines.contains(.line(4)))
    bench.advance(to: 20)
    bench.input(4, true)
    #expect(read(0x804) == 0)
    bench.advance(to: 109)
    #expect(!isHigh && isRaised && isUnderWay)
    bench.advance(to: 110)
    #expect(isHigh && !isRaised && !isUnderWay && !bench.lines.contains(.line(4)))
    bench.input(4, false)
    bench.advance(to: 1_000)
    #expect(!isHigh && isRaised)
    // "If the LATCH bit is 0 ... writing a 1 to the INTFAULT0 bit in the PWMISC register has no effect."
    bench.write(R.status, 1 << 16)
    #expect(isRaised)
  }

  /// LATCH: a fault "is held (latched) while the PWMISC INTFAULTn bit is set".
  @Test func latchedFault() {
    bench.write(R.interrupts, 1 << 16)
    high(1 << 18)
    bench.input(4, true)
    bench.write(R.status, 1 << 16)
    #expect(!isHigh && isRaised && isUnderWay)
    bench.input(4, false)
    #expect(!isHigh && isRaised && !isUnderWay && bench.lines.contains(.line(4)))
    bench.write(R.status, 1 << 16)
    #expect(isHigh && !isRaised)
  }

  /// PWMnFLTSRC1: triggers of digital comparators, of either converter; with LATCH PWMnFLTSTAT1 is to be cleared as well.
  @Test(arguments: [34, 42]) func comparatorFault(input: Int) {
    bench.write(R.interrupts, 1 << 16)
    bench.write(0x078, 1 << 2)
    high(1 << 16 | 1 << 18)
    bench.input(input - 1, true)
    bench.input(4, true)
    #expect(isHigh && read(0x808) == 2 && read(0x804) == 1)
    bench.input(input, true)
    bench.input(input, false)
    #expect(!isHigh && isRaised && read(0x808) == 6)
    bench.write(R.status, 1 << 16)
    #expect(!isHigh && !isRaised)
    bench.write(0x808, 0xFF)
    // What is there still is not cleared.
    #expect(isHigh && read(0x808) == 2)
  }

  /// PWMENUPD: an output is enabled when its generator's counter is zero, or that and after a write to PWMCTL.
  @Test func enableUpdates() {
    bench.write(0x028, 2)
    bench.write(R.actionsA, 0x3)
    bench.write(R.load, 99)
    bench.write(R.generator, 1)
    bench.advance(to: 110)
    bench.write(R.enable, 1)
    bench.advance(to: 198)
    #expect(!isHigh && read(R.enable) == 1)
    bench.advance(to: 199)
    #expect(isHigh)
    bench.write(0x028, 3)
    bench.write(R.enable, 0)
    bench.advance(to: 450)
    #expect(isHigh)
    bench.write(R.control, 1)
    bench.advance(to: 498)
    #expect(isHigh && read(R.control) == 1)
    bench.advance(to: 499)
    #expect(!isHigh && read(R.control) == 0 && bench.findings.isEmpty)
    // A generator that stands still has nothing to wait for.
    bench.write(R.enable, 1)
    bench.write(R.generator, 0)
    #expect(isHigh)
  }

  /// PWMSYNC: "the counter ... is reset".
  @Test func sync() {
    bench.write(R.load, 1_000)
    bench.write(R.generator, 1)
    bench.advance(to: 300)
    #expect(read(R.count) == 700)
    bench.write(R.sync, 1)
    bench.advance(to: 310)
    #expect(read(R.count) == 990)
  }
}
