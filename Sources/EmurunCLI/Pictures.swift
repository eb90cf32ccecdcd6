import Emu
import Timeline

extension EvidenceOptionsGroup {
  /// Something is written that wants the whole run.
  var isRecorded: Bool {
    [html, svg, vcd, perfetto, report, otlp].contains { $0 != nil }
  }
}

/// What is drawn of a run when it is over: opened before it begins, so that a place that cannot be written is known then.
struct Pictures {
  var recording: Recording
  private let image: String
  private let files: [(file: OutputFile, kind: Kind)]

  private enum Kind {
    case html
    case svg
    case vcd
    case perfetto
  }

  init(
    _ command: Emurun, _ board: Board, _ open: (String) throws(Refusal) -> OutputFile
  ) throws(Refusal) {
    recording = Recording(board)
    let path = command.image ?? command.boot.kernel ?? command.boot.bios ?? board.name
    image = path.split(separator: "/").last.map(String.init) ?? path
    let evidence = command.evidence
    var files: [(OutputFile, Kind)] = []
    for (path, kind) in [
      (evidence.html, Kind.html), (evidence.svg, .svg), (evidence.vcd, .vcd),
      (evidence.perfetto, .perfetto),
    ] {
      if let path { files.append((try open(path), kind)) }
    }
    self.files = files
  }

  mutating func write(
    _ machine: Machine, functions: [ChromeTrace.Track], _ host: Host
  ) throws(Refusal) {
    recording.extend(to: machine.now)
    if recording.isFull {
      let clock = recording.clock
      let time = Quantity.time(picoseconds: clock.picoseconds(at: recording.end))
      host.errors.say("emurun: warning: too much happened: pictures end at \(time)")
    }
    for (file, kind) in files { try file.write(bytes(kind, machine, functions)) }
  }

  private func bytes(
    _ kind: Kind, _ machine: Machine, _ functions: [ChromeTrace.Track]
  ) -> [UInt8] {
    switch kind {
    case .html:
      TimelinePage.write(
        recording,
        .init(
          image: image, instructions: machine.retired, stop: machine.stop?.reason.rawValue ?? ""))
    case .svg: TimelineSVG.write(recording, title: "\(image) on \(machine.board.name)")
    case .vcd: VCD.write(recording)
    case .perfetto: ChromeTrace.write(recording, tracks: functions)
    }
  }
}
