import BoardFiles
import Devices
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
  var drives: [Drive] = []
  /// When the run ends; nil: never.
  var end: Moment?
  var instructions: UInt64?
  var expectedText: String?
  var failText: String?
  var presses: [Press] = []
  var script: Script?
  /// By the chip's SVD.
  var registerNames: RegisterNames?
  var twice = false
  /// Findings are errors.
  var isStrict = false
  /// Where it goes on from; nil: from power-on.
  var snapshot: Snapshot?
  /// What comes from outside is in a recording.
  var replay: Replay?
  /// It ends where the recording does.
  var endsAsRecorded = false
  /// Of the recording that there is, or is to be: what it is of.
  var recordingStart: ((Machine) -> InputRecording.Start)?
  /// Somebody, or what is piped in, types at the console.
  var isInteractive = false
  /// To be said before the run, one sentence each.
  var warnings: [String] = []
  var notices: [String] = []

  /// A machine at power-on. `fresh`: with an engine of its own, which nothing ran on before.
  func machine(fresh: Bool = false, trace: Event.Mask? = nil) throws(Refusal) -> Machine {
    var options = options
    if fresh { options.engine = .fresh }
    if let trace {
      options.trace = trace
      options.recent = []
    }
    do throws(MachineError) {
      let machine = try start(options)
      if let expectedText { machine.stop(.expectText, onText: expectedText.utf8) }
      if let failText { machine.stop(.failText, onText: failText.utf8) }
      for press in presses {
        try machine.press(press.name, at: press.moment, for: press.duration)
      }
      if let replay, let start = recordingStart?(machine),
        let refusal = replay.recording.start.difference(from: start)
      {
        throw MachineError(.snapshot, refusal)
      }
      return machine
    } catch {
      throw Refusal(error)
    }
  }

  private func start(_ options: MachineOptions) throws(MachineError) -> Machine {
    guard var snapshot else { return try Machine(board, image: image, options: options) }
    snapshot.options = options
    let machine = try Machine(snapshot)
    machine.send(options.input)
    return machine
  }
}

extension Emurun {
  /// Reads the image and everything else that is read before a run.
  ///
  /// - Parameters:
  ///   - types: of devices, for boards in files.
  ///   - words: that this command was made of.
  ///   - recording: what comes from outside.
  func plan(
    standardInput: Int32, types: DeviceTypes = .builtIn, words: [String] = [],
    replaying recording: [UInt8]? = nil
  ) throws(Refusal) -> RunPlan {
    let isInteractive =
      streams.interactive || streams.noGraphic && isatty(standardInput) == 1
    try checkCombinations(isInteractive)
    if let name = machine.board { try MachineProperties.check(name) }
    let sources = try BootSources(self)
    var needs = Needs(sources.image.note, path: sources.image.path)
    try needs.override(by: self)
    let equipment = BoardChoice.Equipment(
      drives: try drives.drives(), virtio: try drives.version(), seed: drives.seed ?? 0,
      types: types)
    let choice = try BoardChoice(for: sources, needs, equipment)
    var plan = RunPlan(image: sources.image, board: choice.board, choice: choice)
    if let path = findings.svd {
      let svd: SVDFile
      do { svd = try SVDFile(path: path) } catch { throw Refusal(error) }
      plan.registerNames = svd.registerNames
      plan.board.stubs = svd.stubs(for: choice.board)
    }
    plan.drives = equipment.drives
    if let model = machine.cpu { plan.options.rv64 = try CPUModel.check(model) }
    plan.warnings = needs.warnings
    plan.notices = sources.notices
    if let quantum = machine.quantum { plan.options.quantum = quantum.attempts }
    if machine.cycles != nil {
      guard case .cortexM4 = choice.board.core else {
        throw Refusal(
          ExitCode.usage, "--cycles m4 is for a Cortex-M4, which \(choice.board.name) has none of")
      }
      plan.options.timing = .m4
    }
    try addBoot(to: &plan, sources, needs, standardInput)
    if let root = machine.semihostingRoot { try InputFile.checkFolder(root) }
    if needs.semihosting {
      plan.options.semihosting = SemihostingOptions(
        root: machine.semihostingRoot, commandLine: machine.append ?? "")
    }
    for file in machine.load {
      let bytes = try InputFile.read(file.path, standardInput: standardInput)
      plan.options.loads.append((file.address, bytes))
    }
    if let input = streams.input {
      plan.options.input = try InputFile.read(input, standardInput: standardInput)
    }
    plan.isInteractive = isInteractive
    plan.options.stopsAtReset = ending.noReboot
    // A file without kinds has the usual ones.
    let kinds = evidence.trace?.kinds ?? (evidence.traceFile == nil ? [] : .standard)
    plan.options.trace = kinds.mask
    if evidence.isRecorded { plan.options.trace.formUnion(Recording.mask) }
    if !streams.itm.isEmpty { plan.options.trace.insert(Event.Mask(.itm)) }
    plan.options.recent = Self.recent
    plan.options.keepsExecutedCode = evidence.coverage != nil
    plan.options.keptEvents = keptEvents
    // All of it where it is to be in a report.
    plan.options.keptText = evidence.json || evidence.report != nil ? 1 << 26 : 1 << 18
    let duration =
      ending.duration
      ?? VirtualTime(
        nanoseconds: isInteractive || debugger.address != nil || recording != nil
          ? nil : 10_000_000_000)
    plan.end = duration.nanoseconds.map { Moment(nanoseconds: $0) }
    plan.instructions = ending.maxInstructions
    plan.expectedText = ending.expectText
    plan.failText = ending.failText
    plan.presses = streams.press
    plan.script = try world.script(for: choice.board)
    plan.twice = evidence.twice
    plan.isStrict = findings.strict
    if let path = snapshots.restore { try restore(path, &plan, standardInput) }
    if recordings.record != nil || recording != nil {
      plan.recordingStart = { [plan] in recordingStart($0, plan, words) }
    }
    if let recording { try replay(recording, &plan) }
    return plan
  }

  private func replay(_ file: [UInt8], _ plan: inout RunPlan) throws(Refusal) {
    let path = recordings.replay ?? ""
    let recording: InputRecording
    do { recording = try InputRecording(file, of: plan.board) } catch {
      throw Refusal(ExitCode.badData, "\(path): \(error.description)")
    }
    plan.replay = Replay(recording)
    plan.options.input = recording.start.input
    plan.endsAsRecorded = ending.duration == nil && ending.maxInstructions == nil
    if recording.end == nil {
      plan.warnings.append(
        "\(path) is cut off behind index \(recording.last.index)"
          + (plan.endsAsRecorded ? ", and the run ends there; --for DURATION lets it go on" : ""))
    }
  }

  private func restore(
    _ path: String, _ plan: inout RunPlan, _ standardInput: Int32
  ) throws(Refusal) {
    let file = try InputFile.read(path, standardInput: standardInput)
    let snapshot: Snapshot
    do {
      snapshot = try Snapshot(file, of: plan.board, image: plan.image, options: plan.options)
    } catch {
      throw error.kind == .snapshot
        ? Refusal(ExitCode.badData, "\(path): \(error.description)") : Refusal(error)
    }
    let time = Quantity.time(picoseconds: snapshot.clock.picoseconds(at: snapshot.now))
    // The last instruction of the run that was saved may have ended a few cycles behind its limit.
    if let end = plan.end, snapshot.clock.tick(reaching: end) < max(snapshot.now, 100) - 100 {
      throw Refusal(
        ExitCode.usage,
        "\(path) is of \(time) after power-on, and the run is to end before that; "
          + "--for DURATION counts from power-on")
    }
    plan.notices.append("the run goes on from \(path), \(time) after power-on")
    if snapshot.forgottenEvents > 0 {
      plan.warnings.append(
        "\(path) has forgotten the first \(snapshot.forgottenEvents) events of its run: figures, pictures and "
          + "--trace-file begin behind them; digests know them")
    }
    plan.snapshot = snapshot
  }

  /// What one wants to know of a guest that died. Only the latest of it: a run may go on for days.
  private static let recent: Event.Mask = [.interrupts, .traps, .sbi]

  private func addBoot(
    to plan: inout RunPlan, _ sources: BootSources, _ needs: Needs, _ standardInput: Int32
  ) throws(Refusal) {
    if plan.board.core.machine != .riscv64 { return }
    plan.options.mode = try sources.mode(needs)
    plan.options.sbi = needs.sbi
    plan.options.firmware = sources.firmware
    plan.options.base = sources.base
    plan.options.commandLine = machine.append ?? ""
    if let path = boot.initrd {
      plan.options.initialDisk = try InputFile.read(path, standardInput: standardInput)
    }
    if let path = boot.dtb {
      plan.options.deviceTree = (try InputFile.read(path, standardInput: standardInput), path)
    }
  }

  /// Where the device tree is to be written.
  var dtbDump: String? {
    boot.dtbDump ?? machine.board?.properties.last { $0.key == "dumpdtb" }?.value
  }

  /// Every file that a run reads.
  var inputs: [String] {
    let bios = boot.bios.map { FileAtAddress(argument: $0)?.path ?? $0 }
    return [
      image, bios, boot.kernel, boot.initrd, boot.dtb, streams.input, snapshots.restore,
      recordings.replay, world.script, findings.svd, boardFile,
    ]
    .compactMap { $0 } + machine.load.map(\.path) + drives.paths
  }

  var boardFile: String? {
    machine.board?.name.flatMap { BoardFile.isPath($0) ? $0 : nil }
  }

  private func checkCombinations(_ isInteractive: Bool) throws(Refusal) {
    if world.script != nil && snapshots.restore != nil {
      throw Refusal(ExitCode.usage, "--script begins at power-on; leave --restore out")
    }
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
    if debugger.address != nil && findings.checkFrames {
      throw Refusal(
        ExitCode.usage,
        "--check-frames looks at a run from its start to its end, and with --gdb it goes back and forth; choose one"
      )
    }
    if debugger.address == .stdio && (isInteractive || streams.input == "-" || evidence.json) {
      throw Refusal(
        ExitCode.usage,
        "a debugger on standard input and output leaves none for --interactive, --input - and --json"
      )
    }
    if world.script != nil && debugger.address != nil {
      throw Refusal(
        ExitCode.usage,
        "--script and --gdb: record the run first (--record FILE), and debug the recording (--replay FILE)"
      )
    }
    if recordings.realtime && debugger.address != nil {
      throw Refusal(
        ExitCode.usage, "--realtime and --gdb: time stands still where the machine does")
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
