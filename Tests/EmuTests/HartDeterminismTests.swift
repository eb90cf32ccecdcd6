import Testing

@testable import Emu

/// Four harts that take a lock by LR/SC, count by AMOs, patch each other's code, sleep and wake each
/// other: however it is run, it is the same run.
@Suite struct HartDeterminismTests {
  private static let harts = 4
  private static let rounds = 40
  private static let data = 0x8070_0000

  /// In `data`: +0 the lock, +8 what it guards, +16 counted by AMO, +24 how many are done, +32 what
  /// the patched routine made.
  private static let program = Assembler.program { a in
    a.beginNotes()
    for hart in 1..<harts {
      a.la(.a1, "work")
      a.li(.a0, hart)
      a.li(.a2, 0)
      a.call(.harts, 0)
    }
    a.li(.a0, 0)
    a.label("work")
    a.addi(.s1, .a0, 0)  // own number
    a.la(.t1, "handler")
    a.csrw(0x105, .t1)
    a.li(.t1, 2)
    a.csrw(0x104, .t1)
    a.lui(.s0, 0x80700)
    a.slli(.s0, .s0, 32)
    a.emit(32 << 20 | 8 << 15 | 5 << 12 | 8 << 7 | 0x13)
    a.li(.a5, rounds)
    a.label("round")
    // Interrupts on, but not while the lock is held: the handler ends in sret anyhow.
    a.li(.t1, 2)
    a.csrw(0x100, .t1)
    a.li(.t1, 1)
    a.label("take")
    a.emit(0x1004_23AF)  // lr.w t2, (s0)
    a.bne(.t2, .zero, "take")
    a.emit(0x1864_23AF)  // sc.w t2, t1, (s0)
    a.bne(.t2, .zero, "take")
    a.lw(.t2, .s0, 8)
    a.addi(.t2, .t2, 1)
    a.sw(.t2, .s0, 8)
    // The routine adds 1, or the number of whoever patched it last.
    a.la(.a3, "patched")
    a.lui(.a4, 0x00070)
    a.addi(.a4, .a4, 0x713)  // addi a4, a4, 0
    a.slli(.t2, .s1, 20)
    a.add(.a4, .a4, .t2)
    a.sw(.a4, .a3, 0)
    a.li(.a4, 0)
    a.label("patched")
    a.addi(.a4, .a4, 1)
    a.lw(.t2, .s0, 32)
    a.add(.t2, .t2, .a4)
    a.sw(.t2, .s0, 32)
    a.emit(0x0A04_202F)  // amoswap.w.rl zero, zero, (s0)
    a.addi(.t2, .s0, 16)
    a.emit(0x0063_A02F)  // amoadd.w zero, t1, (t2)
    // Wakes the next one; every hart but 0 sleeps now and then.
    a.addi(.a0, .s1, 1)
    a.li(.t2, harts)
    a.bne(.a0, .t2, "inside")
    a.li(.a0, 0)
    a.label("inside")
    a.addi(.a1, .a0, 0)
    a.li(.a0, 1)
    a.li(.a7, Int(SBI.Extension.interrupts.rawValue))
    a.li(.a6, 0)
    a.ecall()
    a.addi(.a5, .a5, -1)
    a.bne(.a5, .zero, "round")
    a.addi(.t2, .s0, 24)
    a.li(.t1, 1)
    a.emit(0x0063_A02F)
    a.bne(.s1, .zero, "stop")
    a.label("join")
    a.lw(.t2, .s0, 24)
    a.li(.t1, harts)
    a.bne(.t2, .t1, "join")
    a.lui(.t1, 0x10000)
    a.lw(.t2, .s0, 8)
    a.sw(.t2, .t1, 12)
    a.label("stop")
    a.call(.harts, 1)
    a.label("handler")
    a.csrw(0x144, .zero)
    a.addi(.a2, .a2, 1)
    a.emit(0x1020_0073)  // sret
  }

  private struct Outcome: Hashable, Sendable {
    var stop: Stop?
    var trace: String
    var state: String

    init(_ machine: Machine) {
      stop = machine.stop
      trace = machine.traceDigest
      state = machine.stateDigest
    }
  }

  private static func machine(
    _ quantum: UInt64, engine: MachineOptions.Engine = .pooled, trace: Event.Mask = .visible
  ) throws -> Machine {
    var board = Board.test
    board.harts = harts
    var options = MachineOptions()
    options.mode = .supervisor
    options.quantum = quantum
    options.engine = engine
    options.trace = trace
    options.deviceTree = (BootTests.emptyTree, "tree")
    return try Machine.running(program, board: board, options: options)
  }

  private static var end: RunLimit { RunLimit(index: 3_000_000) }

  @Test(arguments: [1, 2, 3, 7, 50, 1000, 1_000_000] as [UInt64])
  func nobodyIsInsideWithAnother(quantum: UInt64) throws {
    let machine = try Self.machine(quantum)
    _ = machine.run(until: Self.end)
    #expect(machine.stop?.reason == .finisher)
    #expect(machine.stop?.code == UInt32(Self.harts * Self.rounds))
    let counted: UInt32? = machine.memory.load(UInt64(Self.data) + 16)
    #expect(counted == UInt32(Self.harts * Self.rounds))
    // Each round of hart h adds h: its own patch is the last one while it holds the lock.
    let made: UInt32? = machine.memory.load(UInt64(Self.data) + 32)
    #expect(made == UInt32(Self.rounds * (0 + 1 + 2 + 3)))
    #expect(machine.traps.interrupts > 0)
  }

  @Test(arguments: [1, 3, 50, 1000] as [UInt64], 0..<4)
  func slicingIsInvisible(quantum: UInt64, seed: Int) throws {
    let whole = try Self.machine(quantum)
    _ = whole.run(until: Self.end)
    let engine: MachineOptions.Engine = [.cold, .fresh, .pooled, .cold][seed]
    let sliced = try Self.machine(quantum, engine: engine, trace: seed == 1 ? .all : .visible)
    var random = SplitMix(UInt64(seed) + quantum * 8)
    while sliced.stop == nil {
      var limit = RunLimit()
      let step = 1 + random.next() % (1 << (random.next() % 12))
      switch random.next() % 4 {
      case 0: limit.tick = sliced.now + step
      case 1: limit.index = sliced.index + step
      case 2: limit.retired = sliced.retired + step
      default:
        limit.index = sliced.index + 2000
        limit.event = { $0.index % 3 == 0 }
      }
      _ = sliced.run(until: limit)
    }
    #expect(Outcome(sliced) == Outcome(whole))
  }

  @Test(arguments: [1, 7, 1000] as [UInt64], 0..<3)
  func snapshotsAreInvisible(quantum: UInt64, seed: Int) throws {
    let whole = try Self.machine(quantum)
    _ = whole.run(until: Self.end)
    var random = SplitMix(UInt64(seed) + quantum * 4)
    var machine = try Self.machine(quantum)
    while machine.stop == nil {
      _ = machine.run(until: RunLimit(index: machine.index + 1 + random.next() % 3000))
      if machine.stop != nil { break }
      let snapshot = machine.snapshot()
      let state = machine.stateDigest
      _ = machine.run(until: RunLimit(index: machine.index + 500))
      machine = try Machine(snapshot)
      #expect(machine.stateDigest == state)
    }
    #expect(Outcome(machine) == Outcome(whole))
  }

  @Test func threadsAreInvisible() async throws {
    let whole = try Self.machine(1000)
    _ = whole.run(until: Self.end)
    let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let machine = try Self.machine(1000)
          while machine.stop == nil {
            _ = machine.run(until: RunLimit(index: machine.index + 777))
            await Task.yield()
          }
          return Outcome(machine)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(outcomes) == [Outcome(whole)])
  }
}
