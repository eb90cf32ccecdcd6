import Testing

@testable import Emu

/// A rig from the pool is a new one in all that can be seen.
@Suite struct PoolTests {
  /// Scribbles over RAM, its own code included.
  private static let vandal = Assembler.program { a in
    a.la(.t1, "end")
    a.lui(.t2, 0x80100)
    a.label("again")
    a.sw(.t2, .t1, 0)
    a.addi(.t1, .t1, 2044)
    a.bne(.t1, .t2, "again")
    a.label("end")
  }

  private static func outcome(
    _ code: [UInt32], _ engine: MachineOptions.Engine, ticks: UInt64 = 3000
  ) throws -> [String] {
    var options = MachineOptions()
    options.engine = engine
    let machine = try Machine.running(code, options: options)
    let start = machine.stateDigest
    _ = machine.run(until: RunLimit(tick: ticks))
    return [start, machine.stateDigest, machine.traceDigest, machine.console.text]
  }

  @Test func usedRigsAreLikeNewOnes() throws {
    let programs = [Program.alarms, Program.ecalls, Self.vandal, Program.alarms.reversed()]
    let fresh = try programs.map { try Self.outcome($0, .fresh) }
    var random = SplitMix(5)
    for _ in 0..<200 {
      let number = Int(random.next() % 4)
      let engine: MachineOptions.Engine = random.next() % 4 == 0 ? .cold : .pooled
      #expect(try Self.outcome(programs[number], engine) == fresh[number])
    }
  }

  @Test func hostWritesAreUndone() throws {
    let reference = try Machine.running(Program.alarms).stateDigest
    do {
      let machine = try Machine.running(Program.alarms)
      machine.memory.write([1, 2, 3], at: 0x8080_0000)
      machine.memory.store(0xFFFF_FFFF as UInt32, at: 0x8000_0000)
      #expect(machine.stateDigest != reference)
    }
    #expect(try Machine.running(Program.alarms).stateDigest == reference)
  }

  @Test func threadsDoNotMeet() async throws {
    let fresh = try Self.outcome(Program.alarms, .fresh)
    let results = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<64 {
        group.addTask { (try? Self.outcome(Program.alarms, .pooled)) == fresh }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.allSatisfy { $0 })
  }

  /// Translated code of an unchanged image is kept, and only then.
  @Test func warmBootsTranslateNothing() throws {
    func translations() throws -> UInt64 {
      let machine = try Machine.running(Program.alarms)
      _ = machine.run()
      return machine.rig.figures().translations
    }
    var options = MachineOptions()
    options.engine = .cold
    _ = try Machine.running(Program.alarms, options: options).run()
    let once = try translations()
    #expect(try translations() == once)
  }
}
