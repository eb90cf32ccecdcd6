import Testing

@testable import Emu

@Suite struct SnapshotTests {
  /// Through snapshots at random places, with other machines using the pool in between: the same
  /// run.
  @Test(arguments: 0..<30) func cannotBeSeen(seed: Int) throws {
    let program = seed % 2 == 0 ? Program.alarms : Program.ecalls
    let end = RunLimit(index: 300)
    let whole = try Machine.running(program)
    _ = whole.run(until: end)
    var random = SplitMix(UInt64(seed))
    var machine = try Machine.running(program)
    while machine.stop == nil && machine.index < 300 {
      let limit = RunLimit(
        tick: machine.now + 1 + random.next() % 70,
        index: min(300, machine.index + random.next() % 40))
      _ = machine.run(until: limit)
      let snapshot = machine.snapshot()
      let before = machine.stateDigest
      // The one that was copied goes elsewhere.
      _ = machine.run(until: RunLimit(index: machine.index + random.next() % 50))
      machine = try Machine(snapshot)
      #expect(machine.stateDigest == before)
    }
    #expect(machine.traceDigest == whole.traceDigest)
    #expect(machine.stateDigest == whole.stateDigest)
    #expect(Array(machine.trace) == Array(whole.trace))
    #expect(machine.console.bytes == whole.console.bytes)
  }

  /// One booted machine, many that go on from it, at once.
  @Test func manyGoOnFromOne() async throws {
    let booted = try Machine.running(Program.alarms)
    _ = booted.run(until: RunLimit { $0.kind == .pin })
    let snapshot = booted.snapshot()
    _ = booted.run()
    let digest = booted.traceDigest
    let results = await withTaskGroup(of: String?.self) { group in
      for _ in 0..<32 {
        group.addTask {
          guard let machine = try? Machine(snapshot) else { return nil }
          _ = machine.run()
          return machine.traceDigest
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.allSatisfy { $0 == digest })
  }
}
