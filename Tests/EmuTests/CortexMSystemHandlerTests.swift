import Testing

@testable import Emu

/// SHCSR's pending and active bits as software writes them (ARM DDI 0403E.e, B3.2.13), and what of the state of the system
/// handlers FPCCR keeps (B3.2.21).
@Suite struct CortexMSystemHandlerTests {
  /// A pending bit that software sets is as good as the fault itself: the handler is entered behind the store, the pending
  /// bit is clear again and the active bit set.
  @Test(arguments: [(12, 6, 3), (13, 4, 0), (14, 5, 1), (15, 11, 7)] as [(UInt32, Int, UInt32)])
  func softwarePends(_ pending: UInt32, _ number: Int, _ active: UInt32) throws {
    let enables: UInt32 = 7 << 16
    let bench = try CortexMBench(vectors: [number: "handler"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, enables | 1 << pending)
      t.label("behind")
      t.end()
      t.label("handler")
      t.ldrSP(4, 24)
      t.load(0, SCS.shcsr)
      t.ldr(5, 0)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.entered == [number])
    #expect(bench.state.r[4] == bench.program.address("behind"))
    #expect(bench.state.r[5] == enables | 1 << active)
    #expect(bench.state.system.cfsr == 0)
  }

  /// A handler that is pending and not enabled waits until it is: it is no fault that could escalate.
  @Test func pendingWaitsForItsEnable() throws {
    let bench = try CortexMBench(vectors: [4: "mem"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 1 << 13)
      t.load(6, SCS.shcsr)
      t.ldr(5, 6)
      t.mark(1)
      t.poke(SCS.shcsr, 1 << 16 | 1 << 13)
      t.mark(3)
      t.end()
      t.label("mem")
      t.mark(2)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.marks == [1, 2, 3])
    #expect(bench.state.r[5] == 1 << 13)
  }

  /// An active bit that software sets raises the execution priority, one that it clears lowers it.
  @Test func softwareActivates() throws {
    let bench = try CortexMBench(vectors: [14: "pendsv"]) { t in
      t.label("start")
      t.poke(SCS.shpr3, 0x2040_0000)  // SysTick 0x20, PendSV 0x40
      t.poke(SCS.shcsr, 1 << 11)
      t.poke(SCS.icsr, SCS.pendSV)
      t.mark(1)
      t.poke(SCS.shcsr, 0)
      t.mark(3)
      t.end()
      t.label("pendsv")
      t.mark(2)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.marks == [1, 2, 3])
  }

  struct Ready: Sendable {
    var shcsr: UInt32 = 7 << 16
    var demcr: UInt32 = 1 << 16
    /// Priorities of MemManage, BusFault and DebugMonitor; SVCall is at 0x20.
    var priorities: (UInt32, UInt32, UInt32) = (0, 0, 0)
    var basepri: UInt32 = 0
    var unprivileged = false
    /// MONRDY 8, BFRDY 6, MMRDY 5, HFRDY 4, THREAD 3, USER 1, LSPACT 0.
    var fpccr: UInt32
  }

  /// `UpdateFPCCR()`: each handler that is enabled, and urgent enough for what was preempted, is ready; the mode and the
  /// privilege are those of the code that the state belongs to.
  @Test(arguments: [
    Ready(fpccr: 0x179),
    Ready(unprivileged: true, fpccr: 0x17B),
    Ready(shcsr: 6 << 16, fpccr: 0x159),
    Ready(shcsr: 5 << 16, fpccr: 0x139),
    Ready(demcr: 0, fpccr: 0x79),
    Ready(priorities: (0x60, 0x20, 0x80), basepri: 0x60, fpccr: 0x59),
    Ready(priorities: (0x40, 0x60, 0x40), basepri: 0x60, fpccr: 0x139),
  ]) func lazyStateKnowsWhatCouldBePending(_ ready: Ready) throws {
    let bench = try CortexMBench(vectors: [11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, 0xF << 20)
      t.poke(SCS.shcsr, ready.shcsr)
      t.poke(SCS.demcr, ready.demcr)
      t.poke(SCS.shpr1, ready.priorities.1 << 8 | ready.priorities.0)
      t.poke(SCS.shpr2, 0x2000_0000)
      t.poke(SCS.shpr3, ready.priorities.2)
      t.movs(0, Int(ready.basepri))
      t.msr(.basepri, 0)
      t.vadd()
      t.movs(0, ready.unprivileged ? 5 : 4)  // FPCA stays
      t.msr(.control, 0)
      t.isb()
      t.svc()
      t.label("svc")
      t.load(6, SCS.fpccr)
      t.ldr(4, 6)
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.r[4] == 0xC000_0000 | ready.fpccr)
  }
}
