import ArgumentParser
import BoardFiles
import Emu
import Timeline

struct FindingOptionsGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Findings, what software asked of the board and did not get, as SARIF 2.1.0.",
      valueName: "file"))
  var sarif: String?

  @Option(
    help: ArgumentHelp(
      "CMSIS-SVD of the chip: names registers and fields; what the board has not answers as at reset.",
      valueName: "file"))
  var svd: String?

  @Flag(help: "A finding is an error: exit code 1.")
  var strict = false

  @Flag(help: "Hold each call and return against the image's frames; 1 where one is not right.")
  var checkFrames = false
}

extension RunPlan {
  /// What the machine found, with places in the source of what ran.
  func findings(_ machine: Machine) -> FindingReport {
    FindingReport(
      machine, debug: ([image] + [options.firmware?.image].compactMap { $0 }).map { DebugInfo($0) },
      registers: registerNames)
  }
}
