import Testing

@testable import Emu

/// Faults, escalation and lockup: ARM DDI 0403E.e, B1.5.4, B1.5.11, B1.5.14, B1.5.15; status registers, B3.2.15 to B3.2.18.
@Suite struct CortexMFaultTests {
  /// One way to go wrong, and what the status registers say of it.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var exception: Int
    var cfsr: UInt32
    /// BFAR or MMFAR.
    var address: UInt32?
    /// The return address is that of "fault", or this.
    var pc: UInt32?
    var code: @Sendable (inout Thumb) -> Void
    var testDescription: String { name }
  }

  /// BFSR.PRECISERR and BFARVALID.
  private static let precise: UInt32 = 1 << 9 | 1 << 15

  static let cases: [Case] = [
    Case(name: "UDF", exception: 6, cfsr: 1 << 16) { t in
      t.label("fault")
      t.udf()
    },
    Case(name: "load from nowhere", exception: 5, cfsr: precise, address: 0x3000_0010) { t in
      t.load(0, 0x3000_0000)
      t.label("fault")
      t.ldr(1, 0, 0x10)
    },
    Case(name: "store to nowhere", exception: 5, cfsr: precise, address: 0x3000_0010) { t in
      t.load(0, 0x3000_0000)
      t.label("fault")
      t.str(1, 0, 0x10)
    },
    Case(name: "store to flash", exception: 5, cfsr: precise, address: 0x0000_8000) { t in
      t.load(0, 0x8000)
      t.label("fault")
      t.str(1, 0)
    },
    Case(name: "device refuses", exception: 5, cfsr: precise, address: 0x4000_0040) { t in
      t.load(0, 0x4000_0000)
      t.label("fault")
      t.ldr(1, 0, 0x40)
    },
    Case(name: "byte of a word register", exception: 5, cfsr: precise, address: 0xE000_E100) { t in
      t.load(0, SCS.iser)
      t.label("fault")
      t.strb(1, 0)
    },
    Case(name: "hole in the private bus", exception: 5, cfsr: precise, address: 0xE005_0000) { t in
      t.load(0, 0xE005_0000)
      t.label("fault")
      t.ldr(1, 0)
    },
    Case(name: "jump to nowhere", exception: 5, cfsr: 1 << 8, pc: 0x1000_0000) { t in
      t.load(0, 0x1000_0001)
      t.label("fault")
      t.bx(0)
    },
    Case(name: "jump into device space", exception: 4, cfsr: 1 << 0, pc: 0x4000_0000) { t in
      t.load(0, 0x4000_0001)
      t.label("fault")
      t.bx(0)
    },
    Case(name: "EXC_RETURN in Thread mode", exception: 4, cfsr: 1 << 0, pc: 0xFFFF_FFF8) { t in
      t.load(0, 0xFFFF_FFF9)
      t.label("fault")
      t.bx(0)
    },
    Case(name: "jump to an even address", exception: 6, cfsr: 1 << 17, pc: 0x500) { t in
      t.load(0, 0x500)
      t.label("fault")
      t.bx(0)
    },
    Case(name: "FP while CPACR is off", exception: 6, cfsr: 1 << 19) { t in
      t.label("fault")
      t.vadd()
    },
    Case(name: "unaligned LDREX", exception: 6, cfsr: 1 << 24) { t in
      t.load(0, 0x2000_0002)
      t.label("fault")
      t.ldrex(1, 0)
    },
  ]

  private func program(_ item: Case, enabled: Bool) throws -> CortexMBench {
    let vectors = enabled ? [item.exception: "handler"] : [3: "handler"]
    return try CortexMBench(vectors: vectors) { t in
      t.label("start")
      if enabled { t.poke(SCS.shcsr, 7 << 16) }
      t.movs(1, 0)
      item.code(&t)
      t.label("handler")
      t.ldrSP(5, 24)
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.ldr(1, 6, 4)
      t.load(6, SCS.mmfar)
      t.ldr(2, 6)
      t.ldr(3, 6, 4)
      t.end()
    }
  }

  /// Enabled and urgent enough: the fault's own exception, with ThisInstrAddr as return address.
  @Test(arguments: cases) func faultIsTaken(_ item: Case) throws {
    let bench = try program(item, enabled: true)
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.entered == [item.exception])
    let state = bench.state
    #expect(state.r[4] == item.cfsr)
    #expect(state.r[1] == 0)
    #expect(state.r[5] == item.pc ?? bench.program.address("fault"))
    if let address = item.address { #expect(state.r[3] == address) }
    #expect(bench.machine.traps.faults == 1)
  }

  /// Not enabled: "escalated to HardFault", HFSR.FORCED, the cause in CFSR all the same.
  @Test(arguments: cases) func disabledFaultEscalates(_ item: Case) throws {
    let bench = try program(item, enabled: false)
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.entered == [3])
    #expect(bench.state.r[4] == item.cfsr)
    #expect(bench.state.r[1] == 1 << 30)
    #expect(bench.state.r[5] == item.pc ?? bench.program.address("fault"))
  }

  /// B1.5.15: a fault at priority -1 or -2 that would be a HardFault is lockup, and the run ends with its cause in words.
  @Test(arguments: cases.filter { !$0.name.contains("Thread mode") })
  func faultInHardFaultLocksUp(_ item: Case) throws {
    let bench = try CortexMBench(vectors: [3: "handler"]) { t in
      t.label("start")
      t.udf()
      t.label("handler")
      item.code(&t)
      t.end()
    }
    let stop = bench.run()
    #expect(stop?.reason == .lockup)
    #expect(stop?.detail.contains("in HardFault, at priority -1") == true, "\(stop?.detail ?? "")")
    #expect(stop?.pc == UInt64(item.pc ?? bench.program.address("fault")))
  }

  @Test func lockupSaysWhat() throws {
    let bench = try CortexMBench(vectors: [2: "nmi"]) { t in
      t.label("start")
      t.poke(SCS.icsr, SCS.pendNMI)
      t.label("nmi")
      t.svc()
    }
    let stop = bench.run()
    let pc = hex(UInt64(bench.program.address("nmi")) + 2)
    #expect(stop?.detail == "SVCall at \(pc) in NMI, at priority -2")
  }

  /// FAULTMASK makes the priority -1, so a fault locks up.
  @Test func faultUnderFAULTMASKLocksUp() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.cpsid(1)
      t.udf()
    }
    #expect(bench.run()?.detail.hasPrefix("UsageFault: UNDEFINSTR, at ") == true)
  }

  /// A fault whose priority is no higher than the current one escalates too; so does an SVC, and the return address of the HardFault
  /// in its place is that of the SVC itself.
  @Test func supervisorCallUnderPRIMASKEscalates() throws {
    let bench = try CortexMBench(vectors: [3: "hard"]) { t in
      t.label("start")
      t.cpsid()
      t.cmp(0, 0)
      t.it(0, 0x4)  // ITT EQ
      t.label("call")
      t.svc()
      t.nop()
      t.label("hard")
      t.ldrSP(5, 24)
      t.ldrSP(8 - 4, 28)
      t.load(6, SCS.hfsr)
      t.ldr(3, 6)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[3] == 1 << 30)
    #expect(bench.state.r[5] == bench.program.address("call"))
    // ITSTATE of the SVC: condition 0000, mask 0100.
    #expect(bench.state.r[4] & 0x0600_FC00 == 0x0000_0400)
  }

  @Test func faultOfTheSamePriorityEscalates() throws {
    let bench = try CortexMBench(vectors: [3: "hard", 6: "usage", 11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 7 << 16)
      t.svc()
      t.label("svc")
      t.udf()
      t.label("hard")
      t.end(1)
      t.label("usage")
      t.end(2)
    }
    #expect(bench.run()?.code == 1)
  }

  // MARK: Derived exceptions

  /// B1.5.11: a bus error in stacking is BusFault STKERR; here it escalates, HardFault is more urgent than SVCall and comes first,
  /// and SVCall stays pending.
  @Test func stackingErrorComesFirst() throws {
    let bench = try CortexMBench(stack: 0x2000_0010, vectors: [3: "hard", 11: "svc"]) { t in
      t.label("start")
      t.svc()
      t.label("hard")
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.ldr(5, 6, 4)
      t.load(6, SCS.shcsr)
      t.ldr(3, 6)
      t.mov(8, 13)
      t.end()
      t.label("svc")
      t.end(1)
    }
    #expect(bench.run()?.code == 0)
    #expect(bench.entered == [3])
    #expect(bench.state.r[4] == 1 << 12)
    #expect(bench.state.r[5] == 1 << 30)
    #expect(bench.state.r[3] & 1 << 15 != 0)
    #expect(bench.state.r[8] == 0x1FFF_FFF0)
  }

  /// A BusFault that is enabled but less urgent than what is being entered waits for it.
  @Test func stackingErrorMayWait() throws {
    let bench = try CortexMBench(stack: 0x2000_0010, vectors: [5: "bus", 11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 7 << 16)
      t.poke(SCS.shpr1, 0x0000_4000)
      t.svc()
      t.label("svc")
      t.returnFromHandler()
      t.label("bus")
      t.end(3)
    }
    #expect(bench.run()?.code == 3)
    #expect(bench.entered == [11, 5])
  }

  /// A vector that cannot be read is a HardFault, HFSR.VECTTBL, and what was to be entered stays pending.
  @Test func vectorReadErrorIsVECTTBL() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, 0x2000_FF80)
      t.load(1, "hard")
      t.str(1, 0, 12)
      t.poke(SCS.vtor, 0x2000_FF80)
      t.load(0, SCS.iser)
      t.load(1, 1 << 20)
      t.str(1, 0)
      t.load(0, SCS.ispr)
      t.str(1, 0)
      t.label("hard")
      t.load(6, SCS.hfsr)
      t.ldr(4, 6)
      t.load(6, SCS.ispr)
      t.ldr(5, 6)
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.entered == [3])
    #expect(bench.state.r[4] == 2)
    #expect(bench.state.r[5] == 1 << 20)
  }

  @Test func vectorReadErrorOfHardFaultLocksUp() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.poke(SCS.vtor, 0x3000_0000)
      t.svc()
    }
    let stop = bench.run()
    #expect(stop?.reason == .lockup)
    #expect(stop?.detail.hasPrefix("the vector of HardFault at 0x3000000c cannot be read") == true)
  }

  /// A vector table that cannot be: SP in a place that is no memory is no fault before it is used; a first instruction that is
  /// none locks up if HardFault has the same.
  @Test func emptyFlashLocksUp() throws {
    let bench = try CortexMBench(raw: [1: 0, 3: 0]) { t in t.label("start") }
    let stop = bench.run()
    #expect(stop?.reason == .lockup)
    #expect(
      stop?.detail
        == "UsageFault: INVSTATE, at 0x0 in HardFault, at priority -1; CFSR 0x20000: INVSTATE; "
        + "HFSR 0x40000000: FORCED")
  }

  // MARK: Breakpoints and semihosting

  /// C1.6.1: a BKPT with neither halting debug nor DebugMonitor is a HardFault with HFSR.DEBUGEVT.
  @Test func breakpointIsDEBUGEVT() throws {
    let bench = try CortexMBench(vectors: [3: "hard"]) { t in
      t.label("start")
      t.label("here")
      t.bkpt(3)
      t.label("hard")
      t.ldrSP(5, 24)
      t.load(6, SCS.hfsr)
      t.ldr(4, 6)
      t.ldr(3, 6, 4)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[5] == bench.program.address("here"))
    #expect(bench.state.r[4] == 1 << 31)
    #expect(bench.state.r[3] == 1 << 1)
  }

  /// DEMCR.MON_EN: it is a DebugMonitor exception.
  @Test func breakpointIsDebugMonitor() throws {
    let bench = try CortexMBench(vectors: [12: "monitor"]) { t in
      t.label("start")
      t.poke(SCS.demcr, 1 << 16)
      t.bkpt(3)
      t.label("monitor")
      t.end(4)
    }
    #expect(bench.run()?.code == 4)
  }

  /// BKPT 0xAB with semihosting: the call is made, and the instruction behind it is next, in an IT block too.
  @Test func semihostingGoesOnBehindTheBreakpoint() throws {
    let bench = try CortexMBench(semihosting: SemihostingOptions()) { t in
      t.label("start")
      t.load(1, 0x2000_0000)
      t.movs(0, Int(UInt8(ascii: "!")))
      t.strb(0, 1)
      t.movs(0, 3)
      t.cmp(0, 3)
      t.it(0, 0x6)  // ITTE EQ
      t.bkpt(0xAB)
      t.movs(4, 1)
      t.movs(4, 2)
      t.movs(0, 0x18)
      t.load(1, 0x20026)
      t.bkpt(0xAB)
      t.udf()
    }
    let stop = bench.run()
    #expect(stop?.reason == .semihosting)
    #expect(stop?.code == 0)
    #expect(bench.state.r[4] == 1)
    #expect(bench.machine.console.text == "!")
  }

  @Test func semihostingThatIsOffSaysSo() throws {
    let bench = try CortexMBench(vectors: [3: "hard"]) { t in
      t.label("start")
      t.bkpt(0xAB)
      t.label("hard")
      t.end()
    }
    bench.run()
    #expect(bench.machine.findings.contains { $0.name.contains("--semihosting") })
  }

  // MARK: Access rules

  /// B3.1: unprivileged accesses to the SCS are BusFaults; STIR is open where CCR.USERSETMPEND says so (B3.2.26).
  @Test(arguments: [false, true]) func unprivilegedAccess(_ isAllowed: Bool) throws {
    let bench = try CortexMBench(vectors: [5: "bus", 16: "irq"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 7 << 16)
      t.poke(SCS.iser, 1)
      t.poke(SCS.ccr, isAllowed ? 0x202 : 0x200)
      t.movs(0, 1)
      t.msr(.control, 0)
      t.isb()
      t.load(0, SCS.stir)
      t.movs(1, 0)
      t.str(1, 0)
      t.load(0, SCS.icsr)
      t.ldr(1, 0)
      t.label("irq")
      t.returnFromHandler()
      t.label("bus")
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.entered == (isAllowed ? [16, 5] : [5]))
    #expect(bench.state.system.bfar == (isAllowed ? SCS.icsr : SCS.stir))
  }

  /// CCR.BFHFNMIGN: a handler at priority -1 may touch what is not there.
  @Test func busFaultsMayBeIgnoredInHardFault() throws {
    let bench = try CortexMBench(vectors: [3: "hard"]) { t in
      t.label("start")
      t.poke(SCS.ccr, 0x300)
      t.udf()
      t.label("hard")
      t.load(0, 0x3000_0000)
      t.ldr(1, 0)
      t.load(6, SCS.bfar)
      t.ldr(4, 6)
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.state.r[4] == 0x3000_0000)
  }

  /// CFSR and HFSR: "write one to clear"; CFSR by its parts.
  @Test func statusRegistersAreClearedByOnes() throws {
    let bench = try CortexMBench(vectors: [3: "hard"]) { t in
      t.label("start")
      t.udf()
      t.label("hard")
      t.load(0, SCS.cfsr)
      t.movs(1, 0)
      t.strh(1, 0, 2)
      t.ldr(2, 0)
      t.movs(1, 1)
      t.strh(1, 0, 2)
      t.ldr(3, 0)
      t.load(1, 1 << 30)
      t.str(1, 0, 4)
      t.ldr(4, 0, 4)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[2] == 1 << 16)
    #expect(bench.state.r[3] == 0)
    #expect(bench.state.r[4] == 0)
  }

  /// AIRCR: SYSRESETREQ with the key only; the core starts again, RAM stays.
  @Test func systemReset() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, 0x2000_0000)
      t.ldr(1, 0)
      t.adds(1, 1)
      t.str(1, 0)
      t.cmp(1, 3)
      t.beq("done")
      t.poke(SCS.vtor, 0x80)
      t.poke(SCS.aircr, 0x0000_0004)
      t.poke(SCS.aircr, 0x05FA_0004)
      t.nop()
      t.label("done")
      t.load(0, SCS.vtor)
      t.ldr(2, 0)
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.machine.resets == 2)
    #expect(bench.state.r[1] == 3)
    #expect(bench.state.r[2] == 0)
  }

  /// What is not modelled is a finding with a name.
  /// ACTLR keeps the bits of a Cortex-M4 r0p1: DISMCYCINT, DISDEFWBUF, DISFOLD, DISFPCA, DISOOFP.
  @Test func auxiliaryControl() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, 0xE000_E008)
      t.ldr(1, 0)
      t.load(2, 0xFFFF_FFFF)
      t.str(2, 0)
      t.ldr(3, 0)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[1] == 0 && bench.state.r[3] == 0x307)
  }

  @Test func unmodelledRegistersAreFindings() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, 0xE004_0000)
      t.ldr(1, 0)
      t.load(0, 0xE004_1004)
      t.ldr(1, 0)
      t.end()
    }
    bench.run()
    let names = bench.machine.findings.map(\.name)
    #expect(names == ["TPIU0", "ETM1"])
  }

  // MARK: Lockup and NMI, bad input

  /// B1.5.15: lockup at priority -1 is left by an NMI, whose return address is 0xFFFFFFFE; when it
  /// returns the core is locked up again, and at -2 for ever.
  @Test func nmiLeavesLockup() throws {
    let bench = try CortexMBench(
      Puller(1, at: 500), vectors: [2: "nmi"], raw: [3: 0x3000_0001], nmi: true
    ) { t in
      t.label("start")
      t.movs(4, 0)
      t.udf()
      t.label("nmi")
      t.adds(4, 1)
      t.ldrSP(5, 24)
      t.poke(Puller.lower, 1, by: 0, with: 1)
      t.returnFromHandler()
    }
    #expect(bench.run()?.reason == .lockup)
    #expect(bench.state.r[4] == 1)
    #expect(bench.state.r[5] == 0xFFFF_FFFE)
    #expect(bench.entered == [3, 2])
    #expect(bench.entries[1] < 10)
    #expect(bench.machine.asleep > 400)
  }

  @Test func lockupInNMIIsTheEnd() throws {
    let bench = try CortexMBench(
      Puller(1, at: 50), vectors: [2: "nmi"], nmi: true
    ) { t in
      t.label("start")
      t.b("start")
      t.label("nmi")
      t.udf()
    }
    #expect(bench.run()?.reason == .lockup)
    #expect(bench.machine.stop?.detail.contains("in NMI, at priority -2") == true)
  }

  /// Each ends as the manual has it, and says so: a vector table that points nowhere, an initial SP in
  /// flash, a stack that runs out of memory, a return by a frame that is none.
  @Test func badInputSaysWhatWasWrong() throws {
    func words(
      stack: UInt32 = 0x2000_1000, vectors: [Int: String] = [:], raw: [Int: UInt32] = [:],
      _ build: (inout Thumb) -> Void
    ) throws -> String {
      let bench = try CortexMBench(stack: stack, vectors: vectors, raw: raw, build)
      let stop = bench.run()
      #expect(stop?.reason == .lockup)
      return stop?.detail ?? ""
    }
    // The reset vector, and then HardFault's, lead to nothing.
    #expect(
      try words(raw: [1: 0x3000_0001, 3: 0x3000_0001]) { $0.label("start") }
        == "BusFault: IBUSERR, at 0x30000000 in HardFault, at priority -1; CFSR 0x100: IBUSERR; "
        + "HFSR 0x40000000: FORCED")
    // SP in flash: the HardFault is entered with a frame that could not be written, and a push there
    // is the end.
    #expect(
      try words(stack: 0x8000, vectors: [3: "hard"]) { t in
        t.label("start")
        t.push(1)
        t.label("hard")
        t.push(1)
      }.hasPrefix("BusFault: PRECISERR, address 0x7fdc, at "))
    // A recursion: the stack runs down, out of SRAM.
    let overflow = try words(vectors: [3: "hard"]) { t in
      t.label("start")
      t.push(0xFF)
      t.b("start")
      t.label("hard")
      t.push(0xFF)
    }
    #expect(overflow.hasPrefix("BusFault: PRECISERR, address 0x1f"))
    #expect(overflow.contains("PRECISERR STKERR"))
    // An EXC_RETURN that is none: UsageFault, escalated to a HardFault that is not there; and where no
    // HardFault is possible.
    let corrupt = try words(vectors: [11: "svc"], raw: [3: 0x3000_0001]) { t in
      t.label("start")
      t.svc()
      t.label("svc")
      t.load(0, 0xFFFF_FFF5)
      t.bx(0)
    }
    #expect(corrupt.hasPrefix("BusFault: IBUSERR, at 0x30000000 in HardFault, at priority -1; "))
    #expect(corrupt.contains("IBUSERR INVPC (EXC_RETURN 0xfffffff5); HFSR 0x40000000: FORCED"))
    #expect(
      try words(vectors: [3: "hard", 2: "nmi"]) { t in
        t.label("start")
        t.udf()
        t.label("hard")
        t.poke(SCS.icsr, SCS.pendNMI)
        t.label("nmi")
        t.load(0, 0xFFFF_FFF5)
        t.bx(0)
      }.hasPrefix("UsageFault: INVPC, EXC_RETURN 0xfffffff5, at "))
    // A frame whose IPSR is that of no handler, and one that is not in memory.
    #expect(
      try words(vectors: [11: "svc"], raw: [3: 0x3000_0001]) { t in
        t.label("start")
        t.svc()
        t.label("svc")
        t.load(0, 0x0100_0010)
        t.strSP(0, 28)
        t.returnFromHandler()
      }.contains("INVPC (EXC_RETURN 0xfffffff9)"))
    #expect(
      try words(vectors: [11: "svc"], raw: [3: 0x3000_0001]) { t in
        t.label("start")
        t.svc()
        t.label("svc")
        t.load(0, 0x3000_0000)
        t.mov(13, 0)
        t.returnFromHandler()
      }.contains("UNSTKERR"))
  }

  /// VECTRESET, as on the silicon: the core alone starts again.
  @Test func vectorReset() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, Puller.address + 8)
      t.ldr(4, 0)
      t.cmp(4, 0)
      t.bne("again")
      t.poke(Puller.raise, 4)
      t.poke(SCS.vtor, 0x80)
      t.poke(SCS.aircr, 0x05FA_0001)
      t.nop()
      t.label("again")
      t.load(0, SCS.vtor)
      t.ldr(5, 0)
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.machine.resets == 1)
    #expect(bench.state.r[4] == 4)
    #expect(bench.state.r[5] == 0)
  }
}
