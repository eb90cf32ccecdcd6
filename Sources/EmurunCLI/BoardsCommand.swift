import ArgumentParser
import Devices

/// `emurun boards`: what there is to choose from, with memory map and devices.
struct BoardsCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "boards", abstract: "List the boards, with memory map and devices.")

  func run(on host: Host) throws(Refusal) -> Int32 {
    let text = Boards.all.map(\.description).joined(separator: "\n")
    try host.output.write(text.utf8)
    return ExitCode.success
  }
}
