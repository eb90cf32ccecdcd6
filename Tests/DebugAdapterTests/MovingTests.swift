import DebugAdapter
import Debugger
import Emu
import Testing

@testable import Devices

/// Steps, there and back, on every place of a program.
@Suite struct MovingTests {
  private static func reason(_ answers: [String]) -> String? {
    answers.compactMap { $0.firstMatch(of: /"reason":"([a-z ]+)"/)?.output.1 }.last.map(String.init)
  }

  private static func line(_ client: Client) -> String {
    let machine = client.adapter.debuggee.machine
    let place = DebugInfo(machine.image).sourceLine(at: machine.pc)
    return place.map { "\($0.file):\($0.line)" } ?? "none"
  }

  /// The run is the one that nobody looked at, whatever an editor does but write.
  @Test(arguments: [
    "led-heartbeat.elf", "torture-m4.elf", "timer-heartbeat-rv64.elf", "sbi-harts-rv64.elf",
  ])
  func theRunIsTheSame(image: String) throws {
    let harts = image.hasPrefix("sbi-harts") ? 3 : 1
    let client = Client()
    try client.launch(image, harts: harts)
    client.ask("configurationDone")
    let commands = [
      "next", "stepIn", "stepOut", "stepBack", "next", "stepIn", "reverseContinue", "stepIn",
    ]
    var random = SplitMix(seed: 9)
    client.ask("evaluate", "{\"expression\":\"goto 3000\",\"context\":\"repl\"}")
    for _ in 0..<60 where client.adapter.debuggee.machine.stop == nil {
      let command = commands[Int(random.next() % UInt64(commands.count))]
      let grain = random.next() % 2 == 0 ? "instruction" : "statement"
      let thread = 1 + random.next() % UInt64(harts)
      client.adapter.receive(
        Client.framed(
          "{\"seq\":1,\"type\":\"request\",\"command\":\"\(command)\",\"arguments\":"
            + "{\"threadId\":\(thread),\"granularity\":\"\(grain)\"}}"))
      client.run(slice: 500, times: 40)
      if client.adapter.debuggee.isRunning {
        client.ask("pause", "{\"threadId\":1}")
      }
      client.ask("stackTrace", "{\"threadId\":\(thread)}")
      client.ask("scopes", "{\"frameId\":1}")
      client.ask("variables", "{\"variablesReference\":\(1 + random.next() % 5)}")
      client.ask("readMemory", "{\"memoryReference\":\"0x4000c000\",\"count\":16}")
      client.ask("readMemory", "{\"memoryReference\":\"0x10000000\",\"count\":8}")
    }
    #expect(!client.adapter.debuggee.hasChanged)
    let machine = client.adapter.debuggee.machine
    let end = max(40_000, machine.index)
    let other = Client()
    try other.launch(image, harts: harts)
    let plain = other.adapter.debuggee.machine
    _ = plain.run(until: RunLimit(index: end))
    _ = machine.run(until: RunLimit(index: end))
    #expect(machine.index == plain.index && machine.now == plain.now)
    #expect(machine.traceDigest == plain.traceDigest)
    #expect(machine.stateDigest == plain.stateDigest)
  }

  /// From each line of a handler back to the one before it, which is where `next` came from.
  @Test(arguments: [("led-heartbeat.elf", "sysTick"), ("timer-heartbeat-rv64.elf", "handleTrap")])
  func backIsWhereOneCameFrom(image: String, function: String) throws {
    let client = Client()
    try client.launch(image)
    client.ask("configurationDone")
    client.ask("setFunctionBreakpoints", "{\"breakpoints\":[{\"name\":\"\(function)\"}]}")
    #expect(Self.reason(client.ask("continue", "{\"threadId\":1}")) == "function breakpoint")
    client.ask("setFunctionBreakpoints", "{\"breakpoints\":[]}")
    let debug = DebugInfo(client.adapter.debuggee.machine.image)
    let code = try #require(debug.function(around: client.adapter.debuggee.machine.pc))
    var places: [(index: UInt64, line: String)] = []
    while code.contains(client.adapter.debuggee.machine.pc) {
      places.append((client.adapter.debuggee.machine.index, Self.line(client)))
      #expect(Self.reason(client.ask("next", "{\"threadId\":1}")) == "step")
      #expect(Self.line(client) != places.last?.line)
    }
    #expect(places.count > 1)
    // Over the call that it has come back from would be further.
    guard let last = places.popLast() else { return }
    client.ask("evaluate", "{\"expression\":\"goto \(last.index)\",\"context\":\"repl\"}")
    for place in places.reversed() {
      #expect(Self.reason(client.ask("stepBack", "{\"threadId\":1}")) == "step")
      #expect(client.adapter.debuggee.machine.index == place.index, "\(places)")
      #expect(Self.line(client) == place.line)
    }
    let index = client.adapter.debuggee.machine.index
    // Out of the handler, to the instruction that it interrupted.
    #expect(Self.reason(client.ask("stepBack", "{\"threadId\":1}")) == "step")
    #expect(client.adapter.debuggee.machine.index < index)
    // To the beginning and no further.
    let begin = client.ask("reverseContinue", "{\"threadId\":1}")
    #expect(begin.last?.contains("Here history begins") == true)
    #expect(client.adapter.debuggee.machine.index == 0)
  }

  /// Over a call and into it.
  @Test func callsOfAProgram() throws {
    let client = Client()
    try client.launch("hello-rv64.elf")
    client.ask("configurationDone")
    client.ask("setFunctionBreakpoints", "{\"breakpoints\":[{\"name\":\"main\"}]}")
    client.ask("continue", "{\"threadId\":1}")
    let debug = DebugInfo(client.adapter.debuggee.machine.image)
    let main = try #require(debug.function(around: client.adapter.debuggee.machine.pc))
    var into: Set<String> = []
    var previous: UInt64 = 0
    for _ in 0..<40 where client.adapter.debuggee.machine.stop == nil {
      let machine = client.adapter.debuggee.machine
      #expect(machine.index > previous || previous == 0)
      previous = machine.index
      into.insert(debug.function(at: machine.pc)?.name ?? "")
      client.ask("stepIn", "{\"threadId\":1}")
    }
    #expect(into.count > 1, "\(into)")
    let again = Client()
    try again.launch("hello-rv64.elf")
    again.ask("configurationDone")
    again.ask("setFunctionBreakpoints", "{\"breakpoints\":[{\"name\":\"main\"}]}")
    again.ask("continue", "{\"threadId\":1}")
    for _ in 0..<40 where again.adapter.debuggee.machine.stop == nil {
      #expect(main.contains(again.adapter.debuggee.machine.pc))
      again.ask("next", "{\"threadId\":1}")
    }
  }

  /// A firmware that dies can be looked at, and one can go back to before that.
  @Test func aDeath() throws {
    let client = Client()
    try client.launch("led-heartbeat.elf")
    client.ask("configurationDone")
    client.ask("writeMemory", "{\"memoryReference\":\"0xc\",\"data\":\"AAAAAA==\"}")
    client.ask("scopes", "{\"frameId\":1}")
    client.ask("setVariable", "{\"variablesReference\":2,\"name\":\"pc\",\"value\":\"0x3ffffff0\"}")
    let answers = client.ask("continue", "{\"threadId\":1}")
    #expect(Self.reason(answers) == "exception", "\(answers)")
    #expect(client.ask("stackTrace", "{\"threadId\":1}").count == 1)
    #expect(
      Self.reason(client.ask("stepBack", "{\"threadId\":1,\"granularity\":\"instruction\"}")) != nil
    )
    #expect(client.adapter.debuggee.machine.stop == nil)
  }

  @Test func theEnd() throws {
    let client = Client()
    try client.launch("hello-rv64.elf", stopOnEntry: false)
    let answers = client.ask("configurationDone")
    #expect(
      answers.contains { $0.contains("\"event\":\"exited\"") && $0.contains("\"exitCode\":0") })
    #expect(answers.last?.contains("\"event\":\"terminated\"") == true)
    #expect(client.ask("disconnect").count == 1)
    #expect(client.adapter.ending == .killed)
  }

  /// Back from the end, the run goes on.
  @Test func anEndIsNoEnd() throws {
    let client = Client()
    try client.launch("hello-rv64.elf")
    client.ask("configurationDone")
    let end = client.ask("continue", "{\"threadId\":1}")
    #expect(end.contains { $0.contains("terminated") }, "\(end)")
    #expect(client.ask("next", "{\"threadId\":1}").contains { $0.contains("the run is over") })
    client.ask("evaluate", "{\"expression\":\"goto 10\",\"context\":\"repl\"}")
    #expect(Self.reason(client.ask("next", "{\"threadId\":1}")) == "step")
    #expect(client.adapter.debuggee.machine.index > 10)
  }
}
