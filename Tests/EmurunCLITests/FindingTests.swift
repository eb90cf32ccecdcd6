import PythonReaders
import Testing

@testable import EmurunCLI

/// A heartbeat of another board, which looks for its LEDs where this one has its system control.
@Suite struct FindingTests {
  private func run(_ arguments: String...) -> Outcome {
    emurun(
      [image("led-heartbeat.elf"), "--board", "lm3s6965evb", "--for", "1s"] + arguments)
  }

  @Test func onATerminal() {
    let outcome = run()
    #expect(outcome.code == 0)
    let lines = outcome.errors.split(separator: "\n").filter { $0.contains("warning: ") }
    #expect(lines.count > 0 && lines.count <= 9)
    #expect(lines.first?.contains("sysctl.+0x") == true)
    // A place in the source, by DWARF.
    #expect(lines.first?.contains(".swift:") == true)
  }

  /// A raw image says nothing of its board. The one that it was made for is named where it asks for what only that has.
  @Test func aGuessThatWasWrong() {
    func warnings(_ image: String, _ arguments: String...) -> [Substring] {
      emurun([package("images/" + image), "--for", "10ms"] + arguments).errors
        .split(separator: "\n").filter { $0.contains("was a guess") }
    }
    #expect(
      warnings("tm4c-board-m4.bin") == [
        "emurun: warning: m4-led was a guess; registers that software asks it for in vain (2) are "
          + "those of tm4c123gxl: try --board tm4c123gxl"
      ])
    #expect(
      warnings("timer-heartbeat-m4.bin").first?.hasSuffix(
        "those of lm3s6965evb and tm4c123gxl: try --board lm3s6965evb or --board tm4c123gxl")
        == true)
    #expect(warnings("tm4c-board-m4.bin", "--board", "m4-led") == [])
    #expect(warnings("led-heartbeat.bin") == [])
  }

  @Test func strict() {
    let outcome = run("--strict")
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("emurun: error: "))
    let clean = emurun(image("led-heartbeat.elf"), "--for", "1s", "--strict")
    #expect(clean.code == 0 && !clean.errors.contains("error: "))
  }

  @Test func inTheReport() {
    let outcome = run("--json")
    #expect(outcome.output.contains(#""kind": "reserved""#))
    #expect(outcome.output.contains(#""device": "sysctl""#))
    #expect(outcome.output.contains(#""file": "Sources/Firmware/"#))
    #expect(outcome.output == run("--json").output)
  }

  @Test func sarif() throws {
    try withFolder { folder in
      let path = folder + "/findings.sarif"
      #expect(run("--sarif", path).code == 0)
      let text = try read(path)
      for word in [
        #""version": "2.1.0""#, #""ruleId": "reserved""#, #""startLine": "#,
        #""uriBaseId": "%SRCROOT%""#, #""kind": "function""#, #""occurrenceCount": "#,
      ] { #expect(text.contains(word), "\(word)") }
      if let problems = try Python.run("sarif.py", path) { #expect(problems == "") }
      // One without a line, and one without any.
      for (image, board) in [("led-heartbeat.bin", "lm3s6965evb"), ("led-heartbeat.elf", "m4-led")]
      {
        let arguments = [package("images/" + image), "--board", board, "--for", "1s"]
        #expect(emurun(arguments + ["--sarif", path]).code == 0)
        if let problems = try Python.run("sarif.py", path) { #expect(problems == "") }
      }
    }
  }
}
