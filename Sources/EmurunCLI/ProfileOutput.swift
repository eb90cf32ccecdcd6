import Emu
import MachineCode
import Proofs
import Timeline

/// `--profile FILE`: which functions a run's instructions were of.
final class ProfileOutput {
  private let file: OutputFile
  private let isPicture: Bool
  private let hasTracks: Bool
  private let plan: RunPlan
  private let code: ProfiledCode
  private let names: EventNames
  private var profiler: Profiler?

  /// Opened, and looked whether there are any functions, before the run begins.
  init(
    _ path: String, _ command: Emurun, _ plan: RunPlan, _ outputs: RunOutputs, isDebugged: Bool
  ) throws(Refusal) {
    if isDebugged {
      throw Refusal(
        ExitCode.usage,
        "--profile is of one run, and a debugger goes back and forth; run it without")
    }
    if command.findings.checkFrames {
      throw Refusal(
        ExitCode.usage, "--profile and --check-frames both follow calls; choose one at a time")
    }
    let firmware = plan.options.firmware.map { [$0.image] } ?? []
    guard let code = ProfiledCode([plan.image] + firmware) else {
      throw Refusal(
        ExitCode.badData,
        "\(plan.image.path): names no functions, without which --profile says nothing; give it the ELF file, with symbols"
      )
    }
    self.code = code
    self.plan = plan
    names = EventNames(plan.board)
    isPicture = path.hasSuffix(".svg")
    hasTracks = command.evidence.perfetto != nil
    file = try outputs.open(path, command)
  }

  func begin(_ machine: Machine, _ outputs: RunOutputs) {
    let profiler = Profiler(code, of: machine, tracks: hasTracks)
    self.profiler = profiler
    machine.lookout = profiler
    outputs.functions = { [unowned self] in tracks }
  }

  func write() throws(Refusal) {
    guard let stacks = profiler?.profile().stacks(name) else {
      preconditionFailure("nobody has looked at the run")
    }
    if isPicture {
      let title = plan.image.path.split(separator: "/").last.map(String.init) ?? ""
      try file.write(FlameGraph.write(stacks, title: "\(title) on \(plan.board.name)"))
    } else {
      for (frames, count) in stacks {
        try file.write("\(frames.joined(separator: ";")) \(count)\n".utf8)
      }
    }
    try file.commit()
  }

  private var tracks: [ChromeTrace.Track] {
    guard let profile = profiler?.profile() else { return [] }
    let shortest =
      profile.shortest == 0
      ? "" : ", calls of at least \(profile.shortest) cycles"
    return profile.tracks.map { track in
      ChromeTrace.Track(
        name: "functions: \(name(track.name))\(shortest)",
        slices: track.spans.map {
          .init(name: name($0.frame), start: $0.start, end: $0.end, index: $0.index)
        })
    }
  }

  /// Where frames are kept apart by semicolons, there is none in a name.
  private func name(_ frame: Profile.Frame) -> String {
    let name =
      switch frame {
      case .hart(let number): "hart \(number)"
      case .exception(let number): "[\(names.exception(number))]"
      case .function(let name): demangled(name)
      case .unknown: "[no symbol]"
      }
    return String(name.map { $0 == ";" ? ":" : $0.isNewline ? " " : $0 })
  }
}
