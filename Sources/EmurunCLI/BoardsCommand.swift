import ArgumentParser
import BoardFiles
import Devices
import Emu

/// `emurun boards`: what there is to choose from, with memory map and devices; or one of them as a file.
struct BoardsCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "boards", abstract: "List the boards, with memory map and devices.")

  @Option(
    help: ArgumentHelp(
      "Print one board as a file for --board, which gives the same board again.",
      valueName: "name|file.yaml"))
  var show: String?

  func run(on host: Host) throws(Refusal) -> Int32 {
    let text = try show.map { name throws(Refusal) in try yaml(of: name, host) }
    try host.output.write((text ?? Boards.all.map(\.description).joined(separator: "\n")).utf8)
    return ExitCode.success
  }

  private func yaml(of name: String, _ host: Host) throws(Refusal) -> String {
    let board: Board
    if BoardFile.isPath(name) {
      do { board = try BoardFile(types: host.deviceTypes).read(path: name) } catch {
        throw Refusal(error)
      }
    } else {
      do { board = try Boards.named(name) } catch {
        throw Refusal(ExitCode.usage, error.description)
      }
    }
    guard let yaml = board.yaml else {
      throw Refusal(ExitCode.badData, "\(name): has a device that no board file can name")
    }
    return yaml
  }
}
