import Foundation
import PythonReaders
import Testing

@testable import EmurunCLI

/// `emurun dap` as an editor has it: `Tests/Python/editor.py`, which `scripts/setup test` installs what it needs for.
@Suite struct AdapterTests {
  private static func editor(
    _ plan: String, _ name: String, _ arguments: String...
  ) throws -> [String: Any]? {
    let words = [DebuggerTests.program, image(name), plan] + arguments
    guard let text = try Python.run("editor.py", words) else { return nil }
    return try #require(
      JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
  }

  private static let sources = [
    "led-heartbeat.elf": ("led-heartbeat/LEDHeartbeat.swift", 23, "sysTick"),
    "timer-heartbeat-rv64.elf": ("timer-heartbeat/TimerHeartbeat.swift", 24, "handleTrap"),
  ]

  /// Stops at a line; back to the same places; line by line there and back; and one instruction.
  @Test(arguments: ["led-heartbeat.elf", "timer-heartbeat-rv64.elf"])
  func thereAndBack(name: String) throws {
    let (file, line, function) = try #require(Self.sources[name])
    let path = package("Sources/Firmware/Programs/" + file)
    guard let saw = try Self.editor("heartbeat", name, path, String(line)) else { return }
    let stops = try #require(saw["stops"] as? [[Any]])
    let back = try #require(saw["back"] as? [[Any]])
    #expect(saw["breakpoints"] as? [Int] == [line] && saw["entry"] as? String == "entry")
    let indexes = stops.compactMap { $0[1] as? Int }
    #expect(indexes.count == 4 && indexes == indexes.sorted() && Set(indexes).count == 4)
    for stop in stops + back {
      #expect(stop[0] as? String == "breakpoint")
      let place = stop[2] as? String ?? ""
      #expect(place.hasSuffix(":\(line)"), "\(place)")
      if name.hasPrefix("led") { #expect(place.hasPrefix(function)) }
    }
    // The three before the last one, the latest first.
    #expect(back.compactMap { $0[1] as? Int } == Array(indexes.dropLast().reversed()))
    #expect("\(back.map { $0[3] })" == "\(stops.dropLast().reversed().map { $0[3] })")
    let step = try #require(saw["step"] as? [Any])
    let stepBack = try #require(saw["stepBack"] as? [Any])
    let ahead = step.compactMap { $0 as? Int }
    #expect(ahead.count == 2 && ahead[0] < ahead[1])
    #expect(try #require(stepBack[0] as? Int) < ahead[1])
    #expect((saw["out"] as? String).map { !$0.hasPrefix(function) } == true)
    #expect(saw["instruction"] as? Int == 1 && saw["instructionBack"] as? Int == 0)
    #expect(saw["status"] as? Int == 0)
  }

  @Test(arguments: [
    ("led-heartbeat.elf", "LEDHeartbeat.swift:ticks"),
    ("timer-heartbeat-rv64.elf", "TimerHeartbeat.swift:deadline"),
  ])
  func whatThereIs(name: String, variable: String) throws {
    guard let saw = try Self.editor("looking", name, variable) else { return }
    let pc = try #require(saw["pc"] as? [String])
    #expect(pc.count == 2 && pc[0] == pc[1])
    #expect((saw["threads"] as? [String])?.count == 1)
    #expect((saw["global"] as? [String])?.count == 1)
    #expect(saw["uart"] as? Bool == true)
    #expect(saw["written"] as? String == "7" && saw["memory"] as? Int == 7)
    #expect(saw["writtenMemory"] as? String == "5")
    let code = try #require(saw["code"] as? [[String]])
    #expect(code.count == 6 && saw["here"] as? Int == 2)
    #expect(code.allSatisfy { !$0[1].isEmpty })
    let data = try #require(saw["data"] as? [[Any]])
    #expect(data.allSatisfy { $0[0] as? String == "data breakpoint" && $0[1] as? Int == 1 })
    let values = data.compactMap { $0[2] as? String }
    #expect(values.count == 2 && values[0] != values[1])
    // Directly behind the write before the last one.
    let dataBack = try #require(saw["dataBack"] as? [String])
    #expect(dataBack == ["data breakpoint", values[0]])
    #expect(saw["running"] as? String == "the machine runs; pause stops it")
    #expect(saw["pause"] as? String == "pause")
    #expect(saw["refused"] as? String == "there is no request \"makeTea\" here")
  }

  @Test(arguments: ["hello-m4.elf", "hello-rv64.elf"])
  func aProgramToItsEnd(name: String) throws {
    guard let saw = try Self.editor("whole", name) else { return }
    let plain = emurun(image(name))
    #expect(saw["code"] as? Int == Int(plain.code))
    #expect(saw["output"] as? String == plain.output && !plain.output.isEmpty)
  }

  @Test func withoutStreams() {
    let outcome = emurun("dap")
    #expect(outcome.code == 64)
    #expect(outcome.errors.contains("dap: there is no standard input and output"))
  }

  /// What cannot be run is said in the answer to `launch`; whoever hangs up ends it.
  @Test func whatCannotBe() throws {
    for (launch, words) in [
      ("\"program\":\"/nowhere/x.elf\"", "/nowhere/x.elf: there is no such file; check the path"),
      (
        "\"program\":\"\(image("hello-m4.elf"))\",\"args\":[\"--gdb\",\"1\"]",
        "args: leave --gdb, -s and -S out; the editor is the debugger here"
      ),
      ("\"program\":\"\(image("hello-m4.elf"))\",\"args\":[\"--tea\"]", "Unknown option '--tea'"),
      (
        "\"program\":\"\(image("hello-m4.elf"))\",\"args\":[\"--json\"]",
        "a debugger on standard input and output leaves none for --interactive, --input - and --json"
      ),
      (
        "\"program\":\"\(image("hello-m4.elf"))\",\"board\":\"nothing\"",
        "there is no board"
      ),
      ("\"program\":\"x\",\"cwd\":\"/nowhere\"", "cwd /nowhere: No such file or directory"),
    ] {
      let text = "{\"seq\":1,\"type\":\"request\",\"command\":\"launch\",\"arguments\":{\(launch)}}"
      try withFolder { folder in
        write("Content-Length: \(text.utf8.count)\r\n\r\n\(text)".utf8, to: folder + "/said")
        let answer = try DebuggerTests.text(
          "timeout 60 \(DebuggerTests.program) dap <\(folder)/said; echo; echo status $?")
        #expect(answer.contains(words) && answer.contains("\"success\":false"), "\(answer)")
        #expect(answer.hasSuffix("status 0\n"), "\(answer)")
      }
    }
  }
}
