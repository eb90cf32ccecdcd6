import DebugAdapter
import Debugger
import Devices
import Emu
import Testing

/// Literal messages and their answers.
@Suite struct AdapterTests {
  private static func failure(_ seq: Int, _ request: Int, _ command: String, _ words: String)
    -> String
  {
    let quoted = words.replacing("\"", with: "\\\"")
    return "{\"body\":{\"error\":{\"format\":\"\(quoted)\",\"id\":1,\"showUser\":true}},"
      + "\"command\":\"\(command)\",\"message\":\"\(quoted)\",\"request_seq\":\(request),\"seq\":\(seq),"
      + "\"success\":false,\"type\":\"response\"}"
  }

  @Test func beforeThereIsAMachine() {
    let client = Client()
    #expect(
      client.ask("initialize", "{\"adapterID\":\"x\",\"linesStartAt1\":true}") == [
        "{\"body\":{\"supportsConditionalBreakpoints\":true,"
          + "\"supportsConfigurationDoneRequest\":true,\"supportsDataBreakpoints\":true,"
          + "\"supportsDisassembleRequest\":true,\"supportsEvaluateForHovers\":true,"
          + "\"supportsFunctionBreakpoints\":true,\"supportsInstructionBreakpoints\":true,"
          + "\"supportsLogPoints\":true,"
          + "\"supportsReadMemoryRequest\":true,\"supportsSetVariable\":true,\"supportsStepBack\":true,"
          + "\"supportsSteppingGranularity\":true,\"supportsValueFormattingOptions\":true,"
          + "\"supportsWriteMemoryRequest\":true},\"command\":\"initialize\",\"request_seq\":1,\"seq\":1,"
          + "\"success\":true,\"type\":\"response\"}"
      ])
    #expect(
      client.ask("threads") == [
        Self.failure(2, 2, "threads", "nothing runs yet: launch says what is to be run")
      ])
    #expect(
      client.ask("attach") == [
        Self.failure(3, 3, "attach", "there is nothing to attach to: launch says what to run")
      ])
    #expect(
      client.ask("launch", "{\"board\":\"m4-led\"}") == [
        Self.failure(4, 4, "launch", "arguments.program is missing")
      ])
    #expect(
      client.ask("launch") == [Self.failure(5, 5, "launch", "arguments are missing")])
    #expect(
      client.ask("initialize", "{\"pathFormat\":\"uri\"}") == [
        Self.failure(6, 6, "initialize", "pathFormat uri: only \"path\" is known here")
      ])
    #expect(client.ask("launch", "{\"program\":\"none.elf\",\"args\":[\"--smp\",\"2\"]}") == [])
    #expect(client.adapter.wanted?.program == "none.elf")
    client.adapter.refuse("none.elf: there is none")
    #expect(client.answers() == [Self.failure(7, 7, "launch", "none.elf: there is none")])
    #expect(
      client.ask("disconnect") == [
        "{\"body\":{},\"command\":\"disconnect\",\"request_seq\":8,\"seq\":8,\"success\":true,\"type\":\"response\"}"
      ])
    #expect(client.adapter.ending == .killed)
  }

  @Test func cortexM() throws {
    let client = Client()
    #expect(
      try client.launch("led-heartbeat.elf").dropFirst() == [
        "{\"body\":{},\"event\":\"initialized\",\"seq\":3,\"type\":\"event\"}"
      ])
    for (command, arguments, answer) in [
      (
        "setBreakpoints",
        "{\"source\":{\"path\":\"/src/Sources/Firmware/Programs/led-heartbeat/LEDHeartbeat.swift\"},"
          + "\"breakpoints\":[{\"line\":23},{\"line\":9999}]}",
        "{\"breakpoints\":[{\"id\":1,\"instructionReference\":\"0x52\",\"line\":23,\"source\":"
          + "{\"name\":\"LEDHeartbeat.swift\",\"path\":\"/src/Sources/Firmware/Programs/led-heartbeat/"
          + "LEDHeartbeat.swift\"},\"verified\":true},{\"id\":2,\"message\":\"the image has no code of "
          + "this line and those behind it\",\"verified\":false}]}"
      ),
      ("threads", nil, "{\"threads\":[{\"id\":1,\"name\":\"hart 0: thread mode\"}]}"),
      (
        "readMemory", "{\"memoryReference\":\"0x0\",\"count\":4}",
        "{\"address\":\"0x0\",\"data\":\"ABAAIA==\"}"
      ),
      (
        "readMemory", "{\"memoryReference\":\"0x10000000\",\"count\":4}",
        "{\"address\":\"0x10000000\",\"unreadableBytes\":4}"
      ),
      (
        "writeMemory", "{\"memoryReference\":\"0x20000100\",\"offset\":4,\"data\":\"AQIDBA==\"}",
        "{\"bytesWritten\":4}"
      ),
      (
        "readMemory", "{\"memoryReference\":\"0x20000108\",\"offset\":-4,\"count\":4}",
        "{\"address\":\"0x20000104\",\"data\":\"AQIDBA==\"}"
      ),
      (
        "evaluate", "{\"expression\":\"*0x20000104\"}",
        "{\"memoryReference\":\"0x20000104\",\"result\":\"0x4030201\",\"variablesReference\":0}"
      ),
      (
        "evaluate", "{\"expression\":\"*(uint8_t *)(0x20000100 + 5)\"}",
        "{\"memoryReference\":\"0x20000105\",\"result\":\"2\",\"type\":\"uint8_t\",\"variablesReference\":0}"
      ),
      (
        "evaluate", "{\"expression\":\"$sp - 4\"}",
        "{\"result\":\"0x20000ffc\",\"variablesReference\":0}"
      ),
      ("evaluate", "{\"expression\":\"main\"}", "{\"result\":\"0x6c\",\"variablesReference\":0}"),
      (
        "evaluate", "{\"expression\":\"icount\",\"context\":\"repl\"}",
        "{\"result\":\"index 0, retired 0, 0 ns\\n\",\"variablesReference\":0}"
      ),
      (
        "dataBreakpointInfo", "{\"name\":\"LEDHeartbeat.swift:ticks\"}",
        "{\"accessTypes\":[\"read\",\"write\",\"readWrite\"],\"dataId\":\"0x20001000,4\","
          + "\"description\":\"4 bytes at 0x20001000\"}"
      ),
      (
        "dataBreakpointInfo", "{\"name\":\"$sp\"}",
        "{\"dataId\":null,\"description\":\"$sp has no place in memory\"}"
      ),
      (
        "setDataBreakpoints", "{\"breakpoints\":[{\"dataId\":\"x\"}]}",
        "{\"breakpoints\":[{\"id\":3,\"message\":\"x: dataBreakpointInfo gave no such thing\",\"verified\":false}]}"
      ),
      (
        "setInstructionBreakpoints",
        "{\"breakpoints\":[{\"instructionReference\":\"0x41\",\"offset\":0}]}",
        "{\"breakpoints\":[{\"id\":4,\"instructionReference\":\"0x40\",\"verified\":true}]}"
      ),
      ("setInstructionBreakpoints", "{\"breakpoints\":[]}", "{\"breakpoints\":[]}"),
      (
        "setFunctionBreakpoints",
        "{\"breakpoints\":[{\"name\":\"sysTick\"},{\"name\":\"nobody\"}]}",
        "{\"breakpoints\":[{\"id\":5,\"instructionReference\":\"0x40\",\"verified\":true},"
          + "{\"id\":6,\"message\":\"the image has no symbol nobody\",\"verified\":false}]}"
      ),
      (
        "disassemble",
        "{\"memoryReference\":\"0x40\",\"instructionOffset\":-1,\"instructionCount\":2}",
        "{\"instructions\":[{\"address\":\"0x3e\",\"instruction\":\"half\",\"instructionBytes\":\"00 00\"},"
          + "{\"address\":\"0x40\",\"instruction\":\"half\",\"instructionBytes\":\"09 48\",\"line\":21,"
          + "\"location\":{\"name\":\"LEDHeartbeat.swift\",\"path\":\"/src/Sources/Firmware/Programs/"
          + "led-heartbeat/LEDHeartbeat.swift\"},\"symbol\":\"sysTick\"}]}"
      ),
    ] as [(String, String?, String)] {
      let answers = client.ask(command, arguments)
      #expect(
        answers.count == 1 && answers[0].hasPrefix("{\"body\":\(answer),\"command\""), "\(answers)")
    }
  }

  /// What is not so gets an answer that says so, and nothing happens.
  @Test func wrongRequests() throws {
    let client = Client()
    try client.launch("timer-heartbeat-rv64.elf", harts: 2)
    let digest = client.adapter.debuggee.machine.stateDigest
    for (command, arguments, words) in [
      ("makeTea", nil, "there is no request \"makeTea\" here"),
      ("launch", "{\"program\":\"x\"}", "one machine was launched already"),
      ("setBreakpoints", "{}", "arguments.source is missing"),
      ("setBreakpoints", "{\"source\":{}}", "source.path is missing"),
      (
        "setBreakpoints", "{\"source\":{\"path\":\"x\"},\"breakpoints\":[{\"line\":\"x\"}]}",
        "arguments.breakpoints.Index 0.line: not of the type that it has to be"
      ),
      ("continue", "{}", "arguments.threadId is missing"),
      ("continue", "{\"threadId\":3}", "there is no thread 3"),
      (
        "continue", "{\"threadId\":-9223372036854775808}",
        "there is no thread -9223372036854775808"
      ),
      (
        "variables", "{\"variablesReference\":-9223372036854775808}",
        "there is nothing of number -9223372036854775808; it may be of a stop before this one"
      ),
      ("stackTrace", "{\"threadId\":0}", "there is no thread 0"),
      ("scopes", "{\"frameId\":9223372036854775807}", "there is no frame 9223372036854775807"),
      ("scopes", "{\"frameId\":-9223372036854775808}", "there is no frame -9223372036854775808"),
      (
        "variables", "{\"variablesReference\":7}",
        "there is nothing of number 7; it may be of a stop before this one"
      ),
      ("evaluate", "{\"expression\":\"\"}", "the expression ends early"),
      ("evaluate", "{\"expression\":\"1 +\"}", "the expression ends early"),
      ("evaluate", "{\"expression\":\"(1\"}", "a ) is missing"),
      ("evaluate", "{\"expression\":\"1 }\"}", "what is \"}\"?"),
      ("evaluate", "{\"expression\":\"$nothing\"}", "there is no register nothing"),
      ("evaluate", "{\"expression\":\"0xg\"}", "0xg is no number"),
      ("evaluate", "{\"expression\":\"&1\"}", "that has no place in memory"),
      ("evaluate", "{\"expression\":\"*0\"}", "there is no memory at 0x0"),
      ("readMemory", "{\"memoryReference\":\"x\",\"count\":1}", "memoryReference x is no address"),
      ("writeMemory", "{\"memoryReference\":\"0\",\"data\":\"?\"}", "data is not in Base64"),
      (
        "writeMemory", "{\"memoryReference\":\"0x90000000\",\"data\":\"AA==\"}",
        "0x90000000 does not take 1 bytes"
      ),
      (
        "disassemble", "{\"memoryReference\":\"0x80000000\",\"instructionCount\":100000}",
        "more than 65536 instructions"
      ),
      (
        "stepOut", "{\"threadId\":1}", "where this function was called from is not known"
      ),
    ] as [(String, String?, String)] {
      let answers = client.ask(command, arguments)
      let quoted = words.replacing("\"", with: "\\\"")
      #expect(
        answers.count == 1 && answers[0].contains("\"message\":\"\(quoted)\"")
          && answers[0].contains("\"success\":false"), "\(command): \(answers)")
    }
    #expect(client.adapter.debuggee.machine.stateDigest == digest)
    // No request at all.
    for (text, seq) in [
      ("", 0), ("[]", 0), ("{\"seq\":5}", 0), ("nonsense", 0), ("\u{0}", 0),
      (String(repeating: "[", count: 100_000), 0),
    ] {
      client.say(text)
      let answers = client.answers()
      #expect(answers.count == 1 && answers[0].contains("\"request_seq\":\(seq),"), "\(answers)")
    }
    // Answers to what was never asked are nothing.
    client.say("{\"seq\":9,\"type\":\"response\"}")
    #expect(client.answers() == [])
    #expect(client.ask("threads").count == 1)
  }
}
