import Emu
import Testing

/// A clock with nothing below it, against the emulator's own time.
@Suite struct ClockTests {
  /// The longest path is one instruction after the other: on the M4 there is the one branch back that
  /// a tick interrupt in between takes.
  @Test(arguments: [("bare-clock-rv64", 0), ("bare-clock-m4", 1)])
  func readingItIsStraightLineCode(name: String, retries: Int) throws {
    let lines = try Firmware.disassembly(name)
      .drop { !$0.contains("<nanoseconds>:") }.dropFirst()
      .prefix { !$0.hasSuffix(">:") || $0.contains("<.L") }
    // "     15c:      \tpush\t{r4, r5, r7, lr}"
    let words = lines.compactMap { line in
      let columns = line.split(separator: "\t")
      return columns.count > 1 && columns[0].contains(":") ? String(columns[1]) : nil
    }
    #expect(words.count >= 5)
    let branches = words.filter {
      $0.hasPrefix("b") && $0 != "bic" && $0 != "bfi" || $0 == "j" || $0.hasPrefix("cb")
        || $0.hasPrefix("it")
    }
    #expect(branches.count == retries, "\(words)")
    #expect(!words.contains { $0.contains("div") || $0 == "jal" || $0 == "jalr" || $0 == "blx" })
  }

  /// For an hour, once a minute: an edge, and what the clock says behind it. The two move together to one tick of
  /// the timebase (100 ns) or cycle (62.5 ns).
  @Test(arguments: [("bare-clock-rv64", Int64(100)), ("bare-clock-m4", Int64(63))])
  func isExactForAnHour(name: String, tick: Int64) throws {
    let machine = try Firmware.machine(name)
    _ = machine.run(
      until: RunLimit(tick: machine.board.clock.ticks(nanoseconds: 3_700_000_000_000)))
    #expect(machine.stop?.code == 0)
    let readings = machine.console.text.split(separator: "\n").map {
      Int64($0.dropFirst(2), radix: 16)
    }
    let edges = machine.trace.filter { $0.kind == .pin }
      .map { Int64(machine.board.clock.nanoseconds(at: $0.tick)) }
    try #require(readings.count == 61 && edges.count == 61)
    #expect(edges[60] - edges[0] > 3_599_000_000_000)
    let first = try #require(readings[0]) - edges[0]
    for (reading, edge) in zip(readings, edges) {
      #expect(abs(try #require(reading) - edge - first) <= tick)
    }
  }
}
