import Emu
import Testing

/// Swift's own checks, each told by its address alone.
@Suite struct PanicTraceTests {
  @Test(arguments: ["panic-trace-rv64", "panic-trace-m4"])
  func tellsWhatFailedAndWhere(name: String) throws {
    let machine = try Firmware.machine(name) { $0.trace.insert(.traps) }
    _ = machine.run(until: RunLimit(index: 2_000))
    let debug = try DebugInfo(Firmware.image(name))
    let checks = machine.trace.filter { $0.kind == .trap }.map { debug.runtimeCheck(at: $0.value) }
    #expect(
      checks.map { $0?.what } == [
        "arithmetic overflow", "Index out of bounds",
        "Unexpectedly found nil while unwrapping an Optional value", "Division by zero",
      ])
    let lines = try Firmware.source("panic-trace/PanicTrace.swift")
    for (check, text) in zip(checks, ["Int.max -", "numbers[", "nothing!", "100 /"]) {
      let check = try #require(check)
      #expect(check.file.hasSuffix("Programs/panic-trace/PanicTrace.swift"))
      #expect(lines[check.line - 1].contains(text))
    }
  }

  @Test(arguments: ["panic-trace-rv64.bin", "panic-trace-m4.bin"])
  func hasNoTextInIt(file: String) throws {
    let bytes = try Firmware.bytes(file)
    for word in ["overflow", "bounds", "nil", "zero", ".swift"] {
      #expect(bytes.firstRange(of: Array(word.utf8)) == nil)
    }
  }
}
