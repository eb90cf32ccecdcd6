import Testing

@testable import EmurunCLI
@testable import Timeline

@Suite struct LogTests {
  private let heartbeat = image("led-heartbeat.elf")

  /// Every line of standard error is an object with what all of them have.
  private func log(_ outcome: Outcome) throws -> [JSONValue] {
    try outcome.errors.split(separator: "\n").map { line in
      let object = try #require(JSONValue(Array(line.utf8)), "\(line)")
      #expect(object["service"]?.text == "emurun" && object["message"]?.text != nil)
      #expect(["info", "warning", "error"].contains(object["level"]?.text))
      #expect(object["ts"]?.text?.hasPrefix("2026-01-01T00:00:") == true)
      return object
    }
  }

  @Test func aRun() throws {
    let outcome = emurun(heartbeat, "--for", "2s", "--log", "json", "--digest")
    let lines = try log(outcome)
    #expect(outcome.code == 0 && outcome.output == emurun(heartbeat, "--for", "2s").output)
    #expect(lines.map { $0["event"]?.text } == ["run.start", "run.end"])
    let (start, end) = (lines[0], lines[1])
    #expect(start["board"]?.text == "m4-led" && start["image"]?["path"]?.text == heartbeat)
    #expect(start["ts"]?.text == "2026-01-01T00:00:00.000000000Z")
    #expect(end["ts"]?.text == "2026-01-01T00:00:02.000000000Z")
    #expect(end["status"]?.text == "OK" && end["exit_code"]?.integer == 0)
    #expect(end["virtual_ns"]?.integer == 2_000_000_000)
    let report = try #require(
      JSONValue(Array(emurun(heartbeat, "--for", "2s", "--json").output.utf8)))
    for (key, other) in [
      ("trace_digest", "traceDigest"), ("index", "index"), ("instructions", "instructions"),
    ] {
      #expect(end[key] == report[other])
    }
    // The same run, the same bytes; another one, another ID.
    let id = try #require(end["trace_id"]?.text)
    #expect(id.count == 32 && id.allSatisfy { $0.isHexDigit && !$0.isUppercase })
    #expect(start["trace_id"]?.text == id)
    #expect(
      emurun("--log=json", heartbeat, "--for", "2s", "--digest").errors == outcome.errors)
    for other in [["--for", "3s"], ["--for", "2s", "--cycles", "m4"]] {
      let lines = try log(emurun([heartbeat, "--log", "json"] + other))
      #expect(lines.last?["trace_id"]?.text != id)
    }
  }

  @Test func whatGoesWrong() throws {
    let died = emurun(image("panic-heartbeat.elf"), "--log", "json", "--expect-text", "never")
    let end = try #require(try log(died).last)
    #expect(died.code == 124 || died.code == 125)
    #expect(end["event"]?.text == "run.end" && end["level"]?.text == "error")
    #expect(end["exit_code"]?.integer == UInt64(died.code) && end["status"]?.text == "ERROR")
    #expect(end["message"]?.text?.hasSuffix("; \"never\" was never printed") == true)
    for (arguments, code) in [
      (["/nowhere"], 66), ([heartbeat, "--for", "soon"], 64), ([heartbeat, "--nothing"], 64),
      ([package("docs")], 66), ([heartbeat, "--trace", "led"], 64),
      ([heartbeat, "--vcd", "/nowhere/x"], 73), (["boards", "--show", "nobody"], 64),
    ] {
      let outcome = emurun(arguments + ["--log", "json"])
      let lines = try log(outcome)
      #expect(outcome.code == Int32(code), "\(arguments): \(outcome.errors)")
      #expect(lines.last?["event"]?.text == "refused" && lines.last?["level"]?.text == "error")
      #expect(lines.last?["exit_code"]?.integer == UInt64(code))
    }
    // Who does not say which log gets words.
    let outcome = emurun(heartbeat, "--log", "xml")
    #expect(outcome.code == 64 && outcome.errors == "emurun: --log xml: write --log json\n")
    #expect(emurun(heartbeat, "--log").code == 64)
  }

  @Test func findings() throws {
    let lines = try log(
      emurun(image("led-heartbeat.elf"), "--board", "tm4c123gxl", "--for", "10ms", "--log", "json"))
    let finding = try #require(lines.first { $0["event"]?.text == "finding" })
    #expect(finding["level"]?.text == "warning")
    #expect(finding["message"]?.text?.hasPrefix("warning") == false)
  }

  @Test func theTraceOfOpenTelemetryNamesIt() throws {
    try withFolder { folder in
      let path = folder + "/run.json"
      let lines = try log(
        emurun(heartbeat, "--for", "1s", "--log", "json", "--otlp", path))
      let end = try #require(lines.last)
      let traces = try read(path)
      #expect(traces.contains("\"traceId\":\"\(end["otlp_trace_id"]?.text ?? "?")\""))
      #expect(
        traces.contains(
          "{\"key\":\"emurun.log.trace_id\",\"value\":{\"stringValue\":\"\(end["trace_id"]?.text ?? "?")\"}}"
        ))
    }
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000000000Z"), (951_782_400, "2000-02-29T00:00:00.000000000Z"),
    (1_709_164_800, "2024-02-29T00:00:00.000000000Z"),
    (1_767_225_599, "2025-12-31T23:59:59.000000000Z"),
    (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
  ])
  func dates(_ seconds: UInt64, _ text: String) {
    #expect(Log.time(seconds * 1_000_000_000) == text)
    #expect(Log.time(seconds * 1_000_000_000 + 42).hasSuffix(".000000042Z"))
  }
}
