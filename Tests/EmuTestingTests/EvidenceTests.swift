import Testing

@testable import EmuTesting

/// What a failed test leaves behind.
@Suite struct EvidenceTests {
  @Test func aRunAsFiles() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try machine.advance(for: .seconds(3))
    let files = RunEvidence(machine).files
    #expect(files.map(\.name) == ["report.json", "uart.log", "led.vcd", "timeline.html"])
    func text(_ name: String) -> String {
      String(decoding: files.first { $0.name == name }?.bytes ?? [], as: UTF8.self)
    }
    #expect(text("uart.log") == "led-heartbeat: PF1 beats at 1 Hz\n")
    #expect(text("report.json").contains("\"traceDigest\": \"\(machine.traceDigest)\""))
    #expect(text("led.vcd").contains("$var wire 1") && text("led.vcd").contains("PF1"))
    #expect(text("timeline.html").contains("led-heartbeat"))
    let again = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try again.advance(for: .seconds(3))
    #expect(RunEvidence(again).files.map(\.bytes) == files.map(\.bytes))
  }

  @Test func eventsHaveTheirSourceLines() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try machine.advance(for: .milliseconds(600))
    let failure = RunFailure("no", machine).description.split(separator: "\n")
    let event = try #require(failure.first { $0.contains("led  PF1 off, by ") })
    #expect(event.contains(".swift:"))
    #expect(failure.contains("it is at:"))
  }

  /// What was typed comes again, and what came of it has its place, too.
  @Test func aRunThatWasTypedInto() throws {
    let machine = try Machine(image: .bundled("tasks-m4"))
    try machine.advance(for: .milliseconds(1))
    machine.uart0.send("help\n")
    try machine.advance(for: .milliseconds(50))
    let failure = RunFailure("no", machine).description
    #expect(failure.contains("the last 64 instructions:"), "\(failure)")
  }

  @Test func anExpectedDigest() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try machine.advance(for: .seconds(1))
    try machine.check(expectedDigest: machine.traceDigest)
    let failure = #expect(throws: RunFailure.self) { try machine.check(expectedDigest: "5f0c") }
    #expect(
      failure?.description.contains(
        "the run's digest is \(machine.traceDigest), expected was 5f0c (m4-led, revision ") == true)
  }

  @Test(.evidence) func aTraitThatDoesNoHarm() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try machine.advance(until: .edges(of: .pf1, count: 2), limit: .seconds(2))
    #expect(machine.led(.pf1).edges == 2)
    withKnownIssue { #expect(machine.led(.pf1).edges == 3) }
  }
}

/// Ten thousand boots, each for another while and with other input: together they give what they give one by one.
@Suite struct ManyBootsTests {
  static let booted = Result { try Machine(image: .bundled("tasks-m4")).snapshot() }
  static let count = 10_000

  static func digest(_ number: Int) throws -> String {
    let machine = try Machine(booted.get())
    machine.send(Array("\(number)\n".utf8))
    try machine.advance(for: .microseconds(100 + number % 97))
    return machine.traceDigest
  }

  @Test func togetherAsOneByOne() async throws {
    let alone = try (0..<Self.count).map(Self.digest)
    let together = try await withThrowingTaskGroup(of: (Int, String).self) { group in
      for number in (0..<Self.count).reversed() {
        group.addTask { (number, try Self.digest(number)) }
      }
      var digests = [String](repeating: "", count: Self.count)
      for try await (number, digest) in group { digests[number] = digest }
      return digests
    }
    #expect(together == alone)
    #expect(Set(alone).count > 90)
  }
}
