import Devices
import Testing

@testable import Emu

/// A run that is stopped before its instructions, one by one or at some of them, is the run that nobody looked at.
@Suite struct BreakpointTests {
  struct Subject: CustomTestStringConvertible, Sendable {
    let image: String
    var harts = 1
    var timing = MachineOptions.Timing.unit
    var testDescription: String { "\(image), \(harts) harts, \(timing)" }

    func machine() throws -> Machine {
      let image = try Image(path: Self.folder + image)
      var options = MachineOptions()
      options.trace = .all
      options.timing = timing
      options.quantum = 300
      options.semihosting = SemihostingOptions()
      let board = image.machine == .riscv64 ? Board.rv64Virt(harts: harts) : Board.m4LED
      return try Machine(board, image: image, options: options)
    }

    private static let folder =
      #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
      .joined(separator: "/") + "/images/"
  }

  static let subjects = [
    // IT blocks, nested interrupts, an RTOS; sleep; delay loops; harts that wake each other.
    Subject(image: "torture-m4.elf"), Subject(image: "torture-m4.elf", timing: .m4),
    Subject(image: "led-heartbeat.elf"), Subject(image: "delay-heartbeat-m4.elf"),
    Subject(image: "timer-heartbeat-rv64.elf"), Subject(image: "sbi-harts-rv64.elf", harts: 4),
  ]

  struct Place: Hashable {
    var index: UInt64
    var hart: UInt8
    var pc: UInt64
  }

  private static let length: UInt64 = 4000

  /// Wherever the code of an image may be, and the reset ROM.
  private static func everywhere(_ machine: Machine) -> Set<UInt64> {
    var all = Set(stride(from: 0x1000, to: 0x1040, by: 2) as StrideTo<UInt64>)
    for segment in machine.image.segments where segment.isExecutable {
      let start = segment.virtualAddress
      all.formUnion(stride(from: start, to: start + segment.size, by: 2))
    }
    return all
  }

  /// Where it stops on its way, and whether it comes to the end that the others come to.
  private static func stops(
    _ machine: Machine, at breakpoints: Breakpoints, slice: (() -> UInt64)? = nil
  ) -> [Place] {
    var places: [Place] = []
    while machine.stop == nil && machine.index < length {
      var limit = RunLimit(index: length)
      if let slice { limit.index = min(length, machine.index + slice()) }
      limit.breakpoints = breakpoints
      switch machine.run(until: limit) {
      case .breakpoint:
        let place = Place(index: machine.index, hart: machine.hart.number, pc: machine.pc)
        places.append(place)
      case .asleep: return places
      default: continue
      }
    }
    return places
  }

  @Test(arguments: subjects) func beforeEveryInstruction(subject: Subject) throws {
    let plain = try subject.machine()
    _ = plain.run(until: RunLimit(index: Self.length))
    let stopped = try subject.machine()
    let everywhere = Self.everywhere(stopped)
    let places = Self.stops(stopped, at: Breakpoints(everywhere))
    #expect(places.map(\.index) == Array(0..<plain.index))
    #expect(stopped.traceDigest == plain.traceDigest)
    #expect(stopped.stateDigest == plain.stateDigest)
    #expect(stopped.now == plain.now && stopped.index == plain.index)

    // Stepped, with nothing set: the same instructions. One that is about to be interrupted is not there yet.
    let stepped = try subject.machine()
    if subject.harts == 1 {
      let interrupted = Set(plain.trace.filter { $0.kind == .interrupt }.map(\.index))
      #expect(interrupted.count < 1000)
      for place in places {
        #expect(stepped.pc == place.pc || interrupted.contains(place.index))
        _ = stepped.run(until: RunLimit(index: place.index + 1))
      }
      #expect(stepped.stateDigest == plain.stateDigest)
    }

    // Some of them, in slices: exactly those.
    for seed in 0..<6 as Range<UInt64> {
      var random = SplitMix(seed: seed)
      let some = everywhere.filter { _ in random.next() % (3 << seed) == 0 }
      let machine = try subject.machine()
      let found = Self.stops(machine, at: Breakpoints(some)) { random.next() % 400 }
      #expect(found == places.filter { some.contains($0.pc) })
      #expect(machine.traceDigest == plain.traceDigest)
      #expect(machine.stateDigest == plain.stateDigest)
    }
  }

  /// Notes what it sees.
  private final class Notes: Lookout {
    var places: [Place] = []
    var life = 0
    override func look(_ place: Int, index: UInt64, hart: Hart) {
      places.append(Place(index: index, hart: hart.number, pc: addresses[place]))
    }
    override func forget() { life += 1 }
  }

  /// Who only looks sees what one sees who stops.
  @Test(arguments: subjects) func aLookIsNoStop(subject: Subject) throws {
    let plain = try subject.machine()
    _ = plain.run(until: RunLimit(index: Self.length))
    let everywhere = Self.everywhere(plain)
    let stops = Self.stops(try subject.machine(), at: Breakpoints(everywhere))
    for seed in 0..<4 as Range<UInt64> {
      var random = SplitMix(seed: seed)
      let some = everywhere.filter { _ in seed == 0 || random.next() % (2 << seed) == 0 }
      let machine = try subject.machine()
      let notes = Notes(at: some)
      machine.lookout = notes
      while machine.stop == nil && machine.index < Self.length {
        let limit = seed == 1 ? Self.length : min(Self.length, machine.index + random.next() % 400)
        if machine.run(until: RunLimit(index: limit)) == .asleep { break }
      }
      #expect(notes.places == stops.filter { some.contains($0.pc) })
      #expect(machine.traceDigest == plain.traceDigest)
      #expect(machine.stateDigest == plain.stateDigest)
      #expect(notes.life == machine.resets)
    }
    // The next machine has the same engine, and nobody looks at it; or somebody does from its first instruction on.
    for _ in 0..<2 {
      let machine = try subject.machine()
      let notes = Notes(at: everywhere)
      machine.lookout = notes
      _ = machine.run(until: RunLimit(index: 1))
      #expect(notes.places == Array(stops.prefix(1)))
    }
    let unseen = try subject.machine()
    _ = unseen.run(until: RunLimit(index: Self.length))
    #expect(unseen.stateDigest == plain.stateDigest)
  }

  /// Before each access to devices and to memory: it is still to be made, and it is made once.
  @Test(arguments: subjects) func beforeEveryAccess(subject: Subject) throws {
    let plain = try subject.machine()
    _ = plain.run(until: RunLimit(index: Self.length))
    let machine = try subject.machine()
    let all = Breakpoints(watches: [Breakpoints.Watch(0..<1 << 48)])
    var touches: [Touch] = []
    var indices: Set<UInt64> = []
    var limit = RunLimit(index: Self.length)
    limit.breakpoints = all
    while machine.stop == nil && machine.index < Self.length {
      guard case .watchpoint(let touch) = machine.run(until: limit) else { break }
      #expect(touch.pc == machine.pc && touch.hart == Int(machine.hart.number))
      touches.append(touch)
      indices.insert(machine.index)
    }
    #expect(machine.traceDigest == plain.traceDigest)
    #expect(machine.stateDigest == plain.stateDigest)
    let mmio = plain.trace.filter { $0.kind == .mmioWrite || $0.kind == .mmioRead }
    #expect(mmio.allSatisfy { indices.contains($0.index) })
    #expect(touches.contains { $0.isStore } && touches.contains { !$0.isStore })
  }

  /// What an exception's entry writes to the stack is seen before the first instruction of its handler.
  @Test(arguments: [MachineOptions.Timing.unit, .m4])
  func beforeEveryHandler(timing: MachineOptions.Timing) throws {
    let subject = Subject(image: "led-heartbeat.elf", timing: timing)
    let plain = try subject.machine()
    _ = plain.run(until: RunLimit(index: Self.length))
    let machine = try subject.machine()
    var limit = RunLimit(index: Self.length)
    limit.breakpoints = Breakpoints(
      watches: [Breakpoints.Watch(0x2000_0000..<0x2001_0000, loads: false)])
    var entries = 0
    while case .watchpoint(let touch) = machine.run(until: limit) {
      guard touch.isDone else { continue }
      entries += 1
      let stacks = [RegisterName.msp, .psp].compactMap { machine.harts[0].value(of: $0) }
      #expect(stacks.contains(touch.address) && touch.size >= 32 && touch.pc == machine.pc)
      #expect(machine.harts[0].value(of: .xpsr).map { $0 & 0x1FF != 0 } == true)
      #expect(machine.harts[0].value(of: .r(14)).map { $0 >> 5 == 0x7FF_FFFF } == true)
    }
    #expect(entries > 0 && entries == Int(plain.traps.interrupts))
    #expect(machine.traceDigest == plain.traceDigest)
    #expect(machine.stateDigest == plain.stateDigest)
  }

  /// A step is one of its hart, whoever runs before.
  @Test func stepsOfOneHart() throws {
    let subject = Subject(image: "sbi-harts-rv64.elf", harts: 4)
    let plain = try subject.machine()
    _ = plain.run(until: RunLimit(index: 20_000))
    let machine = try subject.machine()
    var random = SplitMix(seed: 7)
    while machine.index < 20_000 {
      let hart = Int(random.next() % 4)
      let before = machine.harts.map(\.attempts)
      var limit = RunLimit(index: 20_000)
      limit.step = hart
      guard machine.run(until: limit) == .limit, machine.index < 20_000 else { break }
      let after = machine.harts.map(\.attempts)
      #expect(after[hart] == before[hart] + 1)
      #expect(Int(machine.hart.number) == hart)
    }
    #expect(machine.stateDigest == plain.stateDigest)
  }

  /// The pool gives no breakpoints away.
  @Test func theNextMachineHasNone() throws {
    let subject = Self.subjects[0]
    do {
      let machine = try subject.machine()
      var limit = RunLimit(index: 100)
      limit.breakpoints = Breakpoints(Self.everywhere(machine))
      #expect(machine.run(until: limit) == .breakpoint)
    }
    #expect(try subject.machine().run(until: RunLimit(index: 100)) == .limit)
  }
}
