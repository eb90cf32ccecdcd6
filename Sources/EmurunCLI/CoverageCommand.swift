import ArgumentParser
import Emu
import MachineCode

/// `emurun coverage merge A B -o C`.
struct CoverageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage", abstract: "Put together what --coverage wrote of several runs.",
    subcommands: [Merge.self])

  static func read(_ path: String, _ host: Host) throws(Refusal) -> LCOV {
    let bytes = try InputFile.read(path, standardInput: host.input)
    do { return try LCOV(String(decoding: bytes, as: UTF8.self)) } catch {
      throw Refusal(
        ExitCode.badData, "\(path):\(error.line): \(error); is it a tracefile of lcov?")
    }
  }

  struct Merge: HostedCommand {
    static let configuration = CommandConfiguration(
      commandName: "merge", abstract: "Add up the counts of tracefiles of lcov.")

    @Argument(help: "What --coverage, or another tool, wrote.")
    var files: [String]

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp("Where the sum goes; it may be one of them.", valueName: "file"))
    var output: String

    func run(on host: Host) throws(Refusal) -> Int32 {
      var sum = LCOV()
      for path in files {
        sum.add(try CoverageCommand.read(path, host))
      }
      let file = try OutputFile(output)
      try file.write(sum.text.utf8)
      try file.commit()
      return ExitCode.success
    }
  }
}

/// `--coverage FILE`: what of the image's source a run executed.
struct CoverageOutput {
  private let file: OutputFile
  private let image: Image

  /// Opened, and looked whether there can be anything in it, before the run begins.
  init(
    _ path: String, _ command: Emurun, _ plan: RunPlan, _ outputs: RunOutputs
  ) throws(Refusal) {
    if command.debugger.address != nil {
      throw Refusal(
        ExitCode.usage,
        "--coverage is of one run, and a debugger goes back and forth; leave --gdb out")
    }
    image = plan.image
    if !Self.isPossible(image) {
      throw Refusal(
        ExitCode.badData,
        "\(image.path): has no line table, without which --coverage says nothing; build an ELF file with -g"
      )
    }
    file = try outputs.open(path, command)
  }

  /// Its instructions have lines.
  static func isPossible(_ image: Image) -> Bool { LCOV(image, .none) != nil }

  func write(_ machine: Machine) throws(Refusal) {
    guard let coverage = LCOV(image, machine.executedCode) else {
      preconditionFailure("an image has lost its lines")
    }
    try file.write(coverage.text.utf8)
    try file.commit()
  }
}
