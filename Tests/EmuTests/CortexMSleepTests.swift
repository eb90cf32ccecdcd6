import Testing

@testable import Emu

/// Sleep: ARM DDI 0403E.e, B1.5.17 to B1.5.19.
@Suite struct CortexMSleepTests {
  /// WFI wakes for an exception that would preempt "if PRIMASK was set to 0", and goes on behind itself where PRIMASK keeps it out.
  @Test func wfiWakesUnderPRIMASKWithoutEntry() throws {
    let bench = try CortexMBench(Puller(1, at: 100), vectors: [16: "irq"]) { t in
      t.label("start")
      t.poke(SCS.iser, 1)
      t.cpsid()
      t.wfi()
      t.load(0, SCS.ispr)
      t.ldr(4, 0)
      t.movs(5, 1)
      t.cpsie()
      t.movs(5, 2)
      t.end()
      t.label("irq")
      t.mov(8, 5)
      t.poke(Puller.lower, 1, by: 0, with: 1)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.r[4] == 1)
    #expect(bench.state.r[8] == 1)
    // WFI is index 6, at tick 6; asleep from 7 to 100.
    #expect(bench.machine.asleep == 93)
  }

  /// BASEPRI and FAULTMASK are not ignored: what they keep out does not wake.
  @Test(arguments: [true, false]) func wfiDoesNotWakeForWhatBASEPRIMasks(_ isMasked: Bool) throws {
    let bench = try CortexMBench(Puller(1, at: 100), vectors: [16: "irq"]) { t in
      t.label("start")
      t.poke(SCS.iser, 1)
      t.poke(SCS.ipr, isMasked ? 0x40 : 0x20)
      t.movs(0, 0x40)
      t.msr(.basepri, 0)
      t.wfi()
      t.end()
      t.label("irq")
      t.poke(Puller.lower, 1, by: 0, with: 1)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == (isMasked ? .idle : .finisher))
  }

  /// A disabled interrupt does not wake WFI. Nothing else will: the run ends as idle.
  @Test func nothingToWakeItIsIdle() throws {
    let bench = try CortexMBench(Puller(1, at: 100)) { t in
      t.label("start")
      t.wfi()
      t.end()
    }
    #expect(bench.run()?.reason == .idle)
  }

  /// WFI with the exception already pending and masked does not sleep.
  @Test func wfiWithSomethingPendingGoesOn() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.cpsid()
      t.poke(SCS.icsr, SCS.pendSV)
      t.wfi()
      t.end(5)
    }
    #expect(bench.run()?.code == 5)
    #expect(bench.machine.asleep == 0)
  }

  /// WFE: "if the event register is set, clear it and go on", else sleep; SEV sets it.
  @Test(arguments: [false, true]) func wfeConsumesTheEvent(_ isWide: Bool) throws {
    let bench = try CortexMBench { t in
      t.label("start")
      if isWide { t.emit(0xF3AF, 0x8004) } else { t.sev() }
      t.wfe()
      t.mark(1)
      t.wfe()
      t.mark(2)
    }
    #expect(bench.run()?.reason == .idle)
    #expect(bench.marks == [1])
  }

  /// SEVONPEND: "interrupt transition from inactive to pending state is a wakeup event", for a disabled interrupt as well; without
  /// it that wakes nothing.
  @Test(arguments: [true, false]) func sevonpend(_ isOn: Bool) throws {
    let bench = try CortexMBench(Puller(1, at: 100)) { t in
      t.label("start")
      t.poke(SCS.scr, isOn ? 1 << 4 : 0)
      t.wfe()
      t.end(3)
    }
    #expect(bench.run()?.reason == (isOn ? .finisher : .idle))
  }

  /// Exception entry and return are events: `while (!flag) WFE` misses nothing.
  @Test func exceptionsAreEvents() throws {
    let bench = try CortexMBench(Puller(1, at: 50), vectors: [16: "irq", 11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.iser, 1)
      t.svc()
      t.wfe()
      t.mark(1)
      t.wfe()
      t.mark(2)
      t.wfe()
      t.mark(3)
      t.wfe()
      t.mark(4)
      t.label("irq")
      t.poke(Puller.lower, 1, by: 0, with: 1)
      t.label("svc")
      t.returnFromHandler()
    }
    bench.run()
    // Behind SVC the first goes through; the second sleeps, is woken and lets the exception in, which leaves an event for the third.
    #expect(bench.marks == [1, 2, 3])
    #expect(bench.machine.stop?.reason == .idle)
  }

  /// WFE under PRIMASK: the exception does not preempt and does not wake, WFI it would.
  @Test func wfeHeedsPRIMASK() throws {
    let bench = try CortexMBench(Puller(1, at: 50)) { t in
      t.label("start")
      t.poke(SCS.iser, 1)
      t.cpsid()
      t.wfe()
      t.mark(1)
    }
    #expect(bench.run()?.reason == .idle)
    #expect(bench.marks.isEmpty)
  }

  /// B1.5.17: SLEEPONEXIT sleeps when the last active exception returns to Thread mode.
  @Test func sleepOnExit() throws {
    let bench = try CortexMBench(Puller(1, at: 200), vectors: [16: "irq", 11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.iser, 1)
      t.poke(SCS.scr, 2)
      t.svc()
      t.end(1)
      t.label("svc")
      t.mark(1)
      t.returnFromHandler()
      t.label("irq")
      t.poke(Puller.lower, 1, by: 0, with: 1)
      t.mark(2)
      t.load(0, SCS.scr)
      t.movs(1, 0)
      t.str(1, 0)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.marks == [1, 2])
    // SVC is index 10; its handler takes 5 instructions, so it sleeps from tick 16 to 200.
    #expect(bench.machine.asleep == 184)
    #expect(bench.entries == [10, 16])
  }

  /// Sleep on exit is the end of a return to Thread mode (B1.5.17, `ExceptionReturn()`): one that
  /// fails its integrity check has not got there, and its UsageFault is handled with the core awake.
  @Test func noSleepOnAnExitThatFails() throws {
    let bench = try CortexMBench(vectors: [11: "svc", 3: "hard"]) { t in
      t.label("start")
      t.poke(SCS.scr, 2)
      t.svc()
      t.label("svc")
      t.load(1, 0x0100_000B)
      t.strSP(1, 28)
      t.returnFromHandler()
      t.label("hard")
      t.end(1)
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.system.cfsr == 1 << 18)
    #expect(bench.machine.asleep == 0)
  }
}
