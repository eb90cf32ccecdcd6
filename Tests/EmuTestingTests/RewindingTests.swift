import Emu
import EmuTesting
import Testing

@Suite struct RewindingTests {
  /// Each moment of the past is what it was, with what was typed on the way, and from a snapshot too.
  @Test(arguments: ["torture-m4", "timer-heartbeat-rv64"]) func itIsAsItWas(name: String) throws {
    let first = try Machine(image: .bundled(name))
    var digests: [UInt64: String] = [:]
    func go(_ machine: Machine, to index: UInt64) {
      _ = machine.run(until: RunLimit(index: index))
      digests[machine.index] = machine.stateDigest
    }
    go(first, to: 700)
    first.send("typed".utf8)
    go(first, to: 1500)
    let machine = try Machine(first.snapshot())
    machine.send("more".utf8)
    go(machine, to: 4000)
    for (index, digest) in digests where index < 4000 {
      let past = try machine.rewind(to: index)
      // What came at an index is there when one goes on.
      _ = past.run(until: RunLimit(index: index + 200))
      let again = try machine.rewind(to: index + 200)
      #expect(past.stateDigest == again.stateDigest || again.inputs.count > past.inputs.count)
      #expect(digest.count == 64)
    }
    #expect(try machine.rewind(instructions: 0).stateDigest == digests[4000])
    let back = try machine.rewind(instructions: 3001)
    #expect(back.index == 999 && machine.index == 4000)
    #expect(back.inputs == Array(machine.inputs.prefix(1)))
    _ = back.run(until: RunLimit(index: 1499))
    #expect(try back.stateDigest == machine.rewind(to: 1499).stateDigest)
    #expect(throws: RewindError.self) { try machine.rewind(to: 4001) }
    #expect(throws: RewindError.self) { try machine.rewind(instructions: 4001) }
  }

  @Test func whoWroteIt() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    // Start-up clears it.
    try machine.advance(for: .milliseconds(1))
    for count in 1...3 as ClosedRange<UInt8> {
      try machine.advance(until: .write(to: "ticks"), limit: .seconds(1))
      let index = machine.index - 1
      try machine.advance(for: .milliseconds(1))
      let write = try #require(try machine.lastWrite(to: .symbol("ticks")))
      #expect(write.index == index && write.function?.hasPrefix("sysTick") == true)
      #expect(write.before == [count - 1, 0, 0, 0] && write.after == [count, 0, 0, 0])
      #expect(write.description.contains("wrote 0\(count) 00 00 00 over 0\(count - 1) 00 00 00"))
      let before = try machine.rewind(to: write.index)
      #expect(before.pc == write.pc && write.line != nil)
    }
    // A device's register, and one that nobody writes.
    let led = try #require(try machine.lastWrite(to: .address(0x400F_E608, count: 4)))
    #expect(led.function?.hasPrefix("main") == true && led.after == [2, 0, 0, 0])
    #expect(try machine.lastWrite(to: .address(0x2000_8000)) == nil)
    #expect(throws: VariableError.self) { try machine.lastWrite(to: .symbol("nothing")) }
    #expect(throws: RewindError.self) { try machine.lastWrite(to: .address(.max, count: 8)) }
    // The frame of the last exception.
    let stacked = try #require(try machine.lastWrite(to: .address(0x2000_0FE0, count: 32)))
    #expect(stacked.author == .core || stacked.pc != nil)
  }

  @Test func everybodyWhoWroteIt() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try machine.advance(for: .milliseconds(125))
    let writes = try machine.history(of: .symbol("ticks"))
    #expect(writes.suffix(12).map { $0.after[0] } == Array(1...12))
    #expect(
      zip(writes, writes.dropFirst()).allSatisfy { $0.after == $1.before && $0.index < $1.index })
    #expect(try machine.history(of: .symbol("ticks"), most: 2) == Array(writes.suffix(2)))
    #expect(try machine.lastWrite(to: .symbol("ticks")) == writes.last)
    try machine.advance(until: .edges(of: .pf1, count: 3), limit: .seconds(3))
    let led = try machine.history(of: .address(0x400F_E608, count: 4))
    #expect(led.map { $0.after[0] } == [2, 0, 2, 0])
    #expect(led.map(\.index) == machine.trace.filter { $0.kind == .pin }.map(\.index))
  }

  /// Who goes behind a machine's back has no past; who pokes has.
  @Test func aPastThatCannotBeHad() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    _ = machine.run(until: RunLimit(index: 100))
    #expect(machine.poke(0x2000_8000, [1]))
    _ = machine.run(until: RunLimit(index: 200))
    #expect(try machine.rewind(to: 99).memory.read(0x2000_8000, count: 1) == [0])
    #expect(try machine.rewind(to: 101).memory.read(0x2000_8000, count: 1) == [1])
    #expect(machine.memory.write([2], at: 0x2000_8000))
    #expect(throws: RewindError.self) { try machine.rewind(to: 10) }
  }
}
