import Devices
import Emu
import Testing

/// The TM4C123GH6PM's datasheet, chapter 6, "System Exception Module": what the floating-point unit finds.
@Suite struct TM4CSystemExceptionTests {
  private enum Address {
    static let coprocessors: UInt32 = 0xE000_ED88
    static let enable: UInt32 = 0xE000_E10C
    static let raw: UInt32 = 0x400F_9000
    static let mask: UInt32 = 0x400F_9004
    static let masked: UInt32 = 0x400F_9008
    static let clear: UInt32 = 0x400F_900C
  }
  private static let exception: UInt32 = 16 + 106

  /// An operation, its operands, and what SYSEXCRIS has then.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var isDivision = true
    var first: UInt32
    var second: UInt32
    var raw: UInt64
    var flushes = false
    var testDescription: String { name }
  }
  static let cases = [
    Case(name: "inexact", first: 0x3F80_0000, second: 0x4040_0000, raw: 0x20),
    Case(name: "overflow", isDivision: false, first: 0x7F7F_FFFF, second: 0x7F7F_FFFF, raw: 0x30),
    Case(name: "underflow", isDivision: false, first: 0x0080_0001, second: 0x3F00_0000, raw: 0x28),
    Case(name: "invalid operation", first: 0, second: 0, raw: 0x04),
    Case(name: "division by zero", first: 0x3F80_0000, second: 0, raw: 0x02),
    Case(
      name: "input denormal", isDivision: false, first: 0x0000_0001, second: 0x3F80_0000, raw: 0x01,
      flushes: true),
  ]

  /// The operands are in s0 and s1.
  private func begin(_ one: Case) -> ThumbGuest {
    var guest = ThumbGuest()
    guest.write(0xF0_0000, to: Address.coprocessors)
    guest.load(2, one.first)
    guest.load(3, one.second)
    // vmov s0, r2; vmov s1, r3
    guest.raw(0xEE00, 0x2A10, 0xEE00, 0x3A90)
    if one.flushes {
      // vmsr fpscr, r4: FZ
      guest.load(4, 1 << 24)
      guest.raw(0xEEE1, 0x4A10)
    }
    return guest
  }

  /// vdiv.f32 s2, s0, s1 or vmul.f32
  private func compute(_ one: Case, _ guest: inout ThumbGuest) {
    guest.raw(one.isDivision ? 0xEE80 : 0xEE20, 0x1A20)
  }

  /// Section 6.1, "Functional Description": what SYSEXCIM lets through is the module's interrupt: one, directly behind the instruction.
  private func interrupted(_ one: Case) throws -> (machine: Machine, behind: UInt64) {
    var guest = begin(one)
    guest.write(1 << 10, to: Address.enable)
    guest.write(UInt32(one.raw), to: Address.mask)
    for _ in 0..<50 { guest.nop() }
    compute(one, &guest)
    let behind = guest.address
    for _ in 0..<20 { guest.nop() }
    return (try guest.machine(), behind)
  }

  @Test(arguments: cases) func anInterrupt(_ one: Case) throws {
    let (machine, behind) = try interrupted(one)
    _ = machine.run(until: RunLimit(tick: 200))
    let first = machine.trace.first { $0.kind == .interrupt }
    #expect(first?.detail == Self.exception && first?.value == behind)
    #expect(machine.findings.isEmpty && machine.traps.faults == 0)
  }

  @Test(arguments: cases) func isTheSameHoweverItIsCut(_ one: Case) throws {
    let whole = try interrupted(one).machine
    _ = whole.run(until: RunLimit(tick: 150))
    let cut = try interrupted(one).machine
    while cut.now < 60 { _ = cut.run(until: RunLimit(tick: cut.now + 1)) }
    let copy = try Machine(cut.snapshot())
    for machine in [cut, copy] {
      while machine.now < 150 {
        _ = machine.run(until: RunLimit(tick: min(150, machine.now + 7)))
      }
      #expect(machine.traceDigest == whole.traceDigest && machine.stateDigest == whole.stateDigest)
    }
  }

  /// The same section: SYSEXCRIS shows what there is with no interrupt enabled as well, and a one in SYSEXCIC clears its bit there and in
  /// SYSEXCMIS.
  @Test(arguments: cases) func polled(_ one: Case) throws {
    var guest = begin(one)
    guest.load(0, Address.raw)
    guest.fetch(4, at: 0)
    compute(one, &guest)
    guest.fetch(5, at: 0)
    guest.load(0, Address.masked)
    guest.fetch(6, at: 0)
    guest.write(UInt32(one.raw), to: Address.clear)
    guest.load(0, Address.raw)
    guest.fetch(7, at: 0)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(["r4", "r5", "r6", "r7"].map(machine.register) == [0, one.raw, 0, 0])
    #expect(machine.traps.interrupts == 0 && machine.findings.isEmpty)
  }

  /// A flag that is there already raises nothing; once software has cleared it in FPSCR it does again.
  @Test func raisedByWhatComes() throws {
    let one = Self.cases[0]
    var guest = begin(one)
    guest.load(7, Address.raw)
    guest.load(6, Address.clear)
    guest.load(5, 0x20)
    guest.move(4, 0)
    for isCleared in [false, true] {
      compute(one, &guest)
      guest.store(5, at: 6)
      // vmsr fpscr, r4
      if isCleared { guest.raw(0xEEE1, 0x4A10) }
      if isCleared { guest.fetch(2, at: 7) }
      compute(one, &guest)
      guest.fetch(isCleared ? 3 : 1, at: 7)
    }
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(["r1", "r2", "r3"].map(machine.register) == [0, 0, 0x20])
  }

  /// Nothing is looked at while nothing is computed: a core that sleeps with an interrupt enabled has nothing ahead.
  @Test func asleep() throws {
    var guest = ThumbGuest()
    guest.write(0x3F, to: Address.mask)
    guest.sleepForEver()
    let machine = try guest.machine()
    #expect(machine.run(until: RunLimit(tick: 1_000_000)) == .asleep)
    #expect(machine.now < 100)
  }

  @Test func throughTheROM() throws {
    var guest = begin(Self.cases[4])
    guest.load(0, 0x3F)
    guest.call(table: 30, function: 3)
    compute(Self.cases[4], &guest)
    guest.move(0, 1)
    guest.call(table: 30, function: 0)
    guest.copy(4, 0)
    guest.load(0, 2)
    guest.call(table: 30, function: 1)
    guest.load(0, 0x3E)
    guest.call(table: 30, function: 2)
    guest.load(0, Address.mask)
    guest.fetch(5, at: 0)
    guest.move(0, 0)
    guest.call(table: 30, function: 0)
    let machine = try guest.machine()
    _ = machine.run(until: RunLimit(tick: 200))
    #expect(["r4", "r5", "r0"].map(machine.register) == [2, 1, 0])
    #expect(machine.findings.isEmpty)
  }
}
