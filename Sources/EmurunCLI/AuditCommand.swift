import ArgumentParser
import Emu
import MachineCode
import Proofs
import Timeline

/// `emurun audit IMAGE`: can it ever trap? Shown from its bytes, and held against a run of it.
struct AuditCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Show that an image never traps, or where it does, or what stands in the way.",
    discussion: """
      0 only where it is proved. Otherwise 1: refuted by a run that trapped or was interrupted, or \
      unknown, with every instruction of which something is not shown. docs/audit.md has the \
      theorem, and what it takes for granted.
      """)

  @Argument(help: "ELF, raw, Intel HEX, SREC or UF2.")
  var image: String

  @Option(
    name: [.long, .customShort("M")],
    help: ArgumentHelp("The board; otherwise the image decides.", valueName: "name"))
  var board: String?

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("Virtual time of the run. (default: 1s)", valueName: "duration"),
    transform: VirtualTime.parse)
  var duration: VirtualTime?

  @Option(
    help: ArgumentHelp(
      "Instructions of the run that are looked up one by one; the rest runs at full speed.",
      valueName: "n"))
  var compare: UInt64 = 20_000

  @Option(help: ArgumentHelp("Hold the image against a policy instead.", valueName: "file"))
  var policy: String?

  @Option(help: ArgumentHelp("Write the findings as SARIF 2.1.0.", valueName: "file"))
  var sarif: String?

  @Flag(help: "One JSON object instead of words.")
  var json = false

  func run(on host: Host) throws(Refusal) -> Int32 {
    if let sarif, OutputFile.isSame(sarif, as: [image, policy]) {
      throw Refusal(ExitCode.usage, "--sarif \(sarif) would replace what is read")
    }
    let report = try report(standardInput: host.input)
    try host.output.write(((json ? report.json() : report.text()) + "\n").utf8)
    if let sarif {
      let file = try OutputFile(sarif)
      try file.write(SARIF.of(image).log(report.diagnostics))
      try file.commit()
    }
    if report.witness.contradiction != nil { return ExitCode.software }
    return report.isGood ? ExitCode.success : ExitCode.failure
  }

  /// - Parameter most: steps of the proof before it gives up.
  func report(standardInput: Int32, most: Int = 400_000) throws(Refusal) -> AuditReport {
    let policy = try policy.map { path throws(Refusal) in
      try AuditPolicy(InputFile.read(path, standardInput: standardInput), path: path)
    }
    return try AuditReport(plan(), image, policy, duration, compare, most: most)
  }

  private func plan() throws(Refusal) -> RunPlan {
    var plan = try Emurun.plan(of: image, words: board.map { ["--board", $0] } ?? [])
    plan.options.recent = [.interrupts, .traps, .sbi]
    return plan
  }
}
