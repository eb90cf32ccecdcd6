import CoreShim
import Testing

@testable import Emu

/// Exception entry: ARM DDI 0403E.e, B1.5.6 and B1.5.7.
@Suite struct CortexMEntryTests {
  /// B1.5.5: "the value of the main stack pointer from the vector table at 0, the address of the reset handler at 4".
  @Test func resetTakesStackAndPCFromTheVectorTable() throws {
    let bench = try CortexMBench(stack: 0x2000_0F03) { t in
      t.label("start")
      t.b("start")
    }
    #expect(bench.state.msp == 0x2000_0F00)
    #expect(bench.state.r[13] == 0x2000_0F00)
    #expect(bench.state.r[14] == 0xFFFF_FFFF)
    #expect(bench.state.r[15] == bench.program.address("start"))
    #expect(bench.state.xpsr == 0x0100_0000)
    #expect(bench.state.control == 0)
  }

  /// B1.5.6, PushStack(): r0-r3, r12, LR, ReturnAddress and xPSR "from the lowest address up", the frame 8-byte aligned with
  /// xPSR bit 9 telling whether a word was inserted.
  @Test(arguments: [0, 4]) func basicFrameByteByByte(_ misalignment: Int) throws {
    let bench = try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      if misalignment != 0 { t.subSP(misalignment) }
      t.load(12, 0xCCCC_000C)
      t.load(14, 0xEEEE_000E)
      for number in 0...3 { t.load(number, 0x1111_0000 + UInt32(number)) }
      t.movs(4, 0)
      t.svc()
      t.label("after")
      t.end()
      t.label("svc")
      t.b("svc")
    }
    bench.run(to: UInt64(14 + (misalignment == 0 ? 0 : 1)))
    let state = bench.state
    #expect(state.xpsr & 0x1FF == 11)
    #expect(state.r[15] == bench.program.address("svc"))
    #expect(state.r[14] == 0xFFFF_FFF9)
    // 0x20001000 or 0x20000FFC, less the frame, rounded down to 8.
    let frame: UInt32 = misalignment == 0 ? 0x2000_0FE0 : 0x2000_0FD8
    #expect(state.msp == frame)
    let words = (0..<8).map { bench.word(frame + 4 * $0) }
    let flagZ: UInt32 = 1 << 30
    #expect(
      words == [
        0x1111_0000, 0x1111_0001, 0x1111_0002, 0x1111_0003, 0xCCCC_000C, 0xEEEE_000E,
        bench.program.address("after"),
        0x0100_0000 | flagZ | (misalignment == 0 ? 0 : 1 << 9),
      ])
  }

  /// B1.5.7: with CCR.STKALIGN clear the stack is 4-byte aligned, and return does not restore bit 2.
  @Test func withoutSTKALIGNTheFrameIsWordAligned() throws {
    let bench = try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.ccr, 0)
      t.subSP(4)
      t.svc()
      t.end()
      t.label("svc")
      t.mov(5, 13)
      t.ldrSP(4, 28)
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[5] == 0x2000_0FFC - 0x20)
    #expect(bench.state.r[4] & 1 << 9 == 0)
    #expect(bench.state.msp == 0x2000_0FFC)
  }

  /// B1.5.6, ExceptionTaken(): "PRIMASK, FAULTMASK, BASEPRI unchanged", "CONTROL.SPSEL = 0 // current stack is Main", "CONTROL.nPRIV
  /// unchanged"; and LR tells Thread mode and the process stack.
  @Test func entryFromThreadOnPSPUsesThatStackAndRunsOnMSP() throws {
    let bench = try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      t.load(0, 0x2000_2004)
      t.msr(.psp, 0)
      t.movs(0, 0x40)
      t.msr(.basepri, 0)
      t.movs(0, 3)
      t.msr(.control, 0)
      t.isb()
      t.svc()
      t.end()
      t.label("svc")
      t.mrs(4, .control)
      t.mrs(5, .basepri)
      t.mov(8, 14)
      t.mov(9, 13)
      t.mrs(10, .psp)
      t.returnFromHandler()
    }
    let stop = bench.run()
    #expect(stop?.reason == .finisher)
    let state = bench.state
    #expect(state.r[4] == 1)
    #expect(state.r[5] == 0x40)
    #expect(state.r[8] == 0xFFFF_FFFD)
    #expect(state.r[9] == 0x2000_1000)
    #expect(state.r[10] == 0x2000_1FE0)
    #expect(state.control == 3)
    #expect(state.psp == 0x2000_2004)
    #expect(bench.word(0x2000_1FE0 + 28) & 1 << 9 != 0)
  }

  /// EXC_RETURN of an exception that preempts another is 0xFFFFFFF1, and its frame lies on the main stack.
  @Test func nestedEntryReturnsToHandlerMode() throws {
    let bench = try CortexMBench(vectors: [11: "svc", 2: "nmi"]) { t in
      t.label("start")
      t.svc()
      t.end()
      t.label("svc")
      t.push(0, lr: true)
      t.poke(SCS.icsr, SCS.pendNMI, by: 0, with: 1)
      t.mrs(9, .ipsr)
      t.pop(0, pc: true)
      t.label("nmi")
      t.mov(8, 14)
      t.mrs(10, .ipsr)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.r[8] == 0xFFFF_FFF1)
    #expect(bench.state.r[9] == 11)
    #expect(bench.state.r[10] == 2)
    #expect(bench.state.msp == 0x2000_1000)
  }

  /// "EPSR.IT<7:0> = Zeros(8)" at entry, and the stacked xPSR keeps it: an IT block is interrupted in its middle and goes on.
  @Test func itBlockIsInterruptedInItsMiddle() throws {
    for tick in 4..<12 as Range<Tick> {
      let bench = try CortexMBench(Puller(1, at: tick), vectors: [16: "irq"]) { t in
        t.label("start")
        t.poke(SCS.iser, 1)
        t.cmp(0, 0)
        t.it(0, 0x7)  // ITTEE EQ would be 0x7: EQ EQ NE NE
        t.movs(1, 1)
        t.movs(2, 2)
        t.movs(1, 9)
        t.movs(2, 9)
        t.end()
        t.label("irq")
        t.load(0, Puller.lower)
        t.movs(3, 1)
        t.str(3, 0)
        t.mrs(4, .ipsr)
        t.ldrSP(5, 28)
        t.returnFromHandler()
      }
      #expect(bench.run()?.reason == .finisher, "\(tick)")
      #expect(bench.state.r[1] == 1, "\(tick)")
      #expect(bench.state.r[2] == 2, "\(tick)")
      #expect(bench.state.r[4] == 16, "\(tick)")
      let stackedIT = bench.state.r[5] & 0x0600_FC00
      // Enabled by the store at index 4; cmp is 5, IT 6, its block 7 to 10.
      #expect(bench.entries == [max(5, tick)], "\(tick)")
      #expect((stackedIT != 0) == (7...10).contains(tick), "\(tick)")
    }
  }

  /// A vector whose bit 0 is clear: "EPSR.T = tbit": UsageFault INVSTATE on the first instruction of the handler, with the
  /// address of the handler as return address.
  @Test func vectorWithoutThumbBitIsINVSTATE() throws {
    let bench = try CortexMBench(vectors: [6: "usage"], raw: [11: 0x600]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 1 << 18)
      t.poke(SCS.shpr2, 0x8000_0000)
      t.svc()
      t.label("usage")
      t.ldrSP(5, 24)
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 1 << 17)
    #expect(bench.state.r[5] == 0x600)
    #expect(bench.entered == [11, 6])
  }

  /// VTOR moves the vector table.
  @Test func vectorsComeFromVTOR() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, 0x2000_4000)
      t.load(1, "svc")
      t.str(1, 0, 44)
      t.poke(SCS.vtor, 0x2000_4000)
      t.svc()
      t.label("svc")
      t.end(3)
    }
    #expect(bench.run()?.code == 3)
  }

  /// What a store pends is entered directly behind it every time. The engine runs such a store a second time for that, but not
  /// for ever: it comes to end its block.
  @Test func aStoreThatPendsIsRunAgainAFewTimesOnly() throws {
    let bench = try CortexMBench(vectors: [14: "pendsv"], trace: .interrupts) { t in
      t.label("start")
      t.load(1, SCS.icsr)
      t.load(0, 1 << 28)
      t.movs(2, 200)
      t.label("again")
      t.str(0, 1)
      t.label("behind")
      t.subs(2, 1)
      t.bne("again")
      t.end()
      t.label("pendsv")
      t.bx(14)
    }
    let core = bench.machine.rig.cores[0]
    let before = core_figures(core).repeats
    bench.run()
    let struck = bench.machine.trace.filter { $0.kind == .interrupt }.map(\.value)
    let behind = UInt64(bench.program.address("behind"))
    #expect(struck == Array(repeating: behind, count: 200))
    #expect(core_figures(core).repeats - before <= 20)
  }
}
