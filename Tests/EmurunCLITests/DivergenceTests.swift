import Emu
import Synchronization
import Testing

@testable import EmurunCLI

/// What `--twice` says when the emulator is wrong: with a device that is.
@Suite struct DivergenceTests {
  /// From some tick on it answers with something that is not in its state: how often anybody ever asked.
  private struct Moody: Device {
    struct State: Codable, Hashable, Sendable {}
    var state = State()
    let begin: Tick
    let speaks: Bool
    var map: RegisterMap { RegisterMap([.init("MOOD", 0)]) }

    mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
      if port.now < begin { return 0 }
      let count = asked.add(1, ordering: .relaxed).newValue
      if speaks { port.uart(UInt8(truncatingIfNeeded: count)) }
      return speaks ? 0 : UInt64(count)
    }
    mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {}
  }

  /// Asks it again and again: lui t0, 0x9000; 1: lw t1, (t0); addi s0, s0, 1; j 1b.
  private func sentence(speaks: Bool, begin: Tick) throws -> String? {
    try withFolder { folder -> String? in
      let path = folder + "/image.bin"
      write(words(0x0900_02B7, 0x0002_A303, 0x0014_0413, 0xFF9F_F06F), to: path)
      let command = try Emurun.parse([path, "--board", "rv64-virt", "--for", "100us", "--twice"])
      var plan = try command.plan(standardInput: -1)
      plan.board.devices.append(
        Placement("moody", Moody(begin: begin, speaks: speaks), at: 0x0900_0000, size: 0x1000))
      let host = Host(output: Output(), errors: Output())
      let first = try plan.machine()
      try plan.drive(first, host: host, between: {})
      do {
        try Repetition(plan: plan, host: host).compare(with: first)
        return nil
      } catch let error as Refusal {
        #expect(error.code == 70)
        return error.sentence
      }
    }
  }

  /// The ROM has 6 instructions, then lui, then three a round: the read at or behind tick 5,000 is that of index 5,002.
  @Test func theStateThatDiffersIsNamed() throws {
    let sentence = try #require(try sentence(speaks: false, begin: 5000))
    #expect(
      sentence.hasPrefix(
        "the second run is not the first, not in its events: both runs are the same up to index 5002, tick 5002 (5002 ns), pc 0x80000004\n  then hart 0 t1: "
      ))
    #expect(sentence.hasSuffix("report it, with the image and this command line"))
  }

  @Test func theEventThatDiffersIsNamed() throws {
    let sentence = try #require(try sentence(speaks: true, begin: 5000))
    #expect(sentence.contains("in its events too: both runs are the same up to index 5002, "))
    #expect(
      sentence.contains("\n  then in the first run: 0.000005002 s         5002  uart moody sends "))
    #expect(
      sentence.contains("\n  then in the second run: 0.000005002 s         5002  uart moody sends ")
    )
  }

  @Test func aDeviceInItsRightMindIsTheSameTwice() throws {
    #expect(try sentence(speaks: false, begin: .max) == nil)
  }
}

private let asked = Atomic<Int>(0)
