import Devices
import Emu
import Testing

/// The TM4C123GH6PM's forms of devices that it shares with older chips, against its datasheet.
@Suite struct TM4CGPIOTests {
  private enum R {
    static let all: UInt64 = 0x3FC
    static let direction: UInt64 = 0x400
    static let alternate: UInt64 = 0x420
    static let pullUp: UInt64 = 0x510
    static let digital: UInt64 = 0x51C
    static let lock: UInt64 = 0x520
    static let commit: UInt64 = 0x524
    static let functions: UInt64 = 0x52C
  }
  private let bench = DeviceBench(StellarisGPIO(.tm4c123, nmi: 0x01))
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }

  /// Section 10.3: a pin is digital where GPIODEN says so; until then it drives nothing and reads as zero.
  @Test func digitalEnable() {
    bench.write(R.direction, 0x02)
    bench.write(R.all, 0x02)
    #expect(bench.pins == [] && read(R.all) == 0)
    bench.write(R.digital, 0x02)
    #expect(bench.pins == ["1+"] && read(R.all) == 0x02 && bench.findings.isEmpty)
  }

  /// Section 10.2.4, "Commit Control": PF0 needs the key and its bit of GPIOCR; other bits of GPIOCR are always 1.
  @Test func pf0IsLocked() {
    bench.write(R.digital, 0x11)
    bench.write(R.pullUp, 0x11)
    #expect(read(R.digital) == 0x10 && read(R.pullUp) == 0x10)
    bench.write(R.commit, 0xFF)
    #expect(read(R.commit) == 0xFE && read(R.lock) == 1)
    bench.write(R.lock, 0x4C4F_434B)
    bench.write(R.commit, 0x01)
    #expect(read(R.commit) == 0xFF && read(R.lock) == 0)
    bench.write(R.digital, 0x11)
    bench.write(R.pullUp, 0x11)
    #expect(read(R.digital) == 0x11 && read(R.all) == 0x11)
    bench.write(R.commit, 0)
    #expect(read(R.commit) == 0xFE)
  }

  /// What nobody drives is at the level of its pull.
  @Test func pulls() {
    bench.write(R.digital, 0x10)
    #expect(read(R.all) == 0)
    bench.write(R.pullUp, 0x10)
    #expect(read(R.all) == 0x10)
    bench.input(4, false)
    #expect(read(R.all) == 0)
    bench.letGo(4)
    #expect(read(R.all) == 0x10)
  }

  /// GPIOAFSEL takes the pin from GPIODATA and gives it to the peripheral that GPIOPCTL names.
  @Test func alternateFunctions() {
    bench.write(R.direction, 0x04)
    bench.write(R.digital, 0x04)
    bench.write(R.all, 0x04)
    bench.input(8 * 7 + 2, true)
    bench.input(8 * 5 + 2, false)
    bench.write(R.functions, 0x500)
    bench.write(R.alternate, 0x04)
    bench.write(R.functions, 0x700)
    bench.input(8 * 7 + 2, false)
    #expect(bench.pins == ["2+", "2-", "2+", "2-"])
  }
}

@Suite struct TimedPL011Tests {
  private enum R {
    static let data: UInt64 = 0x00
    static let flags: UInt64 = 0x18
    static let integer: UInt64 = 0x24
    static let fraction: UInt64 = 0x28
    static let line: UInt64 = 0x2C
    static let control: UInt64 = 0x30
    static let levels: UInt64 = 0x34
    static let raw: UInt64 = 0x3C
    static let clear: UInt64 = 0x44
    static let source: UInt64 = 0xFC8
  }
  private let bench = DeviceBench(PL011(.timed), clock: Clock(hertz: 16_000_000))
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }

  /// 115,200 baud at 16 MHz: 8 44/64.
  private func start(line: UInt64 = 0x70, control: UInt64 = 0x301) {
    bench.write(R.integer, 8)
    bench.write(R.fraction, 44)
    bench.write(R.line, line)
    bench.write(R.control, control)
  }

  private var sentAt: [Tick] { bench.events.filter { $0.kind == .uart }.map(\.tick) }

  /// Section 14.3.2: a bit is 16 · BRD clocks; ten of them a character, and the next begins where it ends.
  @Test func charactersTakeTheirTime() {
    start()
    for byte in "ABCD".utf8 { bench.write(R.data, UInt64(byte)) }
    #expect(read(R.flags) & 0x88 == 0x08)
    bench.advance(to: 10_000)
    // 16 · 556 / 64 = 139 clocks a bit.
    #expect(sentAt == [1390, 2780, 4170, 5560] && bench.sent == "ABCD")
    #expect(read(R.flags) == 0x90)
  }

  /// Stop bits, parity and word length are on the wire.
  @Test(arguments: [(0x10, 973), (0x7A, 1668), (0x32, 1251)] as [(UInt64, Tick)])
  func frames(line: UInt64, ticks: Tick) {
    start(line: line)
    bench.write(R.data, 0x41)
    bench.advance(to: 10_000)
    #expect(sentAt == [ticks])
  }

  /// "The transmit interrupt is based on a transition through level": at 1/8 two characters are left.
  @Test func transmitLevel() {
    start()
    bench.write(R.levels, 0)
    for _ in 0..<17 { bench.write(R.data, 0x41) }
    #expect(read(R.flags) & 0x20 == 0x20 && read(R.raw) == 0)
    bench.write(R.data, 0x42)
    #expect(bench.findings.map(\.kind) == [.guestError])
    bench.advance(to: 14 * 1390 - 1)
    #expect(read(R.raw) == 0)
    bench.advance(to: 14 * 1390)
    #expect(read(R.raw) == 0x20)
    bench.write(R.data, 0x43)
    #expect(read(R.raw) == 0)
  }

  /// UARTIFLS and the time-out of 32 bit periods; loopback.
  @Test func receiveTimeout() {
    start(control: 0x381)
    bench.write(R.data, 0x41)
    bench.advance(to: 1390)
    #expect(read(R.flags) & 0x10 == 0 && read(R.raw) & 0x50 == 0 && bench.sent == "")
    bench.advance(to: 1390 + 32 * 139 - 1)
    #expect(read(R.raw) & 0x40 == 0)
    bench.advance(to: 1390 + 32 * 139)
    #expect(read(R.raw) & 0x40 == 0x40)
    #expect(read(R.data) == 0x41 && read(R.raw) & 0x40 == 0)
  }

  /// What comes in comes at the line's rate.
  @Test func inputTakesItsTime() {
    start()
    bench.write(0x38, 0x10)
    bench.send("xy".utf8)
    #expect(read(R.flags) & 0x10 == 0x10)
    bench.advance(to: 1390)
    #expect(read(R.data) == 0x78 && read(R.flags) & 0x10 == 0x10)
    bench.advance(to: 2780)
    #expect(read(R.data) == 0x79)
  }

  /// UARTCC: by the precision oscillator, whatever the core has.
  @Test func theOtherClock() {
    let bench = DeviceBench(PL011(.timed), clock: Clock(hertz: 80_000_000))
    bench.write(R.source, 5)
    bench.write(R.integer, 8)
    bench.write(R.fraction, 44)
    bench.write(R.line, 0x70)
    bench.write(R.control, 0x301)
    bench.write(R.data, 0x41)
    bench.advance(to: 6949)
    #expect(bench.sent == "")
    bench.advance(to: 6950)
    #expect(bench.sent == "A")
  }
}

@Suite struct TM4CTimerTests {
  private enum R {
    static let configuration: UInt64 = 0x00
    static let modeA: UInt64 = 0x04
    static let modeB: UInt64 = 0x08
    static let control: UInt64 = 0x0C
    static let raw: UInt64 = 0x1C
    static let clear: UInt64 = 0x24
    static let loadA: UInt64 = 0x28
    static let loadB: UInt64 = 0x2C
    static let matchA: UInt64 = 0x30
    static let prescaleA: UInt64 = 0x38
    static let shownA: UInt64 = 0x48
    static let shownB: UInt64 = 0x4C
    static let valueA: UInt64 = 0x50
  }
  private let bench = DeviceBench(StellarisTimer(.tm4c123))
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }

  /// TACDIR: up to the load value, and on from zero; there the prescaler is on top.
  @Test func countsUp() {
    bench.write(R.configuration, 4)
    bench.write(R.modeA, 0x12)
    bench.write(R.loadA, 9)
    bench.write(R.prescaleA, 1)
    bench.write(R.control, 1)
    bench.advance(to: 0x1_0000)
    #expect(read(R.shownA) == 0x1_0000 && read(R.raw) == 0)
    bench.advance(to: 0x1_0009)
    #expect(read(R.shownA) == 0x1_0009 && read(R.raw) == 1)
    bench.advance(to: 0x1_000A)
    #expect(read(R.shownA) == 0)
  }

  /// TAMIE: at the match value.
  @Test func matches() {
    bench.write(R.modeA, 0x22)
    bench.write(R.loadA, 99)
    bench.write(R.matchA, 40)
    bench.write(R.control, 1)
    bench.advance(to: 58)
    #expect(read(R.raw) == 0)
    bench.advance(to: 59)
    #expect(read(R.raw) == 0x10 && read(R.shownA) == 40)
    bench.write(R.clear, 0x10)
    bench.advance(to: 100)
    #expect(read(R.raw) == 1)
    bench.advance(to: 159)
    #expect(read(R.raw) == 0x11)
  }

  /// TAILD: "Update ... with the value in the GPTMTAILR register on the next timeout".
  @Test func loadsAtTheTimeout() {
    bench.write(R.modeA, 0x102)
    bench.write(R.loadA, 99)
    bench.write(R.control, 1)
    bench.advance(to: 50)
    bench.write(R.loadA, 149)
    bench.write(R.loadA, 199)
    #expect(read(R.loadA) == 199 && read(R.shownA) == 49)
    bench.advance(to: 99)
    #expect(read(R.raw) == 1)
    bench.write(R.clear, 1)
    bench.advance(to: 298)
    #expect(read(R.raw) == 0 && read(R.shownA) == 1)
    bench.advance(to: 299)
    #expect(read(R.raw) == 1)
    // Of a timer that is off nothing waits.
    bench.write(R.loadA, 49)
    bench.write(R.control, 0)
    #expect(read(R.loadA) == 49)
    bench.write(R.loadA, 9)
    bench.write(R.control, 1)
    #expect(read(R.shownA) == 9 && bench.findings.isEmpty)
  }

  /// TAMRSU, where it is for: a duty cycle that changes with the next period, and not in the middle of one.
  @Test(arguments: [(0x0A, [50, 100, 150]), (0x40A, [25, 100, 150])] as [(UInt64, [Tick])])
  func matchesFromTheTimeoutOn(mode: UInt64, expected: [Tick]) {
    bench.write(R.configuration, 4)
    bench.write(R.modeA, mode)
    bench.write(R.loadA, 99)
    bench.write(R.matchA, 74)
    bench.write(R.control, 1)
    bench.advance(to: 10)
    bench.write(R.matchA, 49)
    var changes: [Tick] = []
    var level = true
    for tick in 10...199 as ClosedRange<Tick> {
      bench.advance(to: tick)
      if bench.lines.contains(.line(3)) != level {
        level.toggle()
        changes.append(tick)
      }
    }
    #expect(changes == expected && bench.findings.isEmpty)
  }

  /// Stopped and enabled again it goes on; set up anew it begins anew.
  @Test func goesOn() {
    bench.write(R.modeA, 0x12)
    bench.write(R.loadA, 999)
    bench.write(R.control, 1)
    bench.advance(to: 300)
    bench.write(R.control, 0)
    bench.advance(to: 500)
    bench.write(R.matchA, 700)
    bench.write(R.control, 1)
    bench.advance(to: 600)
    #expect(read(R.shownA) == 400)
    bench.advance(to: 1_199)
    #expect(read(R.raw) == 1)
    bench.write(R.control, 0)
    bench.write(R.loadA, 99)
    bench.advance(to: 2_000)
    bench.write(R.control, 1)
    bench.advance(to: 2_050)
    #expect(read(R.shownA) == 50)
  }

  /// PWM: high from the load to the match value, TAPWML inverts.
  @Test(arguments: [0, 0x40] as [UInt64]) func pwm(inverted: UInt64) {
    bench.write(R.configuration, 4)
    bench.write(R.modeA, 0x0A)
    bench.write(R.loadA, 99)
    bench.write(R.matchA, 74)
    bench.write(R.control, 1 | inverted)
    var changes: [Tick] = []
    var level = false
    for tick in 0...300 as ClosedRange<Tick> {
      bench.advance(to: tick)
      if bench.lines.contains(.line(3)) != level {
        level.toggle()
        changes.append(tick)
      }
    }
    #expect(
      changes
        == (inverted == 0 ? [0, 25, 100, 125, 200, 225, 300] : [25, 100, 125, 200, 225, 300]))
  }

  /// Edge time: the counter at the edge; edge count: down to the match value.
  @Test func edges() {
    bench.write(R.configuration, 4)
    bench.write(R.modeA, 0x17)
    bench.write(R.loadA, 0xFFFF)
    bench.write(R.control, 1)
    bench.advance(to: 1234)
    bench.input(0, true)
    bench.advance(to: 2000)
    bench.input(0, false)
    #expect(read(R.shownA) == 1234 && read(R.raw) == 4 && read(R.valueA) == 2000)

    let counter = DeviceBench(StellarisTimer(.tm4c123))
    counter.write(R.configuration, 4)
    counter.write(R.modeA, 3)
    counter.write(R.loadA, 3)
    counter.write(R.matchA, 0)
    counter.write(R.control, 1)
    for _ in 0..<2 {
      counter.input(0, true)
      counter.input(0, false)
    }
    #expect(counter.read(R.shownA) == 1 && counter.read(R.raw) == 0)
    counter.input(0, true)
    #expect(counter.read(R.raw) == 2 && counter.read(R.control) == 0)
  }

  /// TAWOT: not before the timer before it in the chain is done.
  @Test func waits() {
    bench.write(R.modeA, 0x42)
    bench.write(R.loadA, 9)
    bench.write(R.control, 1)
    bench.advance(to: 50)
    #expect(read(R.raw) == 0 && read(R.shownA) == 9)
    bench.input(2, true)
    bench.advance(to: 59)
    #expect(read(R.raw) == 1)
  }

  /// A 32/64-bit module: 64 bits in two registers.
  @Test func wide() {
    let bench = DeviceBench(StellarisTimer(.tm4c123Wide))
    bench.write(R.modeA, 2)
    bench.write(R.loadB, 1)
    bench.write(R.loadA, 5)
    bench.write(R.control, 1)
    #expect(bench.deadline == 0x1_0000_0005)
    bench.advance(to: 6)
    #expect(bench.read(R.shownA) == 0xFFFF_FFFF && bench.read(R.shownB) == 0)
    bench.advance(to: 0x1_0000_0005)
    #expect(bench.read(R.raw) == 1)
  }

  /// From all ones in 64 bits it does not come to zero in the time that there is.
  @Test func wideFromTheTop() {
    let bench = DeviceBench(StellarisTimer(.tm4c123Wide))
    bench.advance(to: 10)
    bench.write(R.modeA, 1)
    bench.write(R.control, 1)
    #expect(bench.deadline == nil)
    bench.advance(to: 1_000)
    #expect(bench.read(R.raw) == 0 && bench.read(R.control) == 1)
    #expect(bench.read(R.shownA) == 0xFFFF_FFFF - 990 && bench.read(R.shownB) == 0xFFFF_FFFF)
  }
}

@Suite struct TM4CMemoryTests {
  /// Section 8.2.3: an erased page is all ones, and programming clears bits only; without the key nothing happens.
  @Test func flashIsErasedAndProgrammed() throws {
    var guest = ThumbGuest()
    guest.load(0, 0x400F_D000)
    guest.load(1, 0x1_0400)
    guest.store(1, at: 0)
    guest.load(3, 0x400F_D008)
    guest.load(2, 0xA442_0002)
    guest.store(2, at: 3)
    guest.load(5, 0x400F_D004)
    guest.load(4, 0x1234_5678)
    guest.store(4, at: 5)
    guest.load(2, 0xA442_0001)
    guest.store(2, at: 3)
    guest.load(4, 0x1234_5600)
    guest.store(4, at: 5)
    guest.store(2, at: 3)
    guest.move(2, 1)
    guest.store(2, at: 3)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(machine.memory.load(0x1_0400, as: UInt32.self) == 0x1234_5600)
    #expect(machine.memory.load(0x1_07FC, as: UInt32.self) == 0xFFFF_FFFF)
    #expect(machine.memory.load(0x1_0800, as: UInt32.self) == 0)
    #expect(machine.findings.map(\.name) == ["FMC or FMC2 written without its key"])
  }

  /// Section 8.2.4: 16 words a block, and EERDWRINC goes round in it.
  @Test func eeprom() {
    let bench = DeviceBench(TM4CEEPROM())
    bench.write(0x004, 3)
    bench.write(0x008, 15)
    bench.write(0x014, 7)
    bench.write(0x014, 8)
    #expect(bench.read(0x008) == 1)
    bench.reset()
    bench.write(0x004, 3)
    bench.write(0x008, 15)
    #expect(bench.read(0x014) == 7 && bench.read(0x010) == 8)
  }

  /// HIBCTL.WRC says whether a store has got there, and HIBRIS.WC that it has; BATCHK is done with at once.
  @Test func hibernationStores() {
    let bench = DeviceBench(TM4CHibernation(), clock: Clock(hertz: 16_000_000))
    bench.write(0x014, 0x10)
    #expect(bench.read(0x018) == 0 && !bench.isRaised)
    bench.write(0x010, 0x440)
    #expect(bench.read(0x010) == 0x8000_0040 && bench.read(0x01C) == 0x10 && bench.isRaised)
    bench.write(0x020, 0x10)
    #expect(bench.read(0x018) == 0 && !bench.isRaised)
  }

  /// Section 7.3.5: the RTC counts seconds by its own crystal, and matches to the sub-second.
  @Test func hibernationClock() {
    let bench = DeviceBench(TM4CHibernation(), clock: Clock(hertz: 16_000_000))
    #expect(bench.read(0x010) == 0x8000_0000)
    bench.write(0x010, 0x41)
    bench.write(0x00C, 100)
    bench.write(0x004, 102)
    bench.write(0x028, 16_384 << 16)
    bench.write(0x014, 1)
    bench.advance(to: 16_000_000)
    #expect(bench.read(0x000) == 101 && !bench.isRaised)
    bench.advance(to: 39_999_999)
    #expect(!bench.isRaised)
    bench.advance(to: 40_000_000)
    #expect(bench.isRaised && bench.read(0x000) == 102)
    #expect((bench.read(0x028) ?? 0) & 0x7FFF == 16_384)
  }
}
