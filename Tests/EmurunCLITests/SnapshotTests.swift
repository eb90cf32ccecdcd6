import Testing

@testable import EmurunCLI

@Suite struct SnapshotTests {
  private let image = EmurunCLITests.image("led-heartbeat.elf")

  private func digest(_ outcome: Outcome) -> String {
    outcome.errors.split(separator: "\n").last { $0.hasPrefix("traceDigest") }.map(String.init)
      ?? outcome.errors
  }

  @Test func aRunGoesOn() throws {
    try withFolder { folder in
      let whole = emurun(image, "--for", "5s", "--digest", "--trace-file", folder + "/whole.jsonl")
      // A trace in a file, so that the snapshot has all of its events.
      let first = emurun(
        image, "--for", "2s", "--save", folder + "/two.snap", "--trace-file", folder + "/a.jsonl")
      let second = emurun(
        image, "--for", "5s", "--restore", folder + "/two.snap", "--digest", "--twice",
        "--trace-file", folder + "/rest.jsonl")
      #expect(first.code == 0 && second.code == 0)
      #expect(digest(second) == digest(whole))
      // The first run has said it, and the LED has beaten since power-on.
      #expect(second.output == "")
      #expect(second.errors.contains("2.000 s after power-on"))
      #expect(second.errors.contains("10 edges"))
      let traces = try (read(folder + "/rest.jsonl"), read(folder + "/whole.jsonl"))
      #expect(traces.0 == traces.1)
      let on = emurun(
        image, "--for", "5s", "--digest", "--save", folder + "/on.snap@1234567ns")
      #expect(digest(on) == digest(whole))
      let third = emurun(image, "--for", "5s", "--restore", folder + "/on.snap", "--digest")
      #expect(digest(third) == digest(whole))
    }
  }

  /// Nothing would run, and nobody be told.
  @Test func anEndBeforeTheSnapshot() throws {
    try withFolder { folder in
      let snapshot = folder + "/two.snap"
      for words in [[], ["--cycles", "m4"]] {
        #expect(emurun([image, "--for", "2s", "--save", snapshot] + words).code == 0)
        let early = emurun([image, "--for", "1999ms", "--restore", snapshot] + words)
        #expect(early.code == 64 && early.output == "")
        #expect(
          early.errors
            == "emurun: \(snapshot) is of 2.000 s after power-on, and the run is to end before that; "
            + "--for DURATION counts from power-on\n")
        #expect(emurun([image, "--for", "2s", "--restore", snapshot] + words).code == 0)
      }
    }
  }

  @Test func theSameReportButForTheHost() throws {
    try withFolder { folder in
      let image = EmurunCLITests.image("sbi-heartbeat-rv64.elf")
      func report(_ outcome: Outcome) -> [Substring] {
        outcome.output.split(separator: "\n").filter { !$0.contains("hostSeconds") }
      }
      let whole = emurun(image, "--json", "--for", "3s")
      _ = emurun(image, "--for", "3s", "--save", folder + "/on.snap@700ms")
      let rest = emurun(image, "--json", "--for", "3s", "--restore", folder + "/on.snap")
      #expect(report(rest) == report(whole))
    }
  }

  @Test func textAcrossTheBorder() throws {
    try withFolder { folder in
      let hello = EmurunCLITests.image("sbi-heartbeat-rv64.elf")
      for instructions in ["20", "60", "90", "130", "180"] {
        let early = emurun(
          hello, "--max-instructions", instructions, "--save", folder + "/early.snap")
        if early.output.contains("beat at 1, 2, 4") { continue }
        let outcome = emurun(
          hello, "--restore", folder + "/early.snap", "--expect-text", "beat at 1, 2, 4", "--for",
          "1s")
        #expect(outcome.code == 0, "\(instructions)")
      }
    }
  }

  /// Pressed before the border and let go behind it: the press is in the file, and in the picture.
  @Test func aPressAcrossTheBorder() throws {
    try withFolder { folder in
      let board = EmurunCLITests.image("tm4c-board-m4.elf")
      let press = ["--press", "SW1@20ms+30ms"]
      func run(_ more: [String]) -> Outcome {
        let host = Host(output: Output(), errors: Output(), environment: { _ in "C.UTF-8" })
        let code = Emurun.main([board, "--for", "100ms", "--digest"] + more, on: host)
        return Outcome(code: code, output: host.output.text, errors: host.errors.text)
      }
      let whole = run(press + ["--vcd", folder + "/whole.vcd"])
      _ = run(press + ["--save", folder + "/pressed.snap@30ms"])
      let rest = run(["--restore", folder + "/pressed.snap", "--vcd", folder + "/rest.vcd"])
      #expect(digest(rest) == digest(whole))
      let pictures = try (read(folder + "/whole.vcd"), read(folder + "/rest.vcd"))
      #expect(pictures.0.contains("SW1") && pictures.1.contains("SW1"))
    }
  }

  @Test func whatIsRefused() throws {
    try withFolder { folder in
      let file = folder + "/file.snap"
      _ = emurun(image, "--for", "1s", "--save", file)
      let other = emurun(EmurunCLITests.image("panic-heartbeat.elf"), "--restore", file)
      #expect(other.code == 65 && other.errors.contains("is another image"))
      let board = emurun(image, "--board", "tm4c123gxl", "--restore", file)
      #expect(board.code == 65 && board.errors.contains("of board m4-led, and this is tm4c123gxl"))
      let cycles = emurun(image, "--cycles", "m4", "--restore", file)
      #expect(cycles.code == 65 && cycles.errors.contains("of cycle timing unit, and this is m4"))
      #expect(emurun(image, "--restore", folder + "/none").code == 66)
      #expect(emurun(image, "--restore", image).errors.contains("it is no snapshot"))
      #expect(emurun(image, "--save", folder + "/none/x").code == 73)
      #expect(emurun(image, "--restore", file, "--save", file).code == 64)
      #expect(emurun(image, "--save", file, "--html", file).code == 64)
    }
  }

  @Test func aRunThatEndsByItself() throws {
    try withFolder { folder in
      let hello = EmurunCLITests.image("hello-rv64.elf")
      let outcome = emurun(hello, "--save", folder + "/end.snap")
      #expect(outcome.code == 1 && outcome.errors.contains("nothing goes on from there"))
      #expect(names(in: folder) == [])
    }
  }
}
