import EmuTesting
import Testing

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

  @Test func imagesThatAreNotThere() {
    #expect(
      failure { _ = try Image.bundled("no-such") }[0].hasSuffix(
        "there is no such file; check the path"))
  }
}
