import Devices
import Testing

@testable import Emu

/// The TM4C123GH6PM's datasheet, section 5.2.6, "System Control": what is clocked while the core sleeps, and how fast.
@Suite struct TM4CSleepTests {
  private enum Address {
    static let rcc: UInt32 = 0x400F_E060
    static let deepSleepClock: UInt32 = 0x400F_E144
    static let timerGate: UInt32 = 0x400F_E604
    static let portGate: UInt32 = 0x400F_E608
    static let uartGate: UInt32 = 0x400F_E618
    /// From a gate in run mode to that in sleep, and in deep sleep.
    static let sleep: UInt32 = 0x100
    static let deepSleep: UInt32 = 0x200
    static let uart: UInt32 = 0x4000_C000
    static let portF: UInt32 = 0x4002_5000
    static let timer0: UInt32 = 0x4003_0000
    static let timer1: UInt32 = 0x4003_1000
    static let systemControl: UInt32 = 0xE000_ED10
    static let enable: UInt32 = 0xE000_E100
    static let unpend: UInt32 = 0xE000_E280
  }
  private static let gatesAutomatically: UInt32 = 1 << 27
  private static let rcc: UInt32 = 0x078E_3AD1
  private static let period: Tick = 1_000
  /// Instructions from a wake to the next sleep: five of the loop, which WFI begins.
  private static let awake: Tick = 5

  /// Timer 0 wakes the core every 1,000 ticks; timer 1 runs, and r3 is what it shows at each wake.
  private func sleeper(
    isGated: Bool = true, deep: Bool = false, clocked: UInt32 = 1, deepClock: UInt32? = nil,
    before: (inout ThumbGuest) -> Void = { _ in }
  ) throws -> Machine {
    var guest = ThumbGuest()
    guest.disableInterrupts()
    guest.write(3, to: Address.timerGate)
    guest.write(clocked, to: Address.timerGate + (deep ? Address.deepSleep : Address.sleep))
    if isGated { guest.write(Self.rcc | Self.gatesAutomatically, to: Address.rcc) }
    if deep { guest.write(4, to: Address.systemControl) }
    if let deepClock { guest.write(deepClock, to: Address.deepSleepClock) }
    guest.write(1 << 19, to: Address.enable)
    for (timer, load) in [(Address.timer1, .max), (Address.timer0, 999)] as [(UInt32, UInt32)] {
      guest.write(2, to: timer + 0x04)
      guest.write(load, to: timer + 0x28)
      guest.write(1, to: timer + 0x18)
      guest.write(1, to: timer + 0x0C)
    }
    before(&guest)
    guest.load(2, Address.timer1 + 0x50)
    guest.load(4, Address.timer0 + 0x24)
    guest.move(5, 1)
    guest.load(6, Address.unpend)
    guest.load(7, 1 << 19)
    let start = guest.here
    guest.waitForInterrupt()
    guest.fetch(3, at: 2)
    guest.store(5, at: 4)
    guest.store(7, at: 6)
    guest.branch(to: start)
    return try guest.machine()
  }

  /// What timer 1 shows at each of a few wakes, and when these are.
  private func wakes(_ machine: Machine, count: Int = 4) -> [(tick: Tick, shown: UInt64)] {
    var all: [(tick: Tick, shown: UInt64)] = []
    let first = start(machine) + Self.period - 1
    for number in 0..<Tick(count) {
      let tick = first + number * Self.period
      _ = machine.run(until: RunLimit(tick: tick))
      #expect(machine.asleep > 0)
      // The load.
      _ = machine.run(until: RunLimit(tick: tick + 1))
      all.append((tick, machine.register("r3") ?? 0))
    }
    return all
  }

  /// The tick at which timer 0 is enabled.
  private func start(_ machine: Machine) -> Tick {
    guard let copy = try? Machine(machine.snapshot()) else { return 0 }
    while copy.now < 500 {
      _ = copy.run(until: RunLimit(tick: copy.now + 1))
      let control = copy.fields(ofDevice: "timer0")?.first { $0.name == "control" }
      if control?.value == "1" { return copy.now - 1 }
    }
    Issue.record("timer 0 is never enabled")
    return 0
  }

  /// "The SCGCn or DCGCn registers are used to control the clocks distributed to the peripherals when the microcontroller is in a
  /// sleep mode": a timer that has none counts what the core is awake, tick for tick.
  @Test(arguments: [false, true]) func aTimerStandsStill(deep: Bool) throws {
    let wakes = wakes(try sleeper(deep: deep))
    for (one, next) in zip(wakes, wakes.dropFirst()) {
      #expect(one.shown - next.shown == Self.awake)
      #expect(next.tick - one.tick == Self.period)
    }
  }

  /// One whose gate is open in sleep goes on; so do all with RCC.ACG 0: "The Run-Mode Clock Gating Control (RCGCn) registers are used".
  @Test(arguments: [(true, 3), (false, 1)] as [(Bool, UInt32)])
  func aTimerGoesOn(isGated: Bool, clocked: UInt32) throws {
    let wakes = wakes(try sleeper(isGated: isGated, clocked: clocked))
    for (one, next) in zip(wakes, wakes.dropFirst()) {
      #expect(one.shown - next.shown == Self.period)
    }
  }

  /// In deep sleep the clock is DSLPCLKCFG's, 16 MHz / 16 at reset, and that of run mode again at the wake.
  @Test(
    arguments: [
      (nil, 1_000_000), (0x0180_0010, 4_000_000), (0x30, 30_000), (0x70, 32_768),
    ] as [(UInt32?, UInt64)])
  func deepSleepHasAClockOfItsOwn(configuration: UInt32?, hertz: UInt64) throws {
    let machine = try sleeper(deep: true, deepClock: configuration)
    let first = start(machine) + Self.period - 1
    _ = machine.run(until: RunLimit(tick: first + 2 * Self.period + 1))
    let events = machine.trace.filter { $0.kind == .clock }
    let slowAndFast = [hertz, 16_000_000]
    try #require(events.map(\.value) == slowAndFast + slowAndFast + slowAndFast)
    #expect([1, 3, 5].map { events[$0].tick } == (0..<3).map { first + $0 * Self.period })
    // Of each period 995 ticks are slow ones.
    let (one, next) = (events[1].tick, events[3].tick)
    let slow = (Self.period - Self.awake) * 1_000_000_000 / hertz
    let time = machine.clock.nanoseconds(at: next) - machine.clock.nanoseconds(at: one)
    #expect(time.distance(to: slow + Self.awake * 125 / 2).magnitude <= 2)
  }

  /// A character stays on the line while its UART is not clocked: it takes as many ticks as ever, of those that are its own.
  @Test func aCharacterWaits() throws {
    func end(_ isClocked: Bool) throws -> (tick: Tick, asleep: Tick) {
      let machine = try sleeper { guest in
        guest.write(1, to: Address.uartGate)
        guest.write(isClocked ? 1 : 0, to: Address.uartGate + Address.sleep)
        guest.write(1, to: Address.uart + 0x24)
        guest.write(0x60, to: Address.uart + 0x2C)
        guest.write(0x301, to: Address.uart + 0x30)
        guest.write(0x41, to: Address.uart)
      }
      machine.run(untilText: "A")
      return (machine.now, machine.asleep)
    }
    let (open, closed) = (try end(true), try end(false))
    #expect(open.tick < 500 && closed.tick > 20_000)
    #expect(closed.tick - closed.asleep == open.tick)
  }

  /// A port that is not clocked does not see SW1 before the core is awake, and a short press never; one that is wakes the core with it.
  @Test(arguments: [(true, 300, true), (false, 300, false), (false, 2_000, true)])
  func aButtonWakesByAPortThatIsClocked(isClocked: Bool, length: Int, isSeen: Bool) throws {
    let machine = try sleeper { guest in
      guest.write(0x20, to: Address.portGate)
      if isClocked { guest.write(0x20, to: Address.portGate + Address.sleep) }
      guest.write(0x10, to: Address.portF + 0x51C)
      guest.write(0x10, to: Address.portF + 0x510)
      guest.write(0x10, to: Address.portF + 0x410)
      guest.write(1 << 30, to: Address.enable)
    }
    let start = start(machine)
    let press = start + 400
    try machine.press(
      "SW1", at: machine.clock.moment(at: press), for: .nanoseconds(length * 125 / 2))
    _ = machine.run(until: RunLimit(tick: press))
    #expect(machine.harts[0].isAsleep)
    _ = machine.run(until: RunLimit(tick: press + 1))
    #expect(machine.harts[0].isAsleep == !isClocked)
    _ = machine.run(until: RunLimit(tick: start + Self.period + 1))
    let raw = machine.peek(UInt64(Address.portF) + 0x414, count: 4)
    #expect(raw == [isSeen ? 0x10 : 0, 0, 0, 0])
  }

  /// In run mode the same: what RCGC takes the clock from stands still, and goes on from there two ticks behind the store.
  @Test func aGateThatClosesInRunMode() throws {
    var guest = ThumbGuest()
    guest.write(1, to: Address.timerGate)
    guest.write(2, to: Address.timer0 + 0x04)
    guest.write(1_000_000, to: Address.timer0 + 0x28)
    guest.write(1, to: Address.timer0 + 0x0C)
    guest.load(0, Address.timerGate)
    guest.load(2, Address.timer0 + 0x50)
    guest.move(4, 0)
    guest.move(5, 1)
    guest.fetch(3, at: 2)
    guest.store(4, at: 0)
    for _ in 0..<50 { guest.nop() }
    guest.store(5, at: 0)
    guest.nop()
    guest.fetch(6, at: 2)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 200))
    // One tick from the load to the store that closes, none until it is open.
    let shown = (machine.register("r3") ?? 0, machine.register("r6") ?? 0)
    #expect(shown.0 - shown.1 == 1 && machine.findings.isEmpty)
  }

  /// SCGC1 and DCGC2 are the same bits once more.
  @Test func legacyRegisters() throws {
    var guest = ThumbGuest()
    guest.write(1 << 17 | 1, to: 0x400F_E114)
    guest.write(0x21, to: 0x400F_E128)
    for (register, address) in [(3, 0x400F_E704), (4, 0x400F_E718), (5, 0x400F_E808)] {
      guest.load(0, UInt32(address))
      guest.fetch(UInt16(register), at: 0)
    }
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(machine.register("r3") == 2 && machine.register("r4") == 1)
    #expect(machine.register("r5") == 0x21 && machine.findings.isEmpty)
  }

  /// ROM_SysCtlDeepSleep: one deep sleep, and SCR as it was.
  @Test func theROMSleepsDeeply() throws {
    let machine = try sleeper { guest in
      guest.write(1, to: Address.timerGate + Address.deepSleep)
      guest.call(table: 13, function: 20)
      guest.load(3, Address.systemControl)
      guest.fetch(1, at: 3)
    }
    _ = machine.run(until: RunLimit(tick: 3_000))
    let events = machine.trace.filter { $0.kind == .clock }
    #expect(events.map(\.value) == [1_000_000, 16_000_000])
    #expect(machine.register("r1") == 0 && machine.findings.isEmpty)
  }

  /// However a run is cut, over snapshots and their files.
  @Test(arguments: [false, true]) func isTheSameHoweverItIsCut(deep: Bool) throws {
    let end: Tick = 20_300
    let whole = try sleeper(deep: deep)
    _ = whole.run(until: RunLimit(tick: end))
    var pieces = try sleeper(deep: deep)
    var random: UInt64 = 5
    while pieces.now < end {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      _ = pieces.run(until: RunLimit(tick: min(end, pieces.now + 1 + random >> 55)))
      if random >> 40 & 7 == 0 { pieces = try Machine(pieces.snapshot()) }
    }
    #expect(pieces.traceDigest == whole.traceDigest && pieces.stateDigest == whole.stateDigest)
    #expect(wakesAfter(pieces) == wakesAfter(whole))
  }
  private func wakesAfter(_ machine: Machine) -> UInt64? {
    _ = machine.run(until: RunLimit(tick: machine.now + 1_500))
    return machine.register("r3")
  }

  /// A clock that forgets its older changes on the way: nothing that the guest does is another for it, snapshots included.
  @Test func aLongRunForgets() throws {
    let whole = try sleeper(deep: true)
    _ = whole.run(until: RunLimit(tick: 20_300))
    var forgetful = try sleeper(deep: true)
    for tick in stride(from: 2_100 as Tick, to: 20_300, by: 1_700) {
      _ = forgetful.run(until: RunLimit(tick: tick))
      forgetful.bus.forgetTime(before: forgetful.now, allBut: 2)
      forgetful = try Machine(forgetful.snapshot())
    }
    _ = forgetful.run(until: RunLimit(tick: 20_300))
    #expect(forgetful.clock != whole.clock)
    #expect(forgetful.stateDigest == whole.stateDigest)
    #expect(forgetful.traceDigest == whole.traceDigest)
    #expect(forgetful.nanoseconds == whole.nanoseconds)
    #expect(wakesAfter(forgetful) == wakesAfter(whole))
  }

  /// A watchdog's reset out of a sleep leaves no gate closed.
  @Test func aResetEndsASleep() throws {
    let watchdog: UInt32 = 0x4000_0000
    let machine = try sleeper(deep: true) { guest in
      guest.write(1, to: 0x400F_E600)
      guest.write(1, to: 0x400F_E800)
      guest.write(300, to: watchdog)
      guest.write(3, to: watchdog + 0x08)
    }
    _ = machine.run(until: RunLimit(tick: 2_000))
    #expect(machine.resets > 0 && machine.findings.isEmpty && machine.traps.faults == 0)
    #expect(machine.trace.contains { $0.kind == .clock && $0.value == 16_000_000 })
  }
}

extension Machine {
  /// At most 100,000 ticks.
  fileprivate func run(untilText text: String) {
    while !console.text.contains(text), now < 100_000 {
      _ = run(until: RunLimit(tick: now + 1))
    }
  }
}
