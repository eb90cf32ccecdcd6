import EmuTesting
import Testing

/// As a user would write it: boot once, and let each test go on from there.
@Suite struct Heartbeat {
  static let booted = Result {
    try Machine(.m4LED, image: .bundled("led-heartbeat")).booted(for: .milliseconds(10)).snapshot()
  }

  @Test func blinksAtOneHertz() throws {
    let machine = try Machine(Self.booted.get())
    try machine.advance(until: .edges(of: .pf1, count: 10), limit: .seconds(20))
    #expect(machine.led(.pf1).blinks(at: .hertz(1), within: .percent(5)))
    #expect(machine.traps.svc == 0)
  }

  @Test func saysWhatItIs() throws {
    let machine = try Machine(Self.booted.get())
    #expect(machine.uart0.lines.first == "led-heartbeat: PF1 beats at 1 Hz")
  }
}
