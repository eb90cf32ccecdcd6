import Emu
import Foundation
import MachineCode
import Testing

@testable import EmurunCLI

@Suite struct CoverageTests {
  private let image = EmurunCLITests.image("led-heartbeat.elf")

  private func coverage(
    _ image: String, _ arguments: String...
  ) throws -> (outcome: Outcome, coverage: LCOV, text: String) {
    try withFolder { folder in
      let path = folder + "/run.info"
      let outcome = emurun([image, "--coverage", path] + arguments)
      let text = try read(path)
      return (outcome, try LCOV(text), text)
    }
  }

  /// However it is sliced, the same is kept, and keeping it is no part of the run. A machine that tells every instruction that retires
  /// says which those are.
  @Test(arguments: [
    "led-heartbeat.elf", "features-m4.elf", "features-rv64.elf", "hello-rv64.elf", "torture-m4.elf",
    "sbi-heartbeat-rv64.elf", "traps-runtime-m4.elf", "traps-runtime-rv64.elf",
  ])
  func everyInstruction(_ name: String) throws {
    let command = try Emurun.parse([
      EmurunCLITests.image(name), "--for", "100ms", "--max-instructions", "20000",
    ])
    var plan = try command.plan(standardInput: -1)
    let host = Host(output: Output(), errors: Output())
    let plain = try plan.machine()
    try plan.drive(plain, host: host, between: {})
    #expect(plain.executedCode == .none)
    plan.options.keepsExecutedCode = true
    var kept: [ExecutedCode] = []
    for pace in [Pace.start, .second] {
      let machine = try plan.machine()
      try plan.drive(machine, pace: pace, host: host, between: {})
      kept.append(machine.executedCode)
      #expect(machine.stateDigest == plain.stateDigest)
      #expect(machine.traceDigest == plain.traceDigest)
    }
    #expect(kept[0] == kept[1] && !kept[0].instructions.isEmpty)
    if plan.board.core.machine == .riscv64 {
      let machine = try plan.machine()
      var retired: Set<UInt64> = []
      machine.onCommit = { retired.insert($0.pc) }
      try plan.drive(machine, host: host, between: {})
      #expect(machine.executedCode == kept[0])
      let others = Set(kept[0].instructions.keys).symmetricDifference(retired)
      #expect(others.isSubset(of: kept[0].instructions.keys))
      #expect(others.count <= Int(plain.index - plain.retired))
    }
    // The engine comes from the pool, and keeps no more.
    plan.options.keepsExecutedCode = false
    let next = try plan.machine()
    try plan.drive(next, host: host, between: {})
    #expect(next.executedCode == .none && next.stateDigest == plain.stateDigest)
  }

  @Test func theLinesOfAProgram() throws {
    let (outcome, coverage, text) = try coverage(image, "--for", "2500ms")
    #expect(outcome.code == 0)
    let path = "Sources/Firmware/Programs/led-heartbeat/LEDHeartbeat.swift"
    let file = try #require(coverage.files[path])
    let source = try read(package(path)).split(separator: "\n", omittingEmptySubsequences: false)
    func count(_ words: String) -> UInt64? {
      source.firstIndex { $0.contains(words) }.flatMap { file.lines[$0 + 1] }
    }
    #expect(file.functions.mapValues(\.count) == ["main": 1, "sysTick": 1])
    #expect(count("console.print") == 1 && count("ticks += 1") == 1 && count("  ticks = 0") == 1)
    // Half a second is not over.
    let early = try self.coverage(image, "--for", "100ms").coverage.files[path]
    let place = try #require(source.firstIndex { $0.contains("  ticks = 0") })
    #expect(early?.lines[place + 1] == 0 && early?.functions["sysTick"]?.count == 1)
    #expect(text == coverage.text)
    #expect(try self.coverage(image, "--for", "2500ms", "--twice").text == text)
  }

  @Test func branches() throws {
    let (_, short, _) = try coverage(image, "--for", "100ms")
    let (_, long, _) = try coverage(image, "--for", "2s")
    func ways(_ coverage: LCOV) -> [UInt64?] { coverage.files.values.flatMap(\.branches.values) }
    #expect(ways(short).count == ways(long).count && ways(short).contains(nil))
    // What happens half a second later is executed by one of them alone.
    #expect(ways(short).count { ($0 ?? 0) > 0 } < ways(long).count { ($0 ?? 0) > 0 })
  }

  @Test func genhtmlReadsIt() throws {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/genhtml") else {
      let what = "there is no genhtml; scripts/setup test installs it"
      if ProcessInfo.processInfo.environment["CI"] != nil { Issue.record("\(what)") }
      print("skipped: \(what)")
      return
    }
    try withFolder { folder in
      let path = folder + "/run.info"
      #expect(emurun(image, "--for", "2s", "--coverage", path).code == 0)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/genhtml")
      process.currentDirectoryURL = URL(fileURLWithPath: package(""))
      process.arguments = [
        path, "--branch-coverage", "--ignore-errors", "source", "-o", folder + "/pages",
      ]
      let output = Pipe()
      process.standardOutput = output
      process.standardError = output
      try process.run()
      let words = String(
        decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(words)")
      let coverage = try LCOV(read(path))
      let lines = coverage.files.values.flatMap(\.lines.values)
      #expect(words.contains("(\(lines.count { $0 > 0 }) of \(lines.count) lines)"), "\(words)")
      let ways = coverage.files.values.flatMap(\.branches.values)
      #expect(words.contains("(\(ways.count { ($0 ?? 0) > 0 }) of \(ways.count) branches)"))
    }
  }

  @Test func sums() throws {
    try withFolder { folder in
      let (one, two, sum) = (folder + "/1.info", folder + "/2.info", folder + "/sum.info")
      #expect(emurun(image, "--for", "1s", "--coverage", one).code == 0)
      #expect(emurun(image, "--for", "2s", "--coverage", two).code == 0)
      #expect(emurun("coverage", "merge", one, two, "-o", sum).code == 0)
      let (first, second, both) = try (LCOV(read(one)), LCOV(read(two)), LCOV(read(sum)))
      #expect(try LCOV(read(sum).replacing("\n", with: "\r\n")).text == both.text)
      for (path, file) in both.files {
        for (line, count) in file.lines {
          let parts = [first, second].map { $0.files[path]?.lines[line] ?? 0 }
          #expect(count == parts[0] + parts[1])
        }
      }
      #expect(both.files.count == first.files.count)
      // Into one of them.
      #expect(emurun("coverage", "merge", one, two, "-o", one).code == 0)
      #expect(try read(one) == (try read(sum)))
    }
  }

  /// However many run at a time, each test counts once.
  @Test func ofTests() throws {
    try withFolder { folder in
      let path = folder + "/tests.info"
      let tests = package("Examples/tests")
      var texts: [String] = []
      for jobs in ["1", "4"] {
        #expect(emurun("test", tests, "--jobs", jobs, "--coverage", path).code == 0)
        texts.append(try read(path))
      }
      #expect(texts[0] == texts[1])
      let sum = try LCOV(texts[0])
      let heartbeat = sum.files["Sources/Firmware/Programs/led-heartbeat/LEDHeartbeat.swift"]
      #expect(heartbeat?.functions["sysTick"]?.count == 1)
      let start = try #require(sum.files.first { $0.key.hasSuffix("CortexM/Start.S") }?.value)
      #expect(start.lines.values.max() == 2)
    }
  }

  @Test func badInput() throws {
    try withFolder { folder in
      let path = folder + "/x.info"
      for (text, line) in [
        ("hello", 1), ("SF:a\nDA:1\nend_of_record\n", 2), ("DA:1,1\n", 1), ("SF:a\nSF:b\n", 2),
        ("SF:a\n", 2), ("SF:a\nBRDA:1,2,3\n", 2), ("SF:a\nFNDA:x,y\n", 2),
      ] {
        write(text.utf8, to: path)
        let outcome = emurun("coverage", "merge", path, "-o", folder + "/sum.info")
        #expect(outcome.code == 65 && outcome.errors.contains("x.info:\(line): "))
      }
      #expect(emurun("coverage", "merge", "/nowhere", "-o", path).code == 66)
      #expect(emurun("coverage", "merge", path).code == 64)
      let raw = emurun(EmurunCLITests.image("led-heartbeat.bin"), "--coverage", path)
      #expect(raw.code == 65 && raw.errors.contains("no line table"))
      #expect(emurun(image, "--coverage", "/nowhere/x").code == 73)
      #expect(emurun(image, "--coverage", path, "--gdb", "0").code == 64)
    }
  }
}
