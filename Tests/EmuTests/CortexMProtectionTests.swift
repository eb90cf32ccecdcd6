import Testing

@testable import Emu

/// The Memory Protection Unit: ARM DDI 0403E.e, B3.5, and what exceptions may touch, B1.5.14.
@Suite struct CortexMProtectionTests {
  private static let window: UInt32 = 0x2000_4000
  private static let memManage: UInt32 = 1 << 16

  /// Table B3-15: AP and what privileged and unprivileged software may do: nothing, read, write.
  private static let table: [(privileged: String, user: String)] = [
    ("", ""), ("rw", ""), ("rw", "r"), ("rw", "rw"), ("", ""), ("r", ""), ("r", "r"), ("r", "r"),
  ]

  /// "Access permissions": each AP, each mode, loads and stores; also LDRT and STRT, which are
  /// unprivileged whatever the mode (A7.7.64).
  @Test(arguments: 0..<8 as Range<UInt32>) func accessPermissions(_ ap: UInt32) throws {
    for way in 0..<6 {
      let (isUser, isStore) = (way % 3 == 1, way >= 3)
      let bench = try CortexMBench(vectors: [4: "mem"]) { t in
        t.label("start")
        t.poke(SCS.shcsr, Self.memManage)
        t.region(0, 0, log2: 32, ap: 3)
        t.region(1, Self.window, log2: 8, ap: ap)
        t.poke(SCS.mpuCTRL, 1)
        t.load(0, Self.window + 0x10)
        if isUser {
          t.movs(1, 1)
          t.msr(.control, 1)
          t.isb()
        }
        t.label("fault")
        switch (way % 3, isStore) {
        case (2, false): t.ldrt(1, 0)
        case (2, true): t.strt(1, 0)
        case (_, false): t.ldr(1, 0)
        case (_, true): t.str(1, 0)
        }
        t.end(1)
        t.label("mem")
        t.ldrSP(5, 24)
        t.load(6, SCS.cfsr)
        t.ldr(4, 6)
        t.end(2)
      }
      let code = bench.run()?.code
      let rights = way % 3 == 0 ? Self.table[Int(ap)].privileged : Self.table[Int(ap)].user
      let isAllowed = rights.contains(isStore ? "w" : "r")
      #expect(code == (isAllowed ? 1 : 2), "AP \(ap), way \(way)")
      if isAllowed { continue }
      // DACCVIOL and MMARVALID, with the address; ThisInstrAddr.
      #expect(bench.state.r[4] == 0x82)
      #expect(bench.state.system.mmfar == Self.window + 0x10)
      #expect(bench.state.r[5] == bench.program.address("fault"))
    }
  }

  private struct Region {
    var number: Int
    var base: UInt32
    var log2: UInt32
    var ap: UInt32
    var srd: UInt32
    var isEnabled: Bool
  }

  /// `ValidateAddress()`, word for word.
  private static func isAllowed(
    _ address: UInt32, isStore: Bool, privileged: Bool, _ regions: [Region], background: Bool
  ) -> Bool {
    var hit: UInt32?
    for r in 0..<8 {
      guard let region = regions.first(where: { $0.number == r }), region.isEnabled else {
        continue
      }
      let lsbit = region.log2
      let matches = address >> lsbit == region.base >> lsbit
      if !matches { continue }
      if lsbit >= 8 {
        let subregion = address >> (lsbit - 3) & 7
        if region.srd >> subregion & 1 == 1 { continue }
      }
      hit = region.ap
    }
    guard let ap = hit else { return background && privileged }
    let rights = privileged ? table[Int(ap)].privileged : table[Int(ap)].user
    return rights.contains(isStore ? "w" : "r")
  }

  /// Six random regions of 32 bytes to 16 KiB over each other, with subregions: of 96 accesses, those
  /// fault that the pseudocode says; whole and an instruction at a time.
  @Test(arguments: 0..<24) func regionsAsThePseudocodeHasThem(_ seed: Int) throws {
    var random = SplitMix(UInt64(seed))
    let privileged = seed % 3 == 0
    var regions: [Region] = []
    for number in 0..<6 {
      let log2 = UInt32.random(in: 5...14, using: &random)
      let offset = UInt32.random(in: 0..<0x4000, using: &random) & ~((1 << log2) - 1)
      regions.append(
        Region(
          number: number, base: Self.window + offset, log2: log2,
          ap: [0, 1, 2, 3, 5, 6].randomElement(using: &random) ?? 0,
          srd: log2 >= 8 ? .random(in: 0..<256, using: &random) : 0,
          isEnabled: .random(in: 0..<8, using: &random) != 0))
    }
    // Around edges, most of them.
    let accesses = (0..<96).map { _ in
      let region = regions.randomElement(using: &random) ?? regions[0]
      let edge = UInt32.random(in: 0...8, using: &random) * (1 << (region.log2 - 3))
      let near = region.base &+ edge &+ UInt32.random(in: 0..<3, using: &random) &- 1
      let address = max(Self.window, min(near, Self.window + 0x3FFF))
      return (address: address, isStore: Bool.random(using: &random))
    }
    let list: UInt32 = 0x2000_2000
    let bench = try CortexMBench(vectors: [4: "mem", 11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, Self.memManage)
      for region in regions where region.isEnabled {
        t.region(
          region.number, region.base, log2: region.log2, ap: region.ap, srd: region.srd)
      }
      // Code, and the stack of whoever it is.
      t.region(6, 0, log2: 16, ap: 6)
      t.region(7, 0x2000_0000, log2: 12, ap: 3)
      t.load(7, list)
      t.load(0, SCS.mpuCTRL)
      t.movs(1, 5)
      t.str(1, 0)
      if !privileged {
        t.movs(1, 1)
        t.msr(.control, 1)
        t.isb()
      }
      for access in accesses {
        t.load(5, access.address)
        if access.isStore { t.strb(2, 5) } else { t.ldrb(2, 5) }
      }
      t.svc()
      t.label("svc")
      t.end()
      t.label("mem")
      t.load(6, SCS.mmfar)
      t.ldr(0, 6)
      t.str(0, 7)
      t.adds(7, 4)
      t.load(6, SCS.cfsr)
      t.ldr(0, 6)
      t.str(0, 6)
      t.ldrSP(0, 24)
      t.adds(0, 2)
      t.strSP(0, 24)
      t.returnFromHandler()
    }
    let expected = accesses.filter {
      !Self.isAllowed(
        $0.address, isStore: $0.isStore, privileged: privileged, regions, background: true)
    }.map(\.address)
    if seed % 4 == 3 {
      var index: UInt64 = 0
      while bench.machine.stop == nil && index < 10_000 {
        index += 1
        bench.run(to: index)
      }
    }
    #expect(bench.run()?.reason == .finisher)
    let faults = (0..<UInt32(expected.count)).map { bench.word(list + 4 * $0) }
    #expect(faults == expected)
    #expect(bench.entered.count { $0 == 4 } == expected.count)
  }

  /// "If an access crosses" into a region that refuses it: an unaligned word over an edge of 32
  /// bytes within a KiB, and over an edge of pages.
  @Test(arguments: [0x2000_401E, 0x2000_43FE] as [UInt32])
  func unalignedAccessIntoAForbiddenRegion(_ address: UInt32) throws {
    let edge = (address + 4) & ~31
    let bench = try CortexMBench(vectors: [4: "mem"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, Self.memManage)
      t.region(0, edge, log2: 5, ap: 0)
      t.poke(SCS.mpuCTRL, 5)
      t.load(0, address - 2)
      t.ldr(1, 0)
      t.load(0, address)
      t.label("fault")
      t.ldr(1, 0)
      t.label("mem")
      t.ldrSP(5, 24)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[5] == bench.program.address("fault"))
    #expect(bench.state.system.mmfar == edge)
  }

  /// XN, and no right to read: IACCVIOL at the very instruction, also where the edge lies within a
  /// KiB that holds code which has run before, whole or an instruction at a time; MMARVALID stays clear.
  @Test(arguments: [false, true], [false, true])
  func executeNever(_ xn: Bool, sliced: Bool) throws {
    let code: UInt32 = 0x2000_4000
    let bench = try CortexMBench(vectors: [4: "mem"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, Self.memManage)
      // ADDS r4, #1 as far as 0x40, then BX LR.
      t.load(0, code)
      t.load(1, 0x3401_3401)
      for word in 0..<16 { t.str(1, 0, 4 * word) }
      t.load(1, 0x4770_4770)
      t.load(2, code + 64)
      t.str(1, 2)
      t.movs(4, 0)
      t.load(0, code | 1)
      t.load(14, "there")
      t.bx(0)
      t.label("there")
      t.mov(8, 4)
      t.movs(4, 0)
      t.region(0, code + 32, log2: 5, ap: xn ? 3 : 0, xn: xn)
      t.poke(SCS.mpuCTRL, 5)
      t.load(14, "over")
      t.load(0, code | 1)
      t.bx(0)
      t.label("over")
      t.end(1)
      t.label("mem")
      t.ldrSP(5, 24)
      t.load(6, SCS.cfsr)
      t.ldr(3, 6)
      t.end(2)
    }
    if sliced { for index in 1..<200 { bench.run(to: UInt64(index)) } }
    #expect(bench.run()?.code == 2)
    #expect(bench.state.r[8] == 32)
    #expect(bench.state.r[4] == 16)
    #expect(bench.state.r[5] == code + 32)
    #expect(bench.state.r[3] == 1)
  }

  /// HFNMIENA: "MPU disabled for HardFault and NMI handlers ... and when FAULTMASK is set to 1".
  @Test(arguments: [1, 3] as [UInt32]) func handlersBelowPriorityZero(_ control: UInt32) throws {
    for way in 0..<3 {
      let bench = try CortexMBench(vectors: [2: "below", 3: "below"]) { t in
        t.label("start")
        t.region(0, 0, log2: 32, ap: 3)
        t.region(1, Self.window, log2: 5, ap: 0)
        t.poke(SCS.mpuCTRL, control)
        t.load(0, Self.window)
        switch way {
        case 0: t.udf()
        case 1: t.poke(SCS.icsr, SCS.pendNMI)
        default:
          t.cpsid(1)
          t.ldr(1, 0)
          t.end(3)
        }
        t.label("below")
        t.load(0, Self.window)
        t.ldr(1, 0)
        t.end(3)
      }
      let stop = bench.run()
      #expect(stop?.reason == (control == 1 ? .finisher : .lockup), "\(way)")
    }
  }

  /// B1.5.6: the stack is written with the rights of what is preempted. MSTKERR, and no MMARVALID;
  /// MUNSTKERR at return.
  @Test func stackingViolations() throws {
    let bench = try CortexMBench(vectors: [4: "mem", 11: "svc"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, Self.memManage)
      t.poke(SCS.shpr2, 0x2000_0000)
      t.region(0, 0, log2: 16, ap: 6)
      t.region(1, Self.window, log2: 8, ap: 1)
      t.poke(SCS.mpuCTRL, 5)
      t.load(0, Self.window + 0x80)
      t.msr(.psp, 0)
      t.movs(0, 3)
      t.msr(.control, 0)
      t.isb()
      t.svc()
      t.label("svc")
      t.mark(2)
      t.load(0, 0xFFFF_FFFD)
      t.load(1, SCS.cfsr)
      t.ldr(2, 1)
      t.str(2, 1)
      t.bx(0)
      t.label("mem")
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.mrs(8, .psp)
      t.cmp(4, 1 << 4)
      t.bne("second")
      t.mark(1)
      t.returnFromHandler()
      t.label("second")
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    // MemManage (0) is more urgent than SVCall (0x20): it comes first, and SVCall is chained.
    #expect(bench.marks == [1, 2])
    #expect(bench.state.r[4] == 1 << 3)
    #expect(bench.state.r[8] == Self.window + 0x60)
    #expect(bench.word(Self.window + 0x60) == 0)
  }

  /// B1.5.6: vectors are read with the default memory map.
  @Test func vectorsAreNotChecked() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, Self.window)
      t.load(1, "svc")
      t.str(1, 0, 44)
      t.region(0, Self.window, log2: 8, ap: 0)
      t.poke(SCS.vtor, Self.window)
      t.poke(SCS.mpuCTRL, 5)
      t.svc()
      t.label("svc")
      t.end(4)
    }
    #expect(bench.run()?.code == 4)
  }

  /// "Accesses to the PPB always use the default memory map": no region opens or closes it.
  @Test func privateBusIsAlwaysTheDefaultMap() throws {
    let bench = try CortexMBench(vectors: [5: "bus"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 1 << 17)
      t.region(0, 0, log2: 32, ap: 3)
      t.region(1, 0xE000_0000, log2: 20, ap: 0)
      t.poke(SCS.mpuCTRL, 1)
      t.load(0, SCS.vtor)
      t.ldr(1, 0)
      t.region(1, 0xE000_0000, log2: 20, ap: 3)
      t.movs(1, 1)
      t.msr(.control, 1)
      t.isb()
      t.ldr(1, 0)
      t.label("bus")
      t.end(5)
    }
    #expect(bench.run()?.code == 5)
    #expect(bench.state.system.bfar == SCS.vtor)
  }

  /// With no region and no background even the next fetch is a violation; in its handler, at
  /// priority -1, the MPU is off.
  @Test func nothingIsAllowed() throws {
    let bench = try CortexMBench(vectors: [3: "hard"]) { t in
      t.label("start")
      t.load(0, SCS.mpuCTRL)
      t.movs(1, 1)
      t.str(1, 0)
      t.label("next")
      t.nop()
      t.label("hard")
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    // The frame could not be stored either: MSTKERR beside IACCVIOL.
    #expect(bench.state.r[4] == 1 << 0 | 1 << 4)
  }

  /// B3.5.4 to B3.5.9: TYPE; RBAR.VALID sets RNR; the aliases; halves of RASR; reserved bits.
  @Test func registers() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, 0xE000_ED90)
      t.ldr(1, 0)
      t.mov(8, 1)
      t.load(1, 0x2000_0035)
      t.str(1, 0, 0xC)
      t.ldr(2, 0, 8)
      t.mov(9, 2)
      t.ldr(2, 0, 0xC)
      t.mov(10, 2)
      t.load(1, 0xFFFF_FFFF)
      t.str(1, 0, 0x18)
      t.ldr(3, 0, 0x10)
      t.movs(1, 0)
      t.strh(1, 0, 0x12)
      t.ldr(4, 0, 0x20)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[8] == 0x800)
    #expect(bench.state.r[9] == 5)
    #expect(bench.state.r[10] == 0x2000_0025)
    #expect(bench.state.r[3] == 0x173F_FF3F)
    #expect(bench.state.r[4] == 0x0000_FF3F)
  }

  /// The default memory map (Table B3-1): the spaces that never execute.
  @Test(
    arguments: [
      0x4000_0100, 0x5FFF_FFF0, 0xA000_0000, 0xC000_0000, 0xDFFF_F000, 0xE000_E000, 0xE010_0000,
      0xF000_0000,
    ] as [UInt32])
  func spacesThatNeverExecute(_ address: UInt32) throws {
    let bench = try CortexMBench(vectors: [4: "mem"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 7 << 16)
      t.load(0, address | 1)
      t.bx(0)
      t.label("mem")
      t.ldrSP(5, 24)
      t.end(6)
    }
    #expect(bench.run()?.code == 6)
    #expect(bench.state.r[5] == address)
    #expect(bench.state.system.cfsr == 1)
  }

  /// The MPU with a page that it divides, both traps of CCR, lazy FP state and a bit-band store, three
  /// times round.
  private static func everything(_ t: inout Thumb) {
    t.label("start")
    t.poke(SCS.shcsr, 7 << 16)
    t.poke(SCS.cpacr, 0xF << 20)
    t.poke(SCS.ccr, 0x218)
    t.region(0, 0, log2: 16, ap: 6)
    t.region(1, window + 32, log2: 5, ap: 0)
    t.poke(SCS.mpuCTRL, 5)
    t.vadd()
    t.movs(3, 3)
    t.label("loop")
    t.load(0, window)
    t.str(3, 0)
    t.emit(0xF890, 0x2020)  // LDRB.W r2, [r0, #32]
    t.movs(1, 0)
    t.udiv(2, 3, 1)
    t.emit(0xF8D0, 0x2001)  // LDR.W r2, [r0, #1]
    t.svc()
    t.load(0, 0x2200_0000 + 0x4000 * 32 + 31 * 4)
    t.movs(1, 1)
    t.str(1, 0)
    t.subs(3, 1)
    t.bne("loop")
    t.vmov(4, s: 0)
    t.end()
    // Each of them skips its instruction, which has four bytes.
    t.label("fault")
    t.load(0, SCS.cfsr)
    t.ldr(1, 0)
    t.str(1, 0)
    t.ldrSP(1, 24)
    t.adds(1, 4)
    t.strSP(1, 24)
    t.returnFromHandler()
    t.label("svc")
    t.movs(0, 9)
    t.vmov(s: 0, 0)
    t.returnFromHandler()
  }

  /// Whole, an instruction at a time, and from a snapshot at every thirteenth: the same events, the same
  /// state.
  @Test func slicesAndSnapshotsAreNotSeen() throws {
    let vectors = [4: "fault", 6: "fault", 11: "svc"]
    let whole = try CortexMBench(vectors: vectors, Self.everything)
    #expect(whole.run()?.reason == .finisher)
    #expect(whole.entered == [4, 6, 6, 11, 4, 6, 6, 11, 4, 6, 6, 11])
    #expect(whole.word(Self.window) == 0x8000_0001)
    #expect(whole.state.r[4] == 0)
    let sliced = try CortexMBench(vectors: vectors, Self.everything)
    var index: UInt64 = 0
    while sliced.machine.stop == nil && index < 5000 {
      index += 1
      sliced.run(to: index)
      if index % 13 != 0 { continue }
      let machine = try Machine(sliced.machine.snapshot())
      _ = machine.run(until: RunLimit(tick: 1_000_000))
      #expect(Array(machine.trace) == Array(whole.machine.trace), "\(index)")
      #expect(machine.stateDigest == whole.machine.stateDigest, "\(index)")
    }
    #expect(Array(sliced.machine.trace) == Array(whole.machine.trace))
    #expect(sliced.state == whole.state)
  }
}
