import Testing

@testable import Emu

/// Several harts: whose turn it is, and when. What they run begins with the reset ROM's six
/// instructions on each of them.
@Suite struct HartTests {
  private static func machine(
    harts: Int, quantum: UInt64 = 1000, _ build: (inout Assembler) -> Void
  ) throws -> Machine {
    var board = Board.test
    board.harts = harts
    var options = MachineOptions()
    options.quantum = quantum
    options.trace = .all
    return try Machine.running(Assembler.program(build), board: board, options: options)
  }

  /// Counts rounds of two instructions in s0; its number is in a0.
  private static func counting(_ a: inout Assembler) {
    a.label("again")
    a.addi(.s0, .s0, 1)
    a.j("again")
  }

  private static func register(_ name: String, _ hart: Hart) -> UInt64? {
    hart.registers.first { $0.name == name }?.value
  }

  @Test func turnsAreAThousandAttempts() throws {
    let machine = try Self.machine(harts: 3, Self.counting)
    #expect(machine.run(until: RunLimit(index: 4500)) == .limit)
    #expect(machine.harts.map(\.number) == [0, 1, 2])
    // 994 attempts behind the ROM are 497 rounds; then 1,000 more, and 500.
    #expect(machine.harts.map { Self.register("s0", $0) } == [997, 747, 497])
    #expect(machine.harts.map { Self.register("a0", $0) } == [0, 1, 2])
    #expect(machine.retired == 4500 && machine.now == 4500)
    // Each reads its own instructions, and the machine's cycles.
    #expect(machine.harts.map { Self.register("minstret", $0) } == [2000, 1500, 1000])
    #expect(machine.harts.map { Self.register("mcycle", $0) } == [4500, 4500, 4500])
  }

  @Test(arguments: [1, 2, 3, 7, 64, 100_000] as [UInt64]) func aTurnIsAsLongAsOneSays(
    quantum: UInt64
  ) throws {
    let machine = try Self.machine(harts: 2, quantum: quantum, Self.counting)
    for turn in 0..<20 as Range<UInt64> {
      #expect(machine.run(until: RunLimit(index: turn * quantum + 1)) == .limit)
      #expect(machine.hart.number == turn % 2)
      #expect(machine.run(until: RunLimit(index: (turn + 1) * quantum)) == .limit)
    }
    let attempts = machine.harts.map { Self.register("minstret", $0) }
    #expect(attempts == [10 * quantum, 10 * quantum])
  }

  /// wfi gives the rest of a turn away, also where it does not wait.
  @Test func wfiEndsATurn() throws {
    let machine = try Self.machine(harts: 2) { a in
      a.bne(.a0, .zero, "count")
      a.addi(.t1, .zero, 8)
      a.csrw(0x304, .t1)  // mie.MSIE
      a.label("wait")
      a.wfi()
      a.j("wait")
      a.label("count")
      Self.counting(&a)
    }
    #expect(machine.run(until: RunLimit(index: 6 + 4)) == .limit)
    #expect(machine.hart.number == 0 && machine.hart.sleep == .interrupt)
    // Hart 1 is alone and does not notice the ends of its turns.
    #expect(machine.run(until: RunLimit(index: 10 + 50_000)) == .limit)
    #expect(machine.hart.number == 1)
    #expect(Self.register("minstret", machine.harts[1]) == 50_000)
    #expect(machine.asleep == 0)
  }

  /// An alarm goes off while hart 1 is alone: it still has the whole of the turn that it is in.
  @Test(arguments: [0, 1, 17, 500, 980, 981, 982, 983, 1000, 5000]) func whoIsWokenWaitsForItsTurn(
    delay: Int
  ) throws {
    let machine = try Self.machine(harts: 2) { a in
      a.lui(.t0, 0x10000)
      a.bne(.a0, .zero, "set")
      a.lui(.t1, 1)
      a.addi(.t1, .t1, -2048)
      a.csrw(0x304, .t1)  // mie.MEIE
      a.wfi()
      a.sw(.zero, .t0, 8)
      a.sw(.zero, .t0, 12)
      a.label("set")
      a.lui(.t1, 2)
      a.lui(.t2, UInt32(delay + 0x800) >> 12)
      a.addi(.t2, .t2, (delay & 0xFFF ^ 0x800) - 0x800)
      a.sw(.t2, .t0, 4)
      Self.counting(&a)
    }
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.reason == .finisher && stop.hart == 0)
    // Six and six instructions of hart 0; of hart 1 the alarm is set by number 11 of its first turn.
    let start: UInt64 = 12
    let alarm = start + 11 + UInt64(max(delay, 1))
    let end = start + (alarm - start + 999) / 1000 * 1000
    let wake = machine.trace.first { $0.kind == .wake }
    #expect(wake?.index == end && wake?.hart == 0)
    #expect(wake?.value == end - start)
  }

  /// All are asleep: the clock jumps, and whoever is woken goes on.
  @Test func allOfThemSleep() throws {
    let machine = try Self.machine(harts: 8) { a in
      a.lui(.t0, 0x10000)
      a.bne(.a0, .zero, "sleep")
      a.lui(.t1, 1)
      a.addi(.t1, .t1, -2048)
      a.csrw(0x304, .t1)
      a.addi(.t1, .zero, 700)
      a.sw(.t1, .t0, 4)
      a.wfi()
      a.sw(.zero, .t0, 12)
      a.label("sleep")
      a.wfi()
      a.j("sleep")
    }
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.reason == .finisher)
    // The alarm was set at tick 12, hart 0 slept from 14 on, the seven others from 14 + 7 * 9.
    #expect(machine.index == 14 + 7 * 9 + 1)
    #expect(machine.now == 12 + 700 + 1)
    #expect(machine.asleep == machine.now - machine.index)
  }

  @Test func nobodyWakesAnybody() throws {
    let machine = try Self.machine(harts: 4) { $0.wfi() }
    #expect(machine.run() == .asleep && machine.index == 28)
  }

  /// The quantum is part of the machine: another one is another run.
  @Test func theQuantumIsPartOfTheDigest() throws {
    func digests(_ harts: Int, _ quantum: UInt64) throws -> [String] {
      let machine = try Self.machine(harts: harts, quantum: quantum) { $0.wfi() }
      _ = machine.run()
      return [machine.traceDigest, machine.stateDigest]
    }
    #expect(try digests(2, 1000) == digests(2, 1000))
    #expect(Set(try digests(2, 1000) + digests(2, 999) + digests(3, 1000)).count == 6)
    #expect(try digests(1, 1000) == digests(1, 999))
  }

  @Test func aGuestResetResetsAllHarts() throws {
    // Hart 1 counts in RAM that no file fills and resets the board twice; the third time it ends the run.
    let machine = try Self.machine(harts: 2) { a in
      a.lui(.t0, 0x10000)
      a.bne(.a0, .zero, "one")
      a.label("zero")
      a.addi(.s0, .s0, 1)
      a.j("zero")
      a.label("one")
      a.addi(.t1, .zero, 0x401)
      a.slli(.t1, .t1, 21)
      a.lw(.t2, .t1, 0)
      a.addi(.t2, .t2, 1)
      a.sw(.t2, .t1, 0)
      a.addi(.s1, .zero, 3)
      a.bne(.t2, .s1, "reset")
      a.sw(.t2, .t0, 12)
      a.label("reset")
      a.sw(.t2, .t0, 28)
    }
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.reason == .finisher && stop.code == 3 && stop.hart == 1)
    #expect(machine.resets == 2)
    #expect(machine.index == 3 * (1000 + 6 + 10) && machine.retired == machine.index)
    #expect(Self.register("s0", machine.harts[0]) == 496)
  }
}
