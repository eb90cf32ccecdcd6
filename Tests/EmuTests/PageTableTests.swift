import Testing

@testable import Emu

/// A page table that is not in memory: the access that needed it faults, as its own kind, and no
/// device is asked (Privileged Architecture 1.12, 4.3.2, step 2).
@Suite struct PageTableTests {
  enum Kind: UInt64, CaseIterable {
    case load = 5
    case store = 7
    case amo = 0x107
    case fetch = 1

    var cause: UInt64 { rawValue & 0xFF }
  }

  struct Case: CustomStringConvertible {
    /// Where the table is; nil: in memory.
    var place: UInt64?
    /// 2: the root.
    var level: Int
    var kind: Kind

    var description: String { "\(kind), level \(level) at \(place.map(hex) ?? "memory")" }
  }

  private static let address: UInt64 = 0x2344
  private static let parameters: UInt64 = 0x8010_0000
  private static let tables: UInt64 = 0x8010_1000
  private static let page: UInt64 = 0x8020_0000

  /// The beeper, whose first register takes a byte out of it when it is read; nothing below RAM;
  /// nothing behind it; the end of the physical address space.
  private static let places: [UInt64] = [
    0x1000_0000, 0x4000_0000, 0x8100_0000, 0xFF_FFFF_FFFF_F000,
  ]

  private static let cases =
    Kind.allCases.map { Case(place: nil, level: 0, kind: $0) }
    + places.flatMap { place in
      (0...2).flatMap { level in
        Kind.allCases.map { Case(place: place, level: level, kind: $0) }
      }
    }

  private static func program(_ kind: Kind) -> [UInt32] {
    func load(_ a: inout Assembler, _ rd: Assembler.Register, _ offset: UInt32) {
      a.emit(offset << 20 | Assembler.Register.t0.rawValue << 15 | 3 << 12 | rd.rawValue << 7 | 3)
    }
    return Assembler.program { a in
      a.la(.t1, "handler")
      a.csrw(0x305, .t1)  // mtvec
      a.lui(.t0, UInt32(parameters >> 12))  // extends its sign
      a.slli(.t0, .t0, 32)
      a.emit(0x0202_D293)  // srli t0, t0, 32
      a.addi(.t1, .zero, -1)
      a.csrw(0x3B0, .t1)  // pmpaddr0: everything
      a.addi(.t1, .zero, 0x1F)
      a.csrw(0x3A0, .t1)  // pmpcfg0
      load(&a, .t1, 0)
      a.csrw(0x180, .t1)  // satp
      load(&a, .s0, 8)
      a.csrw(0x341, .s0)  // mepc
      load(&a, .t1, 16)
      a.csrw(0x300, .t1)  // mstatus
      switch kind {
      case .load: a.lw(.a0, .s0, 0)
      case .store: a.sw(.zero, .s0, 0)
      case .amo: a.emit(8 << 15 | 2 << 12 | 10 << 7 | 0x2F)  // amoadd.w a0, zero, (s0)
      case .fetch: a.mret()
      }
      a.label("end")
      a.j("end")
      a.label("handler")
      a.csrr(.a1, 0x342)
      a.csrr(.a2, 0x343)
      a.csrr(.a3, 0x341)
      a.j("end")
    }
  }

  private static func machine(_ test: Case) throws -> Machine {
    let machine = try Machine.running(program(test.kind))
    func put(_ words: [UInt64], at address: UInt64) {
      let bytes = words.flatMap { word in
        (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
      }
      machine.memory.write(bytes, at: address)
    }
    // Root, middle and last level, one behind the other.
    var at = [tables + 0x2000, tables + 0x1000, tables]
    if let place = test.place { at[test.level] = place }
    put([(at[1] >> 12) << 10 | 1], at: tables)
    put([(at[0] >> 12) << 10 | 1], at: tables + 0x1000)
    // V, R, W, X, A and D.
    put([(page >> 12) << 10 | 0xCF], at: tables + 0x2000 + (address >> 12) * 8)
    // What a fetch finds there: j .
    put([0x6F], at: page + (address & 0xFFF))
    let mode: UInt64 = test.kind == .fetch ? 1 << 11 : 1 << 17 | 1 << 11
    put([8 << 60 | at[2] >> 12, address, mode], at: parameters)
    machine.send([65, 66])
    return machine
  }

  private static func value(_ name: String, _ machine: Machine) -> UInt64? {
    machine.registers.first { $0.name == name }?.value
  }

  @Test(arguments: cases) func theAccessFaultsAsItsOwnKind(test: Case) throws {
    let whole = try Self.machine(test)
    #expect(whole.run(until: RunLimit(index: 60)) == .limit)
    if test.place == nil {
      #expect(Self.value("a1", whole) == 0, "a page that is there")
    } else {
      #expect(Self.value("a1", whole) == test.kind.cause)
      #expect(Self.value("a2", whole) == Self.address)
      if test.kind == .fetch { #expect(Self.value("a3", whole) == Self.address) }
    }
    #expect(whole.state(of: "uart0", as: Beeper.self)?.received == [65, 66])
    #expect(whole.findings.isEmpty)
    // However the run is cut.
    let sliced = try Self.machine(test)
    for index in 1...60 as ClosedRange<UInt64> { _ = sliced.run(until: RunLimit(index: index)) }
    #expect(sliced.stateDigest == whole.stateDigest)
    let first = try Self.machine(test)
    _ = first.run(until: RunLimit(index: 30))
    let second = try Machine(first.snapshot())
    _ = second.run(until: RunLimit(index: 60))
    #expect(second.stateDigest == whole.stateDigest)
  }
}
