import Emu
import EmuTesting
import Testing

/// Functions by their names: when they are called, and what they take.
@Suite struct CallTests {
  @Test(arguments: ["led-heartbeat", "timer-heartbeat-rv64"]) func standsBeforeTheFirstInstruction(
    name: String
  ) throws {
    let machine = try Machine(image: .bundled(name))
    let function = name == "led-heartbeat" ? "sysTick" : "main"
    try machine.advance(until: .call(of: function), limit: .seconds(1))
    #expect(machine.callStack.first?.function == function)
    #expect(machine.callStack.first?.symbol?.offset == 0)
  }

  @Test func everyCallOnce() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    for count in 0..<5 {
      try machine.advance(until: .call(of: "sysTick"), limit: .seconds(1))
      #expect(try machine.value(of: "ticks") == count)
    }
  }

  /// Counted by hand: an instruction at a time, with nothing set.
  @Test func budgetOfAHandler() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try machine.advance(until: .call(of: "sysTick"), limit: .seconds(1))
    let counted = try Machine(machine.snapshot())
    let interrupted = { counted.registers.first { $0.name == "xpsr" }.map { $0.value & 0x1FF } }
    #expect(interrupted() == 15)
    var count: UInt64 = 0
    while interrupted() != 0 {
      try counted.advance(until: .instructions(1), limit: .seconds(1))
      count += 1
    }
    // The machine stands in a call: the next one counts.
    let next = try machine.instructions(in: "sysTick", limit: .seconds(1))
    #expect(1..<200 ~= next && 1..<200 ~= count)
    let again = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    #expect(try again.instructions(in: "sysTick", limit: .seconds(1)) == count)
    #expect(again.pc == counted.pc && again.retired == counted.retired)
  }

  @Test func saysWhatIsWrong() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    let missing = #expect(throws: VariableError.self) {
      try machine.advance(until: .call(of: "no-such-function"), limit: .seconds(1))
    }
    #expect(missing?.description.hasPrefix("there is no function no-such-function in ") == true)
    let late = #expect(throws: RunFailure.self) {
      try machine.instructions(in: "sysTick", limit: .microseconds(1))
    }
    #expect(late?.description.hasPrefix("waited for a call of sysTick") == true)
  }
}
