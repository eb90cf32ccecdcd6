import EmuTesting
import Testing

/// Variables by their names, the stack by its functions.
@Suite struct VariableTests {
  @Test func stopsBehindEachStore() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    for count in 0...5 {
      try machine.advance(until: .write(to: "ticks"), limit: .seconds(1))
      // The first store is .bss, cleared; then one each 10 ms.
      #expect(try machine.value(of: "ticks") == count)
      #expect(machine.nanoseconds / 10_000_000 == UInt64(count))
      if count > 0 { #expect(machine.callStack.first?.function == "sysTick") }
    }
    #expect(try machine.value(of: "LEDHeartbeat.swift:ticks") == 5)
    #expect(try machine.variable("ticks").size == 4)
  }

  /// The run is the same one, watched or not, down to its digests.
  @Test func lookingChangesNothing() throws {
    let plain = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try plain.advance(for: .milliseconds(300))
    let watched = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    for _ in 0..<20 {
      try watched.advance(until: .write(to: "ticks"), limit: .seconds(1))
      _ = try (watched.value(of: "ticks"), watched.callStack)
    }
    try watched.advance(for: .nanoseconds(Int64(300_000_000 - watched.nanoseconds)))
    #expect(watched.traceDigest == plain.traceDigest)
    #expect(watched.stateDigest == plain.stateDigest)
  }

  /// Five thousand structures with padding between their members: each holds what the program must have put into it.
  @Test(arguments: ["tasks-m4", "tasks-rv64"]) func structuresInArrays(name: String) throws {
    let machine = try Machine(image: .bundled(name))
    try machine.advance(until: .end, limit: .seconds(10))
    #expect(try machine.value(of: "delivered") == 20_000)
    for number in stride(from: 0, to: 5_000, by: 499) {
      let payloads = (0..<4).map { UInt16(number) &* 40_503 ^ UInt16($0) &* 2_053 }
      let task = "table[\(number)]"
      #expect(try machine.value(of: "\(task).expected") == 4)
      #expect(try machine.value(of: "\(task).isFull") == 0)
      #expect(try machine.value(of: "\(task).sequence") == 3)
      #expect(try machine.value(of: "\(task).payload") == Int(payloads[3]))
      #expect(try machine.value(of: "\(task).sum") == Int(payloads.reduce(0, &+)))
    }
    #expect(try machine.bytes(of: "table").count == 40_000)
    #expect(try machine.value(of: "parser.position") == 0)
  }

  @Test(arguments: [
    ("tick", "there is no variable tick in "),
    ("table[5000].sum", "table, a InlineArray, has no [5000]"),
    ("table[1].total", "table[1], a Connection, has no total"),
    ("table[1]!", "what is \"!\" behind table[1]?"),
    ("table[one]", "what is \"[one]\" behind table?"),
    ("table[1]", "table[1] is a Connection, no integer"), ("", "there is no variable  in "),
  ])
  func saysWhatIsWrong(path: String, words: String) throws {
    let machine = try Machine(image: .bundled("tasks-m4"))
    let error = #expect(throws: VariableError.self) { try machine.value(of: path) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test func aWriteThatNeverComes() throws {
    let machine = try Machine(.m4LED, image: .bundled("hello-m4"))
    #expect(throws: VariableError.self) {
      try machine.advance(until: .write(to: "nothing"), limit: .seconds(1))
    }
    let tasks = try Machine(image: .bundled("tasks-m4"))
    let error = #expect(throws: RunFailure.self) {
      try tasks.advance(until: .write(to: "table[4999].sum"), limit: .microseconds(1))
    }
    #expect(error?.description.hasPrefix("waited for a write to table[4999].sum") == true)
  }
}
