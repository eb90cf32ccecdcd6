import Testing

@testable import Emu

@Suite struct RunTests {
  /// The reset ROM's six instructions, then the program.
  @Test func startsInTheResetROM() throws {
    let machine = try Machine.running(Program.alarms)
    #expect(machine.pc == 0x1000)
    #expect(machine.run(until: RunLimit(index: 6)) == .limit)
    #expect(machine.pc == 0x8000_0000)
    #expect(machine.index == 6 && machine.retired == 6 && machine.now == 6)
  }

  @Test func sleepsFromAlarmToAlarm() throws {
    let machine = try Machine.running(Program.alarms)
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.reason == .finisher && stop.code == 7)
    #expect(machine.console.text == "12345")
    #expect(machine.traps.interrupts == 5)
    // 6 in the ROM, 11 up to the loop, five rounds of 5 and a handler of 6, 2 at the end.
    #expect(machine.index == 6 + 11 + 5 * (5 + 6) + 2)
    #expect(machine.retired == machine.index)
    // An alarm set by the instruction of tick T goes off at T + 100; wfi was at T + 1.
    #expect(machine.asleep == 5 * 98)
    #expect(machine.now == machine.index + 490)
    let edges = machine.trace.filter { $0.kind == .pin }
    #expect(edges.map(\.value) == [1, 0, 1, 0, 1])
    #expect(edges[1].tick - edges[0].tick == edges[2].tick - edges[1].tick)
  }

  /// Cut anywhere, in any way, it is the same run.
  @Test(arguments: 0..<40) func slicingCannotBeSeen(seed: Int) throws {
    let whole = try Machine.running(Program.alarms)
    _ = whole.run()
    var options = MachineOptions()
    options.trace = seed % 2 == 0 ? .all : .visible
    options.engine = seed % 3 == 0 ? .fresh : seed % 3 == 1 ? .cold : .pooled
    let sliced = try Machine.running(Program.alarms, options: options)
    var random = SplitMix(UInt64(seed))
    slicing: while true {
      var limit = RunLimit()
      switch random.next() % 3 {
      case 0: limit.tick = sliced.now + random.next() % 60
      case 1: limit.index = sliced.index + random.next() % 9
      default: limit.retired = sliced.retired + random.next() % 9
      }
      if case .stopped = sliced.run(until: limit) { break slicing }
      #expect(limit.index.map { sliced.index <= $0 } ?? true)
      #expect(limit.tick.map { sliced.now <= $0 } ?? true)
    }
    #expect(sliced.traceDigest == whole.traceDigest)
    #expect(sliced.stateDigest == whole.stateDigest)
  }

  /// `--max-instructions` lands directly behind the n-th retired instruction, not behind the trap that follows it.
  @Test(arguments: 1...60) func retiredLimitIsExact(n: Int) throws {
    let machine = try Machine.running(Program.ecalls)
    #expect(machine.run(until: RunLimit(retired: UInt64(n))) == .instructions)
    #expect(machine.retired == UInt64(n))
    // 6 in the ROM and 3 before the loop; a round retires 6 and traps once: behind its addi.
    let rounds = n <= 10 ? 0 : UInt64(n - 10 + 5) / 6
    #expect(machine.traps.ecall == rounds)
    #expect(machine.index == UInt64(n) + rounds)
  }

  @Test func pausesBehindTheEventAskedFor() throws {
    let machine = try Machine.running(Program.alarms)
    var edges = 0
    let pause = machine.run(
      until: RunLimit { event in
        if event.kind == .pin { edges += 1 }
        return edges == 3
      })
    #expect(pause == .event)
    #expect(machine.trace.last?.kind == .pin)
    #expect(machine.trace.last.map { $0.index + 1 } == machine.index)
    #expect(machine.console.text == "12")
  }

  @Test func textOnTheConsoleEndsTheRun() throws {
    let machine = try Machine.running(Program.alarms)
    machine.stop(.failText, onText: "9".utf8)
    machine.stop(.expectText, onText: "234".utf8)
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.reason == .expectText)
    #expect(machine.console.text == "1234")
    #expect(machine.trace.last?.kind == .stop)
  }

  @Test func endlessSleepIsAPause() throws {
    let machine = try Machine.running(Assembler.program { $0.wfi() })
    #expect(machine.run(until: RunLimit(tick: 1 << 50)) == .asleep)
    #expect(machine.run() == .asleep)
    #expect(machine.index == 7 && machine.now == 7)
    #expect(machine.run(until: RunLimit(tick: 1000, sleepsOn: true)) == .limit)
    #expect(machine.index == 7 && machine.now == 1000 && machine.asleep == 993)
    #expect(machine.run(until: RunLimit(tick: .max, sleepsOn: true)) == .asleep)
    machine.end(.idle)
    #expect(machine.stop?.reason == .idle && machine.now == 1000)
  }

  /// mtvec is 0, where there is nothing: the fetch of the handler faults into itself.
  @Test func trapLoopEndsTheRun() throws {
    let machine = try Machine.running(Assembler.program { $0.ecall() })
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.reason == .trapLoop)
    #expect(machine.retired == 6)
  }

  @Test func guestResetKeepsRAMAndTime() throws {
    // Counts in RAM, behind what the image itself has there; the third time it ends, before that it
    // resets.
    let program = Assembler.program { a in
      a.lui(.t0, 0x10000)
      a.la(.t1, "end")
      a.lw(.t2, .t1, 64)
      a.addi(.t2, .t2, 1)
      a.sw(.t2, .t1, 64)
      a.addi(.s1, .zero, 3)
      a.addi(.a0, .t2, 64)
      a.sb(.a0, .t0, 0)
      a.bne(.t2, .s1, "reset")
      a.sw(.t2, .t0, 12)
      a.label("reset")
      a.sw(.t2, .t0, 28)
      a.label("end")
    }
    let machine = try Machine.running(program)
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.reason == .finisher && stop.code == 3)
    #expect(machine.console.text == "ABC")
    #expect(machine.resets == 2)
    #expect(machine.index == 3 * 6 + 2 * 11 + 11)
    #expect(machine.retired == machine.index && machine.now == machine.index)

    var options = MachineOptions()
    options.stopsAtReset = true
    let once = try Machine.running(program, options: options)
    guard case .stopped(let end) = once.run() else {
      Issue.record("no end")
      return
    }
    #expect(end.reason == .reset && once.console.text == "A")
  }

  @Test func inputComesAsFastAsTheGuestTakesIt() throws {
    let program = Assembler.program { a in
      a.lui(.t0, 0x10000)
      a.label("again")
      a.lw(.a0, .t0, 0)
      a.sb(.a0, .t0, 0)
      a.bne(.a0, .zero, "again")
      a.sw(.zero, .t0, 12)
      a.j("again")
    }
    var options = MachineOptions()
    options.input = Array("hello".utf8)
    let machine = try Machine.running(program, options: options)
    _ = machine.run()
    #expect(machine.console.text == "hello\0")
    let offered = machine.trace.filter { $0.kind == .uartInput }
    // Two at once, the room there is, then one after each that the guest takes.
    #expect(offered.map(\.index) == [0, 0, 7, 10, 13])
  }

  @Test func findingsHaveNames() throws {
    let program = Assembler.program { a in
      a.lui(.t0, 0x10000)
      a.lw(.a0, .t0, 24)
      a.addi(.t1, .zero, 0x80)
      a.sw(.t1, .t0, 8)
      a.sw(.a0, .t0, 64)
      a.sw(.a0, .t0, 12)
    }
    let machine = try Machine.running(program)
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return
    }
    #expect(stop.code == 0x55)
    #expect(machine.findings.map(\.name) == ["SPARE1", "CLEAR.TURBO", "+0x40"])
    #expect(machine.findings.map(\.index) == [7, 9, 10])
  }
}

/// A small generator of random numbers that is the same everywhere.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
