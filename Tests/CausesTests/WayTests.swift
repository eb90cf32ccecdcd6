import Causes
import Devices
import Emu
import Testing

/// The ways of data beside instructions: exceptions, device registers, DMA, other harts, what is typed.
@Suite struct WayTests {
  /// A run, and what can be asked of it.
  private struct Run {
    let machine: Machine
    var history: History

    init(_ machine: Machine, to index: UInt64, _ body: (Machine) -> Void = { _ in }) {
      self.machine = machine
      history = History(machine, budget: 1 << 26)
      body(machine)
      _ = machine.run(until: RunLimit(index: index))
      history.reach(machine)
    }

    func cause(_ name: String) throws -> Cause {
      let debug = DebugInfo(machine.image)
      let place = try ValueExpression(machine, debug).place(name)
      var finder = CauseFinder(history, end: Instant(machine))
      return try finder.cause(of: place, at: Instant(machine))
    }
  }

  /// Where history begins behind the write, nobody says that there was none.
  @Test func aPastThatDoesNotReachBack() throws {
    // movs r0, #5; ldr r1, literal; str r0, [r1]; str r0, [r1, #4]
    let code = [0x2005, Self.literal(1, 0, at: 1), 0x6008, 0x6048]
    let image = try Image(
      bytes: Self.thumb(code, literals: [0x2000_0100]), path: "late.bin", format: .raw, base: 0)
    let machine = try Machine(.m4LED, image: image)
    _ = machine.run(until: RunLimit(index: 3))
    let run = Run(machine, to: 20)
    #expect(try run.cause("0x20000100:4").writer == .earlier(index: 3))
    #expect(try run.cause("r0").writer == .earlier(index: 3))
    let known = try run.cause("0x20000104:4")
    #expect(index(known) == 3 && known.sources.map(\.writer) == [.earlier(index: 3)])
  }

  private static func bytes(_ words: [UInt32]) -> [UInt8] {
    words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
  }

  /// Stack pointer, code at 0x40, SVC's handler at 0xE0, literals at 0x100.
  private static func thumb(
    _ code: [UInt16], handler: [UInt16] = [0x4770], literals: [UInt32] = []
  ) -> [UInt8] {
    var words = [UInt32](repeating: 0, count: 0x140 / 4)
    words[0] = 0x2000_1000
    words[1] = 0x41
    words[11] = 0xE1
    for (place, half) in (code + [0xE7FE]).enumerated() {
      words[0x10 + place / 2] |= UInt32(half) << UInt32(place % 2 * 16)
    }
    for (place, half) in handler.enumerated() {
      words[0x38 + place / 2] |= UInt32(half) << UInt32(place % 2 * 16)
    }
    for (place, word) in literals.enumerated() { words[0x40 + place] = word }
    return bytes(words)
  }

  /// ldr rt, literal, as the n-th instruction of the code.
  private static func literal(_ register: UInt16, _ number: Int, at place: Int) -> UInt16 {
    let pc = (0x40 + 2 * place + 4) & ~3
    return 0x4800 | register << 8 | UInt16((0x100 + 4 * number - pc) / 4)
  }

  private func index(_ cause: Cause?) -> UInt64? { cause?.writer.index }

  /// movs r0, #5; svc; adds r1, r0, #1: the handler's r0 is gone, as the stack brings the old one back. What the handler leaves
  /// on the stack, str r1, [sp], comes back instead.
  @Test func throughAnException() throws {
    let plain = try Image(
      bytes: Self.thumb([0x2005, 0xDF00, 0x1C41], handler: [0x2009, 0x4770]), path: "svc")
    let run = Run(try Machine(.m4LED, image: plain), to: 20)
    let sum = try run.cause("r1")
    #expect(sum.value == 6 && index(sum) == 4)
    #expect(sum.sources.map(\.place) == [.register(.r(0), hart: 0)])
    #expect(index(sum.sources.first) == 0 && sum.sources.first?.value == 5)
    #expect(try run.cause("r0").writer == sum.sources.first?.writer)

    let changing = try Image(
      bytes: Self.thumb([0x2005, 0xDF00, 0x1C41], handler: [0x2109, 0x9100, 0x4770]), path: "svc")
    let other = Run(try Machine(.m4LED, image: changing), to: 20)
    let changed = try other.cause("r1")
    #expect(changed.value == 10)
    let restored = try #require(changed.sources.first)
    guard case .core(let left) = restored.writer, changed.sources.count == 1 else {
      Issue.record("\(changed)")
      return
    }
    #expect(left.index == 4 && restored.value == 9)
    let slot = try #require(restored.sources.first)
    #expect(slot.place == .memory(0x2000_0FE0, size: 4) && restored.sources.count == 1)
    #expect(index(slot) == 3 && slot.sources.map(\.place) == [.register(.r(1), hart: 0)])
    // What was stacked there first was r0.
    let stacked = try Run(try Machine(.m4LED, image: changing), to: 2).cause("0x20000fe0:4")
    guard case .core(let entered) = stacked.writer else {
      Issue.record("\(stacked)")
      return
    }
    #expect(entered.index == 1 && stacked.value == 5)
    #expect(stacked.sources.map(\.place) == [.register(.r(0), hart: 0)])
  }

  /// movs r4, #5; push {r4}; movs r4, #1; pop {r4}; adds r5, r4, #1
  @Test func whatIsSavedIsPassedOver() throws {
    let image = try Image(
      bytes: Self.thumb([0x2405, 0xB410, 0x2401, 0xBC10, 0x1C65]), path: "saved")
    let run = Run(try Machine(.m4LED, image: image), to: 20)
    let sum = try run.cause("r5")
    #expect(sum.value == 6 && sum.sources.first?.saves == 1 && index(sum.sources.first) == 0)
  }

  /// movs r0, #7; svc, and then a loop of 300,000 times subs r1, #1; bne: who wrote r0 is found all the same, and not its handler,
  /// which wrote r4.
  @Test func longAgo() throws {
    let image = try Image(
      bytes: Self.thumb(
        [0x2007, 0xDF00, Self.literal(1, 0, at: 2), 0x3901, 0xD1FD, 0x1C45],
        handler: [0x2009, 0x2405, 0x4770], literals: [300_000]), path: "ago")
    let run = Run(try Machine(.m4LED, image: image), to: 700_000)
    let sum = try run.cause("r5")
    #expect(sum.value == 8 && index(sum.sources.first) == 0)
    #expect(try index(run.cause("r4")) == 3)
    #expect(try run.cause("r6").writer == .start)
    #expect(try run.cause("lr").writer == .start && run.cause("sp").writer == .start)
    #expect(try run.cause("r1").value == 0)
  }

  /// A GPIO port keeps what is stored, and gives it back.
  @Test func throughADevice() throws {
    let literals: [UInt32] = [0x400F_E604, 0x400F_E608]
    // r3: DIR and DATA; r2 is 2 + 0.
    let code: [UInt16] = [
      Self.literal(3, 0, at: 0), Self.literal(4, 1, at: 1), 0x2002, 0x6018, 0x1C02, 0x6022, 0x6825,
      0x1C6E,
    ]
    let image = try Image(bytes: Self.thumb(code, literals: literals), path: "gpio")
    let run = Run(try Machine(.m4LED, image: image), to: 20)
    let sum = try run.cause("r6")
    #expect(sum.value == 3 && index(sum) == 7)
    let read = try #require(sum.sources.first)
    #expect(index(read) == 6 && read.place == .register(.r(5), hart: 0))
    #expect(read.addresses.map(\.register) == [.r(4)])
    let register = try #require(read.sources.first)
    #expect(register.place == .memory(0x400F_E608, size: 4) && index(register) == 5)
    #expect(register.sources.map(\.place) == [.register(.r(2), hart: 0)])
    #expect(register.sources.first.flatMap { $0.sources.first }.flatMap(index) == 2)
    // And the LED is on for the same reason.
    let led = try run.cause("PF1")
    #expect(led.value == 1 && led.writer == register.writer)
    #expect(led.sources.map(\.place) == register.sources.map(\.place))
    #expect(try run.cause("PF2").writer == .start)
  }

  /// 1: lbu t0, 5(s0); andi t0, t0, 1; beqz t0, 1b; lbu t1, (s0); addi t2, t1, 1
  @Test func fromOutside() throws {
    let image = try Image(
      bytes: Self.bytes([
        0x1000_0437, 0x0054_4283, 0x0012_F293, 0xFE02_8CE3, 0x0004_4303, 0x0013_0393, 0x0000_006F,
      ]), path: "uart")
    let run = Run(try Machine(.rv64Virt, image: image), to: 60) { machine in
      _ = machine.run(until: RunLimit(index: 30))
      machine.send("A".utf8)
    }
    let sum = try run.cause("t2")
    #expect(sum.value == 0x42)
    let read = try #require(sum.sources.first?.sources.first)
    #expect(read.place == .memory(0x1000_0000, size: 1) && read.value == 0x41)
    let uart = run.machine.board.slot(of: "uart0")
    guard case .device(uart, _, _) = read.writer else {
      Issue.record("\(read)")
      return
    }
    // What a debugger writes is from outside, too.
    let poked = Run(try Machine(.rv64Virt, image: image), to: 60) { machine in
      _ = machine.run(until: RunLimit(index: 30))
      _ = machine.poke(0x8000_2000, [7, 0, 0, 0])
      _ = machine.set(.x(20), to: 9)
    }
    let (memory, register) = (try poked.cause("0x80002000:4"), try poked.cause("s4"))
    #expect(memory.value == 7 && memory.writer == .input(index: 30, tick: 30))
    #expect(register.value == 9 && register.writer == .input(index: 30, tick: 30))
  }

  /// Hart 0 leaves 2 + 3 where hart 1 waits for it, and hart 1 adds 1.
  @Test func acrossHarts() throws {
    // auipc s0, 1; bnez a0, other; li t0, 2; addi t0, t0, 3; sd t0, (s0); j .
    // other: ld t1, (s0); beqz t1, other; addi t1, t1, 1; sd t1, 8(s0); j .
    let image = try Image(
      bytes: Self.bytes([
        0x0000_1417, 0x0005_1A63, 0x0020_0293, 0x0032_8293, 0x0054_3023, 0x0000_006F, 0x0004_3303,
        0xFE03_0EE3, 0x0013_0313, 0x0064_3423, 0x0000_006F,
      ]), path: "harts")
    let board = Board.rv64Virt(harts: 2)
    let machine = try Machine(board, image: image)
    let run = Run(machine, to: 12_000)
    let sum = try run.cause("0x80001008:8")
    #expect(sum.value == 6)
    guard case .instruction(let last) = sum.writer else {
      Issue.record("\(sum)")
      return
    }
    #expect(last.hart == 1)
    let load = try #require(sum.sources.first?.sources.first)
    #expect(load.place == .register(.x(6), hart: 1))
    let shared = try #require(load.sources.first)
    guard case .instruction(let first) = shared.writer else {
      Issue.record("\(shared)")
      return
    }
    #expect(shared.place == .memory(.init(0x8000_1000, size: 8, hart: 1)))
    #expect(first.hart == 0 && shared.value == 5)
    #expect(shared.sources.first?.place == .register(.x(5), hart: 0))
    #expect(try run.cause("hart1:t1").writer == sum.sources.first?.writer)
  }

  /// µDMA copies a sum to another place: "9.3.2 Performing a Memory-to-Memory Transfer" of the TM4C123GH6PM's datasheet.
  @Test func throughDMA() throws {
    // The channel's control structure is 0x20000400 + 30 · 16.
    let literals: [UInt32] = [
      0x400F_E60C, 0x400F_F000, 0x2000_0400, 0x2000_05E0, 0x2000_1000, 0x2000_2000, 0xAA00_0002,
      0x4000_0000,
    ]
    var code: [UInt16] = []
    func load(_ register: UInt16, _ number: Int) {
      code.append(Self.literal(register, number, at: code.count))
    }
    // The clock gate, and some time.
    load(0, 0)
    code += [0x2101, 0x6001, 0xBF00, 0xBF00, 0xBF00, 0xBF00, 0xBF00, 0xBF00]
    // CFG, CTLBASE.
    load(7, 1)
    code.append(0x6079)
    load(2, 2)
    code.append(0x60BA)
    // Source, destination, one item of a word.
    load(3, 3)
    load(4, 4)
    load(5, 5)
    load(6, 6)
    code += [0x601C, 0x605D, 0x609E]
    // 5 + 7.
    code += [0x2005, 0x1DC0, 0x6020]
    // ENASET (0x28), SWREQ (0x14).
    load(1, 7)
    code += [0x62B9, 0x6179] + [UInt16](repeating: 0xBF00, count: 10)
    // adds r1, [r5], #1
    code += [0x6829, 0x1C49]
    let image = try Image(
      bytes: Self.thumb(code, literals: literals), path: "dma", format: .raw, base: 0)
    let run = Run(try Machine(.tm4c123GXL, image: image), to: 80)
    let sum = try run.cause("r1")
    #expect(sum.value == 13)
    let read = try #require(sum.sources.first?.sources.first)
    #expect(read.place == .memory(0x2000_2000, size: 4))
    let device = try #require(run.machine.board.slot(of: "udma"))
    guard case .transfer(device, _, _) = read.writer else {
      Issue.record("\(read)")
      return
    }
    #expect(read.sources.map(\.place) == [.memory(0x2000_1000, size: 4)])
    let source = try #require(read.sources.first)
    #expect(source.value == 12 && source.sources.map(\.place) == [.register(.r(0), hart: 0)])
  }

  /// li a7, 0x10; li a6, 3; li a0, 0x10; ecall: what the SBI answers. addi a2, a1, 1.
  @Test func aCallThatIsAnswered() throws {
    let image = try Image(
      bytes: Self.bytes([
        0x0100_0893, 0x0030_0813, 0x0100_0513, 0x0000_0073, 0x0015_8613, 0x0000_006F,
      ]), path: "sbi")
    var options = MachineOptions()
    options.mode = .supervisor
    let run = Run(try Machine(.rv64Virt, image: image, options: options), to: 10)
    let sum = try run.cause("a2")
    #expect(sum.value == 2)
    guard case .core(let site) = sum.sources.first?.writer else {
      Issue.record("\(sum)")
      return
    }
    #expect(site.index == 3)
  }
}
