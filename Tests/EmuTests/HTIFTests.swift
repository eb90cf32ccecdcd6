import Testing

@testable import Emu

/// Programs that speak to their host as riscv-tests do to Spike.
@Suite struct HTIFTests {
  /// In the page of the code, behind it.
  static let toHost: UInt64 = 0x8000_0800
  static let fromHost: UInt64 = 0x8000_0840
  static let block: UInt64 = 0x8000_0880

  /// t0 = tohost, t1 = fromhost, s0 = `block`.
  private static func program(_ build: (inout Assembler) -> Void) -> [UInt32] {
    Assembler.program { a in
      a.auipc(.t0, 0)
      a.addi(.t0, .t0, 0x7FF)
      a.addi(.t0, .t0, 1)
      a.addi(.t1, .t0, 0x40)
      a.addi(.s0, .t0, 0x80)
      build(&a)
      a.label("end")
      a.j("end")
    }
  }

  private static func image(
    _ code: [UInt32], symbols: [(String, UInt64)] = [("tohost", toHost), ("fromhost", fromHost)],
    physical: UInt64? = nil
  ) throws -> Image {
    let bytes = code.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    let start = physical == nil ? 0x8000_0000 as UInt64 : 0xFFFF_FFFF_8000_0000
    var file = ELFFile(
      entry: start, segments: [.load(start, bytes, size: 0x2000, physical: physical ?? start)],
      sections: [.init(name: ".text", flags: 6, address: start, bytes: bytes)])
    file.addSymbols(symbols.map { .init(name: $0.0, address: $0.1, type: 0) })
    return try file.image()
  }

  private static func machine(
    _ code: [UInt32], input: String = "", board: Board = .test, trace: Event.Mask = .visible
  ) throws -> Machine {
    var options = MachineOptions()
    options.input = Array(input.utf8)
    options.trace = trace
    return try Machine(board, image: image(code), options: options)
  }

  // MARK: Exit

  /// `sb`, `sh`, `sw`, `sd`, `amoadd.w`, `amoswap.d` of a0 to t0, and a doubleword from 4 below.
  static let stores: [UInt32] = [
    0x00A2_8023, 0x00A2_9023, 0x00A2_A023, 0x00A2_B023, 0x00A2_A02F, 0x08A2_B02F,
  ]

  @Test(arguments: stores) func anOddValueEndsDirectlyBehindItsStore(store: UInt32) throws {
    let machine = try Self.machine(
      Self.program { a in
        a.addi(.a0, .zero, 7 << 1 | 1)
        a.emit(store)
        a.addi(.a0, .zero, 1)
        a.emit(store)
      })
    _ = machine.run(until: RunLimit(index: 1000))
    #expect(machine.stop?.reason == .htif && machine.stop?.code == 7)
    #expect(machine.stop?.pc == 0x8000_001C)
    // Six of the reset ROM, seven of the program.
    #expect(machine.index == 13 && machine.retired == 13)
    #expect(machine.memory.load(Self.toHost) == 0 as UInt64)
  }

  @Test func neighboursAndZeroSayNothing() throws {
    let machine = try Self.machine(
      Self.program { a in
        a.addi(.a0, .zero, 3)
        a.sw(.a0, .t0, 8)
        a.sw(.a0, .t0, -4)
        a.sw(.zero, .t0, 0)
        a.lw(.a0, .t0, 0)
      })
    _ = machine.run(until: RunLimit(index: 100))
    #expect(machine.stop == nil)
  }

  @Test func unknownCommandsAreFindings() throws {
    let machine = try Self.machine(
      Self.program { a in
        a.addi(.a0, .zero, 0x203)
        a.slli(.a0, .a0, 48)
        a.emit(Self.stores[3])
        a.addi(.a0, .zero, 1)
        a.sw(.a0, .t0, 0)
      })
    _ = machine.run(until: RunLimit(index: 100))
    #expect(machine.stop?.code == 0)
    #expect(machine.findings.map(\.name) == ["HTIF device 2 command 3"])
  }

  // MARK: Console

  /// Writes "Hi" (what waits for the beeper's two bytes of room has gone there), then gives back what it reads until "q".
  private static let echo = program { a in
    for byte in [0x48, 0x69] { put(&a, byte) }
    a.label("read")
    a.addi(.a0, .zero, 0x100)
    a.slli(.a0, .a0, 48)
    a.emit(stores[3])
    a.label("wait")
    a.emit(0x0003_3583)  // ld a1, (t1)
    a.bne(.a1, .zero, "come")
    a.j("wait")
    a.label("come")
    a.emit(0x0003_3023)  // sd zero, (t1)
    a.emit(0x0FF5_F593)  // andi a1, a1, 255
    a.addi(.t2, .zero, 113)
    a.bne(.a1, .t2, "more")
    a.addi(.a0, .zero, 5)
    a.sw(.a0, .t0, 0)
    a.label("more")
    a.addi(.a0, .zero, 0x101)
    a.slli(.a0, .a0, 48)
    a.add(.a0, .a0, .a1)
    a.emit(stores[3])
    a.j("read")
  }

  private static func put(_ a: inout Assembler, _ byte: Int) {
    a.addi(.a0, .zero, 0x101)
    a.slli(.a0, .a0, 48)
    a.addi(.a0, .a0, byte)
    a.emit(stores[3])
  }

  @Test func consoleBothWays() throws {
    let machine = try Self.machine(Self.echo, input: "..ab")
    _ = machine.run(until: RunLimit(tick: 500))
    #expect(machine.console.text == "Hiab")
    machine.send("cq".utf8)
    _ = machine.run(until: RunLimit(tick: 5000))
    #expect(machine.console.text == "Hiabc")
    #expect(machine.stop?.reason == .htif && machine.stop?.code == 2)
    let said = machine.trace.filter { $0.kind == .console }
    #expect(said.allSatisfy { $0.detail == ConsoleSource.htif.rawValue } && said.count == 5)
  }

  @Test(arguments: 0..<20) func slicesAndSnapshotsCannotBeSeen(seed: Int) throws {
    let whole = try Self.machine(Self.echo, input: "..abcdq")
    _ = whole.run(until: RunLimit(tick: 5000))
    var random = SplitMix(UInt64(seed))
    var machine = try Self.machine(Self.echo, input: "..abcdq")
    while machine.stop == nil {
      _ = machine.run(until: RunLimit(index: machine.index + 1 + random.next() % 30))
      let before = machine.stateDigest
      machine = try Machine(machine.snapshot())
      #expect(machine.stateDigest == before)
    }
    #expect(machine.traceDigest == whole.traceDigest && machine.stateDigest == whole.stateDigest)
    #expect(machine.console.text == "Hiabcd")
  }

  // MARK: System calls

  /// Makes the call that lies in `block`, waits for its end, and keeps the result in a2.
  private static func call(_ a: inout Assembler, _ label: String) {
    a.emit(0x0082_B023)  // sd s0, (t0)
    a.label(label)
    a.emit(0x0003_3583)  // ld a1, (t1)
    a.bne(.a1, .zero, label + " done")
    a.j(label)
    a.label(label + " done")
    a.emit(0x0003_3023)  // sd zero, (t1)
  }

  private static func callMachine(_ words: [UInt64], then code: UInt64) throws -> Machine {
    let machine = try machine(
      program { a in
        call(&a, "first")
        a.emit(0x0004_3603)  // ld a2, (s0)
        a.addi(.a3, .zero, 93)
        a.emit(0x00D4_3023)  // sd a3, (s0)
        a.addi(.a3, .zero, Int(code))
        a.emit(0x00D4_3423)  // sd a3, 8(s0)
        call(&a, "second")
      })
    for (number, word) in words.enumerated() {
      machine.memory.store(word, at: block + UInt64(8 * number))
    }
    machine.memory.write(Array("magic\n".utf8), at: 0x8000_1000)
    _ = machine.run(until: RunLimit(index: 1000))
    return machine
  }

  private static func a2(_ machine: Machine) -> Int64 {
    Int64(bitPattern: machine.registers.first { $0.name == "a2" }?.value ?? 0)
  }

  @Test func writeAndExit() throws {
    let machine = try Self.callMachine([64, 1, 0x8000_1000, 6], then: 9)
    #expect(machine.console.text == "magic\n")
    #expect(Self.a2(machine) == 6)
    #expect(machine.stop?.reason == .htif && machine.stop?.code == 9)
  }

  static let refused: [([UInt64], Int64)] = [
    ([64, 5, 0x8000_1000, 6], -9), ([64, 1, 0x4000_0000, 6], -14),
    ([64, 1, 0x8000_1000, .max], -14),
    ([1024, 0, 0, 0], -38),
  ]
  @Test(arguments: refused) func whatItRefuses(words: [UInt64], result: Int64) throws {
    let machine = try Self.callMachine(words, then: 0)
    #expect(Self.a2(machine) == result)
    #expect(machine.stop?.code == 0 && machine.console.bytes.isEmpty)
    #expect(machine.findings.map(\.name) == (words[0] == 64 ? [] : ["HTIF system call 1024"]))
  }

  @Test func wildBlocks() throws {
    let machine = try Self.machine(
      Self.program { a in
        a.addi(.a0, .zero, 0x10)
        a.emit(Self.stores[3])
        a.addi(.a0, .zero, 1)
        a.sw(.a0, .t0, 0)
      })
    _ = machine.run(until: RunLimit(index: 100))
    #expect(machine.findings.map(\.name) == ["HTIF system call outside of memory"])
    #expect(machine.stop?.code == 0)
  }

  // MARK: Other ways to write

  /// Writes what it is told to `tohost`, as a DMA engine would: at once, or a hundred ticks later.
  private struct Writer: Device {
    struct State: Codable, Hashable, Sendable { var due: Tick? }
    var state = State()
    var map: RegisterMap { RegisterMap([.init("NOW", 0), .init("LATER", 4)]) }
    mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 { 0 }
    mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
      if access.offset == 4 { state.due = port.now + 100 } else { fire(&port) }
    }
    mutating func advance(_ port: inout DevicePort) {
      state.due = nil
      fire(&port)
    }
    private func fire(_ port: inout DevicePort) {
      port.memory.store(0x17 as UInt64, at: HTIFTests.toHost)
    }
    var deadline: Tick? { state.due }
    var lines: LineSet { LineSet(level: false) }
  }

  @Test(arguments: [(0, 7), (4, 107)]) func byDMA(register: Int, ticks: UInt64) throws {
    var board = Board.test
    board.devices.append(Placement("dma", Writer(), at: 0x2000_0000, size: 0x1000))
    let machine = try Self.machine(
      Self.program { a in
        a.lui(.a1, 0x20000)
        a.sw(.zero, .a1, register)
      }, board: board)
    _ = machine.run(until: RunLimit(tick: 1000))
    #expect(machine.stop?.reason == .htif && machine.stop?.code == 11)
    #expect(machine.now == 6 + ticks - (register == 4 ? 1 : 0))
  }

  // MARK: Which programs

  @Test func symbols() throws {
    let code = Self.program { _ in }
    #expect(try Self.image(code, symbols: [("other", Self.toHost)]).hostInterface == nil)
    #expect(try Self.image(code, symbols: [("tohost", Self.toHost + 4)]).hostInterface == nil)
    #expect(
      try Self.image(code, symbols: [("tohost", Self.toHost)]).hostInterface
        == HTIF.Addresses(toHost: Self.toHost, fromHost: nil))
    let high = try Self.image(
      code, symbols: [("fromhost", 0xFFFF_FFFF_8000_0840), ("tohost", 0xFFFF_FFFF_8000_0800)],
      physical: 0x8000_0000)
    #expect(high.hostInterface == HTIF.Addresses(toHost: Self.toHost, fromHost: Self.fromHost))
  }

  /// The engine goes on to other machines, which have no host to talk to.
  @Test func nothingStaysBehind() throws {
    let code = Self.program { a in
      a.addi(.a0, .zero, 1)
      a.sw(.a0, .t0, 0)
    }
    for _ in 0..<3 {
      let machine = try Self.machine(code)
      _ = machine.run(until: RunLimit(index: 100))
      #expect(machine.stop?.reason == .htif)
      let plain = try Machine.running(code)
      _ = plain.run(until: RunLimit(index: 100))
      #expect(plain.stop == nil && plain.memory.load(Self.toHost) == 1 as UInt64)
    }
  }
}
