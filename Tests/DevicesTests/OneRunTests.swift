import Devices
import Emu
import Testing

/// One image on one board is one run: however it is cut, traced, pooled, threaded or carried through snapshots.
@Suite struct OneRunTests {
  struct Program: Sendable, CustomTestStringConvertible {
    var image: String
    var board: Board
    /// How far, in ms.
    var end: UInt64
    var testDescription: String { image }
  }

  static let programs = [
    Program(image: "hello-rv64.elf", board: .rv64Virt(), end: 1),
    Program(image: "sbi-heartbeat-rv64.bin", board: .rv64Virt(), end: 600),
    Program(image: "hello-m4.elf", board: .m4LED, end: 1),
    Program(image: "led-heartbeat.bin", board: .m4LED, end: 1200),
    Program(image: "panic-heartbeat.bin", board: .m4LED, end: 150),
  ]

  private struct Outcome: Sendable, Hashable {
    var trace: String
    var state: String
    var index: UInt64
    var now: Tick

    init(_ machine: Machine) {
      trace = machine.traceDigest
      state = machine.stateDigest
      index = machine.index
      now = machine.now
    }
  }

  private static func image(_ name: String) throws -> Image {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return try Image(path: "/\(root)/images/\(name)")
  }

  private static func machine(_ program: Program, seed: UInt64) throws -> Machine {
    var options = MachineOptions()
    options.semihosting = SemihostingOptions()
    options.trace = seed % 2 == 0 ? .visible : .all
    options.engine = [.pooled, .cold, .pooled, .fresh][Int(seed / 2 % 4)]
    return try Machine(program.board, image: image(program.image), options: options)
  }

  private static func whole(_ program: Program) throws -> Outcome {
    let machine = try machine(program, seed: 0)
    _ = machine.run(until: RunLimit(tick: program.board.clock.ticks(.milliseconds(program.end))))
    return Outcome(machine)
  }

  /// Slices of all sizes, from none to a million attempts; now and then a snapshot, whose original runs elsewhere first.
  private static func sliced(_ program: Program, seed: UInt64) throws -> Outcome {
    var random = Generator(state: seed)
    let end = program.board.clock.ticks(.milliseconds(program.end))
    var machine = try machine(program, seed: seed)
    while machine.stop == nil && machine.now < end {
      let size = random.next() % (1 << (random.next() % 20))
      var limit = RunLimit(tick: end)
      switch random.next() % 4 {
      case 0: limit.tick = min(end, machine.now + random.next() % (end / 50 + 1))
      case 1: limit.tick = min(end, machine.now + size)
      case 2: limit.index = machine.index + size
      default: limit.retired = machine.retired + size
      }
      _ = machine.run(until: limit)
      if random.next() % 16 == 0 {
        let snapshot = machine.snapshot()
        _ = machine.run(until: RunLimit(index: machine.index + 1000, event: { $0.kind == .pin }))
        machine = try Machine(snapshot)
      }
    }
    return Outcome(machine)
  }

  @Test(arguments: programs) func slicesAndSnapshotsCannotBeSeen(program: Program) throws {
    let whole = try Self.whole(program)
    for seed: UInt64 in 1...24 {
      #expect(try Self.sliced(program, seed: seed) == whole, "seed \(seed)")
    }
  }

  @Test func threadsCannotBeSeen() async throws {
    let wholes = try Self.programs.map { try Self.whole($0) }
    let same = await withTaskGroup(of: Bool.self) { group in
      for seed: UInt64 in 0..<40 {
        let number = Int(seed) % wholes.count
        group.addTask {
          (try? Self.sliced(Self.programs[number], seed: seed)) == wholes[number]
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(same.allSatisfy { $0 })
  }
}

private struct Generator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
