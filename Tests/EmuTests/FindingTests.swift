import Testing

@testable import Emu

/// What is found, where, and how often.
@Suite struct FindingTests {
  /// With the registers that the beeper has none of.
  private struct Panel: Device {
    struct State: Codable, Hashable, Sendable {}
    var state = State()
    var map: RegisterMap {
      RegisterMap([
        .init("STATUS", 0, .readOnly, reset: 7),
        .init("CONTROL", 4, fields: [.init("GO", 0), .init("TURBO", 4...5, modelled: false)]),
        .notModelled("SPARE", 8, count: 2, reset: 0x55), .init("END", 16),
      ])
    }
    mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 { 7 }
    mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
      if access.offset == 16 { port.stop(.finisher) }
      if access.offset == 4 && value == 0x80 { port.guestError("a value of 0x80") }
    }
  }

  private static let board: Board = {
    var board = Board.test
    board.devices = [Placement("panel", Panel(), at: 0x1000_0000, size: 0x1000)]
    return board
  }()

  /// A trap handler that skips the instruction, and then the body, whose first instruction is at 0x8000_0000 + 4 · `start`.
  private func run(_ body: (inout Assembler) -> Void) throws -> [Finding] {
    let program = Assembler.program { a in
      a.la(.t1, "handler")
      a.csrw(0x305, .t1)
      a.lui(.t0, 0x10000)
      body(&a)
      a.sw(.zero, .t0, 16)
      a.label("handler")
      a.csrr(.t2, 0x341)
      a.addi(.t2, .t2, 4)
      a.csrw(0x341, .t2)
      a.mret()
    }
    let machine = try Machine.running(program, board: Self.board)
    guard case .stopped(let stop) = machine.run() else {
      Issue.record("no end")
      return []
    }
    #expect(stop.reason == .finisher)
    return machine.findings
  }

  private let start: UInt64 = 0x8000_0010

  @Test func everyKindWithItsPlace() throws {
    let findings = try run { a in
      a.sw(.t0, .t0, 0)
      a.lw(.a0, .t0, 8)
      a.lw(.a0, .t0, 64)
      a.addi(.a1, .zero, 0x10)
      a.sw(.a1, .t0, 4)
      a.lw(.a0, .t0, 6)
      a.sb(.a1, .t0, 4)
      a.lui(.a2, 0x20000)
      a.lw(.a0, .a2, 0)
      a.addi(.a1, .zero, 0x80)
      a.sw(.a1, .t0, 4)
      a.lui(.a2, 1)
      a.sw(.a1, .a2, 0)
    }
    #expect(
      findings.map { "\($0.kind.rawValue): \($0.device): \($0.name)" } == [
        "read-only: panel: STATUS", "not modelled: panel: SPARE0", "reserved: panel: +0x40",
        "not modelled: panel: CONTROL.TURBO",
        "unaligned: panel: CONTROL, 4 bytes at 0x10000006",
        "wrong width: panel: CONTROL, 1 bytes, which takes 4",
        "reserved: core: 0x20000000, where nothing is", "guest error: panel: a value of 0x80",
        "read-only: core: a store to rom",
      ])
    #expect(
      findings.map { ($0.pc ?? 0) - start } == [0, 4, 8, 16, 20, 24, 32, 40, 48])
    #expect(
      findings.map(\.isStore) == [true, false, false, true, false, true, false, true, true])
    #expect(
      findings.map(\.register) == [
        "STATUS", "SPARE0", "+0x40", "CONTROL", "CONTROL", "CONTROL", nil, "CONTROL", nil,
      ])
    #expect(findings.allSatisfy { $0.count == 1 })
    #expect(findings.map(\.index) == findings.map(\.index).sorted())
  }

  /// The same thing from one place is one finding, from two places two.
  @Test func countsByPlace() throws {
    let findings = try run { a in
      a.addi(.s0, .zero, 0)
      a.addi(.s1, .zero, 5)
      a.label("again")
      a.lw(.a0, .t0, 8)
      a.addi(.s0, .s0, 1)
      a.bne(.s0, .s1, "again")
      a.lw(.a0, .t0, 8)
    }
    #expect(findings.map(\.name) == ["SPARE0", "SPARE0"])
    #expect(findings.map(\.count) == [5, 1])
  }

  /// What does no harm is no finding.
  @Test func silence() throws {
    let findings = try run { a in
      a.lw(.a0, .t0, 0)
      a.addi(.a1, .zero, 1)
      a.sw(.a1, .t0, 4)
    }
    #expect(findings == [])
  }

  /// What a debugger writes, no instruction has asked for.
  @Test func silenceForADebugger() throws {
    let machine = try Machine.running(
      Assembler.program { a in a.addi(.zero, .zero, 0) }, board: Self.board)
    let start = machine.index
    #expect(machine.poke(0x1000_0008, [1, 0, 0, 0]) && !machine.poke(0x2000_0000, [1]))
    #expect(machine.findings == [] && machine.index == start)
  }

  @Test func aWildGuestIsBounded() {
    var findings = Findings()
    for number in 0..<10_000 as Range<UInt64> {
      _ = findings.add(
        Finding(device: "core", name: "\(number)", pc: number, tick: number, index: number))
    }
    #expect(findings.list.count == Findings.most + 1 && findings.total == 10_000)
    #expect(findings.list.last?.count == 10_000 - Findings.most)
    #expect(findings.list.last?.pc == nil)
  }

  /// A snapshot takes them along, and its machine goes on counting.
  @Test func snapshotsKnowThem() throws {
    let program = Assembler.program { a in
      a.lui(.t0, 0x10000)
      a.label("again")
      a.lw(.a0, .t0, 8)
      a.j("again")
    }
    let machine = try Machine.running(program, board: Self.board)
    _ = machine.run(until: RunLimit(index: 100))
    let copy = try Machine(machine.snapshot())
    for each in [machine, copy] { _ = each.run(until: RunLimit(index: 200)) }
    #expect(machine.findings == copy.findings)
    #expect(machine.findings.map(\.count) == [97])
  }
}

@Suite struct CortexMFindingTests {
  /// Device memory takes no unaligned access (ARM DDI 0403E.e, A3.2.1), and LDM takes none anywhere.
  @Test func unaligned() throws {
    let bench = try CortexMBench(vectors: [3: "fault"]) { t in
      t.label("start")
      t.load(0, Puller.address + 1)
      t.label("one")
      t.ldr(1, 0)
      t.label("fault")
      t.end()
    }
    bench.run()
    #expect(bench.machine.findings.map(\.kind) == [.unaligned])
    #expect(bench.machine.findings.map(\.name) == ["RAISE, 4 bytes at 0x40000001"])
  }

  @Test func privatePeripherals() throws {
    let bench = try CortexMBench(vectors: [3: "fault"]) { t in
      t.label("start")
      t.load(0, 0xE000_ED00)
      t.str(0, 0)
      t.load(0, 0xE000_E002)
      t.ldr(1, 0)
      t.label("fault")
      t.end()
    }
    bench.run()
    #expect(bench.machine.findings.map(\.kind) == [.readOnly, .unaligned])
    #expect(bench.machine.findings.first?.name == "CPUID")
    #expect(bench.machine.findings.allSatisfy { $0.device == "core" && $0.pc != nil })
  }
}
