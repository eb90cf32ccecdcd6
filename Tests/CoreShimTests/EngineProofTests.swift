import CoreProofs
import CoreShim
import Testing

@Suite("The library is the one that the shim was proven on")
struct LibraryTests {
  @Test func checkAndSelfTest() {
    #expect(core_check() == nil)
    #expect(core_self_test() == nil)
  }

  @Test func noProofIsForgotten() {
    var count: Int32 = 0
    let proofs = core_proof_list(&count)
    let names = UnsafeBufferPointer(start: proofs, count: Int(count)).map {
      String(cString: $0.name)
    }
    #expect(
      Set(names)
        == Set(
          RandomGuestTests.names + CaseTests.names + SpecificationTests.names + MachineTests.names))
  }
}

@Suite("Random guests against a plain engine, stepped one instruction at a time")
struct RandomGuestTests {
  static let names = [
    "every index", "events", "device faults", "interrupts", "interrupts in all modes",
    "self-modifying code", "everything at once", "breakpoints", "looks", "coverage",
  ]

  @Test(arguments: ProofCase.all("every index")) func everyIndex(_ proof: ProofCase) throws {
    try proof.run()
  }
  @Test(arguments: ProofCase.all("events")) func events(_ proof: ProofCase) throws {
    try proof.run()
  }
  @Test(arguments: ProofCase.all("device faults")) func deviceFaults(_ proof: ProofCase) throws {
    try proof.run()
  }
  @Test(arguments: ProofCase.all("interrupts")) func interrupts(_ proof: ProofCase) throws {
    try proof.run()
  }
  @Test(arguments: ProofCase.all("interrupts in all modes")) func allModes(_ proof: ProofCase)
    throws
  {
    try proof.run()
  }
  @Test(arguments: ProofCase.all("self-modifying code")) func selfModifying(_ proof: ProofCase)
    throws
  {
    try proof.run()
  }
  @Test(arguments: ProofCase.all("breakpoints")) func breakpoints(_ proof: ProofCase) throws {
    try proof.run()
  }
  @Test(arguments: ProofCase.all("looks")) func looks(_ proof: ProofCase) throws {
    try proof.run()
  }
  @Test(arguments: ProofCase.all("coverage")) func coverage(_ proof: ProofCase) throws {
    try proof.run()
  }
  @Test(arguments: ProofCase.all("everything at once")) func everything(_ proof: ProofCase) throws {
    try proof.run()
  }
}

@Suite("Cases counted by hand")
struct CaseTests {
  static let names = [
    "edge cases", "unmapped everywhere", "torn and read-only accesses", "fetch faults",
    "trap verdicts", "trap loops", "watched memory",
    "breakpoints by hand", "patched illegal instruction", "reset forgets pages", "counters",
    "far limits", "reset", "covered by hand",
  ]

  @Test(arguments: names.flatMap(ProofCase.all)) func byHand(_ proof: ProofCase) throws {
    try proof.run()
  }
}

@Suite("RV64 to the letter of its specifications")
struct SpecificationTests {
  static let names = [
    "floating point", "floating-point state", "AMOs on words", "compressed encodings",
    "misaligned accesses", "fields of CSRs", "rights to CSRs", "privileged instructions",
    "inhibited counters", "memory protection", "page tables", "changed page tables",
    "kept translations", "host arithmetic",
  ]

  @Test(arguments: names.flatMap(ProofCase.all)) func specified(_ proof: ProofCase) throws {
    try proof.run()
  }
}

@Suite("Several harts, paging, FP, threads, memory")
struct MachineTests {
  static let names = [
    "harts by hand", "harts patching each other", "reservations",
    "lazy FP", "FP traps", "floats",
    "floats in blocks", "Sv39", "Sv39 by hand", "threads", "address space ends",
    "memory stays flat",
  ]

  @Test(arguments: names.flatMap(ProofCase.all)) func machines(_ proof: ProofCase) throws {
    try proof.run()
  }
}
