import Devices
import Emu
import GDBStub
import Testing

/// The past, as it was.
@Suite struct BackwardsTests {
  private static func hex(_ value: UInt64) -> String { String(value, radix: 16) }

  private static func conversation(_ image: String, harts: Int = 1, budget: Int = 1 << 26) throws
    -> Conversation
  {
    let debugger = try Conversation(image, harts: harts)
    debugger.session.debuggee.keepHistory(budget: budget)
    return debugger
  }

  /// Each instruction back is where it was on the way there; and on again it is the same run.
  @Test(arguments: ["torture-m4.elf", "timer-heartbeat-rv64.elf", "sbi-harts-rv64.elf"])
  func stepsBack(image: String) throws {
    let harts = image.hasPrefix("sbi-harts") ? 3 : 1
    let plain = try Conversation(image, harts: harts).session.machine
    var digests: [String] = []
    for index in 0..<400 as Range<UInt64> {
      _ = plain.run(until: RunLimit(index: index))
      digests.append(plain.stateDigest)
    }
    _ = plain.run(until: RunLimit(index: 9000))
    let debugger = try Self.conversation(image, harts: harts)
    _ = debugger.monitor("goto 399")
    var last: UInt64 = 399
    while last > 0 {
      let reply = debugger.ask("bs")
      let machine = debugger.session.machine
      #expect(reply.hasPrefix("T05thread:"))
      if reply.contains("replaylog:begin") { break }
      #expect(machine.index < last && machine.stateDigest == digests[Int(machine.index)])
      if harts == 1 { #expect(machine.index == last - 1) }
      last = machine.index
    }
    #expect(debugger.ask("bs").contains("replaylog:begin;"))
    #expect(debugger.session.machine.index == 0)
    _ = debugger.monitor("goto 9000")
    #expect(debugger.session.machine.stateDigest == plain.stateDigest)
    #expect(debugger.session.machine.traceDigest == plain.traceDigest)
    #expect(!debugger.session.debuggee.hasChanged)
  }

  /// The stops on the way back are those of the way there, the last one first.
  @Test func backToBreakpoints() throws {
    let debugger = try Self.conversation("led-heartbeat.elf")
    let handler =
      try #require(
        DebugInfo(debugger.session.machine.image).address(ofSymbol: "sysTick")) & ~1
    debugger.ask("Z0,\(Self.hex(handler)),2")
    var places: [(UInt64, String)] = []
    for _ in 0..<8 {
      debugger.ask("c")
      places.append((debugger.session.machine.index, debugger.session.machine.stateDigest))
    }
    for place in places.dropLast().reversed() {
      #expect(debugger.ask("bc").hasPrefix("T05thread:1;swbreak:;"))
      #expect(debugger.session.machine.index == place.0)
      #expect(debugger.session.machine.stateDigest == place.1)
    }
    #expect(debugger.ask("bc").contains("replaylog:begin;"))
    #expect(debugger.session.machine.index == 0)
    for place in places {
      debugger.ask("c")
      #expect(debugger.session.machine.index == place.0)
      #expect(debugger.session.machine.stateDigest == place.1)
    }
  }

  /// Who wrote it last? The stop is directly behind that store, and a step back is before it.
  @Test func backToAWrite() throws {
    let debugger = try Self.conversation("led-heartbeat.elf")
    debugger.ask("Z2,400fe608,4")
    debugger.ask("c")
    debugger.ask("s")
    let (index, pc) = (debugger.session.machine.index, debugger.session.machine.pc)
    debugger.ask("z2,400fe608,4")
    _ = debugger.monitor("goto \(index + 5000)")
    debugger.ask("Z2,400fe608,4")
    #expect(debugger.ask("bc").hasPrefix("T05thread:1;watch:400fe608;"))
    #expect(debugger.session.machine.index >= index)
    while debugger.session.machine.index > index {
      debugger.ask("bs")
      debugger.ask("bc")
    }
    #expect(debugger.session.machine.index == index && debugger.session.machine.pc == pc)
  }

  /// The same in memory, over many snapshots with and without such a store: each of the writes, and then none.
  @Test func backToWritesOfAVariable() throws {
    // ldr r0, [pc, #16]; movs r2, #0; 1: ldr r1, [pc, #16]; 2: subs r1, #1; bne 2b; adds r2, #1; str r2, [r0]; b 1b
    let words: [UInt32] = [
      0x2000_1000, 9, 0x2200_4803, 0x3901_4903, 0x3201_D1FD, 0xE7F9_6002, 0x2000_0100, 1_500_000,
    ]
    let bytes = words.flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xFF) } }
    let image = try Image(bytes: bytes, path: "stores.bin", format: .raw, base: 0)
    let debugger = Conversation(try Machine(.m4LED, image: image))
    debugger.session.debuggee.keepHistory(budget: 1 << 26)
    _ = debugger.monitor("goto 16000000")
    #expect(debugger.session.debuggee.history?.count ?? 0 > 3)
    debugger.ask("Z2,20000100,4")
    for value in (1...5 as ClosedRange<UInt32>).reversed() {
      #expect(debugger.ask("bc").hasPrefix("T05thread:1;watch:20000100;"))
      let machine = debugger.session.machine
      #expect(machine.memory.load(0x2000_0100) == value)
      #expect(machine.index == 1 + UInt64(value) * 3_000_004)
      debugger.ask("bs")
    }
    #expect(debugger.ask("bc").contains("replaylog:begin;"))
  }

  /// An address is one as instructions have it: by then paging is on, and another one is the same memory. Its page is stored to all the time.
  @Test func backToWritesByAVirtualAddress() throws {
    // 0x80001000 is stored to three times in M mode (1, 2, 3), then by 0x40001000 in S mode (4, 5, 6), then as it is (7):
    //   table[1] and table[2] at 0x80010000 = the GiB of RAM; pmp: everything; jal rounds
    //   a0 = 0x40001000; satp = Sv39, that table; MPP = S; mret; jal rounds; a0 = 0x80001000; a3 += 1; sd a3, (a0); j .
    //   rounds: li a4, 3; 2: li a5, 0x180000; 3: sd a5, 64(a0); addi a5, a5, -1; bnez a5, 3b; addi a3, a3, 1; sd a3, (a0)
    //   addi a4, a4, -1; bnez a4, 2b; ret
    let words: [UInt32] = [
      0x8001_02B7, 0x0202_9293, 0x0202_D293, 0x2000_0337, 0x0CF3_031B, 0x0062_B423, 0x0062_B823,
      0xFFF0_0313, 0x3B03_1073, 0x01F0_0313, 0x3A03_1073, 0x8000_1537, 0x0205_1513, 0x0205_5513,
      0x0540_00EF, 0x4000_1537, 0x0010_0313, 0x03F3_1313, 0x00C2_D293, 0x0062_E2B3, 0x1802_9073,
      0x0000_1337, 0x8003_031B, 0x3003_2073, 0x0000_0317, 0x0103_0313, 0x3413_1073, 0x3020_0073,
      0x01C0_00EF, 0x8000_1537, 0x0205_1513, 0x0205_5513, 0x0016_8693, 0x00D5_3023, 0x0000_006F,
      0x0030_0713, 0x0018_07B7, 0x04F5_3023, 0xFFF7_8793, 0xFE07_9CE3, 0x0016_8693, 0x00D5_3023,
      0xFFF7_0713, 0xFE07_12E3, 0x0000_8067,
    ]
    let bytes = words.flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xFF) } }
    let image = try Image(bytes: bytes, path: "paging.bin")
    let debugger = Conversation(try Machine(.rv64Virt(), image: image))
    debugger.session.debuggee.keepHistory(budget: 1 << 26)
    _ = debugger.monitor("goto 30000000")
    #expect(debugger.session.debuggee.history?.count ?? 0 > 3)
    let writes: [(String, [UInt64])] = [("40001000", [6, 5, 4]), ("80001000", [7, 3, 2, 1])]
    for (address, values) in writes {
      _ = debugger.monitor("goto 30000000")
      debugger.ask("Z2,\(address),8")
      for value in values {
        #expect(debugger.ask("bc").hasPrefix("T05thread:1;watch:\(address);"))
        #expect(debugger.session.machine.memory.load(0x8000_1000) == value)
        debugger.ask("bs")
        #expect(debugger.session.machine.memory.load(0x8000_1000) == value - 1)
      }
      #expect(debugger.ask("bc").contains("replaylog:begin;"))
      debugger.ask("z2,\(address),8")
    }
    // Loads and stores, to both at once.
    _ = debugger.monitor("goto 30000000")
    debugger.ask("Z4,40001000,1")
    debugger.ask("Z4,80001007,1")
    for value in (4...7 as ClosedRange<UInt64>).reversed() {
      debugger.ask("bc")
      #expect(debugger.session.machine.memory.load(0x8000_1000) == value)
      debugger.ask("bs")
    }
  }

  /// Of memory that nobody writes there is one copy, however many snapshots there are; and each of them is what the machine was.
  @Test func unchangedPagesAreKeptOnce() throws {
    let used = 2 << 20
    var options = MachineOptions()
    options.loads = [(0x8200_0000, [UInt8](repeating: 0xA5, count: used))]
    // auipc s0, 1; 1: ld t1, (s0); addi t1, t1, 1; sd t1, (s0); j 1b
    let words: [UInt32] = [0x0000_1417, 0x0004_3303, 0x0013_0313, 0x0064_3023, 0xFF5F_F06F]
    let bytes = words.flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xFF) } }
    let subject = try Machine(
      .rv64Virt(), image: Image(bytes: bytes, path: "count.bin"), options: options)
    var history = History(subject, budget: 1 << 30)
    #expect(history.size > used && history.size < used + 1 << 20)
    var random = SplitMix(seed: 3)
    var digests: [(index: UInt64, digest: String)] = []
    for number in 1...12 as ClosedRange<UInt64> {
      _ = subject.run(until: RunLimit(index: number * 4_000_000))
      let page = 0x8200_0000 + random.next() % 64 * 4096
      #expect(subject.poke(page + 8, [UInt8(truncatingIfNeeded: random.next() % 3)]))
      history.reach(subject)
      digests.append((subject.index, subject.stateDigest))
    }
    #expect(history.count == 13)
    #expect(history.size > used && history.size < used + 1 << 21)
    for _ in 0..<20 {
      let (index, digest) = digests[Int(random.next() % UInt64(digests.count))]
      #expect(try history.machine(at: index)?.stateDigest == digest)
    }
    // A part of the past that is given up takes with it what nobody else has.
    var small = History(subject, budget: used + 1 << 18)
    for number in 13...50 as ClosedRange<UInt64> {
      _ = subject.run(until: RunLimit(index: number * 4_000_000))
      #expect(subject.poke(0x8200_0000 + number % 64 * 4096, [UInt8(number)]))
      small.reach(subject)
      #expect(small.size <= used + 1 << 18 || small.count == 2)
    }
    #expect(small.count > 4 && small.count < 30)
  }

  /// Input that came at some index comes again there, and what comes new in the past makes another history.
  @Test func inputIsPartOfIt() throws {
    let debugger = try Self.conversation("torture-m4.elf")
    var random = SplitMix(seed: 5)
    var places: [(UInt64, String)] = []
    for number in 0..<30 as Range<UInt64> {
      _ = debugger.monitor("goto \(100 + number * 150)")
      if random.next() % 2 == 0 { debugger.session.machine.send([UInt8(number + 65)]) }
      places.append((debugger.session.machine.index, debugger.session.machine.stateDigest))
    }
    let end = debugger.session.machine.stateDigest
    for place in places.shuffled(by: &random) {
      #expect(debugger.session.debuggee.goTo(index: place.0))
      // The input of that index comes when one goes on.
      #expect(debugger.session.debuggee.goTo(index: places[29].0))
      #expect(debugger.session.machine.index == places[29].0)
    }
    #expect(debugger.session.machine.stateDigest == end)
    #expect(debugger.session.debuggee.goTo(index: 1000))
    debugger.session.machine.send("other".utf8)
    _ = debugger.monitor("goto \(places[29].0)")
    #expect(debugger.session.machine.inputs.last?.bytes == Array("other".utf8))
  }

  @Test func whatIsKeptIsBounded() throws {
    let debugger = try Self.conversation("delay-heartbeat-m4.elf", budget: 1 << 20)
    _ = debugger.monitor("goto 200000000")
    let history = try #require(debugger.session.debuggee.history)
    #expect(history.count > 3)
    #expect(history.size <= 1 << 20 + 1 << 18)
    #expect(history.begin == 0)
    let index = debugger.session.machine.index
    #expect(debugger.ask("bs").hasPrefix("T05"))
    #expect(debugger.session.machine.index == index - 1)
  }
}

extension Array {
  fileprivate func shuffled(by random: inout SplitMix) -> [Element] {
    var all = self
    for place in all.indices.reversed() {
      all.swapAt(place, Int(random.next() % UInt64(place + 1)))
    }
    return all
  }
}
