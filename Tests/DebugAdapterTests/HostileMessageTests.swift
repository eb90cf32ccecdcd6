import DebugAdapter
import Debugger
import Emu
import Foundation
import Testing

@testable import Devices

/// Messages that no editor sends: never a crash, and the adapter still answers. `EMURUN_SOAK` is how many a core.
@Suite struct HostileMessageTests {
  private static let count =
    ProcessInfo.processInfo.environment["EMURUN_SOAK"].flatMap { Int($0) }.map { $0 * 5 } ?? 1500

  private static let seeds: [(command: String, arguments: String)] = [
    ("initialize", "{\"adapterID\":\"x\",\"linesStartAt1\":false}"),
    ("launch", "{\"program\":\"x\",\"args\":[\"--smp\",\"2\"]}"), ("configurationDone", "{}"),
    (
      "setBreakpoints",
      "{\"source\":{\"path\":\"/x/LEDHeartbeat.swift\"},\"breakpoints\":[{\"line\":20},{\"line\":1}]}"
    ),
    ("setFunctionBreakpoints", "{\"breakpoints\":[{\"name\":\"main\"}]}"),
    (
      "setInstructionBreakpoints",
      "{\"breakpoints\":[{\"instructionReference\":\"0x80000010\",\"offset\":2}]}"
    ),
    ("dataBreakpointInfo", "{\"name\":\"$sp\",\"bytes\":4,\"asAddress\":true}"),
    (
      "setDataBreakpoints",
      "{\"breakpoints\":[{\"dataId\":\"0x20001000,4\",\"accessType\":\"readWrite\"}]}"
    ),
    ("threads", "{}"), ("stackTrace", "{\"threadId\":1,\"startFrame\":0,\"levels\":20}"),
    ("scopes", "{\"frameId\":1}"),
    ("variables", "{\"variablesReference\":1,\"start\":0,\"count\":10,\"format\":{\"hex\":true}}"),
    ("setVariable", "{\"variablesReference\":2,\"name\":\"sp\",\"value\":\"0x20000f00\"}"),
    ("evaluate", "{\"expression\":\"*(uint8_t *)($sp + 4) - 1\",\"context\":\"watch\"}"),
    ("evaluate", "{\"expression\":\"goto 500\",\"context\":\"repl\"}"),
    ("evaluate", "{\"expression\":\"info uart0\",\"context\":\"repl\"}"),
    ("evaluate", "{\"expression\":\">hello\",\"context\":\"repl\"}"),
    ("continue", "{\"threadId\":1}"), ("next", "{\"threadId\":1,\"granularity\":\"line\"}"),
    ("stepIn", "{\"threadId\":1}"), ("stepOut", "{\"threadId\":1}"),
    ("stepBack", "{\"threadId\":1,\"granularity\":\"instruction\"}"),
    ("reverseContinue", "{\"threadId\":1}"), ("pause", "{\"threadId\":1}"),
    ("readMemory", "{\"memoryReference\":\"0x20000000\",\"offset\":-4,\"count\":64}"),
    ("writeMemory", "{\"memoryReference\":\"0x20000000\",\"data\":\"AQIDBA==\"}"),
    (
      "disassemble",
      "{\"memoryReference\":\"0x80000000\",\"instructionOffset\":-8,\"instructionCount\":16}"
    ),
    ("disconnect", "{}"),
  ]

  private static let pieces = [
    "9223372036854775807", "-9223372036854775808", "1e999", "18446744073709551616", "null", "[]",
    "{}", "\"", "\\u0000", "\\ud800", "\u{FFFF}", "0xffffffffffffffff", ",", ":", "[[[[[[[[",
    "-1", "((((((", "******", "$", "true", "[18446744073709551615]", ".x",
  ].map { Array($0.utf8) }

  private static func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix) {
    let place = Int(random.next() % UInt64(bytes.count + 1))
    switch random.next() % 5 {
    case 0: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
    case 1 where place < bytes.count: bytes.remove(at: place)
    case 2 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    case 3:
      // A number or a word becomes another one.
      let end = bytes[place...].firstIndex { ",:}]\"".utf8.contains($0) } ?? bytes.count
      bytes.replaceSubrange(place..<end, with: piece(&random))
    default: bytes.insert(contentsOf: piece(&random), at: place)
    }
  }

  private static func piece(_ random: inout SplitMix) -> [UInt8] {
    pieces[Int(random.next() % UInt64(pieces.count))]
  }

  @Test(arguments: ["led-heartbeat.elf", "timer-heartbeat-rv64.elf"])
  func mutations(image: String) throws {
    var random = SplitMix(seed: 21)
    var client = Client()
    try client.launch(image)
    for number in 0..<Self.count {
      let seed = Self.seeds[Int(random.next() % UInt64(Self.seeds.count))]
      var content = Array(
        "{\"seq\":\(number),\"type\":\"request\",\"command\":\"\(seed.command)\",\"arguments\":\(seed.arguments)}"
          .utf8)
      for _ in 0..<random.next() % 4 { Self.mutate(&content, &random) }
      var bytes = Array("Content-Length: \(content.count)\r\n\r\n".utf8) + content
      // Another length may wait for more than anybody says.
      let isTorn = random.next() % 32 == 0
      if isTorn { Self.mutate(&bytes, &random) }
      let cut = Int(random.next() % UInt64(bytes.count + 1))
      client.adapter.receive(Array(bytes[..<cut]))
      client.run(slice: 100, times: 2)
      client.adapter.receive(Array(bytes[cut...]))
      client.run(slice: 100, times: 4)
      for answer in client.answers() {
        #expect((try? JSONSerialization.jsonObject(with: Data(answer.utf8))) != nil, "\(answer)")
      }
      let isOver = number % 100 == 99 || client.adapter.debuggee.machine.stop != nil
      if isOver && !isTorn {
        let answers = client.ask("threads", "{}", slice: 100)
        #expect(answers.contains { $0.contains("\"threads\":[{") }, "\(answers)")
      }
      if isOver || isTorn {
        client = Client()
        try client.launch(image)
      }
    }
  }
}
