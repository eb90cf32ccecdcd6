import ArgumentParser
import Devices
import Emu
import MachineCode
import Proofs
import Timeline

/// `emurun inspect IMAGE`: what is in it and where, without running it.
struct InspectCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what is in an image, and what is wrong with it.",
    discussion: """
      Sections with the addresses where they run and where they are stored, the vector table, \
      memory in use, symbols by size, and findings: what no working image has. Nothing runs.
      """)

  @Argument(help: "ELF, raw, Intel HEX, SREC or UF2.")
  var image: String

  @Option(
    name: [.long, .customShort("M")],
    help: ArgumentHelp(
      "Whose memory to hold it against; otherwise the image decides.",
      valueName: "name"))
  var board: String?

  @Option(
    help: ArgumentHelp(
      "Another build of the same: show what grew from that to this.",
      valueName: "image"))
  var diff: String?

  @Option(
    help: ArgumentHelp(
      "Hold each section's addresses against a power of two; 1 if one is not aligned.",
      valueName: "bytes"))
  var align: UInt64?

  @Option(help: ArgumentHelp("How many symbols to list, the largest first.", valueName: "n"))
  var symbols = 20

  @Option(help: ArgumentHelp("Write the findings as SARIF 2.1.0.", valueName: "file"))
  var sarif: String?

  @Flag(help: "One JSON object instead of words.")
  var json = false

  @Flag(help: "1 where there is a warning or an error among the findings.")
  var strict = false

  func run(on host: Host) throws(Refusal) -> Int32 {
    if symbols < 0 { throw Refusal(ExitCode.usage, "--symbols is 0 or more") }
    if let align, align.nonzeroBitCount != 1 {
      throw Refusal(ExitCode.usage, "--align is a power of two, such as 4096")
    }
    if let sarif, OutputFile.isSame(sarif, as: [image, diff]) {
      throw Refusal(ExitCode.usage, "--sarif \(sarif) would replace what is read")
    }
    let inspection = try inspect(image)
    let old = try diff.map { path throws(Refusal) in try inspect(path) }
    let words = InspectionWords(inspection, symbols: symbols)
    let alignment = align.map { Alignment(of: inspection, to: $0) }
    if json {
      try host.output.write((InspectionJSON.text(inspection, old, alignment, symbols) + "\n").utf8)
    } else if let old {
      try host.output.write((words.growth(from: old) + "\n").utf8)
    } else if let alignment {
      try host.output.write((words.table(alignment) + "\n").utf8)
    } else {
      try host.output.write((words.text() + "\n").utf8)
    }
    if let sarif {
      let file = try OutputFile(sarif)
      try file.write(SARIF.of(image).log(inspection.findings))
      try file.commit()
    }
    let isBad = inspection.findings.contains { $0.rule.level != .note }
    return alignment?.isMet == false || strict && isBad ? ExitCode.failure : ExitCode.success
  }

  private func inspect(_ path: String) throws(Refusal) -> Inspection {
    do {
      return try Inspection(bytes: Image.contents(ofFile: path), path: path) { image in
        try ProofBoard.choose(board, for: image)
      }
    } catch let error as ImageError {
      throw Refusal(error.exitCode, error.description)
    } catch let refusal as Refusal {
      throw refusal
    } catch { preconditionFailure("\(error)") }
  }
}

/// The board whose memory an image is held against.
enum ProofBoard {
  /// The one that is named, else the one of the image's note, else one that the image fits.
  static func choose(_ name: String?, for image: Image) throws(Refusal) -> Board? {
    if let name {
      let board: Board
      do { board = try Boards.named(name) } catch {
        throw Refusal(ExitCode.usage, error.description)
      }
      if let machine = image.machine, image.format == .elf, machine != board.core.machine {
        throw Refusal(
          ExitCode.badData,
          "\(image.path): is code for \(machine == .arm ? "Arm" : "RV64"), and \(board.name) has "
            + "a \(board.coreWords); leave --board out or name another one")
      }
      return board
    }
    let noted = image.note["board"].flatMap { try? Boards.named($0) }
    if let noted, noted.core.machine == image.machine { return noted }
    return try? Boards.guess(for: image).board
  }
}
