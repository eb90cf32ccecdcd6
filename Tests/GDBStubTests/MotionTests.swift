import Devices
import Emu
import GDBStub
import Testing

/// Going on, stepping, and stopping.
@Suite struct MotionTests {
  private static func address(_ name: String, _ machine: Machine) throws -> UInt64 {
    try #require(DebugInfo(machine.image).address(ofSymbol: name)) & ~1
  }

  private static func hex(_ value: UInt64) -> String { String(value, radix: 16) }

  @Test func breakpointsOfBothKinds() throws {
    let debugger = try Conversation("led-heartbeat.elf")
    let machine = debugger.session.machine
    let handler = try Self.address("sysTick", machine)
    #expect(debugger.ask("Z0,\(Self.hex(handler)),2") == "OK")
    #expect(debugger.ask("c").hasPrefix("T05thread:1;swbreak:;f:"))
    #expect(machine.pc == handler)
    let first = machine.index
    // A debugger that does not step over it by itself comes on, too.
    #expect(debugger.ask("vCont;c", slice: 1000).hasPrefix("T05thread:1;swbreak:;"))
    #expect(machine.pc == handler && machine.index > first)
    #expect(debugger.ask("z0,\(Self.hex(handler)),2") == "OK")
    #expect(debugger.ask("Z1,\(Self.hex(handler | 1)),2") == "OK")
    #expect(debugger.ask("c").hasPrefix("T05thread:1;hwbreak:;"))
    #expect(debugger.ask("?").hasPrefix("T05thread:1;hwbreak:;"))
  }

  @Test func watchpoints() throws {
    let debugger = try Conversation("led-heartbeat.elf")
    let machine = debugger.session.machine
    let ticks = try DebugInfo(machine.image).variable("LEDHeartbeat.swift:ticks").address
    for (number, word) in [(2, "watch"), (3, "rwatch"), (4, "awatch")] {
      #expect(debugger.ask("Z\(number),\(Self.hex(ticks)),4") == "OK")
      #expect(debugger.ask("c").hasPrefix("T05thread:1;\(word):\(Self.hex(ticks));"))
      #expect(debugger.ask("z\(number),\(Self.hex(ticks)),4") == "OK")
      #expect(debugger.ask("s").hasPrefix("T05thread:1;f:"))
    }
    // The LEDs' register: a device.
    #expect(debugger.ask("Z2,400fe608,4") == "OK")
    #expect(debugger.ask("c").hasPrefix("T05thread:1;watch:400fe608;"))
    let before = machine.trace.count
    #expect(debugger.ask("s").hasPrefix("T05thread:1;f:"))
    #expect(machine.trace.count >= before)
  }

  /// Whatever a debugger does on the way, it is the same run: digests, time, index.
  @Test(arguments: [
    "led-heartbeat.elf", "torture-m4.elf", "timer-heartbeat-rv64.elf", "sbi-harts-rv64.elf",
  ])
  func theRunIsTheSame(image: String) throws {
    let harts = image.hasPrefix("sbi-harts") ? 4 : 1
    let plain = try Conversation(image, harts: harts).session.machine
    let debugger = try Conversation(image, harts: harts)
    let machine = debugger.session.machine
    var random = SplitMix(seed: 3)
    var breakpoints: [UInt64] = []
    while machine.index < 20_000 && machine.stop == nil {
      switch random.next() % 8 {
      case 0:
        let address = machine.harts[Int(random.next() % UInt64(harts))].pc + random.next() % 16 * 2
        breakpoints.append(address)
        debugger.ask("Z\(random.next() % 2),\(Self.hex(address)),2")
      case 1:
        if let address = breakpoints.popLast() {
          debugger.ask("z0,\(Self.hex(address)),2")
          debugger.ask("z1,\(Self.hex(address)),2")
        }
      case 2: debugger.ask("vCont;s:\(Self.hex(1 + random.next() % UInt64(harts)))")
      case 3: debugger.ask("s")
      case 4:
        let pc = machine.pc
        debugger.ask("vCont;r\(Self.hex(pc)),\(Self.hex(pc + 8)):1")
      case 5: debugger.ask("g")
      case 6: _ = debugger.monitor("goto \(machine.index + random.next() % 300)")
      default:
        debugger.ask("m\(Self.hex(machine.pc)),40")
        debugger.ask("m10000000,8")
        debugger.ask("me000e000,20")
      }
    }
    #expect(!debugger.session.debuggee.hasChanged)
    // A step through a range may have been a long one.
    let end = max(30_000, machine.index)
    _ = plain.run(until: RunLimit(index: end))
    _ = machine.run(until: RunLimit(index: end))
    #expect(machine.index == plain.index && machine.now == plain.now)
    #expect(machine.traceDigest == plain.traceDigest)
    #expect(machine.stateDigest == plain.stateDigest)
  }

  @Test func stepsAreOneInstruction() throws {
    let debugger = try Conversation("timer-heartbeat-rv64.elf")
    let machine = debugger.session.machine
    for index in 1...500 as ClosedRange<UInt64> {
      #expect(debugger.ask("vCont;s:1;c").hasPrefix("T05thread:1;20:"))
      #expect(machine.index == index)
    }
  }

  @Test func aRangeIsLeftAtItsEnd() throws {
    let debugger = try Conversation("delay-heartbeat-m4.elf")
    let machine = debugger.session.machine
    let main = try Self.address("main", machine)
    debugger.ask("Z1,\(Self.hex(main)),2")
    debugger.ask("c")
    let start = machine.pc
    #expect(debugger.ask("vCont;r\(Self.hex(start)),\(Self.hex(start + 6)):1").hasPrefix("T05"))
    #expect(!(start..<start + 6).contains(machine.pc))
  }

  @Test func controlC() throws {
    let debugger = try Conversation("delay-heartbeat-m4.elf")
    let session = debugger.session
    session.receive(Conversation.framed(Array("c".utf8)))
    #expect(session.isRunning)
    session.run { machine, _ in machine.run(until: RunLimit(index: 1000)) }
    #expect(session.isRunning)
    session.receive([3])
    session.run { machine, limit in machine.run(until: limit) }
    #expect(!session.isRunning && session.machine.index == 1000)
    #expect(debugger.answers().last?.hasPrefix("T02thread:1;") == true)
  }

  @Test func theEnd() throws {
    let debugger = try Conversation("hello-rv64.elf")
    #expect(debugger.ask("c") == "W00" && debugger.session.hasEnded)
    // One that died can be looked at.
    let dead = try Conversation("led-heartbeat.elf")
    dead.ask("Mc,4:00000000")
    dead.ask("Pf=f0ffff3f")
    #expect(dead.ask("c").hasPrefix("T0bthread:1;"))
    #expect(dead.ask("g").utf8.count == 17 * 8)
    #expect(dead.session.debuggee.takeNotices().first?.hasPrefix("the guest died: ") == true)
  }

  @Test func harts() throws {
    let debugger = try Conversation("sbi-harts-rv64.elf", harts: 4)
    let machine = debugger.session.machine
    _ = debugger.monitor("goto 3000")
    for hart in 1...4 where !machine.harts[hart - 1].isAsleep {
      let before = machine.harts[hart - 1].attempts
      #expect(debugger.ask("vCont;s:\(hart)").hasPrefix("T05thread:\(hart);"))
      #expect(machine.harts[hart - 1].attempts == before + 1)
    }
  }
}
