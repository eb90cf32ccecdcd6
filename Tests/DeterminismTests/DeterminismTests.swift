import Devices
import Emu
import Foundation
import Testing

/// One program, run in every way that may make no difference: one digest of what it did and one of where it ended.
@Suite struct DeterminismTests {
  /// Long enough for each image to do all that it ever does; some end by themselves before that.
  static let end: Duration = .seconds(6)

  struct Outcome: Hashable, Sendable {
    var trace: String
    var state: String
    var index: UInt64
    var console: String
  }

  @Test(arguments: images) func slicingIsInvisible(image: String) throws {
    let whole = try run(image)
    var random = SplitMix(seed: 1)
    let machine = try machine(image)
    let last = machine.board.clock.ticks(Self.end)
    let cuts = (0..<1000).map { _ in random.next() % last }.sorted()
    for cut in cuts {
      // Cuts at ticks fall into sleep too.
      var limit = RunLimit(tick: cut)
      if cut % 3 == 1 { limit.index = machine.index + cut % 777 }
      if cut % 3 == 2 { limit.retired = machine.retired + cut % 777 }
      if case .stopped = machine.run(until: limit) { break }
    }
    #expect(finish(machine) == whole)
  }

  /// Ways to cut a run that have nothing in common but the run: few cuts or many, near each other or far apart, by tick, index
  /// or retired instructions, with other engines, traces and snapshots. `EMURUN_SOAK`: 1,000 an image, 10,000 in all.
  @Test(arguments: images) func slicingsWithoutNumber(image: String) throws {
    let whole = try run(image)
    let isSoak = ProcessInfo.processInfo.environment["EMURUN_SOAK"] != nil
    for seed in 0..<(isSoak ? 1000 : 10) as Range<UInt64> {
      var random = SplitMix(seed: seed)
      var options = options()
      options.trace = random.next() % 2 == 0 ? .visible : .all
      options.engine = [.pooled, .cold, .pooled, .fresh][Int(random.next() % 4)]
      options.keptEvents = [1, 1 << 12, 1 << 20][Int(random.next() % 3)]
      var machine = try machine(image, options)
      let last = machine.board.clock.ticks(Self.end)
      for _ in 0..<1 << (random.next() % 8) {
        let size = random.next() % (1 << (random.next() % 26 + 1))
        let limit =
          switch random.next() % 4 {
          case 0: RunLimit(tick: min(last, machine.now + random.next() % (last / 16)))
          case 1: RunLimit(tick: last, retired: machine.retired + size)
          case 2: RunLimit(tick: last, events: Int(size % 4096))
          default: RunLimit(tick: last, index: machine.index + size)
          }
        if case .stopped = machine.run(until: limit) { break }
        if random.next() % 16 == 0 { machine = try Machine(machine.snapshot()) }
      }
      #expect(finish(machine) == whole, "seed \(seed)")
    }
  }

  @Test(arguments: images) func everyStopOfTheStartIsInvisible(image: String) throws {
    let whole = try run(image)
    let machine = try machine(image)
    for index in 1...3000 as ClosedRange<UInt64> {
      if case .stopped = machine.run(until: RunLimit(index: index)) { break }
    }
    #expect(finish(machine) == whole)
  }

  @Test(arguments: images) func tracingIsInvisible(image: String) throws {
    var options = options()
    options.trace = .all
    #expect(try run(image, options) == run(image))
  }

  @Test(arguments: images, [MachineOptions.Engine.cold, .fresh, .pooled])
  func enginesAreAlike(image: String, engine: MachineOptions.Engine) throws {
    let whole = try run(image)
    var options = options()
    options.engine = engine
    #expect(try run(image, options) == whole)
  }

  @Test(arguments: images) func snapshotsAreInvisible(image: String) throws {
    let whole = try run(image)
    var random = SplitMix(seed: 2)
    var machine = try machine(image)
    let last = machine.board.clock.ticks(Self.end)
    for cut in (0..<10).map({ _ in random.next() % last }).sorted() {
      if case .stopped = machine.run(until: RunLimit(tick: cut)) { break }
      let snapshot = machine.snapshot()
      // The original runs elsewhere first.
      _ = machine.run(until: RunLimit(index: machine.index + 1000) { $0.kind == .pin })
      machine = try Machine(snapshot)
    }
    #expect(finish(machine) == whole)
  }

  @Test func threadsAreInvisible() async throws {
    let alone = try images.map { try run($0) }
    let together = try await withThrowingTaskGroup(of: (Int, Outcome).self) { group in
      for round in 0..<4 {
        for number in images.indices {
          group.addTask {
            let image = images[(number + round) % images.count]
            return ((number + round) % images.count, try run(image))
          }
        }
      }
      return try await group.reduce(into: [(Int, Outcome)]()) { $0.append($1) }
    }
    for (number, outcome) in together { #expect(outcome == alone[number]) }
  }

  /// The tests above could not fail if nothing ever differed.
  @Test func differentRunsDiffer() throws {
    let outcomes = try images.filter { $0.hasSuffix(".elf") }.map { try run($0) }
    #expect(Set(outcomes.map(\.trace)).count == outcomes.count)
    #expect(Set(outcomes.map(\.state)).count == outcomes.count)
  }
}

private let names = [
  "led-heartbeat", "panic-heartbeat", "hello-m4", "hello-rv64", "sbi-heartbeat-rv64",
]
private let images = names.flatMap { ["\($0).elf", "\($0).bin"] }
let folder =
  #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
  .joined(separator: "/") + "/images/"

private func options() -> MachineOptions {
  var options = MachineOptions()
  options.semihosting = SemihostingOptions()
  return options
}

private func machine(_ name: String, _ given: MachineOptions? = nil) throws -> Machine {
  let image = try Image(path: folder + name)
  return try Machine(Boards.guess(for: image).board, image: image, options: given ?? options())
}

private func run(
  _ name: String, _ options: MachineOptions? = nil
) throws -> DeterminismTests.Outcome { finish(try machine(name, options)) }

private func finish(_ machine: Machine) -> DeterminismTests.Outcome {
  let end = machine.board.clock.ticks(DeterminismTests.end)
  if machine.run(until: RunLimit(tick: end)) == .limit { machine.end(.timeLimit) }
  return .init(
    trace: machine.traceDigest, state: machine.stateDigest, index: machine.index,
    console: machine.console.text)
}
