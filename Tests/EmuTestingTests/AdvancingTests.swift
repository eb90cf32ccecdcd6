import Testing

@testable import EmuTesting

@Suite struct AdvancingTests {
  private func heartbeat() throws -> Machine {
    try Machine(.m4LED, image: .bundled("led-heartbeat"))
  }

  /// Who did not ask for a part of the events is told that there is only a part.
  @Test func aTraceThatHasForgottenIsTold() throws {
    var options = MachineOptions()
    options.trace = .all
    options.keptEvents = 1
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"), options: options)
    // He who asked is not.
    try machine.advance(for: .seconds(20))
    #expect(machine.trace.startIndex > 0)
    let failure = #expect(throws: RunFailure.self) { try machine.checkTrace(usual: 1) }
    let words = "waited for a run of at most 1 events, since older ones are forgotten"
    #expect(failure?.description.hasPrefix(words) == true)
    let whole = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try whole.advance(for: .seconds(20))
    try whole.checkTrace()
    #expect(whole.traceDigest == machine.traceDigest)
  }

  @Test func edgesAreCountedFromHereOn() throws {
    let machine = try heartbeat()
    try machine.advance(until: .edges(of: .pf1, count: 3), limit: .seconds(2))
    #expect(machine.led(.pf1).edges == 3)
    try machine.advance(until: .edges(of: .pf1, count: 2), limit: .seconds(2))
    #expect(machine.led(.pf1).edges == 5)
    try machine.advance(until: .edges(of: .pf1, count: 0), limit: .seconds(2))
    #expect(machine.led(.pf1).edges == 5)
  }

  @Test func ledStates() throws {
    let machine = try heartbeat()
    #expect(machine.led(.pf1).state == .off)
    try machine.advance(until: .led(.pf1, .on), limit: .seconds(1))
    #expect(machine.led(.pf1).isOn)
    let now = machine.now
    try machine.advance(until: .led(.pf1, .on), limit: .seconds(1))
    #expect(machine.now == now)
    try machine.advance(until: .led(.pf1, .off), limit: .seconds(1))
    #expect(machine.led(.pf1).state == .off)
    #expect(machine.led(.pf2).edges == 0)
  }

  @Test func text() throws {
    let machine = try heartbeat()
    try machine.advance(until: .uart(contains: "PF1 be"), limit: .seconds(1))
    #expect(machine.uart0.text.hasSuffix("PF1 be"))
    try machine.advance(until: .uart(contains: "PF1"), limit: .zero)
    #expect(machine.uart0.text.hasSuffix("PF1 be"))
    #expect(machine.uart0.bytes.count == machine.console.bytes.count)
  }

  @Test func instructionsAndTimeAreExact() throws {
    let machine = try heartbeat()
    try machine.advance(until: .instructions(123), limit: .seconds(1))
    #expect(machine.retired == 123)
    try machine.advance(until: .instructions(1), limit: .seconds(1))
    #expect(machine.retired == 124)
    let start = machine.now
    try machine.advance(for: .milliseconds(3))
    #expect(machine.now - start == 48_000)
  }

  @Test func theEndOfARun() throws {
    let machine = try Machine(image: .bundled("hello-m4"))
    try machine.advance(until: .end, limit: .seconds(1))
    #expect(machine.stop?.reason == .semihosting)
    #expect(machine.stop?.code == 0)
    #expect(machine.uart0.lines == ["hello from Swift on a Cortex-M4", ""])
    // Nothing more happens, and that is no failure.
    try machine.advance(for: .seconds(1))
    let rv64 = try Machine(image: .bundled("hello-rv64.bin"))
    try rv64.advance(until: .end, limit: .seconds(1))
    #expect(rv64.stop?.reason == .finisher)
  }

  @Test func anyEvent() throws {
    var options = MachineOptions()
    options.trace = .interrupts
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"), options: options)
    try machine.advance(
      until: .event("a SysTick") { $0.kind == .interrupt && $0.detail == 15 }, limit: .seconds(1))
    #expect(machine.traps.interrupts == 1)
  }

  @Test func aHeartbeatIsRegular() throws {
    let machine = try heartbeat()
    try machine.advance(for: .seconds(5))
    let led = machine.led(.pf1)
    #expect(led.blinks(at: .hertz(1), within: .percent(0.01)))
    #expect(!led.blinks(at: .hertz(1.02), within: .percent(1)))
    #expect(!led.blinks(at: .hertz(2), within: .percent(5)))
    #expect(abs(led.dutyCycle - 0.5) < 0.001)
    #expect(abs((led.frequency?.hertz ?? 0) - 1) < 0.001)
    #expect(!machine.led(.pf2).blinks(at: .hertz(1), within: .percent(5)))
    #expect(machine.led(.pf2).frequency == nil)
  }

  @Test func anLEDThatStoppedBlinksNoMore() throws {
    let machine = try Machine(.rv64Virt, image: .bundled("sbi-heartbeat-rv64"))
    try machine.advance(for: .seconds(4))
    for (led, hertz) in zip([LEDName.led0, .led1, .led2, .led3], [1.0, 2, 4, 8]) {
      #expect(machine.led(led).blinks(at: .hertz(hertz), within: .percent(1)))
    }
    let wave = Waveform(name: "X", edges: [10, 20, 30, 40, 50, 60], end: 100)
    #expect(
      !LEDHistory(waveform: wave, clock: Clock(hertz: 1000))
        .blinks(at: .hertz(50), within: .percent(1)))
  }

  @Test func digestsAreTheSameHoweverOneGetsThere() throws {
    let whole = try heartbeat()
    try whole.advance(for: .seconds(3))
    let pieces = try heartbeat()
    try pieces.advance(until: .edges(of: .pf1, count: 3), limit: .seconds(2))
    try pieces.advance(until: .instructions(77), limit: .seconds(2))
    let goal = whole.now - pieces.now
    _ = pieces.run(until: RunLimit(tick: pieces.now + goal))
    #expect(pieces.traceDigest == whole.traceDigest)
    #expect(pieces.stateDigest == whole.stateDigest)
  }

  @Test func theLatestOfAKindCanBeKeptWithoutAllOfIt() throws {
    var options = MachineOptions()
    options.recent = .interrupts
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"), options: options)
    try machine.advance(for: .seconds(3))
    #expect(!machine.trace.contains { $0.kind == .interrupt })
    #expect(machine.recent.count == 256)
    #expect(machine.recent.last?.kind == .interruptReturn)
    #expect(zip(machine.recent, machine.recent.dropFirst()).allSatisfy { $0.tick <= $1.tick })
    let plain = try heartbeat()
    try plain.advance(for: .seconds(3))
    #expect(plain.traceDigest == machine.traceDigest)
    #expect(plain.recent.count == plain.trace.count)
  }
}
