import Emu
import Glibc
import Testing

@testable import EmuTesting

private let hasGDB = access("/usr/bin/gdb-multiarch", X_OK) == 0 || getenv("CI") != nil
private let isChild = getenv("EMURUN_TEST_FAILS") != nil

/// What a failed expectation tells of how it came to it.
@Suite struct FailureStoryTests {
  @Test func aValueThatShouldBeAnother() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try machine.advance(for: .milliseconds(255))
    try machine.check(valueOf: "ticks", is: 25)
    let failure = #expect(throws: RunFailure.self) {
      try machine.check(valueOf: "ticks", is: 26)
    }
    let lines = failure?.description.split(separator: "\n") ?? []
    #expect(lines.first == "ticks is 25, expected was 26")
    let why = try #require(lines.firstIndex(of: "why:"))
    #expect(lines[why + 1] == "  ticks = 0x19")
    #expect(lines[why + 2].hasPrefix("    by index 601, pc 0x4c, sysTick+0xc ("))
    #expect(lines.filter { $0.contains("= 0x18") }.count > 1)
    let last = try #require(lines.firstIndex(of: "the last 64 instructions:"))
    let steps = lines[(last + 1)...].prefix { $0.hasPrefix("  #") }
    #expect(steps.count == 64)
    #expect(steps.last?.hasPrefix("  #\(machine.index - 1) 0x") == true)
    #expect(
      steps.contains { $0.hasPrefix("  #598 ") && $0.hasSuffix("(LEDHeartbeat.swift:21) r1=0x19") })
  }

  /// In a test with the trait an expectation says so by itself.
  @Test(.evidence, .enabled(if: isChild)) func anExpectationThatFails() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try machine.advance(for: .milliseconds(255))
    #expect(try machine.value(of: "ticks") == 26)
  }
}

/// `EMURUN_DEBUG=1 swift test`, by this program run once more with a test that fails, and `gdb-multiarch` at it.
@Suite struct DebuggedFailureTests {
  private static let child: String = {
    var path = [CChar](repeating: 0, count: 4096)
    readlink("/proc/self/exe", &path, path.count - 1)
    let program = String(decoding: path.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    return "EMURUN_TEST_FAILS=1 NO_COLOR=1 EMURUN_DEBUG=%DEBUG% \(program)"
      + " --testing-library swift-testing --filter anExpectationThatFails </dev/null 2>&1"
  }()

  private static func start(_ command: String) throws -> UnsafeMutablePointer<FILE> {
    try #require(popen(command, "r"), "popen: \(errno)")
  }

  private static func line(_ file: UnsafeMutablePointer<FILE>) -> String? {
    var text = [CChar](repeating: 0, count: 1 << 16)
    guard fgets(&text, Int32(text.count), file) != nil else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
  }

  private static func rest(_ file: UnsafeMutablePointer<FILE>) -> String {
    var text = ""
    while let line = line(file) { text += line }
    return text
  }

  private static func command(debug: String) -> String {
    child.split(separator: "%DEBUG%").joined(separator: debug)
  }

  @Test func anExpectationTellsItsStory() throws {
    let run = try Self.start(Self.command(debug: "''"))
    let text = Self.rest(run)
    #expect(pclose(run) != 0)
    #expect(text.contains("ticks = 0x19\n"), "\(text)")
    #expect(text.contains("by index 601, pc 0x4c, sysTick+0xc"))
    #expect(text.contains("the last 64 instructions:"))
    #expect(!text.contains("gdb-multiarch"))
  }

  @Test(.enabled(if: hasGDB)) func gdbComesToAFailure() throws {
    let run = try Self.start(Self.command(debug: "1"))
    var before = ""
    var target: Substring?
    while target == nil, let line = Self.line(run) {
      before += line
      if let place = line.firstRange(of: "target remote ") {
        target = line[place.upperBound...].prefix { $0 != "'" }
      }
    }
    let place = try #require(target, "\(before)")
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    let ticks = "*(int*)\(try machine.variable("ticks").address)"
    let words = [
      "target remote \(place)", "monitor icount", "print \(ticks)", "watch \(ticks)",
      "reverse-continue", "backtrace 1", "reverse-stepi", "print \(ticks)", "delete", "detach",
    ]
    let gdb = try Self.start(
      "timeout 60 gdb-multiarch -nx -batch -ex 'set confirm off' -ex 'set width 0' \(machine.image.path)"
        + words.map { " -ex '\($0)'" }.joined() + " </dev/null 2>&1")
    let spoken = Self.rest(gdb)
    pclose(gdb)
    let after = Self.rest(run)
    #expect(pclose(run) != 0)
    #expect(
      before.contains("anExpectationThatFails() has failed, and its machine stands at index 606:"))
    #expect(spoken.contains("index 606, "), "\(spoken)")
    #expect(spoken.contains("$1 = 25\n") && spoken.contains("$2 = 24\n"))
    #expect(spoken.contains("Hardware watchpoint 1: *(int*)") && spoken.contains("sysTick"))
    #expect(after.contains("ticks = 0x19") && after.contains("failed"), "\(after)")
  }
}
