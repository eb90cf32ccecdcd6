import Testing

@testable import EmurunCLI

@Suite struct BoardFileTests {
  private static let board = """
    extends: m4-led
    name: mine
    leds:
      - {name: PF1, colour: white}

    """

  @Test func aBoardOfAFile() throws {
    try withFolder { folder in
      let path = folder + "/mine.yaml"
      write(Self.board.utf8, to: path)
      let outcome = emurun(image("led-heartbeat.elf"), "--board", path, "--for", "1s", "--twice")
      #expect(outcome.code == 0)
      #expect(outcome.errors.hasPrefix("emurun: mine (Cortex-M4F, 16 MHz)"))
      #expect(outcome.errors.contains("PF1"))
      #expect(
        emurun("boards", "--show", path).output.contains("{name: PF1, colour: white, pin: gpiof.1"))
    }
  }

  /// A board that is shown, and the same one from what was shown.
  @Test func shown() throws {
    try withFolder { folder in
      let path = folder + "/shown.yaml"
      let shown = emurun("boards", "--show", "m4-led")
      #expect(shown.code == 0 && shown.output.hasPrefix("name: m4-led\nrevision: 3\n"))
      write(shown.output.utf8, to: path)
      let arguments = [image("led-heartbeat.elf"), "--for", "1s", "--json"]
      #expect(
        emurun(arguments + ["--board", path]).output
          == emurun(arguments + ["--board", "m4-led"]).output)
      #expect(emurun("boards", "--show", "m5").code == 64)
    }
  }

  @Test func mistakes() throws {
    try withFolder { folder in
      let path = folder + "/mine.yaml"
      write("extends: m4-led\nclok: 1 MHz\n".utf8, to: path)
      let outcome = emurun(image("led-heartbeat.elf"), "--board", path)
      #expect(outcome.code == 65)
      #expect(outcome.errors.hasPrefix("emurun: \(path):2:1: there is no key \"clok\" here"))
      #expect(emurun(image("led-heartbeat.elf"), "--board", folder + "/no.yaml").code == 66)
    }
  }
}

@Suite struct ScriptOptionTests {
  private func run(_ script: String, _ arguments: String...) throws -> Outcome {
    try withFolder { folder in
      let path = folder + "/s.yaml"
      write(script.utf8, to: path)
      return emurun([image("led-heartbeat.elf"), "--script", path] + arguments)
    }
  }

  @Test func passes() throws {
    let outcome = try run("- expect-led: {led: PF1, blinks: 1 Hz ± 5 %}\n", "--twice")
    #expect(outcome.code == 0)
    #expect(outcome.errors.contains("the script passed after 3.500 s virtual"))
  }

  @Test func fails() throws {
    let outcome = try run("- expect-led: {led: PF1, blinks: 2 Hz}\n", "--twice")
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("the script failed after"))
    #expect(outcome.errors.contains("\n  expected "))
    #expect(outcome.errors.contains("\n  actual "))
  }

  @Test func doesNotComeToItsEnd() throws {
    let outcome = try run("- wait-serial: never\n", "--for", "1s")
    #expect(outcome.code == 124)
    #expect(outcome.errors.contains("did not come to its end:\n"))
    #expect(outcome.errors.contains(":1:3: wait-serial: has not come\n  expected  \"never\"\n"))
    #expect(try run("- dely: 1\n").code == 65)
    #expect(emurun(image("led-heartbeat.elf"), "--script", "/nowhere.yaml").code == 66)
  }
}
