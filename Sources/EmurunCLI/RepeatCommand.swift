import ArgumentParser
import Emu
import Glibc
import Timeline

/// `emurun repeat DIR`: the run of a report once more.
struct RepeatCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "repeat",
    abstract: "Repeat the run of a --report folder and compare; 70 if it is another run.",
    discussion: "Nothing is written. Paths count from where the run was started.")

  @Argument(help: "The folder that --report wrote.")
  var folder: String

  func run(on host: Host) throws(Refusal) -> Int32 {
    let report = try read(host)
    guard let run = report["run"], let arguments = run["arguments"]?.texts else {
      throw damaged("it has no run to repeat")
    }
    if run["isInteractive"]?.isTrue == true {
      throw Refusal(
        ExitCode.badData,
        "\(folder): somebody typed into that run, which cannot be repeated; use --input")
    }
    let there = run["folder"]?.text ?? ""
    let here = ReportFolder.workingFolder
    let isElsewhere = there != here && !there.isEmpty
    let place = folder.hasPrefix("/") ? folder : here + "/" + folder
    if isElsewhere && chdir(there) != 0 {
      throw Refusal(ExitCode.noInput, "\(there): the run began there, and it is no folder any more")
    }
    defer { if isElsewhere { _ = chdir(here) } }
    host.catchSignals()
    let changed = self.changed(run)
    let machine = try again(arguments, place, host)
    if machine.stop?.reason == .interrupted { return ExitCode.interrupted }
    let differences = differences(report, machine)
    for line in differences { try say(line, host) }
    for path in changed { try say("\(path) is not the file that it was", host) }
    if !isSameEmurun(run) {
      try say("this is another emurun than the one that made the report", host)
    }
    if !differences.isEmpty {
      throw Refusal(ExitCode.software, "\(folder): the run is not the one of the report")
    }
    try say(
      "the same: \(Quantity.grouped(machine.retired)) instructions, traceDigest \(machine.traceDigest)",
      host)
    return ExitCode.success
  }

  private func read(_ host: Host) throws(Refusal) -> JSONValue {
    let bytes = try InputFile.read(folder + "/report.json", standardInput: host.input)
    guard let report = JSONValue(bytes) else { throw damaged("it is no JSON") }
    return report
  }

  private func damaged(_ what: String) -> Refusal {
    Refusal(ExitCode.badData, "\(folder)/report.json: \(what); write it with --report")
  }

  private func again(
    _ arguments: [String], _ place: String, _ host: Host
  ) throws(Refusal) -> Machine {
    var words = arguments
    for number in words.indices.dropLast()
    where words[number] == "--input" && words[number + 1] == "-" {
      words[number + 1] = place + "/" + ReportFolder.input
    }
    let command: Emurun
    do { command = try Emurun.parse(words) } catch {
      throw damaged("its command line is none: \(Emurun.message(for: error))")
    }
    let scripted = try command.scripted(words)
    let run = try scripted.command.recalled(scripted.words, standardInput: -1)
    let plan = try run.command.plan(
      standardInput: -1, words: run.words, replaying: run.recording)
    let machine = try plan.machine(trace: .visible)
    try plan.drive(machine, host: host, between: {})
    return machine
  }

  private func differences(_ report: JSONValue, _ machine: Machine) -> [String] {
    let stop = machine.stop
    let values: [(String, JSONValue?, String)] = [
      ("board", report["board"], machine.board.name),
      ("boardRevision", report["boardRevision"], String(machine.board.revision)),
      ("stop.reason", report["stop"]?["reason"], stop?.reason.rawValue ?? ""),
      ("stop.code", report["stop"]?["code"], String(stop?.code ?? 0)),
      ("index", report["index"], String(machine.index)),
      ("virtualNanoseconds", report["virtualNanoseconds"], String(machine.nanoseconds)),
      ("traceDigest", report["traceDigest"], machine.traceDigest),
      ("stateDigest", report["stateDigest"], machine.stateDigest),
    ]
    return values.compactMap { name, old, new in
      let old = old?.words ?? "nothing"
      return old == new ? nil : "\(name) was \(old), and is \(new)"
    }
  }

  private func changed(_ run: JSONValue) -> [String] {
    (run["inputs"]?.elements ?? []).compactMap { input in
      guard let path = input["path"]?.text else { return nil }
      return InputFile.sha256(path) == input["sha256"]?.text ? nil : path
    }
  }

  private func isSameEmurun(_ run: JSONValue) -> Bool {
    run["emurun"]?["sha256"]?.text == InputFile.sha256("/proc/self/exe")
  }

  private func say(_ text: String, _ host: Host) throws(Refusal) {
    try host.output.write((text + "\n").utf8)
  }
}
