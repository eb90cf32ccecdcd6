import ArgumentParser
import Emu
import Timeline

/// `emurun diff A B`: where two traces part.
struct DiffCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare two traces that --trace-file wrote; 1 if they differ.",
    discussion: "The first event that is not the same, what was before it, and both runs drawn.")

  @Argument(help: "One trace.")
  var a: String

  @Argument(help: "And the other one.")
  var b: String

  @Option(help: ArgumentHelp("Events to show before the first difference.", valueName: "n"))
  var context = 3

  func run(on host: Host) throws(Refusal) -> Int32 {
    if context < 0 { throw Refusal(ExitCode.usage, "--context is 0 or more") }
    var (one, two) = try (read(a, host), read(b, host))
    if one.kinds != two.kinds {
      let both = one.kinds(with: two)
      try say(
        "\(a) has events of \(list(one.kinds)), \(b) of \(list(two.kinds)); "
          + "compared are those of both: \(list(both))", host)
      (one, two) = try (keeping(both, one, a), keeping(both, two, b))
    }
    let same = one.common(with: two)
    if one.board != two.board || one.hertz != two.hertz {
      try say("\(a) is of \(one.board), \(b) of \(two.board)", host)
    } else if same == one.lines.count && same == two.lines.count {
      try say("the same: \(Quantity.grouped(same)) lines", host)
      return ExitCode.success
    }
    try say("the first \(Quantity.grouped(same)) lines are the same, and then:", host)
    for number in max(0, same - context)..<same {
      try say("  " + (words(one, number, a) ?? ""), host)
    }
    try say("- " + (words(one, same, a) ?? "nothing more"), host)
    try say("+ " + (words(two, same, b) ?? "nothing more"), host)
    try draw(one, two, part: same, host)
    return ExitCode.failure
  }

  /// The LEDs of both, each pair one above the other, and where the runs part.
  private func draw(
    _ one: TraceFile, _ two: TraceFile, part: Int, _ host: Host
  ) throws(Refusal) {
    let (upper, lower) = try (waves(one, a), waves(two, b))
    var waves: [Waveform] = []
    for wave in upper {
      guard let other = lower.first(where: { $0.name == wave.name }) else { continue }
      if wave.edges.isEmpty && other.edges.isEmpty { continue }
      waves += [(wave, "-"), (other, "+")].map { wave, side in
        Waveform(
          name: "\(side) \(wave.name)", colour: wave.colour, edges: wave.edges, end: wave.end)
      }
    }
    let times = try (time(one, part, a), time(two, part, b))
    let here = [times.0, times.1].compactMap { $0 }.min()
    var style = host.style
    style.colour = host.output.isTerminal && style.colour
    if host.output.isTerminal { style.width = host.output.width }
    let picture = DrawnTimeline.draw(
      waves, Clock(hertz: Clock.nanosecondsPerSecond), style: style, here: here)
    if !picture.isEmpty { try say(picture, host) }
  }

  private func read(_ path: String, _ host: Host) throws(Refusal) -> TraceFile {
    let bytes = try InputFile.read(path, standardInput: host.input)
    do { return try TraceFile(bytes) } catch { throw refusal(path, error) }
  }

  private func words(_ file: TraceFile, _ line: Int, _ path: String) throws(Refusal) -> String? {
    do { return try file.words(line) } catch { throw refusal(path, error) }
  }

  private func time(_ file: TraceFile, _ line: Int, _ path: String) throws(Refusal) -> UInt64? {
    do { return try file.nanoseconds(line) } catch { throw refusal(path, error) }
  }

  private func keeping(
    _ kinds: [String], _ file: TraceFile, _ path: String
  ) throws(Refusal) -> TraceFile {
    do { return try file.keeping(kinds) } catch { throw refusal(path, error) }
  }

  private func list(_ kinds: [String]) -> String {
    kinds.isEmpty ? "none" : kinds.joined(separator: ",")
  }

  private func waves(_ file: TraceFile, _ path: String) throws(Refusal) -> [Waveform] {
    do { return try file.waves() } catch { throw refusal(path, error) }
  }

  private func refusal(_ path: String, _ damage: TraceFile.Damage) -> Refusal {
    Refusal(
      ExitCode.badData, "\(path): line \(damage.line) \(damage.what); write it with --trace-file")
  }

  private func say(_ text: String, _ host: Host) throws(Refusal) {
    try host.output.write((text + "\n").utf8)
  }
}
