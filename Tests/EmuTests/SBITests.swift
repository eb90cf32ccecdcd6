import Testing

@testable import Emu

/// S-mode payloads under the emulator's own SBI.
@Suite struct SBITests {
  private static func machine(_ build: (inout Assembler) -> Void) throws -> Machine {
    var options = MachineOptions()
    options.mode = .supervisor
    options.trace = [.sbi, .interrupts, .sleep]
    options.deviceTree = (BootTests.emptyTree, "tree")
    return try Machine.running(Assembler.program(build), options: options)
  }

  /// a7 and a6, then what it answers: (a0, a1).
  private static func call(
    _ identifier: UInt32, _ function: Int, _ arguments: Int...
  ) throws -> (UInt64, UInt64) {
    let machine = try machine { a in
      let places: [Assembler.Register] = [.a0, .a1, .a2]
      for (place, argument) in zip(places, arguments) { a.addi(place, .zero, argument) }
      a.lui(.a7, (identifier &+ 0x800) >> 12)
      a.emit(identifier << 20 | 17 << 15 | 17 << 7 | 0x1B)  // addiw a7, a7, low
      a.addi(.a6, .zero, function)
      a.ecall()
      a.label("end")
      a.j("end")
    }
    _ = machine.run(until: RunLimit(index: UInt64(arguments.count + 4)))
    let named = Dictionary(uniqueKeysWithValues: machine.registers.map { ($0.name, $0.value) })
    #expect(machine.retired == machine.index)
    return (named["a0"] ?? 0, named["a1"] ?? 0)
  }

  @Test func startsInSModeWithHartAndDeviceTree() throws {
    let machine = try Self.machine { $0.emit(0x6F) }
    #expect(machine.index == 0 && machine.pc == 0x8020_0000)
    let named = Dictionary(uniqueKeysWithValues: machine.registers.map { ($0.name, $0.value) })
    #expect(named["a0"] == 0 && named["priv"] == 1)
    #expect(named["a1"] == 0x80E0_0000)
    #expect(machine.memory.load(0x80E0_0000, as: UInt32.self) == 0xEDFE_0DD0)
    #expect(named["mcounteren"] == 7)
  }

  @Test func baseSaysWhatThereIs() throws {
    #expect(try Self.call(0x10, 0) == (0, 2 << 24))
    #expect(try Self.call(0x10, 3, 0x10) == (0, 1))
    #expect(try Self.call(0x10, 3, 0x7FF) == (0, 0))
    #expect(try Self.call(0x10, 9) == (UInt64(bitPattern: -2), 0))
  }

  @Test func wrongCallsHaveTheRightErrors() throws {
    let notSupported = UInt64(bitPattern: -2)
    let invalid = UInt64(bitPattern: -3)
    #expect(try Self.call(0x1234_5678, 0) == (notSupported, 0))
    #expect(try Self.call(0x5449_4D45, 1) == (notSupported, 0))
    #expect(try Self.call(0x0073_5049, 0, 2, 0) == (invalid, 0))  // hart 1
    #expect(try Self.call(0x0073_5049, 0, 1, 0) == (0, 0))
    #expect(try Self.call(0x0073_5049, 0, 0, -1) == (0, 0))
    #expect(try Self.call(0x5352_5354, 0, 3, 0) == (invalid, 0))
    #expect(try Self.call(0x5352_5354, 0, 0, 2) == (invalid, 0))
    #expect(try Self.call(0x4442_434E, 0, 4, 0, 0) == (invalid, 0))  // no memory there
    #expect(try Self.call(0x4442_434E, 7) == (notSupported, 0))
  }

  @Test func consoleAndShutdown() throws {
    let machine = try Self.machine { a in
      a.addi(.a7, .zero, 1)
      for byte in "hi!".utf8 {
        a.addi(.a0, .zero, Int(byte))
        a.ecall()
      }
      a.addi(.a7, .zero, 2)
      a.ecall()
      a.addi(.a7, .zero, 8)
      a.ecall()
    }
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.reason == .sbiReset && stop.code == 0)
    #expect(machine.console.text == "hi!")
    #expect(machine.traps.ecall == 5)
    #expect(machine.trace.filter { $0.kind == .sbi }.count == 5)
  }

  /// The interrupt is entered at the very tick at which mtime gets there: (time) · 100, behind a
  /// sleep.
  @Test(arguments: [1, 5, 50]) func timerFiresAtItsTick(time: Int) throws {
    let machine = try Self.machine { a in
      a.la(.t1, "handler")
      a.csrw(0x105, .t1)
      a.addi(.t1, .zero, 0x20)
      a.csrw(0x104, .t1)
      a.addi(.t1, .zero, 2)
      a.csrw(0x100, .t1)
      a.addi(.a0, .zero, time)
      a.addi(.a7, .zero, 0)
      a.ecall()
      a.label("sleep")
      a.wfi()
      a.j("sleep")
      a.label("handler")
      a.csrr(.s0, 0xC01)
      a.addi(.a7, .zero, 8)
      a.ecall()
    }
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.reason == .sbiReset)
    let entered = machine.trace.first { $0.kind == .interrupt }
    #expect(entered?.tick == UInt64(time) * 100)
    #expect(entered?.detail == 5)
    let named = Dictionary(uniqueKeysWithValues: machine.registers.map { ($0.name, $0.value) })
    #expect(named["s0"] == UInt64(time))
  }

  @Test func rebootKeepsTimeGoing() throws {
    let machine = try Self.machine { a in
      a.auipc(.t0, 0x100)
      a.lw(.t1, .t0, 0)
      a.addi(.t1, .t1, 1)
      a.sw(.t1, .t0, 0)
      a.addi(.t2, .zero, 2)
      a.addi(.a0, .zero, 0)
      a.bne(.t1, .t2, "again")
      a.addi(.a7, .zero, 8)
      a.ecall()
      a.label("again")
      a.lui(.a7, 0x53525)
      a.addi(.a7, .a7, 0x354)
      a.addi(.a6, .zero, 0)
      a.addi(.a0, .zero, 1)
      a.addi(.a1, .zero, 0)
      a.ecall()
    }
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.reason == .sbiReset)
    #expect(machine.resets == 1)
    #expect(machine.index == 13 + 9 && machine.retired == 22 && machine.now == 22)
    #expect(machine.traps.ecall == 2)
  }
}
