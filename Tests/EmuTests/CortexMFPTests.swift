import Testing

@testable import Emu

/// The floating-point context: ARM DDI 0403E.e, B1.4.7 (FP contexts), B1.5.6 to B1.5.8 (extended frames), B3.2.20 to B3.2.22.
@Suite struct CortexMFPTests {
  private static let on: UInt32 = 0xF << 20

  /// 26 words: the basic frame, s0 to s15, FPSCR and a word of padding; always 8-byte aligned; EXC_RETURN bit 4 is clear, and the
  /// handler starts without a context: "CONTROL.FPCA = 0".
  @Test func extendedFrame() throws {
    let bench = try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, Self.on)
      t.subSP(4)
      for number in 0..<16 {
        t.movs(0, 0x30 + number)
        t.vmov(s: number, 0)
      }
      t.load(0, 0x0300_0000)
      t.vmsr(0)
      t.mrs(4, .control)
      t.svc()
      t.label("after")
      t.vmov(3, s: 5)
      t.mrs(5, .control)
      t.end()
      t.label("svc")
      t.mov(8, 14)
      t.mov(9, 13)
      t.mrs(10, .control)
      t.movs(0, 0)
      t.vmov(s: 5, 0)
      t.mrs(11, .control)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    let state = bench.state
    #expect(state.r[4] == 4)
    #expect(state.r[8] == 0xFFFF_FFE9)
    let frame: UInt32 = 0x2000_1000 - 4 - 0x68 - 4
    #expect(state.r[9] == frame)
    #expect(state.r[10] == 0)
    #expect(state.r[11] == 4)
    #expect(bench.word(frame + 24) == bench.program.address("after"))
    #expect(bench.word(frame + 28) & 1 << 9 != 0)
    for number in 0..<16 as Range<UInt32> {
      #expect(bench.word(frame + 32 + 4 * number) == 0x30 + number)
    }
    #expect(bench.word(frame + 0x60) == 0x0300_0000)
    #expect(state.r[3] == 0x35)
    #expect(state.r[5] == 4)
    #expect(state.msp == 0x2000_0FFC)
    #expect(state.fpscr == 0x0300_0000)
  }

  /// Without an FP context the frame is basic, though the FPU is on.
  @Test func noContextNoExtendedFrame() throws {
    let bench = try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, Self.on)
      t.svc()
      t.end()
      t.label("svc")
      t.mov(8, 14)
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[8] == 0xFFFF_FFF9)
  }

  /// A handler with FP that is preempted itself: 0xFFFFFFE1.
  @Test func nestedExtendedFrames() throws {
    let bench = try CortexMBench(vectors: [11: "svc", 2: "nmi"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, Self.on)
      t.movs(0, 11)
      t.vmov(s: 0, 0)
      t.svc()
      t.vmov(4, s: 0)
      t.end()
      t.label("svc")
      t.push(0, lr: true)
      t.movs(0, 22)
      t.vmov(s: 0, 0)
      t.poke(SCS.icsr, SCS.pendNMI, by: 0, with: 1)
      t.vmov(5, s: 0)
      t.pop(0, pc: true)
      t.label("nmi")
      t.mov(8, 14)
      t.movs(0, 33)
      t.vmov(s: 0, 0)
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[8] == 0xFFFF_FFE1)
    #expect(bench.state.r[5] == 22)
    #expect(bench.state.r[4] == 11)
  }

  /// A new FP context begins with FPSCR from FPDSCR (B1.4.7); a store to it or to CPACR counts from the next instruction on, with
  /// no ISB in between, whatever block it is in.
  @Test func newContextTakesFPDSCR() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, 0xE000_EF3C)
      t.load(1, 0x0200_0000)
      t.load(2, SCS.cpacr)
      t.load(3, Self.on)
      t.str(1, 0)
      t.str(3, 2)
      t.vadd()
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.fpscr == 0x0200_0000)
  }

  /// FPCCR.ASPEN clear: FP instructions set no FPCA, frames stay basic.
  @Test func withoutASPENThereAreNoContexts() throws {
    let bench = try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, Self.on)
      t.poke(SCS.fpccr, 0)
      t.vadd()
      t.svc()
      t.end()
      t.label("svc")
      t.mov(8, 14)
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[8] == 0xFFFF_FFF9)
  }

  /// CPACR field 1: privileged access only.
  @Test func privilegedAccessOnly() throws {
    let bench = try CortexMBench(vectors: [3: "hard"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, 5 << 20)
      t.vadd()
      t.movs(0, 1)
      t.msr(.control, 0)
      t.isb()
      t.label("here")
      t.vadd()
      t.label("hard")
      t.ldrSP(5, 24)
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 1 << 19)
    #expect(bench.state.r[5] == bench.program.address("here"))
  }

  /// CPACR, B3.2.20: any attempted access to a coprocessor that is denied is NOCP, one by an encoding that is UNDEFINED
  /// included. Allowed, it is UNDEFINSTR.
  @Test(arguments: [0xEE80_0A60, 0xEE30_0B20, 0xFE30_0A20] as [UInt32], [false, true])
  func undefinedAccess(_ encoding: UInt32, _ isOn: Bool) throws {
    let bench = try CortexMBench(vectors: [3: "hard"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, isOn ? Self.on : 0)
      t.emit(UInt16(encoding >> 16), UInt16(encoding & 0xFFFF))
      t.label("hard")
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == (isOn ? 1 << 16 : 1 << 19))
  }

  // MARK: Lazy state preservation

  /// Thread FP, then SVC whose handler waits, uses FP, and waits again: the frame as it is in memory
  /// at each of the three, with LSPACT.
  private static func lazy(
    _ handler: @escaping (inout Thumb) -> Void, thread: (inout Thumb) -> Void = { _ in }
  ) throws -> CortexMBench {
    try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, Self.on)
      t.load(0, 0x2000_0F00)
      t.load(1, 0xDEAD_BEEF)
      for word in 0..<32 { t.str(1, 0, 4 * word) }
      t.load(0, 0x2000_0F80)
      for word in 0..<32 { t.str(1, 0, 4 * word) }
      for number in 0..<16 {
        t.movs(0, 0x30 + number)
        t.vmov(s: number, 0)
      }
      t.load(0, 0x9300_0003)
      t.vmsr(0)
      thread(&t)
      t.svc()
      t.vmov(8, s: 0)
      t.vmov(9, s: 15)
      t.vmrs(10)
      t.mrs(11, .control)
      t.end()
      t.label("svc")
      handler(&t)
      t.returnFromHandler()
    }
  }
  private static let frame: UInt32 = 0x2000_1000 - 0x68
  private static let unwritten: UInt32 = 0xDEAD_BEEF

  /// B1.5.7: with LSPEN "the processor reserves space on the stack" and sets FPCAR and LSPACT; the
  /// state is there directly behind the first FP instruction's start, and not before.
  @Test func frameIsFilledAtTheFirstFPInstruction() throws {
    let bench = try Self.lazy { t in
      t.label("entered")
      t.nop()
      t.label("first")
      t.vadd()
      t.label("used")
      t.nop()
    }
    func fpWords() -> [UInt32] { (0..<17).map { bench.word(Self.frame + 0x20 + 4 * $0) } }
    let goal = UInt64(bench.program.address("first"))
    while bench.machine.pc != goal { bench.run(to: bench.machine.index + 1) }
    #expect(fpWords().allSatisfy { $0 == Self.unwritten })
    #expect(bench.word(Self.frame) == 0x9300_0003)
    let index = bench.machine.index
    let fpccr = bench.state.system.fpccr
    // ASPEN, LSPEN, HFRDY, THREAD, LSPACT; the faults are not enabled.
    #expect(fpccr == 0xC000_0019)
    #expect(bench.state.system.fpcar == Self.frame + 0x20)
    #expect(bench.state.control == 0)
    bench.run(to: index + 1)
    #expect(fpWords() == (0x30..<0x40) + [0x9300_0003])
    #expect(bench.state.system.fpccr == 0xC000_0018)
    #expect(bench.state.control == 4)
    #expect(bench.machine.index == index + 1)
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.r[8] == 0x30)
    #expect(bench.state.r[9] == 0x3F)
    #expect(bench.state.r[10] == 0x9300_0003)
    #expect(bench.state.r[11] == 4)
  }

  /// A handler without FP leaves memory as it was, and the registers were never anywhere else.
  @Test func noFPNoStore() throws {
    let bench = try Self.lazy { t in
      t.cmp(0, 0)
      t.it(1, 0x8)  // IT NE: skipped if r0 is 0, which it is not
      t.nop()
      t.cmp(13, 0)
      t.mov(4, 14)
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.r[4] == 0xFFFF_FFE9)
    for word in 0..<18 as Range<UInt32> {
      #expect(bench.word(Self.frame + 0x20 + 4 * word) == Self.unwritten)
    }
    #expect(bench.state.r[8] == 0x30)
    #expect(bench.state.r[10] == 0x9300_0003)
    #expect(bench.state.system.fpccr & 1 == 0)
  }

  /// An FP instruction that IT skips saves nothing; one that it does not, does; and FPCA is of the
  /// one that was executed.
  @Test(arguments: [false, true]) func fpInAnITBlock(_ isTaken: Bool) throws {
    let bench = try Self.lazy { t in
      t.movs(0, 1)
      t.cmp(0, isTaken ? 1 : 2)
      t.it(0, 0x4)  // ITT EQ
      t.movs(5, 77)
      t.vadd()
      t.mrs(4, .control)
    }
    bench.run()
    #expect(bench.state.r[4] == (isTaken ? 4 : 0))
    #expect((bench.word(Self.frame + 0x20) == 0x30) == isTaken)
    #expect(bench.state.r[8] == 0x30)
  }

  /// A second exception before the first FP instruction has a basic frame, and its FP instruction
  /// saves the state of the thread where it belongs.
  @Test func nestedHandlerSavesTheThreadsState() throws {
    let bench = try CortexMBench(vectors: [11: "svc", 2: "nmi"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, Self.on)
      t.movs(0, 0x44)
      t.vmov(s: 3, 0)
      t.svc()
      t.vmov(4, s: 3)
      t.end()
      t.label("svc")
      t.push(0, lr: true)
      t.poke(SCS.icsr, SCS.pendNMI, by: 0, with: 1)
      t.pop(0, pc: true)
      t.label("nmi")
      t.mov(8, 14)
      t.movs(0, 1)
      t.vmov(s: 3, 0)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.r[8] == 0xFFFF_FFF1)
    #expect(bench.word(Self.frame + 0x20 + 12) == 0x44)
    #expect(bench.state.r[4] == 0x44)
  }

  /// `ExecuteFPCheck()`: CPACR is asked before anything is saved.
  @Test func coprocessorIsOffWhileStateWaits() throws {
    let bench = try CortexMBench(vectors: [11: "svc", 6: "usage"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 7 << 16)
      t.poke(SCS.shpr2, 0x2000_0000)
      t.poke(SCS.cpacr, Self.on)
      t.vadd()
      t.svc()
      t.label("svc")
      t.poke(SCS.cpacr, 0, by: 0, with: 1)
      t.label("fault")
      t.vadd()
      t.label("usage")
      t.ldrSP(5, 24)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[5] == bench.program.address("fault"))
    #expect(bench.state.system.cfsr == 1 << 19)
    #expect(bench.state.system.fpccr & 1 == 1)
  }

  /// LSPEN clear: the state is stored at entry, after CPACR was asked (`CheckVFPEnabled()`).
  @Test(arguments: [false, true]) func eagerStackingAsksCPACR(_ isOn: Bool) throws {
    let bench = try CortexMBench(vectors: [11: "svc", 6: "usage"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 7 << 16)
      t.poke(SCS.shpr2, 0x2000_0000)
      t.poke(SCS.cpacr, Self.on)
      t.poke(SCS.fpccr, 1 << 31)
      t.movs(0, 0x55)
      t.vmov(s: 0, 0)
      if !isOn { t.poke(SCS.cpacr, 0) }
      t.svc()
      t.label("svc")
      t.end(1)
      t.label("usage")
      t.end(2)
    }
    #expect(bench.run()?.code == (isOn ? 1 : 2))
    #expect(bench.state.system.cfsr == (isOn ? 0 : 1 << 19))
    #expect((bench.word(Self.frame + 0x20) == 0x55) == isOn)
  }

  /// `PreserveFPState()`: the MPU is asked with the rights of the code that was preempted
  /// (FPCCR.USER), and a violation is MLSPERR: MemManage if it could have been made pending then
  /// (MMRDY), before the instruction; HardFault else (HFRDY).
  @Test(arguments: [false, true]) func lazyStoreViolatesTheMPU(_ isReady: Bool) throws {
    let window: UInt32 = 0x2000_4000
    let bench = try CortexMBench(vectors: [11: "svc", 4: "mem", 3: "hard"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, isReady ? 1 << 16 : 0)
      t.poke(SCS.shpr2, 0x2000_0000)
      t.poke(SCS.cpacr, Self.on)
      t.region(0, 0, log2: 16, ap: 6)
      t.region(1, window, log2: 8, ap: 3)
      t.poke(SCS.mpuCTRL, 5)
      t.load(0, window + 0x80)
      t.msr(.psp, 0)
      t.movs(0, 3)
      t.msr(.control, 0)
      t.isb()
      t.vadd()
      t.svc()
      t.label("svc")
      t.load(6, SCS.fpccr)
      t.ldr(0, 6)
      t.mov(8, 0)
      t.region(1, window, log2: 8, ap: 1)
      t.poke(SCS.shcsr, 0)
      t.label("fault")
      t.vadd()
      t.label("mem")
      t.mov(4, 14)
      t.ldrSP(5, 24)
      t.end(1)
      t.label("hard")
      t.mov(4, 14)
      t.ldrSP(5, 24)
      t.end(2)
    }
    let stop = bench.run()
    #expect(bench.state.r[8] == 0xC000_001B | (isReady ? 1 << 5 : 0))
    #expect(bench.state.system.cfsr == 1 << 5)
    #expect(bench.state.system.fpccr & 1 == 0)
    if isReady {
      // Pending, not enabled any more: nothing is entered, and the instruction runs.
      #expect(stop?.code == 1)
      #expect(bench.core.exceptions.isPending(Exception.memManage))
      #expect(bench.entered == [11])
    } else {
      #expect(stop?.code == 2)
      #expect(bench.state.r[4] == 0xFFFF_FFF1)
      #expect(bench.state.r[5] == bench.program.address("fault"))
      #expect(bench.state.system.hfsr == 1 << 30)
    }
  }

  /// A bus error is LSPERR; BusFault, enabled and urgent enough, is taken before the instruction,
  /// which runs when it returns.
  @Test func lazyStoreHitsNothing() throws {
    let bench = try CortexMBench(vectors: [11: "svc", 5: "bus"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 7 << 16)
      t.poke(SCS.shpr2, 0x2000_0000)
      t.poke(SCS.cpacr, Self.on)
      t.movs(0, 0x11)
      t.vmov(s: 0, 0)
      t.svc()
      t.label("svc")
      t.poke(SCS.fpcar, 0x3000_0000)
      t.label("fault")
      t.vmov(4, s: 0)
      t.end(1)
      t.label("bus")
      t.ldrSP(5, 24)
      t.load(0, SCS.cfsr)
      t.ldr(1, 0)
      t.mov(8, 1)
      t.returnFromHandler()
    }
    #expect(bench.run()?.code == 1)
    #expect(bench.entered == [11, 5])
    #expect(bench.state.r[5] == bench.program.address("fault"))
    #expect(bench.state.r[8] == 1 << 13)
    #expect(bench.state.r[4] == 0x11)
  }

  /// HFRDY clear: there is nothing left but lockup.
  @Test func lazyStoreFailsWithoutHardFault() throws {
    let bench = try CortexMBench(vectors: [3: "hard"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, Self.on)
      t.udf()
      t.label("hard")
      t.vadd()
      t.poke(SCS.fpccr, 0xC000_0001)
      t.poke(SCS.fpcar, 0x3000_0000)
      t.vadd()
    }
    #expect(bench.run()?.reason == .lockup)
    #expect(bench.machine.stop?.detail.contains("LSPERR") == true)
  }

  /// B1.4.7 `ExecuteFPCheck()`: a new context takes FPSCR<26:22> from FPDSCR; the flags and the
  /// cumulative bits are not touched, and accumulate.
  @Test func newContextKeepsTheFlags() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.poke(SCS.cpacr, Self.on)
      t.load(0, 0xF800_009F)
      t.vmsr(0)
      t.poke(SCS.fpdscr, 0xFFFF_FFFF)
      t.movs(0, 0)
      t.msr(.control, 0)  // FPCA clear
      t.vmrs(4)
      t.end()
    }
    bench.run()
    #expect(bench.state.system.fpdscr == 0x07C0_0000)
    #expect(bench.state.r[4] == 0xF7C0_009F)
  }

  /// FPSCR: default NaN, flush to zero, and the cumulative bits IOC, DZC, OFC, UFC, IXC, IDC
  /// (A2.5.3, A2.5.4).
  @Test func arithmeticAsFPSCRSays() throws {
    func run(_ fpscr: UInt32, _ a: UInt32, _ b: UInt32, _ op: UInt16) throws -> (UInt32, UInt32) {
      let bench = try CortexMBench { t in
        t.label("start")
        t.poke(SCS.cpacr, Self.on)
        t.load(0, fpscr)
        t.vmsr(0)
        t.load(0, a)
        t.vmov(s: 0, 0)
        t.load(0, b)
        t.vmov(s: 1, 0)
        t.emit(op, 0x1A20)  // s2 = s0 op s1
        t.vmov(4, s: 2)
        t.vmrs(5)
        t.end()
      }
      bench.run()
      return (bench.state.r[4], bench.state.r[5])
    }
    let (vadd, vmul, vdiv) = (0xEE30, 0xEE20, 0xEE80) as (UInt16, UInt16, UInt16)
    let (dn, fz) = (1 << 25, 1 << 24) as (UInt32, UInt32)
    // A quiet NaN goes through, or is the default one; a signalling one is also IOC.
    #expect(try run(0, 0x7FC1_2345, 0x3F80_0000, vadd) == (0x7FC1_2345, 0))
    #expect(try run(dn, 0x7FC1_2345, 0x3F80_0000, vadd) == (0x7FC0_0000, dn))
    #expect(try run(0, 0x7F81_2345, 0x3F80_0000, vadd) == (0x7FC1_2345, 1))
    // 1 / 0; the largest times itself; the smallest normal halved, exactly and not.
    #expect(try run(0, 0x3F80_0000, 0, vdiv) == (0x7F80_0000, 2))
    #expect(try run(0, 0x7F7F_FFFF, 0x7F7F_FFFF, vmul) == (0x7F80_0000, 0x14))
    #expect(try run(0, 0x0080_0000, 0x3F00_0000, vmul) == (0x0040_0000, 0))
    #expect(try run(0, 0x0080_0001, 0x3F00_0000, vmul) == (0x0040_0000, 0x18))
    // Flushed: an output is UFC and not IXC, an input IDC.
    #expect(try run(fz, 0x0080_0000, 0x3F00_0000, vmul) == (0, fz | 8))
    #expect(try run(fz, 0x0000_0001, 0x3F80_0000, vadd) == (0x3F80_0000, fz | 0x80))
    // They accumulate.
    #expect(try run(0x9F, 0x3F80_0000, 0x3F80_0000, vadd) == (0x4000_0000, 0x9F))
  }
}
