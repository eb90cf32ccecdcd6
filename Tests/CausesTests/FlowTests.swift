import Causes
import Devices
import Emu
import Testing

/// The causes of every register and every slot at the end are those that a program was made with.
@Suite struct FlowTests {
  @Test(arguments: [true, false], 1..<9 as Range<UInt64>)
  func generatedPrograms(isThumb: Bool, seed: UInt64) throws {
    let program = FlowProgram(isThumb: isThumb, seed: seed, count: 40)
    let board = isThumb ? Board.m4LED : .rv64Virt()
    let machine = try Machine(board, image: Image(bytes: program.image, path: "flow.bin"))
    var history = History(machine, budget: 1 << 26)
    _ = machine.run(until: RunLimit(index: program.length))
    history.reach(machine)
    for number in 0..<FlowProgram.registerCount {
      try check(
        program.registers[number], program.place(ofRegister: number), history, machine)
    }
    for number in 0..<FlowProgram.slotCount {
      try check(
        program.definition(ofSlot: number), program.place(ofSlot: number), history, machine)
    }
    if isThumb { try check(program.flags, .register(.xpsr, hart: 0), history, machine) }
  }

  private func check(
    _ wanted: FlowProgram.Definition, _ place: ValuePlace, _ history: History, _ machine: Machine
  ) throws {
    var finder = CauseFinder(history, end: Instant(machine), depth: 60, most: 400)
    let cause = try finder.cause(of: place, at: Instant(machine))
    let report = CauseReport(cause, name: "\(place)", machine, DebugInfo(machine.image))
    let isRight = matches(cause, wanted)
    #expect(isRight, "\(report.text)\n\(words(wanted, 0))")
  }

  private func matches(_ cause: Cause, _ wanted: FlowProgram.Definition) -> Bool {
    switch (cause.writer, wanted.index) {
    case (.instruction(let site), let index?): if site.index != index { return false }
    case (.start, nil): return true
    default: return false
    }
    switch cause.rest {
    case .limit: return false
    case .known: return true
    case .followed: return matches(cause.sources[...], wanted.sources, wanted.possible)
    }
  }

  /// In any order.
  private func matches(
    _ causes: ArraySlice<Cause>, _ wanted: [FlowProgram.Definition],
    _ possible: [FlowProgram.Definition]
  ) -> Bool {
    guard let first = causes.first else { return wanted.isEmpty }
    let rest = causes.dropFirst()
    func matches(without place: Int, _ all: [FlowProgram.Definition]) -> [FlowProgram.Definition]? {
      guard self.matches(first, all[place]) else { return nil }
      var others = all
      others.remove(at: place)
      return others
    }
    return wanted.indices.contains { place in
      matches(without: place, wanted).map { self.matches(rest, $0, possible) } ?? false
    }
      || possible.indices.contains { place in
        matches(without: place, possible).map { self.matches(rest, wanted, $0) } ?? false
      }
  }

  private func words(_ definition: FlowProgram.Definition, _ depth: Int) -> String {
    let indent = String(repeating: "  ", count: depth)
    let index = definition.index.map(String.init) ?? "nobody"
    return depth > 5
      ? "" : "\(indent)\(index)\n" + definition.sources.map { words($0, depth + 1) }.joined()
  }
}
