import Emu
import Testing

/// The programs that never leave the straight path, and one for each thing that would.
@Suite struct ZeroTrapTests {
  private func run(_ name: String) throws -> Machine {
    let machine = try Firmware.machine(name)
    _ = machine.run(until: RunLimit(index: 200_000))
    return machine
  }

  /// FNV-1a over the primes below 2,048, word by word.
  private var hashOfPrimes: UInt32 {
    let primes = (2..<2_048 as Range<UInt32>).filter { number in
      !(2..<number).contains { number % $0 == 0 }
    }
    return primes.reduce(0x811C_9DC5) { ($0 ^ $1) &* 0x0100_0193 }
  }

  @Test(arguments: ["zero-trap-rv64", "zero-trap-m4"])
  func neverTraps(name: String) throws {
    let machine = try run(name)
    #expect(machine.traps == TrapCounts())
    #expect(machine.retired == machine.index)
    let debug = try DebugInfo(Firmware.image(name))
    let result = try #require(debug.address(ofSymbol: "result"))
    #expect(machine.memory.load(result) == hashOfPrimes)
    if name.hasSuffix("rv64") {
      #expect(machine.stop?.reason == .finisher && machine.stop?.code == 0)
    } else {
      #expect(debug.symbol(at: machine.pc)?.name == "halted")
    }
  }

  /// No instruction that could be a check of the language's, a call to somebody below, or a CSR.
  @Test(arguments: ["zero-trap-rv64", "zero-trap-m4"])
  func hasNothingThatCouldTrap(name: String) throws {
    let text = try Firmware.disassembly(name)
    #expect(text.contains { $0.contains("<main>:") })
    let exceptional = [
      "ecall", "ebreak", "unimp", "csr", "wfi", "mret", "fence", "svc", "bkpt", "udf", "trap",
      "cpsi", "msr", "<unknown>",
    ]
    let found = text.filter { line in exceptional.contains { line.contains("\t\($0)") } }
    // What the Cortex-M does with an exception that never comes: its handler asks which stack it is on.
    #expect(found.filter { !$0.contains("mrs") } == [])
  }

  @Test(arguments: ["rv64", "m4"])
  func allocationIsACall(_ core: String) throws {
    let traps = try run("traps-allocation-\(core)").traps
    #expect(traps.ecall + traps.svc == 1)
    #expect(traps.faults == 0 && traps.interrupts == 0 && traps.ebreak == 0)
  }

  @Test(arguments: ["rv64", "m4"])
  func aTaskIsAnInterrupt(_ core: String) throws {
    let machine = try run("traps-task-\(core)")
    #expect(machine.traps.interrupts >= 3)
    #expect(machine.traps.faults == 0 && machine.traps.ecall == 0 && machine.traps.svc == 0)
  }

  @Test(arguments: ["rv64", "m4"])
  func outputIsABreakpoint(_ core: String) throws {
    let machine = try run("traps-output-\(core)")
    #expect(machine.console.text == "a trap a character\n")
    #expect(machine.traps.ebreak == 19)
    #expect(machine.traps.faults == 0 && machine.traps.interrupts == 0)
  }

  @Test(arguments: ["rv64", "m4"])
  func theRuntimesCheckIsAFault(_ core: String) throws {
    let machine = try run("traps-runtime-\(core)")
    #expect(machine.traps.faults == 1)
    let debug = try DebugInfo(Firmware.image("traps-runtime-\(core)"))
    #expect(debug.symbol(at: machine.pc)?.name == "halted")
  }
}
