import Testing

@testable import Emu

/// Debug events without a debugger (ARM DDI 0403E.e, C1.4 to C1.6), the DWT (C1.8), the FPB (C1.11), the
/// ITM (C1.7), and what software reads of all of them.
@Suite struct CortexMDebugTests {
  private static let monitor: UInt32 = 1 << 16
  private static let trace: UInt32 = 1 << 24
  private static let comp: UInt32 = 0xE000_1020

  /// Comparator `number` of the DWT: COMP, MASK, FUNCTION.
  private static func comparator(
    _ t: inout Thumb, _ number: UInt32, _ address: UInt32, mask: UInt32 = 2, function: UInt32
  ) {
    t.poke(comp + 16 * number, address)
    t.poke(comp + 16 * number + 4, mask)
    t.poke(comp + 16 * number + 8, function)
  }

  /// C1.8.1: FUNCTION 0101 is a load, 0110 a store, 0111 either. The DebugMonitor is entered directly
  /// behind the access, with DFSR.DWTTRAP; MATCHED is "cleared to zero" by the read.
  @Test(arguments: [5, 6, 7] as [UInt32]) func dataWatchpoint(_ function: UInt32) throws {
    let target: UInt32 = 0x2000_2004
    let bench = try CortexMBench(vectors: [12: "monitor"]) { t in
      t.label("start")
      t.poke(SCS.demcr, Self.monitor | Self.trace)
      Self.comparator(&t, 2, target, function: function)
      t.load(0, target)
      t.movs(1, 0x7F)
      t.movs(4, 0)
      t.ldr(2, 0, 4)
      t.str(1, 0, 4)
      t.adds(4, 1)
      t.strb(1, 0, 2)
      t.label("stored")
      t.adds(4, 1)
      t.ldrb(2, 0, 2)
      t.label("loaded")
      t.adds(4, 1)
      t.end()
      t.label("monitor")
      t.push(0xFF)
      t.emit(0x980E)  // LDR r0, [sp, #56]: the stacked PC
      t.load(1, 0xE000_ED30)
      t.ldr(2, 1)
      t.str(2, 1)
      t.load(3, Puller.mark)
      t.str(0, 3)
      t.str(2, 3)
      t.load(1, Self.comp + 40)
      t.ldr(2, 1)
      t.str(2, 3)
      t.ldr(2, 1)
      t.str(2, 3)
      t.pop(0xFF)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    let hits =
      (function != 5 ? ["stored"] : []) + (function != 6 ? ["loaded"] : [])
    let expected = hits.flatMap {
      [bench.program.address($0), 4, function | 1 << 24, function]
    }
    #expect(bench.marks == expected)
    #expect(bench.state.r[4] == 3)
    #expect(bench.state.r[2] == 0x7F)
    #expect(bench.word(target) == 0x7F_0000)
  }

  /// One word of an LDM, some bytes of an unaligned word, a masked range, a device: the instruction is
  /// made once, whole, and then it is entered.
  @Test func whatIsWatchedMayBePartOfAnAccess() throws {
    let bench = try CortexMBench(vectors: [12: "monitor"]) { t in
      t.label("start")
      t.poke(SCS.demcr, Self.monitor | Self.trace)
      t.load(0, 0x2000_2000)
      for word in 0..<8 {
        t.movs(1, 0x11 * (word + 1))
        t.str(1, 0, 4 * word)
      }
      Self.comparator(&t, 0, 0x2000_2008, mask: 2, function: 5)
      Self.comparator(&t, 1, 0x2000_2113, mask: 0, function: 6)
      Self.comparator(&t, 3, Puller.raise, mask: 3, function: 6)
      t.movs(4, 0)
      t.load(0, 0x2000_2000)
      t.emit(0xC80E)  // LDMIA r0!, {r1, r2, r3}
      t.label("one")
      t.mov(8, 1)
      t.mov(9, 2)
      t.mov(10, 3)
      t.mov(11, 0)
      t.load(0, 0x2000_2111)
      t.load(1, 0x8765_4321)
      t.str(1, 0)
      t.label("two")
      t.load(0, Puller.lower)
      t.str(1, 0)
      t.label("three")
      t.end()
      t.label("monitor")
      t.adds(4, 1)
      t.markWhereItStruck()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.marks == ["one", "two", "three"].map { bench.program.address($0) })
    #expect(Array(bench.state.r[8...11]) == [0x11, 0x22, 0x33, 0x2000_200C])
    #expect(bench.word(0x2000_2110) == 0x6543_2100)
    #expect(bench.word(0x2000_2114) & 0xFF == 0x87)
    #expect(bench.state.r[4] == 3)
  }

  /// Without DEMCR.MON_EN or TRCENA, and where the priority does not allow it, a watchpoint is ignored.
  @Test(arguments: [0, 1 << 16, 1 << 24, 1 << 24 | 1 << 16] as [UInt32])
  func watchpointThatCannotBeTaken(_ demcr: UInt32) throws {
    let bench = try CortexMBench(vectors: [12: "monitor", 11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.demcr, demcr)
      Self.comparator(&t, 0, 0x2000_2000, function: 6)
      t.svc()
      t.load(0, 0x2000_2000)
      t.str(0, 0)
      t.end(1)
      t.label("svc")
      t.load(0, 0x2000_2000)
      t.str(0, 0)
      t.returnFromHandler()
      t.label("monitor")
      t.end(2)
    }
    let works = demcr == 1 << 24 | 1 << 16
    #expect(bench.run()?.code == (works ? 2 : 1))
    #expect(bench.entered == (works ? [11, 12] : [11]))
  }

  /// C1.8.1, DATAVMATCH: comparator 1 compares the value of an access of DATAVSIZE where the comparators that DATAVADDR0
  /// and DATAVADDR1 name have their addresses. What function these have does not count.
  @Test(arguments: [5, 6] as [UInt32]) func valueWatchpoint(_ function: UInt32) throws {
    let bench = try CortexMBench(vectors: [12: "monitor"]) { t in
      t.label("start")
      t.poke(SCS.demcr, Self.monitor | Self.trace)
      Self.comparator(&t, 2, 0x2000_2000, function: 7)
      Self.comparator(&t, 3, 0x2000_2010, mask: 4, function: 0)
      // Halfwords, at the addresses of 2 and 3.
      Self.comparator(
        &t, 1, 0x0005_0005, mask: 0, function: function | 1 << 8 | 1 << 10 | 2 << 12 | 3 << 16)
      t.load(0, 0x2000_2000)
      t.movs(1, 5)
      t.str(1, 0)  // a word
      t.strh(1, 0, 8)  // elsewhere
      t.movs(1, 4)
      t.strh(1, 0)  // another value
      t.movs(1, 5)
      t.strh(1, 0, 2)
      t.label("stored")
      t.strh(1, 0, 0x1E)
      t.label("again")
      t.emit(0x8842)  // LDRH r2, [r0, #2]
      t.label("loaded")
      t.emit(0x8802)  // LDRH r2, [r0]
      t.load(0, Self.comp + 16 + 8)
      t.ldr(4, 0)
      t.ldr(5, 0)
      t.end()
      t.label("monitor")
      t.markWhereItStruck()
    }
    #expect(bench.run()?.reason == .finisher)
    let hits = function == 6 ? ["stored", "again"] : ["loaded"]
    #expect(bench.marks == hits.map { bench.program.address($0) })
    #expect(bench.state.r[4] == bench.state.r[5] | 1 << 24)
    #expect(bench.state.r[5] == function | 1 << 8 | 1 << 9 | 1 << 10 | 2 << 12 | 3 << 16)
    #expect(bench.machine.findings.isEmpty)
  }

  /// C1.8.1, CYCMATCH: comparator 0 waits for a value of DWT_CYCCNT, awake or asleep, and again when the counter has been
  /// set back.
  @Test(arguments: [false, true]) func cycleWatchpoint(_ sleeps: Bool) throws {
    func build(_ t: inout Thumb) {
      t.label("start")
      t.poke(SCS.demcr, Self.monitor | Self.trace)
      Self.comparator(&t, 0, 100, mask: 0, function: 4 | 1 << 7)
      t.movs(4, 0)
      t.load(0, SCS.cyccnt)
      t.movs(2, 0)
      t.load(1, SCS.dwtCTRL)
      t.movs(3, 1)
      t.str(3, 1)  // index 27: CYCCNT is 0
      t.label("loop")
      if sleeps { t.wfi() } else { t.nop() }
      t.cmp(4, 2)
      t.bne("loop")
      t.end()
      t.label("monitor")
      t.adds(4, 1)
      t.str(2, 0)
      t.returnFromHandler()
    }
    let bench = try CortexMBench(vectors: [12: "monitor"], build)
    #expect(bench.run()?.reason == .finisher)
    let ticks = bench.machine.trace.filter { $0.kind == .interrupt }.map(\.tick)
    #expect(ticks == [27 + 100, 27 + 100 + 1 + 100])
    #expect(bench.state.system.dfsr == 4)
    let sliced = try CortexMBench(vectors: [12: "monitor"], build)
    for tick in stride(from: 3, to: 400, by: 3) as StrideTo<Tick> {
      _ = sliced.machine.run(until: RunLimit(tick: tick))
    }
    #expect(Array(sliced.machine.trace) == Array(bench.machine.trace))
  }

  private static func watchingPC(_ t: inout Thumb) {
    t.label("start")
    t.poke(SCS.demcr, monitor | trace)
    comparator(&t, 1, 0x400 + 2 * 400, mask: 1, function: 4)
    t.movs(4, 0)
    t.movs(3, 3)
    t.b("there")
    while t.here < 0x400 + 2 * 400 - 2 { t.nop() }
    t.label("there")
    t.adds(4, 1)
    t.label("watched")
    t.adds(4, 16)
    t.label("behind")
    t.adds(4, 64)
    t.subs(3, 1)
    t.bne("there")
    t.end()
    t.label("monitor")
    t.ldrSP(0, 24)
    t.load(1, Puller.mark)
    t.str(0, 1)
    t.str(4, 1)
    t.returnFromHandler()
  }

  /// FUNCTION 0100 is the PC: behind the instruction at that address, so that a handler can return.
  @Test func pcWatchpoint() throws {
    let bench = try CortexMBench(vectors: [12: "monitor"], Self.watchingPC)
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.program.address("watched") == 0x400 + 2 * 400)
    let behind = bench.program.address("behind")
    #expect(bench.marks == [behind, 17, behind, 98, behind, 179])
    let sliced = try CortexMBench(vectors: [12: "monitor"], Self.watchingPC)
    var index: UInt64 = 0
    while sliced.machine.stop == nil && index < 5000 {
      index += 1
      sliced.run(to: index)
    }
    #expect(Array(sliced.machine.trace) == Array(bench.machine.trace))
  }

  /// C1.11: a breakpoint of the FPB is a BKPT in place of the instruction: before it, with DFSR.BKPT;
  /// DebugMonitor where that is enabled, else a HardFault with DEBUGEVT.
  @Test(arguments: [true, false]) func breakpointUnit(_ isMonitored: Bool) throws {
    let bench = try CortexMBench(vectors: [12: "monitor", 3: "hard"]) { t in
      t.label("start")
      t.poke(SCS.demcr, isMonitored ? Self.monitor : 0)
      t.poke(0xE000_2008, 0x8000_0001 | (0x400 + 2 * 401) & ~3)
      t.poke(0xE000_2000, 3)
      t.movs(4, 0)
      t.b("there")
      while t.here < 0x400 + 2 * 401 - 2 { t.nop() }
      t.label("there")
      t.adds(4, 1)
      t.label("broken")
      t.adds(4, 16)
      t.end(1)
      t.label("monitor")
      t.ldrSP(5, 24)
      t.mov(8, 4)
      t.poke(0xE000_2008, 0)
      t.returnFromHandler()
      t.label("hard")
      t.ldrSP(5, 24)
      t.end(2)
    }
    #expect(bench.run()?.code == (isMonitored ? 1 : 2))
    #expect(bench.state.r[5] == bench.program.address("broken"))
    #expect(bench.state.system.dfsr == 2)
    #expect(bench.state.r[4] == (isMonitored ? 17 : 1))
    #expect(bench.state.system.hfsr == (isMonitored ? 0 : 1 << 31))
  }

  /// C1.6.5, MON_STEP: after the return from DebugMonitor one instruction, then DebugMonitor, with
  /// DFSR.HALTED.
  @Test func monitorSteps() throws {
    let bench = try CortexMBench(vectors: [12: "monitor"]) { t in
      t.label("start")
      t.movs(4, 0)
      t.movs(5, 0)
      t.poke(SCS.demcr, Self.monitor | 1 << 17 | 1 << 18)
      t.label("first")
      t.adds(4, 1)
      t.adds(4, 1)
      t.adds(4, 1)
      t.adds(4, 1)
      t.end()
      t.label("monitor")
      t.ldrSP(0, 24)
      t.load(1, Puller.mark)
      t.str(0, 1)
      t.adds(5, 1)
      t.cmp(5, 4)
      t.bne("out")
      t.poke(SCS.demcr, Self.monitor, by: 0, with: 1)
      t.label("out")
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    let first = bench.program.address("first")
    #expect(bench.marks == [first, first + 2, first + 4, first + 6])
    #expect(bench.state.r[4] == 4)
    #expect(bench.state.system.dfsr == 1)
  }

  /// C1.6.5: MON_PEND makes DebugMonitor pending whatever MON_EN says, and it is taken by its
  /// priority; with MON_EN clear a BKPT behind it is a HardFault nevertheless.
  @Test(arguments: [false, true]) func monitorPendsByItself(_ isMonitored: Bool) throws {
    let bench = try CortexMBench(vectors: [12: "monitor", 3: "hard"]) { t in
      t.label("start")
      t.cpsid()
      t.poke(SCS.demcr, (isMonitored ? Self.monitor : 0) | 1 << 17)
      t.load(6, SCS.demcr)
      t.ldr(4, 6)
      t.label("open")
      t.cpsie()
      t.bkpt()
      t.label("monitor")
      t.ldrSP(0, 24)
      t.load(1, Puller.mark)
      t.str(0, 1)
      t.adds(5, 1)
      t.cmp(5, 2)
      t.bne("back")
      t.end(12)
      t.label("back")
      t.returnFromHandler()
      t.label("hard")
      t.end(3)
    }
    #expect(bench.run()?.code == (isMonitored ? 12 : 3))
    #expect(bench.state.r[4] >> 16 == (isMonitored ? 3 : 2))
    let open = bench.program.address("open")
    #expect(bench.marks == (isMonitored ? [open + 2, open + 2] : [open + 2]))
    #expect(bench.state.system.hfsr == (isMonitored ? 0 : 1 << 31))
  }

  // MARK: ITM

  /// C1.7: a stimulus port that is enabled sends what is written to it, with its width; one that is
  /// not, an ITM that is off and DEMCR.TRCENA clear send nothing.
  @Test func stimulusPorts() throws {
    let bench = try CortexMBench { t in
      let itm: UInt32 = 0xE000_0000
      t.label("start")
      t.load(0, itm)
      t.movs(1, 0x41)
      t.strb(1, 0)
      t.poke(itm + 0xE80, 1)  // locked
      t.poke(itm + 0xFB0, 0xC5AC_CE55)
      t.poke(SCS.demcr, Self.trace)
      t.poke(itm + 0xE00, 1 << 5 | 1)
      t.strb(1, 0)
      t.ldr(2, 0)
      t.mov(8, 2)
      t.poke(itm + 0xE80, 1)
      t.ldr(2, 0)
      t.mov(9, 2)
      t.strb(1, 0)
      t.load(1, 0x4443_4241)
      t.strh(1, 0)
      t.str(1, 0)
      t.str(1, 0, 4)
      t.str(1, 0, 20)
      // Unprivileged: ports 0 to 7 are privileged by TPR; 8 to 15 not.
      t.poke(itm + 0xE40, 1)
      t.poke(itm + 0xE00, 0xFFFF)
      t.movs(1, 1)
      t.msr(.control, 1)
      t.isb()
      t.movs(1, 0x50)
      t.strb(1, 0)
      t.str(1, 0, 32)
      t.poke(itm + 0xE00, 0)
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.r[8] == 0)
    #expect(bench.state.r[9] == 1)
    let sent = bench.machine.trace.filter { $0.kind == .itm }
    #expect(sent.map(\.detail) == [1 << 24, 2 << 24, 4 << 24, 4 << 24 | 5, 4 << 24 | 8])
    #expect(sent.map(\.value) == [0x41, 0x4241, 0x4443_4241, 0x4443_4241, 0x50])
    #expect(bench.state.debug.portEnables == 0xFFFF)
    #expect(bench.machine.findings.contains { $0.name.contains("ITM_LAR") })
  }

  // MARK: What software reads

  /// Identification: CPUID r0p1, the ID registers, MVFR, PID and CID, the ROM table, the sizes of DWT
  /// and FPB; DHCSR as a processor without debugger sees it.
  @Test(
    arguments: [
      (0xE000_ED00, 0x410F_C241), (0xE000_ED40, 0x30), (0xE000_ED44, 0x200),
      (0xE000_ED48, 0x0010_0000), (0xE000_EF40, 0x1011_0021), (0xE000_EF44, 0x1100_0011),
      (0xE000_ED90, 0x800), (0xE000_1000, 0x4C00_0000), (0xE000_2000, 0x260),
      (0xE000_2004, 0x2000_0000), (0xE000_0FB4, 3), (0xE000_EDF0, 0x0300_0000),
      (0xE00F_F000, 0xFFF0_F003), (0xE00F_F004, 0xFFF0_2003), (0xE00F_F008, 0xFFF0_3003),
      (0xE00F_F00C, 0xFFF0_1003), (0xE00F_F018, 0), (0xE00F_FFE0, 0xC4), (0xE00F_FFF4, 0x10),
      (0xE000_EFE0, 0x0C), (0xE000_1FE0, 0x02), (0xE000_2FE0, 0x03), (0xE000_0FE8, 0x3B),
      (0xE000_0FFC, 0xB1),
    ] as [(UInt32, UInt32)])
  func identification(_ address: UInt32, _ value: UInt32) throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, address)
      t.ldr(4, 0)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == value)
    #expect(bench.machine.findings.isEmpty)
  }

  /// S_RESET_ST is "cleared to zero on a read"; software cannot set C_DEBUGEN.
  @Test func haltingControl() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, 0xE000_EDF0)
      t.ldr(1, 0)
      t.load(2, 0xA05F_0003)
      t.str(2, 0)
      t.ldr(4, 0)
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.r[4] == 0x0100_0000)
  }

  /// SLEEPCNT counts ticks asleep, modulo 256, from where it was enabled; PCSR shows an instruction
  /// that was just executed.
  @Test func countersAndPCSR() throws {
    let bench = try CortexMBench(Puller(1, at: 1000)) { t in
      t.label("start")
      t.poke(SCS.demcr, Self.trace)
      t.poke(SCS.dwtCTRL, 0x3E_0000)
      t.poke(SCS.iser, 1)
      t.cpsid()
      t.wfi()
      t.load(0, 0xE000_1010)
      t.ldr(4, 0)
      t.ldr(5, 0, 4)
      t.label("here")
      t.ldr(3, 0, 12)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == UInt32(bench.machine.asleep & 0xFF))
    #expect(bench.machine.asleep == 1000 - 17)
    #expect(bench.state.r[5] == 0)
    #expect(bench.state.r[3] == bench.program.address("here"))
  }

  /// All of it is one value: through snapshots, at every tenth instruction.
  @Test func snapshotsKeepWhatIsWatched() throws {
    let whole = try CortexMBench(vectors: [12: "monitor"], Self.watchingPC)
    let first = try CortexMBench(vectors: [12: "monitor"], Self.watchingPC)
    whole.run()
    for index in stride(from: 5, to: 400, by: 17) as StrideTo<UInt64> {
      first.run(to: index)
      let machine = try Machine(first.machine.snapshot())
      _ = machine.run(until: RunLimit(tick: 1_000_000))
      #expect(Array(machine.trace) == Array(whole.machine.trace), "\(index)")
    }
  }
}

extension Thumb {
  /// The rest of a handler: the frame's return address becomes a mark.
  fileprivate mutating func markWhereItStruck() {
    push(0xF)
    emit(0x980A)  // LDR r0, [sp, #40]
    load(3, Puller.mark)
    str(0, 3)
    pop(0xF)
    returnFromHandler()
  }
}
