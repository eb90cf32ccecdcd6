import Devices
import Emu
import Testing

/// The non-maskable interrupt of the TM4C123GH6PM: datasheet section 12.2 and WDTCTL for the watchdogs, 5.2.3 for the pins.
@Suite struct TM4CNMITests {
  private let bench = DeviceBench(StellarisWatchdog(hasNMI: true))

  /// INTTYPE: one line or the other, and it can be changed while the watchdog runs, unlike INTEN.
  @Test func oneLineOrTheOther() {
    bench.write(0x000, 100)
    bench.write(0x008, 5)
    bench.advance(to: 100)
    #expect(bench.lines == .line(1) && bench.read(0x014) == 1)
    bench.write(0x008, 0)
    #expect(bench.lines == .line(0) && bench.read(0x008) == 1)
    bench.write(0x008, 4)
    bench.write(0x00C, 1)
    #expect(bench.lines == [] && bench.read(0x008) == 5 && bench.findings.isEmpty)
  }

  /// An older chip's has no such bit.
  @Test func notOnOlderChips() {
    let bench = DeviceBench(StellarisWatchdog())
    bench.write(0x000, 100)
    bench.write(0x008, 5)
    bench.advance(to: 100)
    #expect(bench.lines == .line(0) && bench.findings.map(\.name) == ["WDTCTL.INTTYPE"])
  }

  private static let watchdog: UInt32 = 0x4000_0000

  /// Interrupts disabled, watchdog 0 at 100 clocks, and then a store to nowhere from HardFault's own handler, if told.
  private func guest(control: UInt32, mayFault: Bool) throws -> Machine {
    var guest = ThumbGuest()
    guest.disableInterrupts()
    guest.write(1, to: 0x400F_E600)
    guest.nop()
    guest.write(100, to: Self.watchdog)
    guest.write(control, to: Self.watchdog + 8)
    // The vector table in SRAM says where a fault goes: to an undefined instruction.
    if mayFault {
      guest.write(0x2000_1000, to: 0xE000_ED08)
      guest.raw(0xDE00)
    }
    let machine = try guest.machine()
    for vector in 0..<16 as Range<UInt64> {
      let handler: UInt32 = vector == 2 ? 0x1C1 : 0x2000_0101
      machine.memory.store(handler, at: 0x2000_1000 + 4 * vector)
    }
    machine.memory.store(0xDE00 as UInt16, at: 0x2000_0100)
    return machine
  }

  private func interrupts(_ machine: Machine) -> [UInt32] {
    machine.trace.filter { $0.kind == .interrupt }.map(\.detail)
  }

  /// PRIMASK keeps an interrupt out and not the NMI.
  @Test func nothingMasksIt() throws {
    let plain = try guest(control: 1, mayFault: false)
    _ = plain.run(until: RunLimit(tick: 1_000))
    #expect(interrupts(plain) == [] && plain.pc != 0x1C0)
    let machine = try guest(control: 5, mayFault: false)
    _ = machine.run(until: RunLimit(tick: 1_000))
    #expect(machine.pc == 0x1C0 && machine.findings.isEmpty)
    #expect(machine.registers.first { $0.name == "xpsr" }.map { $0.value & 0x1FF } == 2)
  }

  /// A core that is locked up waits for the NMI where one can come, and gets on; where none can, the run ends there.
  @Test func itEndsALockup() throws {
    for control in [0, 1] as [UInt32] {
      let machine = try guest(control: control, mayFault: true)
      _ = machine.run(until: RunLimit(tick: 1_000))
      #expect(machine.stop?.reason == .lockup && machine.now < 60)
    }
    let machine = try guest(control: 5, mayFault: true)
    #expect(machine.run(until: RunLimit(tick: 1_000)) == .limit)
    #expect(machine.stop == nil && machine.pc == 0x1C0)
  }

  /// PF0, committed, given to number 8 and pulled down: its high level is an NMI; before that it is none.
  @Test func aPin() throws {
    for function in [0, 8] as [UInt32] {
      var guest = ThumbGuest()
      guest.write(0x20, to: 0x400F_E608)
      guest.write(0x4C4F_434B, to: 0x4002_5520)
      guest.write(1, to: 0x4002_5524)
      guest.write(1, to: 0x4002_551C)
      guest.write(function, to: 0x4002_552C)
      guest.write(1, to: 0x4002_5420)
      // Nobody presses SW2, which pulls down: the pull-up makes it high.
      guest.write(1, to: 0x4002_5510)
      let machine = try guest.machine()
      _ = machine.run(until: RunLimit(tick: 100))
      #expect((machine.pc == 0x1C0) == (function == 8) && machine.findings.isEmpty)
    }
  }
}

/// GPTMSYNC: section 11.3.5 of the datasheet.
@Suite struct TM4CSyncTests {
  private func module(_ synchronizes: Bool = false, mode: UInt64, _ configuration: UInt64 = 4)
    -> DeviceBench<StellarisTimer>
  {
    let bench = DeviceBench(StellarisTimer(.tm4c123, synchronizes: synchronizes))
    bench.write(0x00, configuration)
    bench.write(0x04, mode)
    bench.write(0x28, 99)
    bench.write(0x30, 49)
    bench.write(0x0C, 1)
    bench.advance(to: 30)
    return bench
  }

  /// Counting down it is at the load value again, and counting up at zero; a one-shot goes on; no interrupt is raised.
  @Test(arguments: [(2, 99), (0x12, 0), (0x0A, 99), (1, 69), (0x17, 0)] as [(UInt64, UInt64)])
  func loads(mode: UInt64, value: UInt64) {
    let bench = module(mode: mode)
    bench.input(3, true)
    #expect(bench.read(0x50) == value && bench.read(0x1C) == 0)
    bench.input(4, true)
    #expect(bench.read(0x50) == value)
    bench.advance(to: 40)
    bench.input(3, false)
    #expect(bench.read(0x50) == (mode == 1 ? 59 : value) && bench.findings.isEmpty)
  }

  /// One that is off stays as it is.
  @Test func notOneThatIsOff() {
    let bench = module(mode: 2)
    bench.write(0x0C, 0)
    bench.input(3, true)
    #expect(bench.read(0x50) == 69)
  }

  /// Each bit is a line that changes; the first two are its own timers.
  @Test func everyBitIsALine() {
    let bench = module(true, mode: 2)
    bench.write(0x10, 0x80_0041)
    #expect(bench.lines.rawValue == 0x80_0041 << 8 && bench.read(0x50) == 99)
    bench.write(0x10, 0x80_0004)
    #expect(bench.lines.rawValue == 0x45 << 8 && bench.read(0x10) == 0x80_0004)
    bench.reset()
    #expect(bench.lines.rawValue == 0x45 << 8 && bench.read(0x10) == 0)
    #expect(DeviceBench(StellarisTimer(.tm4c123)).read(0x10) == 0)
  }

  /// On the board: timer 1 and wide timer 5, started at different times, are at one value from then on.
  @Test func onTheBoard() throws {
    var guest = ThumbGuest()
    guest.write(3, to: 0x400F_E604)
    guest.write(0x20, to: 0x400F_E65C)
    for base in [0x4003_1000, 0x4004_F000] as [UInt32] {
      guest.write(4, to: base)
      guest.write(0x2, to: base + 0x04)
      guest.write(5_000, to: base + 0x28)
      guest.write(1, to: base + 0x0C)
    }
    guest.write(1 << 2 | 1 << 22, to: 0x4003_0010)
    guest.load(2, 0x4003_1050)
    guest.load(3, 0x4004_F050)
    guest.fetch(4, at: 2)
    guest.fetch(5, at: 3)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 300))
    let values = [4, 5].map { machine.register("r\($0)") ?? 0 }
    #expect(values[0] == values[1] + 1 && values[0] > 4_990 && machine.findings.isEmpty)
  }
}
