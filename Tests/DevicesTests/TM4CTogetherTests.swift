import Devices
import Emu
import Testing

/// Firmware on the board `tm4c123gxl` that uses several of its devices together.
@Suite struct TM4CTogetherTests {
  private enum Address {
    static let gpioGate: UInt32 = 0x400F_E608
    static let dmaGate: UInt32 = 0x400F_E60C
    static let uartGate: UInt32 = 0x400F_E618
    static let adcGate: UInt32 = 0x400F_E638
    static let pwmGate: UInt32 = 0x400F_E640
    static let rcc: UInt32 = 0x400F_E060
    static let portF: UInt32 = 0x4002_5000
    static let pwm0: UInt32 = 0x4002_8000
    static let pwm1: UInt32 = 0x4002_9000
    static let adc0: UInt32 = 0x4003_8000
    static let dma: UInt32 = 0x400F_F000
    static let uart0: UInt32 = 0x4000_C000
    static let interruptEnable: UInt32 = 0xE000_E100
  }

  /// M1PWM5 to M1PWM7 are the LEDs, at 1 kHz and 10, 50 and 90 %; the divisor is RCC's / 8.
  private func dimmer() throws -> Machine {
    var guest = ThumbGuest()
    guest.write(0x20, to: Address.gpioGate)
    guest.write(2, to: Address.pwmGate)
    // USEPWMDIV and / 8, over the reset value.
    guest.write(0x078E_3AD1 & ~0xE_0000 | 0x14_0000, to: Address.rcc)
    guest.write(0x5550, to: Address.portF + 0x52C)
    guest.write(0x0E, to: Address.portF + 0x420)
    guest.write(0x0E, to: Address.portF + 0x51C)
    guest.write(0xE0, to: Address.pwm1 + 0x08)
    for (generator, low, high) in [(2, 0, 199), (3, 999, 1_799)] as [(UInt32, UInt32, UInt32)] {
      let base = Address.pwm1 + 0x40 + 0x40 * generator
      // High at the load, low at the comparator, counting down.
      guest.write(0x8C, to: base + 0x20)
      guest.write(0x80C, to: base + 0x24)
      guest.write(1_999, to: base + 0x10)
      guest.write(1_999 - low, to: base + 0x18)
      guest.write(1_999 - high - 1, to: base + 0x1C)
      guest.write(1, to: base)
    }
    guest.sleepForEver()
    return try guest.machine()
  }

  /// PF4, which SW1 pulls to ground, is M1FAULT0: while it is pressed, M1PWM7, the green LED, is low.
  @Test func aButtonIsAFault() throws {
    var guest = ThumbGuest()
    guest.write(0x20, to: Address.gpioGate)
    guest.write(2, to: Address.pwmGate)
    guest.write(0x5_5000, to: Address.portF + 0x52C)
    guest.write(0x18, to: Address.portF + 0x420)
    guest.write(0x10, to: Address.portF + 0x510)
    guest.write(0x18, to: Address.portF + 0x51C)
    let generator = Address.pwm1 + 0x100
    guest.write(1, to: generator + 0x34)
    guest.write(1, to: Address.pwm1 + 0x980)
    guest.write(0x80, to: Address.pwm1 + 0x10)
    guest.write(0xC, to: generator + 0x24)
    guest.write(100, to: generator + 0x10)
    guest.write(0x1_0001, to: generator)
    guest.write(0x80, to: Address.pwm1 + 0x08)
    guest.sleepForEver()
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 1_000))
    try machine.press("SW1", at: Moment(nanoseconds: 125_000), for: .microseconds(250))
    _ = machine.run(until: RunLimit(tick: 20_000))
    let waves = Waves(machine, end: 20_000)
    #expect(waves.edges(of: 3).suffix(2) == [2_000, 6_000] && waves.rises(of: 3).last == 6_000)
    #expect(machine.findings.isEmpty && machine.traps.faults == 0)
  }

  @Test func pwmDimsTheLEDs() throws {
    let machine = try dimmer()
    let end: Tick = 160_000
    _ = machine.run(until: RunLimit(tick: end))
    let waves = Waves(machine, end: end)
    #expect(machine.findings.isEmpty && machine.traps.faults == 0)
    for (pin, share) in [(1, 1_600), (2, 7_992), (3, 14_400)] as [(UInt32, Tick)] {
      let edges = waves.edges(of: pin)
      #expect(edges.count >= 17)
      let rises = waves.rises(of: pin)
      for (one, next) in zip(rises, rises.dropFirst()) { #expect(next - one == 16_000) }
      let widths = Set(
        zip(edges, edges.dropFirst()).compactMap { one, next in
          rises.contains(one) ? next - one : nil
        })
      #expect(widths == [share])
    }
  }

  private struct Waves {
    private let events: [Event]
    init(_ machine: Machine, end: Tick) {
      let slot = machine.board.slot(of: "gpiof") ?? -1
      events = machine.trace.filter { $0.kind == .pin && Int($0.source) == slot }
    }
    func edges(of pin: UInt32) -> [Tick] { events.filter { $0.detail == pin }.map(\.tick) }
    func rises(of pin: UInt32) -> [Tick] {
      events.filter { $0.detail == pin && $0.value == 1 }.map(\.tick)
    }
  }

  /// A generator triggers a converter every 100 µs, and µDMA takes its samples to memory: eight of them, and one interrupt.
  private func sampler() throws -> Machine {
    var guest = ThumbGuest()
    guest.write(1, to: Address.dmaGate)
    guest.write(1, to: Address.adcGate)
    guest.write(1, to: Address.pwmGate)
    guest.write(1 << 17, to: Address.interruptEnable)
    guest.write(UInt32(Self.table), to: Address.dma + 0x008)
    guest.write(1, to: Address.dma + 0x004)
    guest.write(1 << 17, to: Address.dma + 0x028)
    // Sequencer 3 by generator 0, one step with its interrupt.
    guest.write(0x6000, to: Address.adc0 + 0x014)
    guest.write(6, to: Address.adc0 + 0x0A4)
    guest.write(8, to: Address.adc0 + 0x000)
    // A trigger with each load.
    guest.write(0x200, to: Address.pwm0 + 0x044)
    guest.write(1_599, to: Address.pwm0 + 0x050)
    guest.write(1, to: Address.pwm0 + 0x040)
    guest.sleepForEver()
    let machine = try guest.machine()
    let structure = Self.table + 17 * 16
    machine.memory.store(Address.adc0 + 0x0A8, at: structure)
    machine.memory.store(UInt32(Self.samples) + 7 * 4, at: structure + 4)
    machine.memory.store(0xAE00_0000 | 7 << 4 | 1 as UInt32, at: structure + 8)
    return machine
  }
  private static let table: UInt64 = 0x2000_0400
  private static let samples: UInt64 = 0x2000_1000

  @Test func pwmTriggersTheConverterAndDMACollects() throws {
    let machine = try sampler()
    _ = machine.run(until: RunLimit(tick: 20_000))
    for number in 0..<8 as Range<UInt64> {
      #expect(machine.memory.load(Self.samples + 4 * number) == 0x800 as UInt32)
    }
    #expect(machine.memory.load(Self.samples + 32) == 0 as UInt32)
    #expect(machine.traps.interrupts == 1 && machine.findings.isEmpty)
    let entry = machine.trace.first { $0.kind == .interrupt }?.tick ?? 0
    // Seven periods behind the first load, the 16 ticks of a sample, and one transfer.
    #expect(7 * 1_600..<7 * 1_600 + 150 ~= entry)
  }

  /// A watchpoint on what µDMA writes stops as it is written, with the core asleep, there and back; the run is the same.
  @Test func aDebuggerWatchesDMA() throws {
    let plain = try sampler()
    _ = plain.run(until: RunLimit(tick: 20_000))
    let machine = try sampler()
    var history = History(machine, budget: 1 << 20)
    let watches = Breakpoints(
      watches: [Breakpoints.Watch(Self.samples..<Self.samples + 32, loads: false)])
    var limit = RunLimit(tick: 20_000)
    limit.breakpoints = watches
    var moments: [(tick: Tick, index: UInt64)] = []
    while case .watchpoint(let touch) = machine.run(until: limit) {
      let address = Self.samples + 4 * UInt64(moments.count)
      #expect(touch.isStore && touch.isDone && touch.address == address && touch.size == 4)
      #expect(machine.memory.load(address) == 0x800 as UInt32)
      #expect(machine.memory.load(address + 4) == 0 as UInt32)
      moments.append((machine.now, machine.index))
    }
    #expect(moments.count == 8)
    #expect(Set(moments.map(\.tick)).count == 8)
    #expect(machine.traceDigest == plain.traceDigest && machine.stateDigest == plain.stateDigest)
    history.reach(machine)
    let back = try #require(try history.latestStop(before: machine.index, watches))
    #expect(back.machine.now == moments.last?.tick && back.machine.index == moments.last?.index)
  }

  /// ROM_UARTCharGet and ROM_UARTCharPut for ever.
  private func echo() throws -> Machine {
    var guest = ThumbGuest()
    guest.write(1, to: Address.uartGate)
    guest.load(0, Address.uart0)
    guest.load(1, 16_000_000)
    guest.load(2, 115_200)
    guest.load(3, 0x60)
    guest.call(table: 1, function: 5)
    let start = guest.here
    guest.load(0, Address.uart0)
    guest.call(table: 1, function: 14)
    guest.copy(1, 0)
    guest.load(0, Address.uart0)
    guest.call(table: 1, function: 0)
    guest.branch(to: start)
    return try guest.machine()
  }

  @Test func uartEcho() throws {
    let machine = try echo()
    machine.send("Hello, µDMA!".utf8)
    _ = machine.run(until: RunLimit(tick: 30_000))
    #expect(machine.console.text == "Hello, µDMA!" && machine.findings.isEmpty)
  }

  /// The ROM's functions for PWM, converters, I2C and SSI, as DriverLib's users call them.
  @Test func throughTheROM() throws {
    var guest = ThumbGuest()
    func call(_ table: UInt32, _ function: UInt16, _ arguments: UInt32...) {
      for (number, argument) in arguments.enumerated() { guest.load(UInt16(number), argument) }
      guest.call(table: table, function: function)
    }
    let (i2c0, ssi0) = (0x4002_0000 as UInt32, 0x4000_8000 as UInt32)
    for gate in [Address.pwmGate, Address.adcGate, 0x400F_E620, 0x400F_E61C] {
      guest.write(gate == Address.pwmGate ? 2 : 1, to: gate)
    }
    // The fifth and sixth arguments: bits a second, and bits of a frame.
    guest.write(1_000_000, to: 0x2000_7FF0)
    guest.write(8, to: 0x2000_7FF4)
    guest.load(0, 0x2000_7FF0)
    guest.moveToStack(0)
    call(2, 1, ssi0, 16_000_000, 0, 0)
    call(3, 1, i2c0, 16_000_000, 0)
    // Generator 2 of PWM1, counting down; its output B for 200 of 2,000 clocks.
    call(8, 1, Address.pwm1, 0xC0, 0)
    call(8, 2, Address.pwm1, 0xC0, 2_000)
    call(8, 0, Address.pwm1, 0xC5, 200)
    call(8, 4, Address.pwm1, 0xC0)
    call(8, 11, Address.pwm1, 0x20, 1)
    // Sequencer 3: input 1, one step.
    call(5, 7, Address.adc0, 3, 0, 0)
    call(5, 8, Address.adc0, 3, 0, 0x61)
    call(5, 5, Address.adc0, 3)
    call(5, 13, Address.adc0, 3)
    for _ in 0..<20 { guest.nop() }
    call(5, 0, Address.adc0, 3, 0x2000_1000)
    guest.copy(5, 0)
    call(8, 6, Address.pwm1, 0xC5)
    guest.copy(4, 0)
    guest.load(3, ssi0)
    guest.fetch(2, at: 3)
    guest.load(3, i2c0 + 0x0C)
    guest.fetch(1, at: 3)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 1_000))
    #expect(machine.register("r5") == 1 && machine.register("r4") == 200)
    #expect(machine.memory.load(0x2000_1000) == 0x800 as UInt32)
    #expect(machine.register("r2") == 0x707 && machine.register("r1") == 7)
    #expect(machine.findings.isEmpty && machine.traps.faults == 0)
  }

  /// However a run is cut, and over snapshots: the same.
  @Test(arguments: ["dimmer", "sampler", "echo"]) func isTheSameHoweverItIsCut(which: String) throws
  {
    func machine() throws -> Machine {
      switch which {
      case "dimmer": return try dimmer()
      case "sampler": return try sampler()
      default:
        let machine = try echo()
        machine.send("some text".utf8)
        return machine
      }
    }
    let end: Tick = 13_000
    let whole = try machine()
    _ = whole.run(until: RunLimit(tick: end))
    var pieces = try machine()
    var random: UInt64 = 11
    while pieces.now < end {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let tick = min(end, pieces.now + 1 + random >> 56)
      let stop = pieces.run(until: RunLimit(tick: tick))
      guard stop == .limit else {
        Issue.record("it stops: \(stop)")
        break
      }
      if random >> 40 & 31 == 0 { pieces = try Machine(pieces.snapshot()) }
    }
    #expect(pieces.traceDigest == whole.traceDigest && pieces.stateDigest == whole.stateDigest)
  }
}
