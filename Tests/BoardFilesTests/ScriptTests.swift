import BoardFiles
import Devices
import Emu
import Testing

@Suite struct ScriptTests {
  private func script(_ text: String, _ board: Board = .m4LED) throws -> Script {
    try Script(text, path: "s.yaml", board: board)
  }

  /// Runs an image under a script, in slices of so many ticks.
  private func run(
    _ text: String, image: String = "led-heartbeat", board: Board = .m4LED, slice: Tick = .max
  ) throws -> (outcome: ScriptRun.Outcome?, machine: Machine) {
    let machine = try Machine(
      board, image: Image(path: BuiltInTests.top.appendingPathComponent("images/\(image).elf").path)
    )
    let run = ScriptRun(try script(text, board), board)
    run.advance(machine)
    while run.outcome == nil && machine.stop == nil {
      let (end, overflow) = machine.now.addingReportingOverflow(slice)
      let limit = RunLimit(
        tick: overflow ? nil : end, moment: Moment(nanoseconds: 20_000_000_000))
      if machine.run(until: run.limit(limit)) == .asleep { machine.end(.idle) }
      run.advance(machine)
      if machine.nanoseconds >= 20_000_000_000 { machine.end(.timeLimit) }
    }
    return (run.outcome, machine)
  }

  static let heartbeat = """
    name: a heartbeat
    version: 1
    steps:
      - wait-serial: "beats at 1 Hz"
      - expect-led: {led: PF1, is: off}
      - delay: 200ms
      - expect-led: {led: PF1, is: on}
      - expect-pin: {part-id: gpiof, pin: 1, value: 1}
      - expect-pin: {pin: gpiof.2, value: 0}
      - expect-led: {led: PF1, blinks: 1 Hz ± 5 %, for: 5s}
      - delay: 1

    """

  /// Any file is a script or a refusal.
  @Test func damagedFiles() {
    var random = Damage(seed: 5)
    for _ in 0..<600 { _ = try? script(random.damaged(Self.heartbeat)) }
  }

  @Test func steps() throws {
    let (outcome, machine) = try run(Self.heartbeat)
    #expect(outcome == .passed)
    // 200 ms, 5 s and 1 ms behind the text, and not a tick more.
    let text = machine.clock.nanoseconds(
      at: machine.trace.last { $0.kind == .uart && $0.value == UInt64(UInt8(ascii: "z")) }?.tick
        ?? 0)
    #expect((5_201_000_000...5_201_000_200).contains(machine.nanoseconds - text))
  }

  /// However it is sliced, it acts at the same instructions.
  @Test(arguments: [997, 160_001, 3_333_333] as [Tick])
  func slices(_ slice: Tick) throws {
    let text = """
      - delay: 100us
      - write-serial: "hello"
      - wait-serial: "Hz"
      - set-control: {part-id: SW1, control: pressed, value: 1}
      - delay: 30ms
      - set-control: {part-id: SW1, value: 0}
      - delay: 30ms

      """
    let whole = try run(text, image: "tm4c-board-m4", board: .tm4c123GXL)
    let cut = try run(text, image: "tm4c-board-m4", board: .tm4c123GXL, slice: slice)
    #expect(whole.outcome == cut.outcome)
    #expect(whole.machine.traceDigest == cut.machine.traceDigest)
    #expect(whole.machine.stateDigest == cut.machine.stateDigest)
  }

  private func failure(_ text: String) throws -> String {
    guard case .failed(let what) = try run(text).outcome else { return "" }
    return what
  }

  @Test func whatCameInstead() throws {
    #expect(
      try failure("- expect-led: {led: PF1, blinks: 2 Hz ± 5 %, for: 3s}\n") == """
        s.yaml:1:3: expect-led: PF1 blinks at 1.00 Hz, not at 2.00 Hz
          expected ○  ▔▔▔▁▁▔▔▔▁▁▔▔▔▁▁▔▔▔▁▁▔▔▔▁▁▔▔▔▁▁   2.00 Hz  50 %  12 edges
          actual   ○  ▔▔▔▔▔▁▁▁▁▁▔▔▔▔▔▁▁▁▁▁▔▔▔▔▔▁▁▁▁▁   1.00 Hz  50 %   6 edges
                      ╵0 s      ╵1 s      ╵2 s
        """)
    #expect(
      try failure("- wait-serial: {text: \"beats at 2 Hz\", within: 10ms}\n") == """
        s.yaml:1:3: wait-serial: did not come
          expected  "beats at 2 Hz"
          actual    "led-heartbeat: PF1 beats at 1 Hz\\n"
        """)
    #expect(
      try failure("- delay: 100ms\n- expect-pin: {pin: gpiof.1, value: 0}\n").contains(
        "s.yaml:2:3: expect-pin: pin 1 of gpiof is high\n  expected  off, low\n  actual    on, high"
      ))
    #expect(
      try failure("- expect-led: {led: PF2, blinks: 1 Hz, for: 2s}\n").contains(
        "PF2 blinks at not at all"))
  }

  @Test(
    arguments: [
      ("- dely: 5ms", "1:3: there is no step \"dely\"; there are delay, wait-serial"),
      ("- delay: soon", "1:10: here is to be a time such as 500ms, not \"soon\""),
      ("steps: []", "1:8: a script has at least one step"),
      ("version: 2\nsteps: [{delay: 1}]", "1:10: there is only version 1"),
      ("step: []", "1:1: there is no key \"step\" here; is steps meant?"),
      ("- wait-serial: \"\"", "1:16: here is to be a text that is not empty"),
      (
        "- set-control: {part-id: SW9, value: 1}",
        "1:26: m4-led has no button \"SW9\"; it has none at all"
      ),
      ("- expect-pin: {pin: gpiog.1, value: 1}", "1:21: m4-led has no device \"gpiog\""),
      ("- expect-pin: {pin: gpiof.1, value: 2}", "1:37: here is to be 0 or 1, not \"2\""),
      ("- expect-led: {led: PF9, is: on}", "1:21: m4-led has no LED \"PF9\"; it has PF1, PF2, PF3"),
      (
        "- expect-led: {led: PF1}", "1:15: an LED is expected either with \"is\" or with \"blinks\""
      ),
      ("- expect-led: {led: PF1, blinks: often}", "1:34: here is to be a frequency and how exact"),
      ("- delay: 1\n  delay2: 2", "1:3: a step is one key and what belongs to it"),
    ] as [(String, String)])
  func mistakes(_ text: String, _ said: String) {
    do {
      _ = try script(text + "\n")
      Issue.record("\(text) was taken")
    } catch {
      #expect("\(error)".hasPrefix("s.yaml:\(said)"), "\(error)")
    }
  }
}
