import Testing

@testable import Emu

/// The floating-point context: ARM DDI 0403E.e, B1.4.7 (FP contexts), B1.5.6 to B1.5.8 (extended frames), B3.2.20 (CPACR).
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
}
