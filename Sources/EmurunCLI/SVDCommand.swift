import ArgumentParser
import BoardFiles

/// `emurun svd FILE`: what a vendor's description of a chip holds, and where it contradicts itself.
struct SVDCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "svd", abstract: "List and check the registers in a CMSIS-SVD file.")

  @Argument(help: "A CMSIS-SVD file.")
  var file: String

  /// There may be thousands of one kind.
  private static let mostDoubts = 20

  func run(on host: Host) throws(Refusal) -> Int32 {
    let svd: SVDFile
    do { svd = try SVDFile(path: file) } catch { throw Refusal(error) }
    try host.output.write(svd.listing.utf8)
    let doubts = svd.doubts
    for doubt in doubts.prefix(Self.mostDoubts) { host.errors.say("emurun: warning: \(doubt)") }
    if doubts.count > Self.mostDoubts {
      host.errors.say("emurun: warning: and \(doubts.count - Self.mostDoubts) more of these")
    }
    return ExitCode.success
  }
}
