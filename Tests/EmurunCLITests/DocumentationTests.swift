import Testing

@testable import EmurunCLI

/// What the pages show is what comes.
@Suite struct DocumentationTests {
  @Test(arguments: [
    "README.md", "docs/cli.md", "docs/inspect.md", "docs/frames.md", "docs/audit.md",
    "docs/ci.md", "docs/why.md",
  ])
  func theRunsThatItShows(_ page: String) throws {
    let runs = try Self.runs(read(package(page)))
    #expect(!runs.isEmpty)
    for run in runs {
      let arguments = run[0].split(separator: " ").dropFirst(2).map(String.init)
        .map { $0.hasPrefix("images/") || $0.hasPrefix("Examples/") ? package($0) : $0 }
      // As on a terminal, where both streams come out.
      let screen = Output()
      _ = Emurun.main(
        arguments, on: Host(output: screen, errors: screen, environment: { _ in "C.UTF-8" }))
      var lines = screen.text.split(separator: "\n").map(Self.withoutHostTime)[...]
      for line in run.dropFirst() where line != "..." {
        guard let place = lines.firstIndex(of: Self.withoutHostTime(line)) else {
          Issue.record("\(page), \(run[0]): does not print \(line)")
          break
        }
        lines = lines[(place + 1)...]
      }
    }
  }

  /// The picture in the README is emurun's own.
  @Test func thePictureThatItShows() throws {
    try withFolder { folder in
      let path = folder + "/timeline.svg"
      #expect(emurun(image("sbi-heartbeat-rv64.elf"), "--svg", path).code == 0)
      let (new, old) = try (read(path), read(package("docs/timeline.svg")))
      #expect(new == old, "emurun images/sbi-heartbeat-rv64.elf --svg docs/timeline.svg")
    }
  }

  /// The code blocks that begin with a command line and have more than that.
  private static func runs(_ page: String) -> [[Substring]] {
    var runs: [[Substring]] = []
    var block: [Substring]?
    for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("```") else {
        block?.append(line)
        continue
      }
      if let run = block, run.count > 1, run[0].hasPrefix("$ emurun ") { runs.append(run) }
      block = block == nil ? [] : nil
    }
    return runs
  }

  private static func withoutHostTime(_ line: Substring) -> String {
    line.hasSuffix(" s host)")
      ? line.split(separator: " (").dropLast().joined(separator: " (") : String(line)
  }
}
