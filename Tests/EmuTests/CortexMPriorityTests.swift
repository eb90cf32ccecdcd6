import Testing

@testable import Emu

/// Priorities, masks and preemption: ARM DDI 0403E.e, B1.5.4; NVIC states, B3.4.
@Suite struct CortexMPriorityTests {
  /// IRQ 0 runs at one priority and pends IRQ 1 of another; each notes its entry.
  private func nested(_ first: UInt8, _ second: UInt8, group: UInt32 = 0) throws -> [Int] {
    let bench = try CortexMBench(vectors: [16: "irq0", 17: "irq1"]) { t in
      t.label("start")
      t.poke(SCS.aircr, 0x05FA_0000 | group << 8)
      t.poke(SCS.ipr, UInt32(second) << 8 | UInt32(first))
      t.poke(SCS.iser, 3)
      t.poke(SCS.ispr, 1)
      t.end()
      t.label("irq0")
      t.mark(1)
      t.poke(SCS.ispr, 2, by: 0, with: 1)
      t.mark(2)
      t.returnFromHandler()
      t.label("irq1")
      t.mark(3)
      t.returnFromHandler()
    }
    bench.run()
    return bench.marks.map(Int.init)
  }

  /// "An exception with a lower priority value has a higher priority"; only a higher one preempts.
  @Test func onlyAHigherPriorityPreempts() throws {
    #expect(try nested(0x40, 0x20) == [1, 3, 2])
    #expect(try nested(0x40, 0x40) == [1, 2, 3])
    #expect(try nested(0x20, 0x40) == [1, 2, 3])
    #expect(try nested(0xE0, 0xC0) == [1, 3, 2])
  }

  /// "Only the group priority field determines preemption". With PRIGROUP 5, bits 7:6 are the group.
  @Test func subprioritiesDoNotPreempt() throws {
    #expect(try nested(0x60, 0x40, group: 5) == [1, 2, 3])
    #expect(try nested(0x60, 0x20, group: 5) == [1, 3, 2])
    #expect(try nested(0x60, 0x40, group: 4) == [1, 3, 2])
    #expect(try nested(0xE0, 0x00, group: 7) == [1, 2, 3])
  }

  /// Among pending ones the lowest priority value is first, subpriority included; among equals the lowest number.
  @Test(arguments: [
    (0x40, 0x40, [16, 17]), (0x60, 0x40, [17, 16]), (0x40, 0x60, [16, 17]), (0xE0, 0x00, [17, 16]),
  ])
  func pendingOnesAreTakenInOrder(_ first: Int, _ second: Int, _ order: [Int]) throws {
    for group in [0, 5, 7] as [UInt32] {
      let bench = try CortexMBench(vectors: [16: "irq", 17: "irq"]) { t in
        t.label("start")
        t.poke(SCS.aircr, 0x05FA_0000 | group << 8)
        t.poke(SCS.ipr, UInt32(second << 8 | first))
        t.poke(SCS.iser, 3)
        t.poke(SCS.ispr, 3)
        t.end()
        t.label("irq")
        t.returnFromHandler()
      }
      bench.run()
      #expect(bench.entered == order, "PRIGROUP \(group)")
    }
  }

  /// PRIMASK, BASEPRI and FAULTMASK raise the execution priority; CPS and MSR that lower it let the exception in directly behind
  /// themselves.
  enum Mask: CaseIterable {
    case primask
    case basepri
    case faultmask
    case primaskByMSR
  }
  @Test(arguments: Mask.allCases) func unmaskingIsTakenBehindTheInstruction(_ mask: Mask) throws {
    let bench = try CortexMBench(vectors: [16: "irq"]) { t in
      t.label("start")
      t.poke(SCS.iser, 1)
      t.poke(SCS.ipr, 0x40)
      t.movs(0, 0x40)
      t.movs(1, 0)
      t.movs(4, 0)
      switch mask {
      case .primask, .primaskByMSR: t.cpsid(2)
      case .faultmask: t.cpsid(1)
      case .basepri: t.msr(.basepri, 0)
      }
      t.poke(SCS.ispr, 1)
      t.adds(4, 1)
      t.adds(4, 1)
      switch mask {
      case .primask: t.cpsie(2)
      case .faultmask: t.cpsie(1)
      case .basepri: t.msr(.basepri, 1)
      case .primaskByMSR: t.msr(.primask, 1)
      }
      t.label("next")
      t.adds(4, 1)
      t.adds(4, 1)
      t.end()
      t.label("irq")
      t.mov(8, 4)
      t.ldrSP(5, 24)
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[8] == 2)
    #expect(bench.state.r[5] == bench.program.address("next"))
    #expect(bench.state.r[4] == 4)
    #expect(bench.entered == [16])
  }

  /// BASEPRI "prevents the activation of all exceptions with the same or lower priority"; zero masks nothing; PRIMASK lets NMI and
  /// HardFault through, FAULTMASK only NMI.
  @Test func masksLetThroughWhatIsMoreUrgent() throws {
    let bench = try CortexMBench(vectors: [16: "irq0", 17: "irq1", 2: "nmi"]) { t in
      t.label("start")
      t.poke(SCS.iser, 3)
      t.poke(SCS.ipr, 0x4020)
      t.movs(0, 0x40)
      t.msr(.basepri, 0)
      t.poke(SCS.ispr, 2)
      t.mark(1)
      t.poke(SCS.ispr, 1)
      t.mark(2)
      t.cpsid(1)
      t.poke(SCS.icsr, SCS.pendNMI)
      t.mark(3)
      t.end()
      t.label("irq0")
      t.mark(10)
      t.returnFromHandler()
      t.label("irq1")
      t.mark(11)
      t.returnFromHandler()
      t.label("nmi")
      t.mark(12)
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.marks == [1, 10, 2, 12, 3])
  }

  /// B3.4: priorities have three bits on this board, and the others "read as zero and ignore writes"; IPR takes bytes.
  @Test func priorityBitsThatAreNotThereReadAsZero() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, SCS.ipr)
      t.load(1, 0xFFFF_FFFF)
      t.str(1, 0)
      t.movs(2, 0x5F)
      t.strb(2, 0, 2)
      t.ldr(4, 0)
      t.ldrb(5, 0, 2)
      t.load(0, SCS.shpr1)
      t.str(1, 0)
      t.str(1, 0, 4)
      t.str(1, 0, 8)
      t.ldr(8 - 8, 0, 0)
      t.mov(8, 0)
      t.load(0, SCS.shpr2)
      t.ldr(1, 0)
      t.ldr(2, 0, 4)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 0xE040_E0E0)
    #expect(bench.state.r[5] == 0x40)
    // MemManage, BusFault, UsageFault; SVCall; DebugMonitor, PendSV, SysTick.
    #expect(bench.state.r[8] == 0x00E0_E0E0)
    #expect(bench.state.r[1] == 0xE000_0000)
    #expect(bench.state.r[2] == 0xE0E0_00E0)
  }

  /// B1.4.3: BASEPRI has the bits that priorities have; zero in those masks nothing. BASEPRI_MAX only raises.
  @Test func basepriHasTheImplementedBits() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.movs(0, 0xFF)
      t.msr(.basepri, 0)
      t.mrs(4, .basepri)
      t.movs(0, 0x1F)
      t.msr(.basepriMax, 0)
      t.mrs(5, .basepri)
      t.movs(0, 0x5F)
      t.msr(.basepriMax, 0)
      t.mrs(8, .basepri)
      t.movs(0, 0x1F)
      t.msr(.basepri, 0)
      t.mrs(9, .basepri)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 0xE0)
    #expect(bench.state.r[5] == 0xE0)
    #expect(bench.state.r[8] == 0x40)
    #expect(bench.state.r[9] == 0)
  }

  /// A changed priority takes effect at once: of an exception that pends, and of one that is active.
  @Test func prioritiesMayChangeAtAnyTime() throws {
    let bench = try CortexMBench(vectors: [16: "irq0", 17: "irq1"]) { t in
      t.label("start")
      t.poke(SCS.iser, 3)
      t.poke(SCS.ipr, 0x4040)
      t.poke(SCS.ispr, 1)
      t.end()
      t.label("irq0")
      t.poke(SCS.ispr, 2, by: 0, with: 1)
      t.mark(1)
      t.load(0, SCS.ipr)
      t.movs(1, 0x20)
      t.strb(1, 0, 1)
      t.mark(2)
      t.returnFromHandler()
      t.label("irq1")
      t.mark(3)
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.marks == [1, 3, 2])
  }

  /// PendSV and SysTick by ICSR: set and clear bits; PENDSVSET reads as pending.
  @Test func icsrPendsAndClears() throws {
    let bench = try CortexMBench(vectors: [14: "pendsv", 15: "systick"]) { t in
      t.label("start")
      t.cpsid()
      t.load(0, SCS.icsr)
      t.load(1, 1 << 28 | 1 << 26)
      t.str(1, 0)
      t.ldr(4, 0)
      t.load(1, 1 << 25)
      t.str(1, 0)
      t.ldr(5, 0)
      t.cpsie()
      t.end()
      t.label("pendsv")
      t.load(0, SCS.icsr)
      t.ldr(1, 0)
      t.mov(8, 1)
      t.returnFromHandler()
      t.label("systick")
      t.returnFromHandler()
    }
    bench.run()
    // VECTPENDING is not affected by PRIMASK; both at priority 0, so PendSV, the lower number.
    #expect(bench.state.r[4] == 1 << 28 | 1 << 26 | 14 << 12 | 1 << 11)
    #expect(bench.state.r[5] == 1 << 28 | 14 << 12 | 1 << 11)
    #expect(bench.state.r[8] == 14 | 1 << 11)
    #expect(bench.entered == [14])
  }

  /// B3.4: an input that is still asserted at return pends again, and again; one that has fallen does not.
  @Test func levelPendsAgainWhileItIsHigh() throws {
    let bench = try CortexMBench(vectors: [16: "irq"]) { t in
      t.label("start")
      t.poke(SCS.iser, 1)
      t.movs(4, 0)
      t.poke(Puller.raise, 1)
      t.end()
      t.label("irq")
      t.adds(4, 1)
      t.cmp(4, 3)
      t.bne("out")
      t.poke(Puller.lower, 1, by: 0, with: 1)
      t.label("out")
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[4] == 3)
    #expect(bench.entered == [16, 16, 16])
    #expect(bench.state.msp == 0x2000_1000)
  }

  /// A pulse is latched, also while it is masked, and is taken once.
  @Test func pulseIsTakenOnce() throws {
    let bench = try CortexMBench(Puller(1, at: 10, pulse: true), vectors: [16: "irq"]) { t in
      t.label("start")
      t.cpsid()
      t.poke(SCS.iser, 1)
      for _ in 0..<20 { t.nop() }
      t.load(0, SCS.ispr)
      t.ldr(4, 0)
      t.cpsie()
      t.nop()
      t.ldr(5, 0)
      t.end()
      t.label("irq")
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[4] == 1)
    #expect(bench.state.r[5] == 0)
    #expect(bench.entered == [16])
  }

  /// An interrupt that pends while it is active is taken once more: "active and pending".
  @Test func activeAndPending() throws {
    let bench = try CortexMBench(vectors: [16: "irq"]) { t in
      t.label("start")
      t.poke(SCS.iser, 1)
      t.movs(4, 0)
      t.poke(SCS.ispr, 1)
      t.end()
      t.label("irq")
      t.load(0, SCS.iabr)
      t.ldr(1, 0)
      t.mov(8, 1)
      t.adds(4, 1)
      t.cmp(4, 1)
      t.bne("out")
      t.load(0, SCS.stir)
      t.movs(1, 0)
      t.str(1, 0)
      t.label("out")
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[4] == 2)
    #expect(bench.state.r[8] == 1)
  }

  /// ICPR takes a pending state back, but not from an input that is asserted.
  @Test func icprClearsWhatNoInputHolds() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.poke(SCS.ispr, 2)
      t.poke(Puller.raise, 1)
      t.load(0, SCS.icpr)
      t.ldr(4, 0)
      t.movs(1, 3)
      t.str(1, 0)
      t.ldr(5, 0)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 3)
    #expect(bench.state.r[5] == 1)
  }

  /// Bits of interrupts that are not there: this board has 64.
  @Test func interruptsThatAreNotThere() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.cpsid()
      t.load(1, 0xFFFF_FFFF)
      for base in [SCS.iser, SCS.ispr] {
        t.load(0, base)
        t.str(1, 0, 4)
        t.str(1, 0, 8)
        t.ldr(4, 0, 4)
        t.ldr(5, 0, 8)
      }
      t.load(0, 0xE000_E004)
      t.ldr(8 - 8, 0)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 0xFFFF_FFFF)
    #expect(bench.state.r[5] == 0)
    #expect(bench.state.r[0] == 1)
  }

  /// A disabled interrupt pends and waits.
  @Test func disabledInterruptsPend() throws {
    let bench = try CortexMBench(vectors: [21: "irq"]) { t in
      t.label("start")
      t.poke(Puller.raise, 1 << 5)
      t.poke(Puller.lower, 1 << 5)
      t.nop()
      t.poke(SCS.iser, 1 << 5)
      t.label("after")
      t.nop()
      t.end()
      t.label("irq")
      t.ldrSP(4, 24)
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[4] == bench.program.address("after"))
  }

  /// B1.5.4: 3 to 8 bits of priority, as the board has them: IPR, SHPR and BASEPRI keep the upper ones,
  /// and the group is what PRIGROUP leaves of them.
  @Test(arguments: 3...8) func widthOfPriorities(_ bits: Int) throws {
    let mask = 0xFF00 >> bits & 0xFF
    for group in [0, 3, 7] as [UInt32] {
      let (slow, fast) = (0xB5, 0xA6)
      let bench = try CortexMBench(
        vectors: [16: "irq0", 17: "irq1"], priorityBits: bits
      ) { t in
        t.label("start")
        t.poke(SCS.aircr, 0x05FA_0000 | group << 8)
        t.movs(0, 0xFF)
        t.msr(.basepri, 0)
        t.mrs(4, .basepri)
        t.movs(0, 0)
        t.msr(.basepri, 0)
        t.poke(SCS.ipr, UInt32(fast << 8 | slow))
        t.load(0, SCS.ipr)
        t.ldr(5, 0)
        t.poke(SCS.iser, 3)
        t.poke(SCS.ispr, 1)
        t.end()
        t.label("irq0")
        t.poke(SCS.ispr, 2, by: 0, with: 1)
        t.mark(1)
        t.returnFromHandler()
        t.label("irq1")
        t.mark(2)
        t.returnFromHandler()
      }
      bench.run()
      #expect(bench.state.r[4] == UInt32(mask))
      #expect(bench.state.r[5] == UInt32((fast & mask) << 8 | slow & mask))
      let size = 2 << Int(group)
      let preempts = (fast & mask) / size < (slow & mask) / size
      #expect(bench.marks == (preempts ? [2, 1] : [1, 2]), "\(bits) bits, PRIGROUP \(group)")
    }
  }
}
