import ArgumentParser
import Causes
import Emu
import Timeline

/// `emurun why IMAGE EXPR`: the chain of writes that led to a value.
struct WhyCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Run an image, and show the chain of writes that led to a value.",
    usage: "emurun why IMAGE EXPR [--at INDEX|EVENT|end] [OPTIONS] [-- OPTIONS OF THE RUN]",
    discussion: """
      EXPR is a register (a0, r3, hart1:a0), an LED (PF1), an address with its bytes \
      (0x20000010:4), a variable of the source (ticks, table[3].sum), or one of the function that \
      runs there (count, main::count). Options of the run come behind --, as emurun has them: \
      -- --for 2s, -- --replay FILE.
      """)

  @Argument(help: "ELF, raw, Intel HEX, SREC or UF2.")
  var image: String

  @Argument(help: "The value.")
  var expr: String

  @Option(
    help: ArgumentHelp(
      """
      Where it has that value: before the instruction of an index; behind the latest edge of an \
      LED (PF1), or its n-th (PF1#3); where the console first has a text (text:ready); at the end \
      of the run. (default: end)
      """, valueName: "index|event|end"),
    transform: WhyMoment.parse)
  var at = WhyMoment.end

  @Option(help: ArgumentHelp("How many writes to follow, one behind the other.", valueName: "n"))
  var depth = 12

  @Flag(help: "One JSON object instead of words.")
  var json = false

  @Option(help: ArgumentHelp("The chain beside the run, as a page to look at.", valueName: "file"))
  var html: String?

  @Argument(parsing: .postTerminator, help: "Options of the run.")
  var options: [String] = []

  func run(on host: Host) throws(Refusal) -> Int32 {
    guard 0...1000 ~= depth else {
      throw Refusal(ExitCode.usage, "--depth is a number from 0 to 1000, not \(depth)")
    }
    let run = try command(host)
    var plan = try run.command.plan(
      standardInput: host.input, types: host.deviceTypes, words: run.words,
      replaying: run.recording)
    plan.options.keptEvents = MachineOptions.usualEvents
    if html != nil { plan.options.trace.formUnion(Recording.mask) }
    var files: [OutputFile] = []
    let page = try html.map { path throws(Refusal) in
      try RunOutputs.open(path, .whole, run.command, &files)
    }
    host.catchSignals()
    for warning in plan.warnings { host.errors.say("emurun: warning: \(warning)") }
    let machine = try plan.machine()
    var history = History(machine, budget: 256 << 20)
    // Snapshots are made between slices.
    try plan.drive(machine, pace: .steady(size: 1 << 20, most: 1 << 24), host: host) {
      () throws(Refusal) in history.reach(machine)
    }
    let report = try report(machine, history, DebugInfo(plan.image))
    try host.output.write(((json ? report.json : report.text) + "\n").utf8)
    if let page {
      try page.write(WhyPage.write(machine, image: image, "\(expr), \(at.words)", report))
      try page.commit()
    }
    return ExitCode.success
  }

  /// The run's own, which is to do nothing but run.
  private func command(
    _ host: Host
  ) throws(Refusal) -> (command: Emurun, words: [String], recording: [UInt8]?) {
    let words = [image] + options
    let command: Emurun
    do { command = try Emurun.parse(words) } catch {
      throw Refusal(ExitCode.usage, "why: behind --: \(Emurun.message(for: error))")
    }
    if command.debugger.address != nil || command.streams.interactive {
      throw Refusal(
        ExitCode.usage,
        "why runs by itself: record the session (--record FILE), and ask its recording (-- --replay FILE)"
      )
    }
    if command.writesSomething {
      throw Refusal(
        ExitCode.usage,
        "why writes nothing of the run but --html; leave traces, pictures, reports and recordings to a run of their own"
      )
    }
    return try command.recalled(words, standardInput: host.input)
  }

  private func report(
    _ machine: Machine, _ history: History, _ debug: DebugInfo
  ) throws(Refusal) -> CauseReport {
    let instant = try at.instant(machine)
    var finder = CauseFinder(history, end: Instant(machine), depth: depth)
    do {
      let there = try history.machine(at: instant) ?? machine
      let place = try ValueExpression(there, debug).place(expr)
      return CauseReport(
        try finder.cause(of: place, at: instant), name: expr, machine, debug)
    } catch let error as VariableError {
      throw Refusal(ExitCode.usage, "why: \(error.description)")
    } catch let error as MachineError {
      throw Refusal(error)
    } catch { preconditionFailure("\(error)") }
  }
}

extension Emurun {
  /// Files, or anything on standard output and error that is not of the run itself.
  fileprivate var writesSomething: Bool {
    evidence.isRecorded || evidence.trace != nil || evidence.traceFile != nil
      || evidence.commitLog != nil || evidence.json || evidence.digest || evidence.twice
      || recordings.record != nil || snapshots.save != nil || findings.sarif != nil
      || !streams.uart.isEmpty || !streams.itm.isEmpty || dtbDump != nil
  }
}

/// `--at`.
enum WhyMoment: Hashable {
  case end
  case index(UInt64)
  /// Of an LED; nil: the latest.
  case edge(String, Int?)
  case text(String)

  static func parse(_ text: String) throws -> WhyMoment {
    if text == "end" { return .end }
    if let index = UInt64(text) { return .index(index) }
    if text.hasPrefix("text:"), text.count > 5 { return .text(String(text.dropFirst(5))) }
    let parts = text.split(separator: "#", omittingEmptySubsequences: false)
    if parts.count == 1, !parts[0].isEmpty { return .edge(text, nil) }
    if parts.count == 2, !parts[0].isEmpty, let number = Int(parts[1]), number > 0 {
      return .edge(String(parts[0]), number)
    }
    throw ValidationError(
      "\"\(text)\" is no moment: 883, PF1, PF1#3, text:ready and end are")
  }

  var words: String {
    switch self {
    case .end: "at the end"
    case .index(let index): "before index \(index)"
    case .edge(let led, nil): "behind the latest edge of \(led)"
    case .edge(let led, let number?): "behind edge \(number) of \(led)"
    case .text(let text): "where the console first has \"\(text)\""
    }
  }

  func instant(_ machine: Machine) throws(Refusal) -> Instant {
    switch self {
    case .end: return Instant(machine)
    case .index(let index):
      guard index <= machine.index else {
        throw Refusal(
          ExitCode.usage,
          "--at \(index): the run ends at index \(machine.index); let it go on with -- --for")
      }
      return Instant(index: index)
    case .edge(let name, let number): return try edge(name, number, machine)
    case .text(let text):
      guard let event = Self.event(thatCompletes: text, machine) else {
        throw Refusal(ExitCode.usage, "--at: the console never has \"\(text)\"")
      }
      return behind(event, machine)
    }
  }

  private func edge(
    _ name: String, _ number: Int?, _ machine: Machine
  ) throws(Refusal) -> Instant {
    guard let led = machine.board.leds.first(where: { $0.name == name }),
      let device = machine.board.slot(of: led.device)
    else {
      let known = machine.board.leds.map(\.name).joined(separator: ", ")
      throw Refusal(
        ExitCode.usage,
        "--at: \(machine.board.name) has no LED \(name); it has \(known.isEmpty ? "none" : known)")
    }
    let edges = machine.trace.lazy.filter {
      $0.kind == .pin && Int($0.source) == device && Int($0.detail) == led.pin
    }
    let event =
      number.map { edges.dropFirst($0 - 1).first }
      ?? machine.trace.last {
        $0.kind == .pin && Int($0.source) == device && Int($0.detail) == led.pin
      }
    guard let event else {
      throw Refusal(
        ExitCode.usage,
        "--at: \(name) has \(edges.count) edges by index \(machine.index); let the run go on with -- --for"
      )
    }
    return behind(event, machine)
  }

  private func behind(_ event: Event, _ machine: Machine) -> Instant {
    event.index < machine.index ? Instant(index: event.index + 1) : Instant(machine)
  }

  private static func event(thatCompletes text: String, _ machine: Machine) -> Event? {
    let wanted = Array(text.utf8)
    let console = machine.board.slot(of: machine.board.console)
    var tail: [UInt8] = []
    return machine.trace.first { event in
      guard event.kind == .console || event.kind == .uart && Int(event.source) == console else {
        return false
      }
      tail.append(UInt8(truncatingIfNeeded: event.value))
      if tail.count > wanted.count { tail.removeFirst() }
      return tail == wanted
    }
  }
}
