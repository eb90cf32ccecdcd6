import Emu
import Testing

/// `tm4c-board-m4` on the board `tm4c123gxl`: what its own lines say, and LEDs that keep their time while the clock changes.
@Suite struct TM4CBoardTests {
  private static let text = """
    bit-band: 2147483776
    gate of port E closed: 1 bus fault
    gate of port E open: 1 bus fault
    clock: 16000000 Hz, 1 ms of a timer is 16000 clocks
    clock: 50000000 Hz, 1 ms of a timer is 50000 clocks
    press SW1
    pressed
    reset by software

    """

  private func machine() throws -> Machine {
    let machine = try Firmware.machine("tm4c-board-m4")
    try machine.press("SW1", at: Moment(nanoseconds: 4_500_000_000), for: .milliseconds(200))
    return machine
  }

  @Test func runsToItsEnd() throws {
    let machine = try machine()
    guard case .stopped(let stop) = machine.run(until: RunLimit(moment: Moment() + .seconds(10)))
    else {
      Issue.record("it does not end: \(machine.console.text)")
      return
    }
    #expect(stop.reason == .semihosting && stop.code == 0)
    #expect(machine.console.text == Self.text)
    #expect(machine.resets == 1)
    #expect(machine.findings.map(\.device) == ["gpioe"])
  }

  /// Half a period is 250 ms, before the change of the clock, across it and after it.
  @Test func theBlueLEDBeatsAtTwoHertz() throws {
    let machine = try machine()
    _ = machine.run(until: RunLimit(moment: Moment() + .seconds(4)))
    #expect(machine.clock.frequency == Ratio(50_000_000, 1))
    let edges = machine.trace.filter { $0.kind == .pin && $0.detail == 2 }
      .map { machine.clock.nanoseconds(at: $0.tick) }
    #expect(edges.count == 15)
    for (one, next) in zip(edges, edges.dropFirst()) {
      #expect(249_000_000...252_000_000 ~= next - one)
    }
  }

  /// However the run is cut, and over a snapshot in the middle of it.
  @Test func isTheSameHoweverItIsCut() throws {
    let end = RunLimit(moment: Moment() + .milliseconds(4_600))
    let whole = try machine()
    _ = whole.run(until: end)
    var pieces = try machine()
    var random: UInt64 = 7
    while pieces.stop == nil, pieces.nanoseconds < 4_600_000_000 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let tick = pieces.now + random >> 40
      _ = pieces.run(until: RunLimit(tick: tick, moment: end.moment))
      if random >> 60 == 0 { pieces = try Machine(pieces.snapshot()) }
    }
    #expect(pieces.traceDigest == whole.traceDigest && pieces.stateDigest == whole.stateDigest)
  }
}
