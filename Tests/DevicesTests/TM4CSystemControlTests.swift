import Devices
import Emu
import Testing

/// Against the TM4C123GH6PM's datasheet, chapter 5, on the board: what its system control does to the rest of it.
@Suite struct TM4CSystemControlTests {
  private enum Address {
    static let rcc: UInt32 = 0x400F_E060
    static let gpioGate: UInt32 = 0x400F_E608
    static let gpioReady: UInt32 = 0x400F_EA08
    static let legacyGate2: UInt32 = 0x400F_E108
    static let advancedBus: UInt32 = 0x400F_E06C
    static let resetGPIO: UInt32 = 0x400F_E508
    static let portF: UInt32 = 0x4002_5000
    static let portFAdvanced: UInt32 = 0x4005_D000
  }

  /// "There must be a delay of 3 system clocks after a peripheral module clock is enabled ... before any module registers are
  /// accessed": one instruction between is enough, none is not.
  @Test(arguments: 0...4)
  func aPeripheralAnswersTwoInstructionsAfterItsGateOpens(clocks: Int) throws {
    var guest = ThumbGuest()
    guest.load(1, Address.portF + 0x400)
    guest.load(0, Address.gpioGate)
    guest.move(2, 0x20)
    guest.store(2, at: 0)
    for _ in 1..<max(1, clocks) { guest.nop() }
    if clocks > 0 { guest.store(2, at: 1) }
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 100))
    let faults = clocks == 1
    #expect(machine.traps.faults == (faults ? 1 : 0))
    #expect(
      machine.findings.map(\.name)
        == (faults ? ["GPIODIR while the clock of GPIOF is off, or is not there yet"] : []))
    #expect(machine.findings.allSatisfy { $0.kind == .clockGated && $0.device == "gpiof" })
  }

  /// The legacy register is the same bit once more: "a read of the legacy register reflects".
  @Test func legacyGatesAreTheSame() throws {
    var guest = ThumbGuest()
    guest.load(0, Address.legacyGate2)
    guest.move(2, 0x21)
    guest.store(2, at: 0)
    guest.load(0, Address.gpioGate)
    guest.fetch(4, at: 0)
    guest.load(0, Address.gpioReady)
    guest.fetch(5, at: 0)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(machine.register("r4") == 0x21 && machine.register("r5") == 0x21)
  }

  /// "Each GPIO port can be accessed through one of two bus apertures": the one that GPIOHBCTL says.
  @Test(arguments: [false, true]) func apertures(isAdvanced: Bool) throws {
    var guest = ThumbGuest()
    guest.load(0, Address.gpioGate)
    guest.move(2, 0x20)
    guest.store(2, at: 0)
    guest.load(0, Address.advancedBus)
    guest.move(3, isAdvanced ? 0x20 : 0)
    guest.store(3, at: 0)
    guest.load(0, (isAdvanced ? Address.portFAdvanced : Address.portF) + 0x400)
    guest.store(2, at: 0)
    guest.fetch(4, at: 0)
    guest.load(0, (isAdvanced ? Address.portF : Address.portFAdvanced) + 0x400)
    guest.fetch(5, at: 0)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(machine.register("r4") == 0x20)
    #expect(machine.traps.faults == 1)
    #expect(
      machine.findings.map(\.name) == ["GPIODIR through an aperture that is switched off"])
  }

  /// SRGPIO: the port is at its reset state, and not ready while the bit is set.
  @Test func softwareReset() throws {
    var guest = ThumbGuest()
    guest.load(0, Address.gpioGate)
    guest.load(1, Address.portF + 0x400)
    guest.move(2, 0x20)
    guest.store(2, at: 0)
    guest.nop()
    guest.nop()
    guest.store(2, at: 1)
    guest.load(3, Address.resetGPIO)
    guest.move(6, 0)
    guest.store(2, at: 3)
    guest.load(4, Address.gpioReady)
    guest.fetch(7, at: 4)
    guest.store(6, at: 3)
    guest.nop()
    guest.nop()
    guest.nop()
    guest.fetch(5, at: 1)
    guest.fetch(4, at: 4)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(machine.register("r7") == 0 && machine.register("r5") == 0)
    #expect(machine.register("r4") == 0x20 && machine.traps.faults == 0)
  }

  /// Section 8.5: registers of flash that lie here are those of a new chip.
  @Test func flashIsAsNew() {
    let bench = DeviceBench(TM4CSystemControl(watchdogs: []))
    #expect(bench.read(0x1D0) == 0xFFFF_FFFE && bench.read(0x0F0) == 0)
    for offset in [0x130, 0x134, 0x1E0, 0x1EC, 0x200, 0x20C, 0x400, 0x40C] as [UInt64] {
      #expect(bench.read(offset) == 0xFFFF_FFFF)
    }
    #expect(bench.findings.isEmpty)
  }

  // MARK: The clock

  /// The main oscillator while it is off is a mistake; it is told of once, though more stores follow that leave it so.
  @Test func aMistakeIsToldOnce() {
    let bench = DeviceBench(
      TM4CSystemControl(watchdogs: []), clock: Clock(hertz: 16_000_000))
    for word in [0x8790_2810, 0x8790_2800, 0x87D0_2800, 0x8790_2800] as [UInt64] {
      bench.write(0x070, word)
    }
    let name = "the main oscillator is to be the clock while RCC.MOSCDIS is set"
    #expect(bench.findings.map(\.name) == [name])
  }

  /// SYSDIV divides the 16 MHz: time goes slower from that store on, and is exact.
  @Test func theCoreClockIsTheClock() throws {
    var guest = ThumbGuest()
    guest.load(0, Address.rcc)
    // BYPASS, PIOSC, USESYSDIV with SYSDIV 4: 16 MHz / 5.
    guest.load(1, 0x0240_0811 | 0x2540)
    guest.store(1, at: 0)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 3 + 3_200_000))
    #expect(machine.clock.frequency == Ratio(3_200_000, 1))
    // Two ticks of 62.5 ns until the store, which is the first of the slower ones.
    #expect(machine.clock.nanoseconds(at: 2) == 125)
    #expect(machine.clock.nanoseconds(at: 2 + 3_200_000) == 1_000_000_125)
    let events = machine.trace.filter { $0.kind == .clock }
    #expect(events.map(\.tick) == [2] && events.map(\.value) == [3_200_000])
  }

  /// A limit that is a time, and one that is a tick, meet across a change of the clock, however the run is cut.
  @Test func aTimeLimitFollowsTheClock() throws {
    var guest = ThumbGuest()
    guest.load(0, Address.rcc)
    guest.load(1, 0x0240_0811 | 0x2540)
    for _ in 0..<20 { guest.nop() }
    guest.store(1, at: 0)
    let goal = Moment(nanoseconds: 1_000_000)
    let whole = try guest.machine()
    #expect(whole.run(until: RunLimit(moment: goal)) == .limit)
    #expect(
      whole.nanoseconds >= 1_000_000 && whole.clock.nanoseconds(at: whole.now - 1) < 1_000_000)
    let cut = try guest.machine()
    for tick in [5, 21, 22, 23, 24, 1000] as [Tick] { _ = cut.run(until: RunLimit(tick: tick)) }
    let copy = try Machine(cut.snapshot())
    #expect(copy.clock == cut.clock)
    for machine in [cut, copy] {
      #expect(machine.run(until: RunLimit(moment: goal)) == .limit)
      #expect(machine.now == whole.now && machine.stateDigest == whole.stateDigest)
      #expect(machine.traceDigest == whole.traceDigest)
    }
  }

  // MARK: Buttons

  @Test func pressesAreExactAndPartOfTheDigest() throws {
    var guest = ThumbGuest()
    guest.load(0, Address.gpioGate)
    guest.move(2, 0x20)
    guest.store(2, at: 0)
    guest.load(1, Address.portF)
    guest.nop()
    guest.move(2, 0x10)
    guest.load(3, Address.portF + 0x51C)
    guest.store(2, at: 3)
    guest.load(3, Address.portF + 0x510)
    guest.store(2, at: 3)
    guest.load(3, Address.portF + 0x3FC)
    guest.poll(4, at: 3)
    let machine = try guest.machine()
    let idle = try guest.machine()
    try machine.press("SW1", at: Moment(nanoseconds: 10_000), for: .microseconds(5))
    let levels = ([158, 164, 238, 244] as [Tick]).map { tick in
      _ = machine.run(until: RunLimit(tick: tick))
      return machine.register("r4")
    }
    #expect(levels == [0x10, 0, 0, 0x10])
    _ = idle.run(until: RunLimit(tick: 244))
    #expect(machine.traceDigest != idle.traceDigest)
    #expect(
      machine.trace.filter { $0.kind == .input }.map(\.tick) == [160, 240])
    #expect(throws: MachineError.self) { try machine.press("SW3", for: .seconds(1)) }
  }

  // MARK: ROM

  /// Through the table at 0x0100_0010, as the vendor's macros do: ROM_SysCtlClockSet(80 MHz), ROM_SysCtlClockGet().
  @Test func theROMSetsTheClock() throws {
    var guest = ThumbGuest()
    // SYSCTL_SYSDIV_2_5 | USE_PLL | XTAL_16MHZ | OSC_MAIN
    guest.load(0, 0xC100_0540)
    guest.call(table: 13, function: 23)
    guest.call(table: 13, function: 24)
    guest.copy(4, 0)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 10_000))
    #expect(machine.register("r4") == 80_000_000)
    #expect(machine.clock.frequency == Ratio(80_000_000, 1))
    #expect(machine.findings.isEmpty)
  }

  @Test func aROMFunctionWithoutAModelIsAFinding() throws {
    var guest = ThumbGuest()
    guest.call(table: 16, function: 3)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(machine.findings.map(\.name) == ["ROM_USBDevConnect"] && machine.traps.faults == 0)
  }

  /// A function of the ROM meets gates as other code does.
  @Test func aROMFunctionFaultsAtAClosedGate() throws {
    var guest = ThumbGuest()
    guest.load(0, Address.portF)
    guest.move(1, 2)
    guest.move(2, 2)
    guest.call(table: 4, function: 0)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(machine.pc == 0x1C0)
    #expect(
      machine.findings.map(\.name)
        == ["GPIODATA2 while the clock of GPIOF is off, or is not there yet"])
  }
}
