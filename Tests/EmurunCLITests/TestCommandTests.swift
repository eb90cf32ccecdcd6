import Testing

@testable import EmurunCLI

@Suite struct TestCommandTests {
  private static let passes = "steps:\n  - expect-led: {led: PF1, blinks: 1 Hz}\n"
  private static let fails = "steps:\n  - expect-led: {led: PF1, blinks: 2 Hz}\n"

  /// A folder of tests: name, what they say.
  private func with<T>(
    _ scripts: [(name: String, text: String)], _ body: (String) throws -> T
  ) throws -> T {
    try withFolder { folder in
      for (name, text) in scripts {
        for place in name.indices where name[place] == "/" {
          try ReportFolder.make(folder + "/" + name[..<place])
        }
        write((Self.run + text).utf8, to: folder + "/" + name)
      }
      return try body(folder)
    }
  }

  private static let run = "run: {image: \(image("led-heartbeat.elf")), for: 20s}\n"

  /// Some that pass, some that fail, each in its own way.
  private static let mixed =
    (1...4).flatMap { number in
      [
        ("\(number)-passes.yaml", passes),
        ("below/\(number)-fails.yml", "steps:\n  - delay: \(number)ms\n  - wait-serial: never\n"),
        ("\(number)-slow.yaml", "steps:\n  - delay: \(5 - number)s\n"),
      ]
    }

  @Test func theOneOfThePage() throws {
    let outcome = emurun("test", package("Examples/tests"))
    #expect(outcome.code == 0)
    #expect(outcome.errors == "")
    #expect(
      outcome.output == """
        passed  heartbeat  5.000 s virtual, 5 874 instructions, asleep 99.99 %
        passed  launchpad/button  4.020 s virtual, 362 352 instructions, asleep 99.7 %
        2 tests: 2 passed, 0 failed

        """)
  }

  @Test func aFailureIsShown() throws {
    try with([("blinks.yaml", Self.fails)]) { folder in
      let outcome = emurun("test", folder)
      #expect(outcome.code == 1)
      #expect(
        outcome.output == """
          FAILED  blinks
            \(folder)/blinks.yaml:3:5: expect-led: PF1 blinks at 1.00 Hz, not at 2.00 Hz
              expected ●  ▔▔▔▔▔▁▁▁▁▁▔▔▔▔▔▁▁▁▁▁▔▔▔▔▔▁▁▁▁▁▔▔▔▔▔   2.00 Hz  50 %  7 edges
              actual   ○  ▔▔▔▔▔▔▔▔▔▔▁▁▁▁▁▁▁▁▁▁▔▔▔▔▔▔▔▔▔▔▁▁▁▁▁   1.00 Hz  50 %  4 edges
                          ╵0 s      ╵0.5 s    ╵1 s      ╵1.5 s
            the script failed after 1.750 s virtual, 2 263 instructions, asleep 99.99 %
            the end of its console:
              led-heartbeat: PF1 beats at 1 Hz
          1 test: 0 passed, 1 failed

          """)
    }
  }

  /// However many run at a time, in whatever order they are done: the same words, files and exit code.
  @Test func oneAfterTheOtherOrAllAtOnce() throws {
    try with(Self.mixed) { folder in
      try withFolder { one in
        try withFolder { all in
          let alone = emurun("test", folder, "--jobs", "1", "--report", one)
          let together = emurun("test", folder, "-j", "12", "--report", all)
          #expect(alone.code == 1 && together.code == 1)
          #expect(alone.output.replacing(one, with: all) == together.output)
          #expect(alone.output.hasSuffix("12 tests: 8 passed, 4 failed\n"))
          let (first, second) = try (read(one + "/junit.xml"), read(all + "/junit.xml"))
          #expect(first == second)
          let names = alone.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }
            .dropLast().map { $0.split(separator: " ")[1] }
          #expect(names == names.sorted() && names.count == 12)
        }
      }
    }
  }

  @Test func artefacts() throws {
    try with([("a.yaml", Self.passes), ("below/b.yaml", Self.fails)]) { folder in
      try withFolder { out in
        let outcome = emurun("test", folder, "--report", out + "/new")
        #expect(outcome.code == 1)
        #expect(outcome.output.contains("more is in \(out)/new/below/b\n"))
        #expect(names(in: out + "/new") == ["a", "below", "junit.xml"])
        for test in ["a", "below/b"] {
          #expect(
            names(in: "\(out)/new/\(test)") == [
              "junit.xml", "led.vcd", "report.json", "timeline.html", "uart.log",
            ])
          // Each is a run that can be had again.
          #expect(emurun("repeat", "\(out)/new/\(test)").code == 0)
        }
        let junit = try read(out + "/new/junit.xml")
        #expect(junit.contains("<testsuites tests=\"2\" failures=\"1\""))
        #expect(junit.contains("<testcase classname=\"m4-led\" name=\"below/b\""))
        #expect(junit.contains("/b.yaml:3:5: expect-led: PF1 blinks at 1.00 Hz, not at 2.00 Hz\">"))
        let report = try read(out + "/new/a/report.json")
        #expect(report.contains("\"text\": \"led-heartbeat: PF1 beats at 1 Hz\\n\""))
      }
    }
  }

  /// Each test is in one part, whatever the number of parts.
  @Test(arguments: [1, 2, 5, 20]) func shards(_ parts: Int) throws {
    try with(Self.mixed) { folder in
      var lines: [String] = []
      for part in 1...parts {
        let outcome = emurun("test", folder, "--shard", "\(part)/\(parts)")
        #expect(outcome.code == (outcome.output.contains("FAILED") ? 1 : 0))
        lines += outcome.output.split(separator: "\n").map(String.init)
          .filter { $0.hasPrefix("passed") || $0.hasPrefix("FAILED") }
      }
      #expect(Set(lines).count == 12 && lines.count == 12)
    }
  }

  @Test func theCommandLineOverrulesTheScript() throws {
    try with([("a.yaml", Self.passes)]) { folder in
      #expect(emurun("test", folder, "--for", "1s").output.contains("did not come to its end"))
      let other = emurun("test", folder, "--image", image("hello-m4.elf"))
      #expect(other.code == 1 && other.output.contains("hello from Swift"))
      #expect(emurun("test", folder, "--board", "rv64-virt").code == 65)
      // One alone, by its file.
      #expect(emurun("test", folder + "/a.yaml").output.hasPrefix("passed  a  "))
      // The same options for a single run of the script.
      #expect(emurun("--script", folder + "/a.yaml").code == 0)
      #expect(emurun(image("hello-m4.elf"), "--script", folder + "/a.yaml").code == 1)
      #expect(emurun("--for", "1s", "--script", folder + "/a.yaml").code == 124)
    }
  }

  @Test func filesAreLookedForBesideTheScript() throws {
    let bytes = try InputFile.read(image("led-heartbeat.elf"), standardInput: -1)
    try with([]) { folder in
      write(bytes, to: folder + "/blink.elf")
      // A board is no test.
      write("extends: m4-led\nname: mine\n".utf8, to: folder + "/mine.yaml")
      write(
        "run: {image: blink.elf, board: mine.yaml}\nsteps: [{delay: 1ms}]\n".utf8,
        to: folder + "/test.yaml")
      let outcome = emurun("test", folder)
      #expect(outcome.code == 0 && outcome.output.hasSuffix("1 test: 1 passed, 0 failed\n"))
    }
  }

  @Test(
    arguments: [
      ("steps: [{delay: 1}]", 65, "says of no image"),
      ("run: {image: none.elf}\nsteps: [{delay: 1}]", 66, "none.elf"),
      ("run: {imag: a.elf}\nsteps: [{delay: 1}]", 65, "a.yaml:1:7: there is no key \"imag\""),
      ("run: 5\nsteps: [{delay: 1}]", 65, "a.yaml:1:6: here is to be a map of options"),
      ("run: {for: soon}\nsteps: [{delay: 1}]", 65, "a.yaml:1:6: The value 'soon' is invalid"),
      ("run: {strict: perhaps}\nsteps: [{delay: 1}]", 65, "here is to be true or false"),
      ("step: []", 65, "a.yaml: says of no image"),
      ("name: [", 65, "a.yaml:"),
      ("", 65, "is empty"),
    ] as [(String, Int32, String)])
  func scriptsThatAreNone(_ text: String, _ code: Int32, _ words: String) throws {
    try withFolder { folder in
      write(Self.passes.utf8, to: folder + "/good.yaml")
      write(text.utf8, to: folder + "/a.yaml")
      let outcome = emurun("test", folder, "--report", folder + "/out")
      #expect(outcome.code == code)
      #expect(outcome.errors.contains(words), "\(outcome.errors)")
      // It is told before anything runs, or is written.
      #expect(outcome.output == "" && names(in: folder) == ["a.yaml", "good.yaml"])
    }
  }

  @Test func badInput() throws {
    try with([("a.yaml", Self.passes), ("b.yaml", Self.passes)]) { folder in
      #expect(emurun("test").code == 64)
      #expect(emurun("test", "/nowhere").code == 66)
      #expect(emurun("test", folder, "--jobs", "0").code == 64)
      #expect(emurun("test", folder, "--for", "soon").code == 64)
      for shard in ["0/2", "3/2", "1", "1/0", "a/b", "1/2/3"] {
        #expect(emurun("test", folder, "--shard", shard).code == 64)
      }
      #expect(emurun("test", folder, "--report", folder + "/a.yaml").code == 73)
      write([], to: folder + "/a.yml")
      #expect(emurun("test", folder).code == 65)
    }
    try withFolder { folder in #expect(emurun("test", folder).code == 66) }
  }

  @Test func interrupted() throws {
    try with([("a.yaml", Self.passes), ("b.yaml", Self.passes)]) { folder in
      let outcome = try withFolder { out in
        let outcome = emurun(["test", folder, "--report", out], isInterrupted: { true })
        #expect(!names(in: out).contains("junit.xml"))
        return outcome
      }
      #expect(outcome.code == 130)
      #expect(outcome.errors == "emurun: interrupted: 2 of 2 tests are not done\n")
    }
  }
}
