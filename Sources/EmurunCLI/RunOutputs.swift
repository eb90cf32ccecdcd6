import Emu
import Timeline

/// Everything that a run writes while it goes on. Opened before it begins; each call of `update` takes what is new.
final class RunOutputs {
  private let host: Host
  private let names: EventNames
  private let kinds: TraceKinds
  private let isReported: Bool
  /// Where the console goes; nil: into a report.
  private let console: Sink?
  private var uarts: [UInt16: Sink] = [:]
  private var stimulus: [UInt32: OutputFile] = [:]
  /// Ports that nothing has come from.
  private var silent: Set<UInt32> = []
  @exclusivity(unchecked) private var text: EventText?
  @exclusivity(unchecked) private var lines: (writer: EventLines, file: OutputFile)?
  private var commits: (log: CommitLog, file: OutputFile)?
  @exclusivity(unchecked) private var pictures: Pictures?
  private var sarif: OutputFile?
  private var recording: (recorder: InputRecorder?, file: OutputFile)?
  /// With --profile, for --perfetto.
  var functions: () -> [ChromeTrace.Track] = { [] }
  /// Known when the run is over.
  private var findings: FindingReport?
  private var files: [OutputFile] = []
  private var seen = 0
  /// Events before this one were in other runs.
  private var fresh = 0
  private var written = 0
  /// What the LEDs did so far.
  @exclusivity(unchecked) private(set) var waves: Waveforms
  /// What UARTs sent that are not the console's, by slot: for a report.
  private(set) var texts: [UInt16: [UInt8]] = [:]

  /// Edges of an LED that are drawn one by one, and bytes of a UART that are reported.
  private static let mostEdges = 1 << 20
  private static let mostText = 1 << 26

  private enum Sink {
    case stream(Output)
    case file(OutputFile)

    func write(_ bytes: some Sequence<UInt8>) throws(Refusal) {
      switch self {
      case .stream(let output): try output.write(bytes)
      case .file(let file): try file.write(bytes)
      }
    }
  }

  init(_ command: Emurun, _ plan: RunPlan, _ host: Host) throws(Refusal) {
    let board = plan.board
    self.host = host
    isReported = command.evidence.json || command.evidence.report != nil
    names = EventNames(board, registers: plan.registerNames)
    waves = Waveforms(board, most: Self.mostEdges)
    var console: Sink? = command.evidence.json ? nil : .stream(host.output)
    for uart in command.streams.uart {
      let name = "uart\(uart.number)"
      guard let slot = board.slot(of: name) else { throw Self.noUART(name, board) }
      let sink: Sink
      if let path = uart.path {
        sink = .file(try Self.open(path, .bytes, command, &files))
      } else if command.evidence.json {
        throw Refusal(
          ExitCode.usage, "--json leaves no standard output for --uart \(uart.number)=stdout")
      } else {
        sink = .stream(host.output)
      }
      if name == board.console { console = sink } else { uarts[UInt16(slot)] = sink }
    }
    self.console = console
    for itm in command.streams.itm {
      guard case .cortexM4 = board.core else {
        throw Refusal(ExitCode.usage, "--itm: \(board.name) is no Cortex-M and has no ITM")
      }
      if stimulus[itm.port] != nil {
        throw Refusal(ExitCode.usage, "--itm: port \(itm.port) can go to one file only")
      }
      stimulus[itm.port] = try Self.open(itm.path, .bytes, command, &files)
      silent.insert(itm.port)
    }
    let asked = command.evidence.trace?.kinds
    if let path = command.evidence.traceFile {
      kinds = asked ?? .standard
      lines = (
        EventLines(names, kinds, quantum: plan.options.quantum),
        try Self.open(path, .lines, command, &files)
      )
    } else {
      kinds = asked ?? []
      if asked != nil { text = EventText(names, kinds) }
    }
    if command.evidence.isRecorded {
      pictures = try Pictures(command, board) { path throws(Refusal) in
        try Self.open(path, .whole, command, &files)
      }
    }
    if let path = command.findings.sarif {
      sarif = try Self.open(path, .whole, command, &files)
    }
    if let path = command.recordings.record {
      recording = (nil, try Self.open(path, .bytes, command, &files))
    }
    if let path = command.evidence.commitLog {
      guard board.core.machine == .riscv64 else {
        throw Refusal(
          ExitCode.usage, "--commit-log: \(board.name) has no RV64 harts; leave it out")
      }
      commits = (CommitLog(), try Self.open(path, .lines, command, &files))
    }
  }

  /// A file for which somebody else says when it is complete.
  func open(_ path: String, _ command: Emurun) throws(Refusal) -> OutputFile {
    let file = try Self.open(path, .whole, command, &files)
    files.removeLast()
    return file
  }

  /// Whatever has to be listened to while the machine runs. Of one that goes on from a snapshot, figures, pictures and traces in
  /// files know what was before; what is written while it runs begins here.
  func listen(to machine: Machine, _ plan: RunPlan) {
    if recording != nil, let start = plan.recordingStart?(machine) {
      recording?.recorder = InputRecorder(machine, start)
    }
    seen = machine.trace.startIndex
    fresh = machine.trace.endIndex
    written = machine.console.count
    if commits != nil { machine.onCommit = { [unowned self] in commits?.log.add($0) } }
  }

  /// A slip in a command line must not cost its user a file.
  static func open(
    _ path: String, _ content: OutputFile.Content, _ command: Emurun,
    _ files: inout [OutputFile]
  ) throws(Refusal) -> OutputFile {
    let file = try OutputFile(path, content)
    if command.inputs.contains(where: file.replaces) {
      throw Refusal(ExitCode.usage, "\(path): is read by this run; name another file to write")
    }
    if files.contains(where: file.replaces) {
      throw Refusal(ExitCode.usage, "\(path): is to be written twice; name another file for one")
    }
    files.append(file)
    return file
  }

  private static func noUART(_ name: String, _ board: Board) -> Refusal {
    let known = board.devices.map(\.name).filter { $0.hasPrefix("uart") }
    return Refusal(
      ExitCode.usage,
      "--uart: \(board.name) has no \(name); it has \(known.joined(separator: ", "))")
  }

  /// What pictures are made of, where any were asked for.
  var drawn: Recording {
    guard let pictures else { preconditionFailure("nothing was recorded") }
    return pictures.recording
  }

  func report(_ machine: Machine) -> RunReport {
    RunReport(machine, waves: waves, texts: texts, findings: findings)
  }

  /// Is there anything to write that was not there at the last call?
  func hasNews(_ machine: Machine) -> Bool {
    console != nil && machine.console.count > written
  }

  /// Writes what came since the last call.
  func update(_ machine: Machine) throws(Refusal) {
    recording?.recorder?.update(machine)
    try writeRecording()
    let text = machine.console
    // A debugger has gone back: what comes now was written before.
    if text.count < written || machine.trace.endIndex < seen { return }
    if text.count > written { try console?.write(text.bytes(from: written)) }
    written = text.count
    try update(machine.trace, machine.findings)
    waves.extend(to: machine.now)
    try flush()
  }

  private func update(_ trace: Trace, _ findings: [Finding]) throws(Refusal) {
    precondition(seen >= trace.startIndex, "events were forgotten before they were written")
    var others = text == nil && pictures == nil ? Event.Mask(.pin, .clock) : .all
    if isReported || !uarts.isEmpty { others.formUnion(Event.Mask(.uart)) }
    if !stimulus.isEmpty { others.formUnion(Event.Mask(.itm)) }
    try trace.forEachPiece(from: seen) { events throws(Refusal) in
      lines?.writer.add(events, findings: findings)
      for (number, event) in events.enumerated() where others.contains(rawKind: event.rawKind) {
        try add(event, isFresh: seen + number >= fresh, findings)
      }
      seen += events.count
    }
  }

  /// For all but the lines of a file.
  private func add(_ event: Event, isFresh: Bool, _ findings: [Finding]) throws(Refusal) {
    waves.add(event)
    pictures?.recording.add(event)
    if isReported, event.kind == .uart, texts[event.source, default: []].count < Self.mostText {
      texts[event.source, default: []].append(UInt8(truncatingIfNeeded: event.value))
    }
    if !isFresh { return }
    text?.add(event, findings: findings)
    if event.kind == .itm, let file = stimulus[event.detail & 0xFF] {
      silent.remove(event.detail & 0xFF)
      let width = Int(event.detail >> 24)
      try file.write((0..<width).map { UInt8(truncatingIfNeeded: event.value >> (8 * $0)) })
    }
    if event.kind == .uart, let uart = uarts[event.source] {
      try uart.write(CollectionOfOne(UInt8(truncatingIfNeeded: event.value)))
    }
  }

  private func writeRecording() throws(Refusal) {
    if let bytes = recording?.recorder?.take(), !bytes.isEmpty { try recording?.file.write(bytes) }
  }

  private func flush() throws(Refusal) {
    try text?.drain { bytes throws(Refusal) in try host.errors.write(bytes) }
    if let file = commits?.file {
      try commits?.log.drain { bytes throws(Refusal) in try file.write(bytes) }
    }
    if let file = lines?.file {
      try lines?.writer.drain { bytes throws(Refusal) in try file.write(bytes) }
    }
  }

  /// The run is over: what was held back, and the files to their places.
  func finish(_ machine: Machine, _ findings: FindingReport) throws(Refusal) {
    self.findings = findings
    try update(machine)
    recording?.recorder?.finish(machine)
    try writeRecording()
    text?.flush()
    lines?.writer.end(machine)
    try flush()
    try pictures?.write(machine, functions: functions(), host)
    try sarif?.write(findings.log(.of(machine.image.path)))
    for port in silent.sorted() {
      host.errors.say(
        "emurun: warning: nothing came from ITM port \(port); the firmware must set DEMCR.TRCENA, ITM_TCR.ITMENA and bit "
          + "\(port) of ITM_TER, which some leave to a debugger")
    }
    for file in files { try file.commit() }
    files = []
  }

  /// Something could not be written: what is whole is kept.
  func salvage() {
    for file in files { file.salvage() }
  }
}
