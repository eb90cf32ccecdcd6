import CoreShim
import Testing

@testable import Emu

/// An interrupt at every single tick of a program: it is entered exactly there, or where the program lets it, and the program's
/// results are what they are without it.
@Suite struct CortexMInjectionTests {
  /// Loops, an IT block, a subroutine, LDM and STM, a device store, SVC, PendSV, a critical section by PRIMASK and one by BASEPRI,
  /// FP, and the process stack: results in r4, r5, s16 and 0x20003000.
  private static func program(_ t: inout Thumb) {
    t.label("start")
    t.poke(SCS.cpacr, 0xF << 20)
    t.poke(SCS.iser, 1)
    t.poke(SCS.ipr, 0x20)
    t.poke(SCS.shpr2, 0x8000_0000)
    t.poke(SCS.shpr3, 0x00E0_0000)
    t.load(0, 0x2000_2000)
    t.msr(.psp, 0)
    t.movs(0, 2)
    t.msr(.control, 0)
    t.isb()
    t.movs(4, 1)
    t.movs(5, 0)
    t.movs(0, 3)
    // A new context takes some of FPSCR from FPDSCR, and leaves its flags to whoever comes.
    t.movs(1, 0)
    t.vmsr(1)
    t.vmov(s: 16, 0)
    t.vmov(s: 0, 0)
    t.movs(3, 4)
    t.label("loop")
    t.muls(4, 3)
    t.adds(4, 7)
    t.cmp(3, 2)
    t.it(0, 0xA)  // ITET EQ
    t.adds(5, 1)
    t.adds(5, 10)
    t.adds(5, 100)
    t.bl("sub")
    t.svc()
    t.cpsid()
    t.adds(5, 3)
    t.muls(5, 3)
    t.cpsie()
    t.movs(0, 0x20)
    t.msr(.basepri, 0)
    t.eors(4, 5)
    t.movs(0, 0)
    t.msr(.basepri, 0)
    t.subs(3, 1)
    t.bne("loop")
    t.poke(SCS.icsr, SCS.pendSV)
    t.load(0, 0x2000_3000)
    t.str(4, 0)
    t.str(5, 0, 4)
    t.end()
    t.label("sub")
    t.push(0b1111_0000, lr: true)
    t.movs(6, 9)
    t.vmov(s: 1, 6)
    t.vadd()
    t.load(6, Puller.mark)
    t.str(5, 6)
    t.pop(0b1111_0000, pc: true)
    t.label("svc")
    t.load(0, 0x2000_3008)
    t.ldr(1, 0)
    t.adds(1, 1)
    t.str(1, 0)
    t.returnFromHandler()
    t.label("pendsv")
    t.load(0, 0x2000_3008)
    t.ldr(1, 0)
    t.adds(1, 64)
    t.str(1, 0)
    t.returnFromHandler()
    // Clobbers all that it may, FP included.
    t.label("irq")
    t.load(0, Puller.lower)
    t.movs(1, 1)
    t.str(1, 0)
    t.load(0, 0x2000_3100)
    t.ldr(1, 0)
    t.adds(1, 1)
    t.str(1, 0)
    t.load(2, 0xDEAD_BEEF)
    t.vmov(s: 0, 2)
    t.vmov(s: 15, 2)
    t.vmsr(2)
    t.mov(3, 2)
    t.mov(12, 2)
    t.returnFromHandler()
  }

  private static func bench(_ puller: Puller = Puller()) throws -> CortexMBench {
    try CortexMBench(puller, vectors: [16: "irq", 11: "svc", 14: "pendsv"], program)
  }

  /// What the program has computed.
  private static func results(_ bench: CortexMBench) -> [UInt32] {
    let state = bench.state
    return [
      state.r[4], state.r[5], state.r[3], state.msp, state.psp, state.control, state.s[0],
      state.s[1], state.s[16], state.fpscr, bench.word(0x2000_3000), bench.word(0x2000_3004),
      bench.word(0x2000_3008),
    ] + bench.marks
  }

  /// A store that makes an interrupt pend in the middle of its block is run again alone; one that does so again and again ends
  /// its block from some time on.
  @Test func aStoreThatInterruptsAgainAndAgain() throws {
    let bench = try CortexMBench(vectors: [16: "irq"]) { t in
      t.label("start")
      t.poke(SCS.iser, 1)
      t.load(0, Puller.raise)
      t.load(5, Puller.lower)
      t.movs(1, 1)
      t.movs(2, 200)
      t.movs(4, 0)
      t.label("loop")
      t.str(1, 0)
      t.adds(4, 1)
      t.subs(2, 1)
      t.bne("loop")
      t.end()
      t.label("irq")
      t.str(1, 5)
      t.returnFromHandler()
    }
    // The engine has run other tests' programs.
    let before = core_figures(bench.core.core).repeats
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.entered.count == 200 && bench.state.r[4] == 200)
    #expect((1...100).contains(core_figures(bench.core.core).repeats - before))
  }

  @Test func interruptAtEveryTick() throws {
    let plain = try Self.bench()
    #expect(plain.run()?.reason == .finisher)
    let expected = Self.results(plain)
    let length = plain.machine.now
    #expect(length > 150)
    var late = 0
    for tick in 1..<length {
      let bench = try Self.bench(Puller(1, at: tick))
      #expect(bench.run()?.reason == .finisher, "\(tick)")
      #expect(Self.results(bench) == expected, "\(tick)")
      let entries = zip(bench.entered, bench.entries).filter { $0.0 == 16 }.map(\.1)
      #expect(entries.count <= 1, "\(tick)")
      if let entry = entries.first {
        #expect(entry >= tick)
        // Enabled by the store at index 9; masked for 3 and 4 instructions in the loop.
        let limit = max(tick, 10) + 4
        #expect(entry <= limit, "\(tick): \(entry)")
        if entry != tick && tick >= 10 { late += 1 }
        #expect(bench.word(0x2000_3100) == 1)
      } else {
        #expect(tick + 4 >= length)
      }
    }
    // Four times round the loop; CPSID and MSR themselves let nothing in behind them: 3 ticks each wait for PRIMASK and BASEPRI.
    #expect(late > 0 && late <= 4 * 7)
  }

  /// Whole, and an instruction at a time: the same trace, event for event, and the same state.
  @Test func slicingIsNotSeen() throws {
    for tick in stride(from: 20, to: 160, by: 7) as StrideTo<Tick> {
      let whole = try Self.bench(Puller(1, at: tick))
      let sliced = try Self.bench(Puller(1, at: tick))
      whole.run()
      var index: UInt64 = 0
      while sliced.machine.stop == nil {
        index += 1
        sliced.run(to: index)
      }
      #expect(Array(whole.machine.trace) == Array(sliced.machine.trace), "\(tick)")
      #expect(whole.state == sliced.state, "\(tick)")
    }
  }

  /// From a snapshot at every instruction the run ends as the first did.
  @Test func snapshotsGoOn() throws {
    let whole = try Self.bench(Puller(1, at: 90))
    let first = try Self.bench(Puller(1, at: 90))
    whole.run()
    for index in stride(from: 1, to: 180, by: 3) as StrideTo<UInt64> {
      first.run(to: index)
      let machine = try Machine(first.machine.snapshot())
      _ = machine.run(until: RunLimit(tick: 1_000_000))
      guard let core = machine.hart as? CortexM else { preconditionFailure("not a Cortex-M") }
      #expect(core.state == whole.state, "\(index)")
      #expect(machine.memory.load(0x2000_3000) == whole.word(0x2000_3000), "\(index)")
      #expect(Array(machine.trace) == Array(whole.machine.trace), "\(index)")
    }
  }

  /// The state is a value: taken, changed and put back, at every instruction.
  @Test func stateIsAValue() throws {
    let bench = try Self.bench(Puller(1, at: 60))
    for index in 1..<200 as Range<UInt64> {
      bench.run(to: index)
      let state = bench.state
      bench.core.state = state
      #expect(bench.state == state)
    }
    #expect(bench.run()?.reason == .finisher)
    let plain = try Self.bench()
    plain.run()
    #expect(Self.results(bench) == Self.results(plain))
  }

  /// Two interrupts of different priority, the second at every distance from the first: each is entered once, the urgent one never
  /// waits, and the frames are undone.
  @Test func twoInterruptsAtEveryDistance() throws {
    for distance in 0..<24 as Range<Tick> {
      let bench = try CortexMBench(
        Puller(2, at: 40 + distance), vectors: [16: "slow", 17: "fast"]
      ) { t in
        t.label("start")
        t.poke(SCS.ipr, 0x2060)
        t.poke(SCS.iser, 3)
        t.movs(4, 0)
        for _ in 0..<24 { t.nop() }
        t.poke(SCS.ispr, 1)
        for _ in 0..<40 { t.adds(4, 1) }
        t.end()
        t.label("slow")
        t.movs(0, 8)
        t.label("spin")
        t.subs(0, 1)
        t.bne("spin")
        t.returnFromHandler()
        t.label("fast")
        t.load(0, Puller.lower)
        t.movs(1, 2)
        t.str(1, 0)
        t.returnFromHandler()
      }
      #expect(bench.run()?.reason == .finisher)
      #expect(bench.state.r[4] == 40)
      #expect(bench.state.msp == 0x2000_1000)
      let order = zip(bench.entered, bench.entries).map { [UInt64($0.0), $0.1] }
      // Pended by the store at index 39, so due at 40.
      // At the same tick the urgent one alone is entered, and the other is chained by its fifth instruction.
      let expected = distance == 0 ? [[17, 40], [16, 44]] : [[16, 40], [17, 40 + distance]]
      #expect(order == expected, "\(distance)")
    }
  }
}
