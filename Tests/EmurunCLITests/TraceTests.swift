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
      #expect(lines[0].hasPrefix(#"{"format":"emurun-trace","version":1,"board":"m4-led","#))
      #expect(lines.dropFirst().allSatisfy { $0.hasPrefix(#"{"ns":"#) && $0.hasSuffix("}") })
      #expect(
        lines.contains { $0.contains(#""kind":"led","pin":1,"level":1,"led":"PF1","on":true"#) })
      #expect(lines.contains { $0.contains(#""kind":"irq","number":15,"name":"SysTick""#) })
      #expect(lines.last?.contains(#""kind":"stop","reason":"time-limit","code":0"#) == true)
      #expect(names(in: folder) == ["trace.jsonl"])
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
