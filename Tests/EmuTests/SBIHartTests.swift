import Testing

@testable import Emu

/// What one hart does to another by the SBI. In quotes: the specification, version 2.0.
@Suite struct SBIHartTests {
  private static func run(_ machine: Machine) -> Stop? {
    guard case .stopped(let stop) = machine.run(until: RunLimit(tick: 10_000_000)) else {
      return nil
    }
    return stop
  }

  /// hart_start: "a0 hartid, a1 opaque parameter", satp 0, sstatus.SIE 0; "All other registers
  /// remain in an undefined state."
  @Test func startsAHart() throws {
    let machine = try SBIGuest.machine(harts: 4) { a in
      a.beginNotes()
      a.call(.harts, 2, 2)  // STOPPED
      a.la(.a1, "two")
      a.addi(.a2, .zero, 77)
      a.addi(.a0, .zero, 2)
      a.call(.harts, 0)
      a.call(.harts, 2, 2)  // STARTED
      a.la(.a1, "two")
      a.addi(.a0, .zero, 2)
      a.call(.harts, 0)  // "The given hartid is already started."
      a.la(.a1, "two")
      a.addi(.a0, .zero, 4)
      a.call(.harts, 0)  // "hartid is not a valid hartid"
      a.call(.harts, 0, 3, 0x2000_0000, 0)  // "start_addr is not valid"
      a.call(.harts, 2, 9)
      a.call(.harts, 9)
      a.label("wait")
      a.call(.harts, 2, 2)
      a.addi(.t0, .t0, -16)
      a.addi(.t1, .zero, 1)
      a.bne(.a1, .t1, "wait")
      a.end()
      a.label("two")
      a.beginNotes(2)
      a.note(.a0)
      a.note(.a1)
      a.csrr(.a2, 0x180)
      a.note(.a2)
      a.csrr(.a2, 0x100)
      a.note(.a2)
      a.call(.harts, 1)  // does not return
      a.end()
    }
    #expect(Self.run(machine)?.hart == 0)
    let wanted: [Int64] = [0, 1, 0, 0, 0, 0, -6, 0, -3, 0, -5, 0, -3, 0, -2, 0]
    #expect(SBIGuest.notes(machine, 16) == wanted)
    let two = SBIGuest.notes(machine, 5, hart: 2)
    #expect(two[0] == 2 && two[1] == 77 && two[2] == 0 && two[3] & 2 == 0)
    #expect(two[4] == 0, "a stopped hart went on")
  }

  /// hart_suspend, retentive: "resume after the call"; non-retentive: at resume_addr with the opaque
  /// parameter; a hart is SUSPENDED meanwhile. An IPI ends it, whatever sstatus.SIE says.
  @Test(arguments: [false, true]) func suspendsAndResumes(retentive: Bool) throws {
    let machine = try SBIGuest.machine(harts: 2) { a in
      a.beginNotes()
      a.la(.a1, "one")
      a.li(.a0, 1)
      a.li(.a2, 0)
      a.call(.harts, 0)
      a.label("wait")
      a.call(.harts, 2, 1)
      a.addi(.t0, .t0, -16)
      a.addi(.t1, .zero, 4)
      a.bne(.a1, .t1, "wait")
      a.call(.interrupts, 0, 2, 0)
      a.label("spin")
      a.j("spin")
      a.label("one")
      a.beginNotes(1)
      a.addi(.t1, .zero, 2)
      a.csrw(0x104, .t1)  // sie.SSIE
      a.call(.harts, 3, 1)  // "suspend_type is reserved"
      a.call(.harts, 3, 0x1000_0000)
      a.li(.a0, Int(Int32.min))
      a.li(.a1, 0x2000_0000)
      a.call(.harts, 3)  // "resume_addr is not valid"
      a.la(.a1, "resumed")
      a.addi(.a2, .zero, 99)
      a.addi(.a0, .zero, 0)
      if !retentive { a.lui(.a0, 0x80000) }
      a.call(.harts, 3)
      a.end()
      a.label("resumed")
      a.note(.a0)
      a.note(.a1)
      a.note(.zero)
      a.end()
    }
    #expect(Self.run(machine)?.hart == 1)
    let notes = SBIGuest.notes(machine, 8, hart: 1)
    #expect([notes[0], notes[2], notes[4]] == [-3, -3, -5])
    #expect(notes[6...] == (retentive ? [0, 0] : [1, 99]))
  }

  /// send_ipi: "hart_mask_base" and the mask; -1: "all available harts". A stopped hart hears
  /// nothing.
  @Test func interruptsAreForThoseNamed() throws {
    let machine = try SBIGuest.machine(harts: 4) { a in
      a.beginNotes()
      for hart in 1...2 {
        a.la(.a1, "sleep")
        a.li(.a0, hart)
        a.call(.harts, 0)
      }
      a.call(.interrupts, 0, 1, 4)  // "hart_mask_base ... is not valid"
      a.call(.interrupts, 0, 8, 1)  // hart 4
      a.call(.interrupts, 0, 2, 1)  // hart 2
      a.call(.interrupts, 0, 4, 1)  // hart 3, which is stopped
      a.call(.interrupts, 1, 1, 0)
      a.busy("spin", 20000)
      a.end()
      a.sleeper("sleep")
    }
    #expect(Self.run(machine) != nil)
    #expect(SBIGuest.notes(machine, 14)[4...] == [-3, 0, -3, 0, 0, 0, 0, 0, -2, 0])
    let woken = machine.harts.map { $0.registers.first { $0.name == "s1" }?.value }
    #expect(woken == [0, 0, 1, 0])
    let mip = machine.harts.map { $0.registers.first { $0.name == "mip" }?.value }
    #expect(mip[3] == 0)
  }

  /// remote_sfence_vma: hart 1 uses a translation that hart 0 takes away.
  @Test(arguments: [1, 2]) func remoteFencesReachTheOtherHart(function: Int) throws {
    let machine = try SBIGuest.machine(harts: 2) { a in
      // A table at 0x8090_0000: 1 GiB pages, 2 onto itself, 4 onto 2's place, where "data" is.
      a.beginNotes()
      a.lui(.s0, 0x80900)
      a.slli(.s0, .s0, 32)
      a.emit(32 << 20 | 8 << 15 | 5 << 12 | 8 << 7 | 0x13)
      a.li(.t1, 0x2000_00CF)  // PPN of 0x8000_0000, DAXWRV
      a.sd(.t1, .s0, 16)
      a.sd(.t1, .s0, 32)
      a.la(.a1, "one")
      a.li(.a0, 1)
      a.call(.harts, 0)
      a.li(.s1, 1500)
      a.label("wait")
      a.addi(.s1, .s1, -1)
      a.bne(.s1, .zero, "wait")
      a.li(.t1, 0)
      a.sd(.t1, .s0, 32)
      a.call(.fences, function, 2, 0, 0, 0, 5)
      a.label("spin")
      a.j("spin")
      a.label("one")
      a.la(.t1, "fault")
      a.csrw(0x105, .t1)
      a.li(.t1, -8)
      a.slli(.t1, .t1, 60)
      a.li(.t2, 0x80900)
      a.add(.t1, .t1, .t2)
      a.csrw(0x180, .t1)
      a.fence()
      a.li(.s0, 1)
      a.slli(.s0, .s0, 32)
      a.label("read")
      a.lw(.s1, .s0, 0)
      a.j("read")
      a.label("fault")
      a.csrr(.s1, 0x142)
      a.li(.a7, 8)
      a.ecall()
    }
    let stop = Self.run(machine)
    #expect(stop?.hart == 1 && stop?.reason == .sbiReset)
    #expect(machine.harts[1].registers.first { $0.name == "s1" }?.value == 13)
    // Hart 1 ended the run; what hart 0 was answered comes in another one.
    #expect(SBIGuest.notes(machine, 4) == [0, 0, 0, 0])
  }

  @Test func fencesHaveErrors() throws {
    let machine = try SBIGuest.machine(harts: 2) { a in
      a.beginNotes()
      a.call(.fences, 0, 2, 0)
      for function in 3...7 { a.call(.fences, function, 2, 0) }  // no hypervisor extension
      a.call(.fences, 1, 4, 0)  // hart 2
      a.li(.a2, -4096)
      a.li(.a3, 8192)
      a.call(.fences, 1, 2, 0)  // "start_addr or size is not valid"
      a.call(.fences, 2, 0, -1, 0, -1, 1)
      a.end()
    }
    #expect(Self.run(machine) != nil)
    let status = SBIGuest.notes(machine, 18).enumerated().filter { $0.offset % 2 == 0 }
    #expect(status.map(\.element) == [0, -2, -2, -2, -2, -2, -3, -5, 0])
  }

  /// system_suspend: "all other harts must be in STOPPED state"; it resumes at resume_addr.
  @Test func suspendsTheSystem() throws {
    let machine = try SBIGuest.machine(harts: 2) { a in
      a.beginNotes()
      a.la(.a1, "spin")
      a.li(.a0, 1)
      a.call(.harts, 0)
      a.la(.a1, "resumed")
      a.li(.a0, 0)
      a.call(.suspend, 0)  // denied
      a.la(.a1, "resumed")
      a.li(.a0, 1)
      a.call(.suspend, 0)  // "reserved"
      a.li(.a1, 1)
      a.li(.a0, 0)
      a.call(.suspend, 0)
      a.label("wait")
      a.call(.harts, 2, 1)
      a.addi(.t0, .t0, -16)
      a.addi(.t1, .zero, 1)
      a.bne(.a1, .t1, "wait")
      a.addi(.t1, .zero, 0x20)
      a.csrw(0x104, .t1)  // sie.STIE
      a.call(.timer, 0, 5000)
      a.la(.a1, "resumed")
      a.li(.a0, 0)
      a.li(.a2, 123)
      a.call(.suspend, 0)
      a.end()
      a.label("resumed")
      a.note(.a0)
      a.note(.a1)
      a.end()
      a.label("spin")
      a.li(.s1, 400)
      a.label("again")
      a.addi(.s1, .s1, -1)
      a.bne(.s1, .zero, "again")
      a.call(.harts, 1)
    }
    #expect(Self.run(machine)?.hart == 0)
    let wanted: [Int64] = [0, 0, -4, 0, -3, 0, -5, 0, 0, 0, 0, 123]
    #expect(SBIGuest.notes(machine, 12) == wanted)
    #expect(machine.now >= 500_000 && machine.now < 500_100)
  }

  /// Legacy calls name harts by a bit-vector in memory.
  @Test func legacyMasksAreInMemory() throws {
    let machine = try SBIGuest.machine(harts: 3) { a in
      a.beginNotes()
      for hart in 1...2 {
        a.la(.a1, "sleep")
        a.li(.a0, hart)
        a.call(.harts, 0)
      }
      a.busy("settle", 2000)
      a.la(.a0, "mask")
      a.call(4, 0, [])
      a.call(4, 0, [0x2000_0000])  // nothing there
      a.la(.a0, "mask")
      a.call(5, 0, [])
      a.busy("spin", 20000)
      a.end()
      a.sleeper("sleep")
      a.label("mask")
      a.emit(4)
      a.emit(0)
    }
    #expect(Self.run(machine) != nil)
    let notes = SBIGuest.notes(machine, 10)
    #expect([notes[4], notes[6], notes[8]] == [0, -5, 0])
    #expect(machine.harts.map { $0.registers.first { $0.name == "s1" }?.value } == [0, 0, 1])
  }
}
