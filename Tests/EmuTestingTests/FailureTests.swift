import Testing

@testable import EmuTesting

/// What a failed wait tells.
@Suite struct FailureTests {
  private func failure(_ body: () throws -> Void) -> [String] {
    do {
      try body()
      return []
    } catch { return "\(error)".split(separator: "\n").map(String.init) }
  }

  @Test func aLimitSaysWhatDidHappen() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    let lines = failure {
      try machine.advance(until: .edges(of: .pf1, count: 10), limit: .seconds(2))
    }
    #expect(lines[0].hasPrefix("waited for 10 edges of PF1 within 2.0 seconds; it did not come; "))
    #expect(lines[0].contains("stopped at 2.000 s, after "))
    #expect(lines[1].hasPrefix("PF1 "))
    #expect(lines[1].contains("▔▔▔▁▁▁"))
    #expect(lines[2].contains("╵0 s"))
    #expect(lines[3...4] == ["the console:", "  | led-heartbeat: PF1 beats at 1 Hz"])
    #expect(lines[5] == "the last events:")
    #expect(lines.contains { $0.contains("led  PF1 off") })
  }

  @Test func aRunThatEndsIsNoWait() throws {
    let machine = try Machine(image: .bundled("hello-rv64"))
    let lines = failure {
      try machine.advance(until: .uart(contains: "goodbye"), limit: .seconds(2))
    }
    #expect(lines[0].hasPrefix("waited for \"goodbye\" on the console; the run ended at "))
    #expect(lines[0].hasSuffix("by finisher, code 0"))
    #expect(lines[1] == "no LED ever changed")
  }

  /// Most firmware ends its lines with two bytes.
  @Test func linesOfAConsole() throws {
    // lui a0, 0x10000; for each byte: li a1, BYTE; sb a1, (a0); then j .
    let text = Array("one\r\ntwo\nthree".utf8)
    let words: [UInt32] =
      [0x1000_0537] + text.flatMap { [0x593 | UInt32($0) << 20, 0x00B5_0023] } + [0x6F]
    let bytes = words.flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xFF) } }
    let image = try Image(bytes: bytes, path: "lines", format: .raw)
    let machine = try Machine(.rv64Virt, image: image)
    let lines = failure {
      try machine.advance(until: .edges(of: "led0", count: 1), limit: .microseconds(1))
    }
    #expect(machine.uart0.lines == ["one", "two", "three"])
    #expect(lines.contains("  | one") && lines.contains("  | two") && lines.contains("  | three"))
  }

  @Test func aDeadGuestIsAFailure() throws {
    // lui a0, 0xdead0; lw a1, (a0): there is nothing, and no trap handler.
    let image = try Image(
      bytes: [0x37, 0x05, 0xAD, 0xDE, 0x83, 0x25, 0x05, 0x00], path: "dead", format: .raw)
    let machine = try Machine(.rv64Virt, image: image)
    let lines = failure { try machine.advance(for: .seconds(2)) }
    #expect(lines[0].hasPrefix("waited for 2.0 seconds to go by; the guest died at "))
    #expect(lines[0].contains("by trap-loop"))
    #expect(lines.contains("the console is empty"))
  }

  /// A loop that stores what it counts.
  private func counter() throws -> Machine {
    // ldr r1, [pc, #12]; movs r0, #0; 1: adds r0, #1; str r0, [r1]; b 1b
    let words: [UInt32] = [0x2000_1000, 9, 0x2000_4902, 0x6008_3001, 0x0000_E7FC, 0x2000_0100]
    let bytes = words.flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xFF) } }
    return try Machine(.m4LED, image: Image(bytes: bytes, path: "counter", format: .raw, base: 0))
  }

  /// One that has come too far to be run again has kept what is told of it.
  @Test func aLongRunTellsItsEnd() throws {
    let machine = try counter()
    let plain = try counter()
    let length: UInt64 = 130_000_000
    _ = plain.run(until: RunLimit(index: length))
    try machine.advance(until: .instructions(length), limit: .seconds(60))
    #expect(machine.index == length && machine.stateDigest == plain.stateDigest)
    func wait(_ machine: Machine) -> [String] {
      failure {
        try machine.advance(until: .uart(contains: "never"), limit: .microseconds(10))
      }
    }
    let lines = wait(machine)
    let steps = try #require(lines.firstIndex(of: "the last 64 instructions:"))
    #expect(lines[steps + 1].hasPrefix("  #\(machine.index - 64) 0x"))
    #expect(lines[steps + 64].hasPrefix("  #\(machine.index - 1) 0x"))
    #expect(lines[steps...].contains { $0.contains(" r0=0x") })
    #expect(!lines.contains { $0.contains("no latest instructions") })
    // From a snapshot of that.
    #expect(wait(try Machine(machine.snapshot())).contains("the last 64 instructions:"))
    // Nobody has kept it; and nobody can.
    let words = "no latest instructions, and no why: the past "
    let untold = failure {
      throw RunFailure("no", plain)
    }
    #expect(untold.contains { $0.hasPrefix(words + "of 100000000 instructions and more") })
    machine.memory.write([1], at: 0x2000_0200)
    #expect(wait(machine).contains { $0.hasPrefix(words + "cannot be had again: at index ") })
    let short = try counter()
    short.memory.write([1], at: 0x2000_0200)
    #expect(wait(short).contains { $0.hasPrefix(words + "cannot be had again: at index ") })
  }

  @Test func imagesThatAreNotThere() {
    #expect(
      failure { _ = try Image.bundled("no-such") }[0].hasSuffix(
        "there is no such file; check the path"))
  }

  @Test func imagesOfAnotherArchitecture() {
    for (board, name, words) in [
      (Board.m4LED, "hello-rv64", "is code for RV64, and m4-led has Arm cores; take another board"),
      (
        .rv64Virt, "led-heartbeat",
        "is code for Arm, and rv64-virt has RV64 cores; take another board"
      ),
    ] {
      #expect(failure { _ = try Machine(board, image: .bundled(name)) }[0].hasSuffix(words))
    }
  }
}
