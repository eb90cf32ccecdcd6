import Emu
import Glibc
import Timeline

/// What is to be run, with everything decided: options, what the image says of itself, and defaults.
struct RunPlan {
  var image: Image
  var board: Board
  /// How the board was found.
  var choice: BoardChoice
  var options = MachineOptions()
  /// Ticks at which the run ends; nil: none.
  var tick: Tick?
  var instructions: UInt64?
  var expectedText: String?
  var failText: String?
  var twice = false
  /// Somebody, or what is piped in, types at the console.
  var isInteractive = false
  /// To be said before the run, one sentence each.
  var warnings: [String] = []

  /// A machine at power-on. `fresh`: with an engine of its own, which nothing ran on before.
  func machine(fresh: Bool = false, trace: Event.Mask? = nil) throws(Refusal) -> Machine {
    var options = options
    if fresh { options.engine = .fresh }
    if let trace {
      options.trace = trace
      options.recent = []
    }
    do {
      let machine = try Machine(board, image: image, options: options)
      if let expectedText { machine.stop(.expectText, onText: expectedText.utf8) }
      if let failText { machine.stop(.failText, onText: failText.utf8) }
      return machine
    } catch {
      switch error.kind {
      case .image: throw Refusal(ExitCode.badData, error.description)
      case .engine: throw EngineLibrary.current.refusal(error.description)
      }
    }
  }
}

extension Emurun {
  /// Reads the image and everything else that is read before a run.
  func plan(standardInput: Int32) throws(Refusal) -> RunPlan {
    guard let path = image else {
      throw Refusal(ExitCode.usage, "which image? Usage: emurun IMAGE [OPTIONS]; see emurun --help")
    }
    let isInteractive =
      streams.interactive || streams.noGraphic && isatty(standardInput) == 1
    try checkCombinations(isInteractive)
    let image = try Self.read(path)
    var needs = Needs(image.note, path: path)
    try needs.override(by: machine)
    let commandLine = machine.append ?? ""
    let choice = try BoardChoice(for: image, needs, commandLine: commandLine)
    var plan = RunPlan(image: image, board: choice.board, choice: choice)
    plan.warnings = needs.warnings
    if machine.mode != nil && choice.board.core.machine != .riscv64 {
      throw Refusal(
        ExitCode.usage,
        "\(choice.board.name) has a \(choice.board.coreWords), which has no M and S mode; "
          + "leave --mode out")
    }
    plan.options.mode = needs.mode
    if let quantum = machine.quantum { plan.options.quantum = quantum.attempts }
    if needs.semihosting {
      plan.options.semihosting = SemihostingOptions(
        root: machine.semihostingRoot, commandLine: commandLine)
    }
    for file in machine.load {
      let bytes = try InputFile.read(file.path, standardInput: standardInput)
      plan.options.loads.append((file.address, bytes))
    }
    if let input = streams.input {
      plan.options.input = try InputFile.read(input, standardInput: standardInput)
    }
    plan.isInteractive = isInteractive
    plan.options.hasMoreInput = isInteractive
    plan.options.stopsAtReset = ending.noReboot
    // A file without kinds has the usual ones.
    let kinds = evidence.trace?.kinds ?? (evidence.traceFile == nil ? [] : .standard)
    plan.options.trace = kinds.mask
    plan.options.recent = Self.recent
    let duration =
      ending.duration
      ?? VirtualTime(nanoseconds: isInteractive ? nil : 10_000_000_000)
    plan.tick = duration.nanoseconds.map { choice.board.clock.ticks(nanoseconds: $0) }
    plan.instructions = ending.maxInstructions
    plan.expectedText = ending.expectText
    plan.failText = ending.failText
    plan.twice = evidence.twice
    return plan
  }

  /// What one wants to know of a guest that died. Only the latest of it: a run may go on for days.
  private static let recent: Event.Mask = [.interrupts, .traps, .sbi]

  static func read(_ path: String) throws(Refusal) -> Image {
    do { return try Image(path: path) } catch {
      throw Refusal(error.exitCode, error.description)
    }
  }

  private func checkCombinations(_ isInteractive: Bool) throws(Refusal) {
    if let word = evidence.trace?.unknown.first {
      let known = TraceKinds.names.map(\.name).joined(separator: ",")
      throw Refusal(
        ExitCode.usage,
        word == "insn"
          ? "--trace insn: single instructions cannot be traced yet; known are \(known)"
          : "--trace: there is no kind \"\(word)\"; known are \(known)")
    }
    if isInteractive && evidence.twice {
      throw Refusal(
        ExitCode.usage,
        "--twice cannot repeat what somebody types; use --input instead of "
          + "--interactive")
    }
    if isInteractive && streams.input == "-" {
      throw Refusal(
        ExitCode.usage, "--input - and --interactive both want standard input; choose one")
    }
    if isInteractive && evidence.json {
      throw Refusal(
        ExitCode.usage, "--json leaves no console for --interactive; choose one")
    }
    if ending.expectText == "" || ending.failText == "" {
      throw Refusal(ExitCode.usage, "--expect-text and --fail-text need a text that is not empty")
    }
  }
}
