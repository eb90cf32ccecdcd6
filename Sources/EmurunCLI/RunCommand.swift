import Devices
import Emu
import Timeline

extension Emurun: HostedCommand {
  func run(on host: Host) throws(Refusal) -> Int32 {
    let scripted = try scripted(host.arguments)
    let run = try scripted.command.recalled(scripted.words, standardInput: host.input)
    let plan = try run.command.plan(
      standardInput: host.input, types: host.deviceTypes, words: run.words,
      replaying: run.recording)
    return try run.command.run(plan, on: host)
  }

  func run(
    _ plan: RunPlan, on host: Host, debugging: Debugging? = nil
  ) throws(Refusal) -> Int32 {
    host.catchSignals()
    try begin(host.errors.log, plan, host)
    for warning in plan.warnings { host.errors.say("emurun: warning: \(warning)") }
    if !evidence.json || host.errors.log != nil {
      for notice in plan.notices { host.errors.say("emurun: \(notice)") }
    }
    if let path = dtbDump { return try dump(plan, to: path) }
    return try perform(plan, on: host, debugging: debugging).code
  }

  /// Does it, from the first thing that it writes to the last.
  ///
  /// - Parameter editor: a debugger that is there already; otherwise the one that the command line asks for.
  func perform(
    _ plan: RunPlan, on host: Host, debugging editor: Debugging? = nil
  ) throws(Refusal) -> FinishedRun {
    var host = host
    var debugging = editor
    if debugging == nil { debugging = try Debugging(debugger, &host) }
    let outputs = try RunOutputs(self, plan, host)
    let savePoint = snapshots.save.map { SavePoint($0) }
    let saved = try snapshots.save.map { place throws(Refusal) in try outputs.open(place.path, self)
    }
    let folder = try evidence.report.map { path throws(Refusal) in
      try ReportFolder(path, self, plan, outputs, host)
    }
    let otlp = try evidence.otlp.map { place throws(Refusal) in try OTLPExport(place, self, outputs)
    }
    let coverage = try evidence.coverage.map { path throws(Refusal) in
      try CoverageOutput(path, self, plan, outputs)
    }
    let profile = try evidence.profile.map { path throws(Refusal) in
      try ProfileOutput(path, self, plan, outputs, isDebugged: debugging != nil)
    }
    var machine = try plan.machine()
    outputs.listen(to: machine, plan)
    let frames = findings.checkFrames ? try FrameWatch(plan) : nil
    machine.lookout = frames?.check
    profile?.begin(machine, outputs)
    let words = Words(plan: plan, style: host.style)
    let log = host.errors.log
    log?.nanoseconds = { [machine] in machine.nanoseconds }
    if !evidence.json || log != nil {
      host.errors.say("emurun: \(words.opening)", "run.start") { json in
        json.add("version", Self.configuration.version)
        json.object("image") {
          $0.add("path", plan.image.path)
          $0.add("sha256", plan.image.sha256)
        }
        json.add("board", machine.board.name)
        json.add("board_revision", machine.board.revision)
      }
    }

    let keyboard = plan.isInteractive ? Keyboard(host) : nil
    let begin = host.seconds()
    let seconds: Double
    let findings: FindingReport
    do {
      if let debugging {
        machine = try debugging.drive(machine, plan, keyboard, outputs)
      } else {
        try go(machine, plan, outputs, keyboard, savePoint, host)
      }
      seconds = host.seconds() - begin
      keyboard?.close()
      findings = plan.findings(machine)
      try outputs.finish(machine, findings)
    } catch {
      outputs.salvage()
      throw error
    }
    guard let stop = machine.stop else { preconditionFailure("a run ended without an end") }

    // In one place, words begin on a line of their own.
    if log == nil, host.output.isSame(as: host.errors), let last = host.output.last, last != 10 {
      host.errors.say("")
    }
    if stop.isDeath {
      host.errors.say(
        Obituary(machine: machine, image: plan.image, style: host.style).text(), "guest.died",
        .error)
    }
    for check in words.failedChecks(machine) {
      host.errors.say("emurun: \(check)", "check.failed", .error)
    }
    for finding in findings.words(style: host.style) {
      host.errors.say("emurun: \(plan.isStrict ? "error" : "warning"): \(finding)", "finding")
    }
    if let doubt = plan.choice.doubt(by: machine.findings) {
      host.errors.say("emurun: warning: \(doubt)", "finding")
    }
    for problem in try frames?.problems() ?? [] {
      host.errors.say("emurun: error: \(problem)", "frames.violation")
    }
    if evidence.json {
      try host.output.write((outputs.report(machine).json(hostSeconds: seconds) + "\n").utf8)
    } else if log == nil {
      host.errors.say(words.closing(machine, outputs.waves, hostSeconds: seconds))
      if let frames { host.errors.say(frames.summary) }
      if let unmet = words.unmet(machine) { host.errors.say("emurun: \(unmet)") }
      if evidence.digest || evidence.twice { host.errors.say("traceDigest \(machine.traceDigest)") }
    }
    let isRepeatable = stop.reason != .interrupted && debugging?.hasChanged != true
    if plan.twice && isRepeatable {
      try Repetition(plan: plan, host: host).compare(with: machine)
      if !evidence.json || log != nil {
        host.errors.say("the second run, sliced differently, was the same", "twice.same")
      }
    }
    if let replay = plan.replay, debugging?.hasChanged != true {
      try compare(machine, with: replay, plan, host)
    }
    // Not before the second of two runs has read them; and what a recording names is left as it is.
    if plan.replay == nil {
      do { try machine.commit(plan.drives) } catch {
        throw Refusal(ExitCode.ioError, error.description)
      }
    }
    try otlp?.write(machine, outputs, log)
    try coverage?.write(machine)
    try profile?.write()
    let verdict = plan.verdict(
      stop, hasQuit: keyboard?.hasQuit == true, hasFindings: !findings.rows.isEmpty,
      hasGoodFrames: frames?.isGood ?? true)
    if log != nil { sayEnd(machine, words, verdict, host) }
    try folder?.write(
      FinishedRun(machine: machine, words: words, code: verdict), outputs, hostSeconds: seconds)
    if let savePoint, let saved, let place = snapshots.save, try !savePoint.write(to: saved) {
      host.errors.say(
        "emurun: \(place.path): not written: the run ended by itself"
          + (place.moment == nil ? ", and nothing goes on from there" : " before that time"))
      let code = verdict == ExitCode.success ? ExitCode.failure : verdict
      return FinishedRun(machine: machine, words: words, code: code)
    }
    return FinishedRun(machine: machine, words: words, code: verdict)
  }

  /// From here on what is said is of this run.
  private func begin(_ log: Log?, _ plan: RunPlan, _ host: Host) throws(Refusal) {
    guard let log else { return }
    if evidence.trace != nil && evidence.traceFile == nil {
      throw Refusal(
        ExitCode.usage,
        "--log json leaves no standard error for --trace; name a file for its events (--trace-file FILE)"
      )
    }
    log.traceID = runID(plan, host.arguments)
  }

  private func sayEnd(_ machine: Machine, _ words: Words, _ code: Int32, _ host: Host) {
    let problem = words.unmet(machine).map { "; \($0)" } ?? ""
    host.errors.say(
      words.sentence(machine) + problem, "run.end", code == ExitCode.success ? .info : .error
    ) {
      $0.add("status", code == ExitCode.success ? "OK" : "ERROR")
      $0.add("exit_code", Int(code))
      $0.add("stop_reason", machine.stop?.reason.rawValue)
      $0.add("stop_code", UInt64(machine.stop?.code ?? 0))
      $0.add("instructions", machine.retired)
      $0.add("index", machine.index)
      $0.add("virtual_ns", machine.nanoseconds)
      $0.add("trace_digest", machine.traceDigest)
      $0.add("otlp_trace_id", String(machine.traceDigest.prefix(32)))
    }
  }

  /// Is a run, which is over, the one of the recording?
  private func compare(
    _ machine: Machine, with replay: Replay, _ plan: RunPlan, _ host: Host
  ) throws(Refusal) {
    guard plan.endsAsRecorded, replay.recording.end != nil else { return }
    // Its user did not wait for the end.
    if machine.stop?.reason == .interrupted && !replay.isOver(machine) { return }
    if let difference = replay.difference(machine) {
      throw Refusal(
        ExitCode.software,
        "\(recordings.replay ?? ""): the run is not the one that was recorded: \(difference); "
          + "\(replay.recording.start.writer) recorded it")
    }
    if !evidence.json { host.errors.say("emurun: the run is the one that was recorded") }
  }

  /// The device tree as software would get it.
  private func dump(_ plan: RunPlan, to path: String) throws(Refusal) -> Int32 {
    var files: [OutputFile] = []
    let file = try RunOutputs.open(path, .whole, self, &files)
    try file.write(plan.machine().deviceTree ?? [])
    try file.commit()
    return ExitCode.success
  }

  private func go(
    _ machine: Machine, _ plan: RunPlan, _ outputs: RunOutputs, _ keyboard: Keyboard?,
    _ savePoint: SavePoint?, _ host: Host
  ) throws(Refusal) {
    // Text that runs through the same terminal all the time leaves no line to draw on.
    let scrolls = keyboard != nil || (evidence.trace != nil && evidence.traceFile == nil)
    var live = scrolls ? nil : LiveDisplay(plan, host)
    defer { live?.hide() }
    let isTyped = keyboard?.isTerminal ?? false
    let isPaced = isTyped || recordings.realtime
    var clock = WallClock()
    try plan.drive(
      machine, pace: isPaced ? .typed(plan.board.clock) : .start, host: host,
      saving: savePoint,
      waiting: { () throws(Refusal) in
        try outputs.update(machine)
        return keyboard?.wait() ?? false
      },
      between: { () throws(Refusal) in
        if outputs.hasNews(machine) { live?.hide() }
        try outputs.update(machine)
        let lead =
          isPaced
          ? clock.lead(virtual: Double(machine.nanoseconds) / 1e9, host: host.seconds()) : 0
        keyboard?.pass(to: machine, patience: lead)
        if recordings.realtime && !isTyped { host.wait(lead) }
        live?.update(machine, outputs.waves)
      })
  }
}

/// A run that is over.
struct FinishedRun {
  let machine: Machine
  let words: Words
  /// What the process ends with.
  let code: Int32

  /// What a person wants to know first where it failed.
  var failure: String? {
    code == ExitCode.success
      ? nil
      : [words.unmet(machine), words.failedChecks(machine).first, words.sentence(machine)]
        .compactMap { $0 }.joined(separator: "\n")
  }

  func test(named name: String) -> JUnit.Case {
    JUnit.Case(
      name: name, suite: machine.board.name, nanoseconds: machine.nanoseconds, failure: failure,
      properties: [
        ("traceDigest", machine.traceDigest), ("stateDigest", machine.stateDigest),
        ("instructions", String(machine.retired)),
      ], output: machine.console.bytes)
  }
}
