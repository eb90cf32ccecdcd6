import Foundation
import FoundationXML
import PythonReaders
import Testing

@testable import EmurunCLI

/// What a run leaves behind: files that others can read, and digests that others can compute.
@Suite struct EvidenceTests {
  // MARK: Digests

  /// A reader that knows docs/digest.md only comes to the same value, by the JSON Lines alone.
  @Test(arguments: [
    ["led-heartbeat.elf", "--for", "3s"], ["hello-m4.elf"], ["hello-rv64.elf"],
    ["panic-heartbeat.elf", "--for", "3s"], ["sbi-heartbeat-rv64.elf"],
    ["sbi-heartbeat-rv64.elf", "--smp", "4", "--quantum", "77"],
    ["sbi-heartbeat-rv64.elf", "--smp", "2"],
    ["hello-m4.elf", "--board", "tm4c123gxl", "--press", "SW1@1us+2us", "--for", "10ms"],
    ["led-heartbeat.elf", "--for", "2s", "--trace", "led,gpio,uart"],
    ["hello-rv64.elf", "--expect-text", "hello"], ["hello-m4.elf", "--max-instructions", "20"],
  ])
  func anotherReaderComputesTheDigest(arguments: [String]) throws {
    try withFolder { folder in
      let trace = folder + "/trace.jsonl"
      let errors = Output()
      _ = Emurun.main(
        [image(arguments[0])] + arguments.dropFirst() + ["--digest", "--trace-file", trace],
        on: Host(output: Output(), errors: errors))
      let line = try #require(
        errors.text.split(separator: "\n").last { $0.hasPrefix("traceDigest ") })
      let answer = try #require(try Python.run("trace_digest.py", trace))
      let lines = answer.split(separator: "\n")
      #expect(line == "traceDigest " + lines[0])
      let end = try #require(try read(trace).split(separator: "\n").last)
      #expect(end.contains("\"traceDigest\":\"\(lines[0])\""))
      // Of one RV64 hart the file has all that its flow is made of.
      let isTold = arguments[0].contains("rv64") && !arguments.contains("--smp")
      #expect(isTold ? end.contains("\"flow\":\"\(lines[1])\"") : lines[1] == "-")
    }
  }

  // MARK: Pictures

  @Test func everyFormatAtOnce() throws {
    try withFolder { folder in
      let paths = ["html", "svg", "vcd", "perfetto"].map { (folder + "/run." + $0, "--" + $0) }
      let outcome = Emurun.main(
        [image("led-heartbeat.elf"), "--for", "2s"] + paths.flatMap { [$0.1, $0.0] },
        on: Host(output: Output(), errors: Output()))
      #expect(outcome == 0)
      #expect(names(in: folder) == ["run.html", "run.perfetto", "run.svg", "run.vcd"])
      #expect(try read(paths[0].0).contains(#""name":"PF1","kind":"led""#))
      #expect(try read(paths[0].0).contains(#""name":"SysTick","kind":"irq""#))
      #expect(try read(paths[1].0).contains("1.00 Hz · 50 %"))
      #expect(try read(paths[2].0).contains("$var wire 1 ! PF1 $end"))
      #expect(try read(paths[3].0).contains(#""name":"led-heartbeat: PF1 beats at 1 Hz\n""#))
      // The run is the run, whatever is drawn of it; and it is drawn the same way twice.
      let first = try paths.map { try read($0.0) }
      let plain = emurun(image("led-heartbeat.elf"), "--for", "2s", "--digest")
      let again = Output()
      _ = Emurun.main(
        [image("led-heartbeat.elf"), "--for", "2s", "--digest"] + paths.flatMap { [$0.1, $0.0] },
        on: Host(output: Output(), errors: again))
      #expect(again.text.split(separator: "\n").last == plain.errors.split(separator: "\n").last)
      let second = try paths.map { try read($0.0) }
      #expect(second == first)
    }
  }

  /// The page of a real run in a real browser.
  @Test func theHeartbeatInABrowser() throws {
    try withFolder { folder in
      let path = folder + "/run.html"
      #expect(emurun(image("led-heartbeat.elf"), "--for", "3s", "--html", path).code == 0)
      guard let answer = try Python.run("page.py", path) else { return }
      let seen = try #require(
        try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any])
      #expect(seen["errors"] as? [String] == [] && seen["requests"] as? Int == 0)
      #expect(seen["console"] as? [String] == ["led-heartbeat: PF1 beats at 1 Hz"])
      let figures = try #require(seen["figures"] as? [String])
      #expect(figures.contains("frequency 1.00 Hz") && figures.contains("duty 50 %"))
      let cursor = try #require(seen["cursor"] as? String)
      #expect(cursor == "0.500 021 375 s  #883  PF1 off")
    }
  }

  @Test func namesThatAreHardToWrite() throws {
    try withFolder { folder in
      let odd = folder + "/we\"ird <\n&> é.elf"
      write(try InputFile.read(image("hello-m4.elf"), standardInput: -1), to: odd)
      let files = ["html", "svg", "vcd", "perfetto", "trace-file"].map {
        ("--" + $0, folder + "/out \"\n'" + $0)
      }
      let output = Output()
      #expect(
        Emurun.main(
          [odd, "--json"] + files.flatMap { [$0.0, $0.1] },
          on: Host(output: output, errors: Output())) == 0)
      let report = try JSONSerialization.jsonObject(with: Data(output.bytes)) as? [String: Any]
      #expect((report?["image"] as? [String: Any])?["path"] as? String == odd)
      let perfetto = Data(try InputFile.read(files[3].1, standardInput: -1))
      #expect(try JSONSerialization.jsonObject(with: perfetto) is [String: Any])
      for line in try read(files[4].1).split(separator: "\n") {
        #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any])
      }
      let svg = XMLParser(data: Data(try InputFile.read(files[1].1, standardInput: -1)))
      #expect(svg.parse())
    }
  }

  // MARK: Long runs

  /// Three pins are inverted 200,000 times: more events than are kept. ldr r1; ldr r2; movs r0, #14;
  /// str r0, [r1]; 1: str r0, [r1, #4]; mvns r0, r0; subs r2, #1; bne 1b; b .
  @Test func aRunOfManyEventsMissesNone() throws {
    try withFolder { folder in
      let (path, trace) = (folder + "/image.bin", folder + "/trace")
      let vectors = words(0x2000_1000, 0x41) + [UInt8](repeating: 0, count: 56)
      let code = words(
        0x4A04_4905, 0x6008_200E, 0x43C0_6048, 0xD1FB_3A01, 0x0000_E7FE, 200_000)
      write(vectors + code + words(0x400F_E604), to: path)
      // r1 is the last word, r2 the one before it.
      let outcome = emurun(
        path, "--board", "m4-led", "--for", "1s", "--json", "--trace", "led,gpio,uart",
        "--trace-file", trace)
      #expect(outcome.code == 0)
      let report = try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      let leds = try #require(report["leds"] as? [[String: Any]])
      #expect(leds.map { $0["edges"] as? Int } == [200_000, 200_000, 200_000])
      let answer = try #require(try Python.run("trace_digest.py", trace))
      #expect(
        report["traceDigest"] as? String == answer.split(separator: "\n").first.map(String.init))
    }
  }

  // MARK: Outputs that fail

  @Test func outputsThatCannotBeMadeAreToldBeforeTheRun() throws {
    for option in ["--html", "--svg", "--vcd", "--perfetto", "--trace-file"] {
      let outcome = emurun(image("hello-m4.elf"), option, "/no/such/folder")
      #expect(outcome.code == 73 && outcome.output == "")
      #expect(
        outcome.errors.hasSuffix(
          "/no/such/folder: cannot be written: No such file or directory; name another file\n"))
    }
    let twice = emurun(image("hello-m4.elf"), "--html", "/tmp/x-emurun", "--svg", "/tmp/x-emurun")
    #expect(twice.code == 64 && twice.output == "")
  }

  @Test func aPictureThatFailsKeepsTheTrace() throws {
    try withFolder { folder in
      let trace = folder + "/trace"
      let outcome = emurun(
        image("led-heartbeat.elf"), "--for", "1s", "--trace-file", trace, "--html", "/dev/full")
      #expect(outcome.code == 74)
      #expect(
        outcome.errors.hasSuffix("/dev/full: cannot be written: No space left on device\n"))
      let kept = try read(trace)
      #expect(kept.hasSuffix("}\n"))
      #expect(names(in: folder) == ["trace"])
    }
  }

  // MARK: Differences

  @Test func diff() throws {
    try withFolder { folder in
      let (a, b, c) = (folder + "/a", folder + "/b", folder + "/c")
      for (path, time) in [(a, "2s"), (b, "2s"), (c, "1700ms")] {
        #expect(emurun(image("led-heartbeat.elf"), "--for", time, "--trace-file", path).code == 0)
      }
      let same = emurun("diff", a, b)
      #expect(same.code == 0 && same.output.hasPrefix("the same: ") && same.errors == "")
      let other = emurun("diff", a, c, "--context", "1")
      #expect(other.code == 1)
      let lines = other.output.split(separator: "\n").map(String.init)
      #expect(lines[0].hasSuffix("lines are the same, and then:") && lines[1].hasPrefix("  "))
      #expect(lines[2].hasPrefix("- ") && lines[2].contains("core irq"))
      #expect(lines[3].hasPrefix("+ ") && lines[3].contains("core stop reason=time-limit code=0"))
      #expect(lines[4].hasPrefix("- PF1 ") && lines[5].hasPrefix("+ PF1 "))
      #expect(lines.last?.drop { $0 == " " } == "▲")
    }
  }

  /// The same run is the same whatever was asked for of it.
  @Test func diffOfOtherKinds() throws {
    try withFolder { folder in
      let (all, some, other) = (folder + "/all", folder + "/some", folder + "/other")
      let run = { (path: String, words: [String]) in
        let code = emurun([image("led-heartbeat.elf"), "--trace-file", path] + words).code
        #expect(code == 0)
      }
      run(all, ["--for", "2s"])
      run(some, ["--for", "2s", "--trace", "gpio,uart,mmio"])
      run(other, ["--for", "1s", "--trace", "led,mmio"])
      let same = emurun("diff", all, some)
      #expect(
        same.code == 0
          && same.output == """
            \(all) has events of led,gpio,uart,irq,trap,sbi, \(some) of gpio,uart,mmio; \
            compared are those of both: uart
            the same: 35 lines

            """
      )
      let parted = emurun("diff", all, other, "--context", "0")
      let lines = parted.output.split(separator: "\n").map(String.init)
      #expect(parted.code == 1 && lines[0].hasSuffix("compared are those of both: led"))
      #expect(lines[1] == "the first 2 lines are the same, and then:")
      #expect(lines[2].hasPrefix("- ") && lines[2].contains("led=PF1 on=true"))
      #expect(lines[3].hasPrefix("+ ") && lines[3].contains("stop reason=time-limit"))
    }
  }

  /// Figures are of time, also where software makes ticks shorter; and a run is not drawn beyond its end.
  @Test func diffOfAClockThatChanges() throws {
    try withFolder { folder in
      let (a, b) = (folder + "/a", folder + "/b")
      for (path, time) in [(a, "3s"), (b, "4s")] {
        #expect(emurun(image("tm4c-board-m4.elf"), "--for", time, "--trace-file", path).code == 0)
      }
      let lines = emurun("diff", a, b).output.split(separator: "\n").map(String.init)
      let drawn = lines.filter { $0.contains(" PF2 ") }
      #expect(drawn.count == 2 && drawn.allSatisfy { $0.contains(" 2.00 Hz  50 %") }, "\(lines)")
      #expect(drawn.first?.contains("▔▔          ") == true)
      #expect(lines.contains { $0.contains("╵2 s") && !$0.contains("╵4 s") })
    }
  }

  @Test func diffOfWhatIsNoTrace() throws {
    try withFolder { folder in
      let (good, bad) = (folder + "/good", folder + "/bad")
      #expect(emurun(image("hello-m4.elf"), "--trace-file", good).code == 0)
      let sentence = { (text: String) in
        write(text.utf8, to: bad)
        let outcome = emurun("diff", good, bad)
        #expect(outcome.code == 65)
        return outcome.errors
      }
      #expect(
        sentence("hello")
          == "emurun: \(bad): line 1 does not begin as a trace of emurun does; write it with --trace-file\n"
      )
      #expect(sentence(#"{"format":"emurun-trace","version":1}"#).contains("of another version"))
      let header = try read(good).split(separator: "\n")[0]
      #expect(sentence(header + "\n{\"ns\":").contains("line 2 is no JSON"))
      #expect(sentence(header + "\n{}\n").contains("line 2 has no time"))
      #expect(emurun("diff", good, folder + "/none").code == 66)
    }
  }
}
