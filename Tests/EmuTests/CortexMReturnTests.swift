import Testing

@testable import Emu

/// Exception return: ARM DDI 0403E.e, B1.5.8 (return and its integrity checks) and B1.5.12 (tail-chaining).
@Suite struct CortexMReturnTests {
  /// PopStack(): r0-r3, r12, LR, PC and the flags come back from the frame, nothing else does.
  @Test func frameComesBack() throws {
    let bench = try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      t.load(14, 0xEEEE_000E)
      t.load(12, 0xCCCC_000C)
      for number in 1...4 { t.load(number, 0x1111_0000 + UInt32(number)) }
      t.movs(0, 0)  // Z
      t.svc()
      t.label("loop")
      t.b("loop")
      t.label("svc")
      t.load(12, 0)
      for number in 1...4 { t.movs(number, number) }
      t.movs(0, 7)  // not Z
      t.returnFromHandler()
    }
    bench.run(to: 30)
    let state = bench.state
    #expect(Array(state.r[0...3]) == [0, 0x1111_0001, 0x1111_0002, 0x1111_0003])
    #expect(state.r[4] == 4)
    #expect(state.r[12] == 0xCCCC_000C)
    #expect(state.r[14] == 0xEEEE_000E)
    #expect(state.xpsr == 0x4100_0000)
    #expect(state.r[15] == bench.program.address("loop"))
    #expect(state.msp == 0x2000_1000)
  }

  /// B1.5.12: "the processor ... enters the handler of the pending exception without restoring and saving the state": one frame for
  /// three handlers, nothing written below it, and what the first handler does to it is what the thread gets.
  @Test func tailChainingStacksNothing() throws {
    let bench = try CortexMBench(vectors: [16: "first", 17: "second", 14: "last"]) { t in
      t.label("start")
      t.poke(SCS.iser, 3)
      t.poke(SCS.shpr3, 0x00E0_0000)
      t.load(2, 0x2000_1000 - 0x40)
      t.load(3, 0x5A5A_5A5A)
      for word in 0..<8 { t.str(3, 2, 4 * word) }
      t.movs(0, 1)
      t.poke(SCS.ispr, 3)
      t.mov(11, 0)
      t.end()
      t.label("first")
      t.mov(8, 13)
      t.movs(1, 99)
      t.strSP(1, 0)
      t.poke(SCS.icsr, SCS.pendSV, by: 0, with: 1)
      t.returnFromHandler()
      t.label("second")
      t.mov(9, 13)
      t.mov(12, 14)
      t.returnFromHandler()
      t.label("last")
      t.mov(10, 13)
      t.mov(4, 12)
      t.mov(5, 14)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.entered == [16, 17, 14])
    let state = bench.state
    #expect(state.r[8] == 0x2000_0FE0)
    #expect(state.r[9] == state.r[8])
    #expect(state.r[10] == state.r[8])
    // "LR = EXC_RETURN": the same value in every one of the chain.
    #expect(state.r[4] == 0xFFFF_FFF9)
    #expect(state.r[5] == 0xFFFF_FFF9)
    #expect(state.r[11] == 99)
    for word in 0..<8 as Range<UInt32> {
      #expect(bench.word(0x2000_1000 - 0x40 + 4 * word) == 0x5A5A_5A5A)
    }
  }

  /// B1.5.8: what EXC_RETURN<3:0> is none of 0001, 1001, 1101, and a return to Thread mode with another exception active, are
  /// UsageFault INVPC, chained, with that EXC_RETURN in LR.
  @Test(
    arguments: [
      0xFFFF_FFF0, 0xFFFF_FFF3, 0xFFFF_FFF5, 0xFFFF_FFF7, 0xFFFF_FFF8, 0xFFFF_FFFB, 0xFFFF_FFFF,
      0xFFFF_FFB9,
    ] as [UInt32])
  func illegalReturnIsINVPC(_ value: UInt32) throws {
    let bench = try CortexMBench(vectors: [11: "svc", 6: "usage"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 1 << 18)
      t.svc()
      t.label("svc")
      t.load(0, value)
      t.bx(0)
      t.label("usage")
      t.mov(8, 14)
      t.mov(9, 13)
      t.mrs(10, .ipsr)
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.load(6, SCS.shcsr)
      t.ldr(5, 6)
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    let state = bench.state
    #expect(state.r[8] == value)
    #expect(state.r[9] == 0x2000_0FE0)
    #expect(state.r[10] == 6)
    #expect(state.r[4] == 1 << 18)
    // SVCall was deactivated, UsageFault is active.
    #expect(state.r[5] == 1 << 18 | 1 << 3)
  }

  @Test(arguments: [false, true]) func returnToThreadWithAnotherActive(_ isAllowed: Bool) throws {
    let bench = try CortexMBench(vectors: [11: "svc", 2: "nmi", 3: "hard"]) { t in
      t.label("start")
      t.poke(SCS.ccr, isAllowed ? 0x201 : 0x200)
      t.svc()
      t.label("svc")
      t.poke(SCS.icsr, SCS.pendNMI)
      t.label("here")
      t.mrs(5, .ipsr)
      t.end(1)
      t.label("nmi")
      // The frame is that of a Thread: IPSR zero.
      t.ldrSP(0, 28)
      t.load(1, 0x0100_0000)
      t.strSP(1, 28)
      t.load(0, 0xFFFF_FFF9)
      t.bx(0)
      t.label("hard")
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.end(2)
    }
    let stop = bench.run()
    if isAllowed {
      #expect(stop?.code == 1)
      #expect(bench.state.r[5] == 0)
    } else {
      #expect(stop?.code == 2)
      #expect(bench.state.r[4] == 1 << 18)
    }
  }

  /// "return IPSR is inconsistent": a frame with a nonzero IPSR for Thread mode, or zero for Handler mode, after which the stack
  /// is as it was.
  @Test(arguments: [false, true]) func inconsistentIPSRIsINVPC(_ toHandler: Bool) throws {
    let bench = try CortexMBench(vectors: [11: "svc", 2: "nmi", 3: "hard"]) { t in
      t.label("start")
      t.svc()
      t.label("svc")
      if toHandler {
        t.poke(SCS.icsr, SCS.pendNMI)
      } else {
        t.load(1, 0x0100_000B)
        t.strSP(1, 28)
        t.returnFromHandler()
      }
      t.label("nmi")
      t.load(1, 0x0100_0000)
      t.strSP(1, 28)
      t.returnFromHandler()
      t.label("hard")
      t.mov(8, 14)
      t.mov(9, 13)
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 1 << 18)
    #expect(bench.state.r[8] == (toHandler ? 0xFFFF_FFF1 : 0xFFFF_FFF9))
    #expect(bench.state.r[9] == (toHandler ? 0x2000_0FC0 : 0x2000_0FE0))
  }

  /// "returning from an inactive handler".
  @Test func returnFromAnInactiveExceptionIsINVPC() throws {
    let bench = try CortexMBench(vectors: [11: "svc", 3: "hard"]) { t in
      t.label("start")
      t.svc()
      t.label("svc")
      t.poke(SCS.shcsr, 0)
      t.returnFromHandler()
      t.label("hard")
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 1 << 18)
  }

  /// A bus error while unstacking is BusFault UNSTKERR, chained; the stack pointer stays at the frame.
  @Test func unstackingErrorIsUNSTKERR() throws {
    let bench = try CortexMBench(vectors: [11: "svc", 5: "bus"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 1 << 17)
      t.svc()
      t.label("svc")
      t.load(0, 0x2000_FFF0)
      t.mov(13, 0)
      t.returnFromHandler()
      t.label("bus")
      t.mov(8, 13)
      t.mov(9, 14)
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[8] == 0x2000_FFF0)
    #expect(bench.state.r[9] == 0xFFFF_FFF9)
    #expect(bench.state.r[4] == 1 << 11)
  }

  /// DeActivate(): "clear FAULTMASK on any return except NMI"; and a handler at priority -1 or -2 cannot set it (B5.2.3).
  @Test(arguments: [11, 2]) func faultmaskIsClearedByReturn(_ number: Int) throws {
    let bench = try CortexMBench(vectors: [11: "handler", 2: "handler"]) { t in
      t.label("start")
      if number == 11 { t.svc() } else { t.poke(SCS.icsr, SCS.pendNMI) }
      t.mrs(4, .faultmask)
      t.end()
      t.label("handler")
      t.cpsid(1)
      t.mrs(5, .faultmask)
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[5] == (number == 11 ? 1 : 0))
    #expect(bench.state.r[4] == 0)
  }

  /// NMI returns to what FAULTMASK was.
  @Test func nmiKeepsFAULTMASK() throws {
    let bench = try CortexMBench(vectors: [2: "nmi"]) { t in
      t.label("start")
      t.cpsid(1)
      t.poke(SCS.icsr, SCS.pendNMI)
      t.mrs(4, .faultmask)
      t.end()
      t.label("nmi")
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[4] == 1)
    #expect(bench.entered == [2])
  }

  /// Unprivileged Thread mode runs on, and its mode is what the handler left in CONTROL: "CONTROL.nPRIV unchanged".
  @Test func privilegeIsNotStacked() throws {
    let bench = try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      t.movs(0, 1)
      t.msr(.control, 0)
      t.isb()
      t.svc()
      t.mrs(4, .control)
      t.end()
      t.label("svc")
      t.movs(0, 0)
      t.msr(.control, 0)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.r[4] == 0)
  }

  /// B1.5.8 and A3.4: entry and return clear the exclusive monitor, so a STREX behind either fails.
  @Test func exceptionsClearTheExclusiveMonitor() throws {
    let bench = try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      t.load(2, 0x2000_0000)
      t.movs(1, 5)
      t.ldrex(0, 2)
      t.strex(4, 1, 2)
      t.ldrex(0, 2)
      t.svc()
      t.strex(5, 1, 2)
      t.ldrex(0, 2)
      t.emit(0xF3BF, 0x8F2F)  // CLREX
      t.strex(3, 1, 2)
      t.end()
      t.label("svc")
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[4] == 0)
    #expect(bench.state.r[5] == 1)
    #expect(bench.state.r[3] == 1)
  }
}
