import Testing

@testable import Emu

/// `MachineOptions.Timing.m4` against the Cortex-M4 Technical Reference Manual r0p1, tables 3-1 and 7-1, counted by hand, with two
/// cycles for a pipeline refill.
@Suite struct CortexMCycleTests {
  /// Instructions, and what they take together. r0 points at zeros, r1 is 7, r2 100, r4 the address behind them, r5 0, r6 -1;
  /// Z is set.
  struct Sequence: Sendable, CustomTestStringConvertible {
    var name: String
    var instructions: UInt64
    var code: [UInt16]
    var cycles: UInt64
    var testDescription: String { name }

    init(_ name: String, _ code: [UInt16], _ cycles: UInt64, count: UInt64 = 1) {
      (self.name, self.code, self.cycles, instructions) = (name, code, cycles, count)
    }
  }

  static let sequences: [Sequence] = [
    Sequence("MOVS", [0x2701], 1), Sequence("ADD.W", [0xEB00, 0x0701], 1),
    Sequence("MULS", [0x434F], 1), Sequence("MLA", [0xFB00, 0x4701], 1),
    Sequence("SMULL", [0xFB80, 0x7301], 1), Sequence("NOP", [0xBF00], 1),
    Sequence("LDR imm", [0x6807], 2), Sequence("LDR reg", [0x5947], 2),
    Sequence("LDR.W", [0xF8D0, 0x7000], 2), Sequence("LDR literal", [0x4F00], 2),
    Sequence("LDRD", [0xE9D0, 0x7300], 3), Sequence("LDREX", [0xE850, 0x7F00], 2),
    Sequence("STR imm", [0x6007], 1), Sequence("STR reg", [0x5147], 2),
    Sequence("STR.W imm", [0xF8C0, 0x7000], 1), Sequence("STR.W reg", [0xF840, 0x7005], 2),
    Sequence("STRB imm", [0x7007], 1), Sequence("STRH reg", [0x5347], 2),
    Sequence("STRD", [0xE9C0, 0x7300], 3), Sequence("PUSH, POP", [0xB488, 0xBC88], 6, count: 2),
    Sequence("LDM of 4", [0xE890, 0x0188], 4), Sequence("STM of 2", [0xC088], 3),
    Sequence("PUSH LR, POP PC", [0x46A6, 0xB500, 0xBD00], 1 + 2 + 4, count: 3),
    Sequence("B", [0xE7FF], 3), Sequence("BEQ taken", [0xD0FF], 3),
    Sequence("BNE not taken", [0xD1FF], 1), Sequence("BNE.W not taken", [0xF040, 0x8000], 1),
    Sequence("BEQ.W taken", [0xF000, 0x8000], 3), Sequence("BL", [0xF000, 0xF800], 3),
    Sequence("BX", [0x4720], 3), Sequence("MOV PC", [0x46A7], 3),
    Sequence("CBZ taken", [0xB105], 3), Sequence("CBNZ not taken", [0xB905], 1),
    Sequence("TBB", [0xE8D0, 0xF005], 4), Sequence("ISB", [0xF3BF, 0x8F6F], 3),
    Sequence("DSB", [0xF3BF, 0x8F4F], 1), Sequence("MRS", [0xF3EF, 0x8710], 1),
    Sequence("IT, skipped LDR", [0xBF18, 0x6807], 2, count: 2),
    Sequence("IT, LDR", [0xBF08, 0x6807], 3, count: 2),
    Sequence("ITE, LDR, STR reg", [0xBF0C, 0x6807, 0x5147], 1 + 2 + 1, count: 3),
    Sequence("IT, B", [0xBF08, 0xE7FF], 4, count: 2),
    Sequence("IT, skipped B", [0xBF18, 0xE7FF], 2, count: 2),
    Sequence("UDIV 100 / 7", [0xFBB2, 0xF7F1], 3), Sequence("UDIV 7 / 100", [0xFBB1, 0xF7F2], 2),
    Sequence("UDIV by 0", [0xFBB2, 0xF7F5], 2), Sequence("UDIV 2^32-1 / 7", [0xFBB6, 0xF7F1], 12),
    Sequence("SDIV -1 / 7", [0xFB96, 0xF7F1], 2),
    Sequence("IT, SDIV 100 / 7", [0xBF08, 0xFB92, 0xF7F1], 4, count: 2),
    Sequence("IT, skipped SDIV", [0xBF18, 0xFB92, 0xF7F1], 2, count: 2),
    Sequence("VADD", [0xEE30, 0x1A20], 1), Sequence("VMUL", [0xEE20, 0x1A20], 1),
    Sequence("VMLA", [0xEE00, 0x1A20], 3), Sequence("VFMA", [0xEEA0, 0x1A20], 3),
    Sequence("VDIV", [0xEE80, 0x1A20], 14), Sequence("VSQRT", [0xEEB1, 0x1AC0], 14),
    Sequence("VLDR single", [0xED90, 0x1A00], 2), Sequence("VLDR double", [0xED90, 0x0B00], 3),
    Sequence("VSTR single", [0xED80, 0x1A00], 2), Sequence("VLDM of 4", [0xEC90, 0x2A04], 5),
    Sequence("VPUSH of 4", [0xED2D, 0x0A04], 5), Sequence("VMOV of two", [0xEC57, 0x3A10], 2),
    Sequence("IT, VDIV", [0xBF08, 0xEE80, 0x1A20], 15, count: 2),
    Sequence("IT, skipped VSQRT", [0xBF18, 0xEEB1, 0x1AC0], 2, count: 2),
  ]

  private static func bench(_ code: [UInt16], timing: MachineOptions.Timing = .m4) throws
    -> CortexMBench
  {
    try CortexMBench(timing: timing) { t in
      t.label("start")
      t.poke(SCS.cpacr, 0xF << 20)
      t.load(0, 0x2000_2000)
      t.movs(5, 0)
      t.vmov(s: 0, 5)
      t.movs(1, 7)
      t.movs(2, 100)
      t.load(6, 0xFFFF_FFFF)
      t.load(4, "behind")
      t.cmp(1, 7)
      t.label("at")
      for halfword in code { t.emit(halfword) }
      t.label("behind")
      for _ in 0..<4 { t.emit(0xBF00) }
      t.end()
    }
  }

  @Test(arguments: sequences) func sequence(_ one: Sequence) throws {
    let stepped = try Self.bench(one.code)
    let at = UInt64(stepped.program.address("at"))
    while stepped.machine.pc != at { stepped.run(to: stepped.machine.index + 1) }
    let (first, begin) = (stepped.machine.index, stepped.machine.now)
    for _ in 0..<one.instructions { stepped.run(to: stepped.machine.index + 1) }
    #expect(stepped.machine.now - begin == one.cycles)

    // The same in one go, and to the end of everything.
    let whole = try Self.bench(one.code)
    whole.run(to: first + one.instructions)
    #expect(whole.machine.now - begin == one.cycles)
    whole.run()
    while stepped.machine.stop == nil { stepped.run(to: stepped.machine.index + 1) }
    #expect(whole.machine.stop?.reason == .finisher)
    #expect(whole.machine.now == stepped.machine.now && whole.state == stepped.state)
  }

  /// Two runs that differ in their timing are not taken for one another, before anything shows it.
  @Test func theDigestsNameTheTiming() throws {
    let machines = try [MachineOptions.Timing.unit, .m4].map {
      try Self.bench([], timing: $0).machine
    }
    #expect(machines[0].now == machines[1].now)
    #expect(machines[0].traceDigest != machines[1].traceDigest)
    #expect(machines[0].stateDigest != machines[1].stateDigest)
  }

  @Test func oneCycleAnInstructionUnlessAsked() throws {
    let bench = try Self.bench([0xEE80, 0x1A20, 0xBD00], timing: .unit)
    bench.run(to: 12)
    #expect(bench.machine.now == 12)
  }

  /// A timer that is due within an instruction acts before the next one, and its interrupt is entered there.
  @Test(arguments: 30..<110 as Range<Tick>) func anInterruptComesAtTheNextInstruction(due: Tick)
    throws
  {
    func bench() throws -> CortexMBench {
      try CortexMBench(Puller(1, at: due), vectors: [16: "irq"], timing: .m4) { t in
        t.label("start")
        t.poke(SCS.iser, 1)
        t.load(0, 0x2000_2000)
        t.movs(5, 0)
        for _ in 0..<10 { t.emit(0xBF18, 0x6807, 0xC8F0, 0xFBB6, 0xF7F1, 0xE7FF, 0xB480, 0xBC80) }
        t.end()
        t.label("irq")
        t.load(0, Puller.lower)
        t.movs(1, 1)
        t.str(1, 0)
        t.returnFromHandler()
      }
    }
    let machine = try bench().machine
    var begins: [(tick: Tick, index: UInt64)] = []
    var entry: (tick: Tick, index: UInt64)?
    while machine.stop == nil {
      begins.append((machine.now, machine.index))
      _ = machine.run(until: RunLimit(index: machine.index + 1))
      if entry == nil, let event = machine.trace.first(where: { $0.kind == .interrupt }) {
        entry = (event.tick, event.index)
      }
    }
    let struck = try #require(entry)
    let next = try #require(begins.first { $0.tick >= due })
    #expect(struck.tick == next.tick && struck.index == next.index)
    let whole = try bench()
    whole.run()
    #expect(Array(whole.machine.trace) == Array(machine.trace))
    #expect(whole.machine.now == machine.now)
  }

  /// Entry 12, and 12 + 10 + the handler's own until the program goes on.
  @Test func exceptionsTakeCycles() throws {
    let bench = try CortexMBench(vectors: [11: "svc"], timing: .m4) { t in
      t.label("start")
      t.load(2, SCS.demcr)
      t.load(1, 1 << 24)
      t.str(1, 2)
      t.load(2, SCS.dwtCTRL)
      t.movs(1, 1)
      t.str(1, 2)
      t.ldr(4, 2, 4)
      t.svc()
      t.ldr(5, 2, 4)
      t.end()
      t.label("svc")
      t.emit(0xBF00)
      t.returnFromHandler()
    }
    bench.run()
    // LDR 2, SVC 1, entry 12, NOP 1, BX 3, return 10.
    #expect(bench.state.r[5] - bench.state.r[4] == 2 + 1 + 12 + 1 + 3 + 10)
  }
}
