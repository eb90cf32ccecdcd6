import Causes
import Emu

/// How a machine came to where it is, for the report of a test that failed: its past is run again.
struct FailureStory {
  private static let mostSteps: UInt64 = 64

  private let machine: Machine
  /// nil: it cannot be had again.
  let history: History?
  /// Why, as one sentence.
  private let loss: String?

  init(_ machine: Machine) {
    self.machine = machine
    do { (history, loss) = (try machine.pastToTell(), nil) } catch {
      (history, loss) = (nil, "\(error)")
    }
  }

  /// Where in its source a firmware was when it made events, by their position in the trace.
  func places(of positions: [Int]) -> [Int: String] {
    var places: [Int: String] = [:]
    for position in positions {
      guard let past = try? history?.machine(at: machine.trace[position].index) else { continue }
      places[position] = SharedDebugInfo.of(machine.image) { past.backtrace($0).first?.description }
    }
    return places
  }

  /// The latest instructions of all harts, a line each, with the registers that they changed.
  var steps: [String] {
    guard let history else { return [] }
    let start = max(history.begin, machine.index - min(machine.index, Self.mostSteps))
    guard start < machine.index, let past = try? history.machine(at: start) else { return [] }
    var steps: [Step] = []
    while past.index < machine.index {
      let before = past.harts.map { ($0.attempts, $0.pc, $0.registers) }
      let index = past.index
      guard history.run(past, until: RunLimit(index: index + 1)) == .limit else { break }
      for (hart, before) in zip(past.harts, before) where hart.attempts != before.0 {
        steps.append(
          Step(
            index: index, hart: Int(hart.number), pc: before.1,
            changes: Self.changes(before.2, hart.registers, machine.board.core.machine)))
      }
    }
    return SharedDebugInfo.of(machine.image) { debug in
      steps.map { $0.words(debug, hasHarts: machine.harts.count > 1) }
    }
  }

  private struct Step {
    var index: UInt64
    var hart: Int
    var pc: UInt64
    var changes: [Register]

    /// `#881 0x56 sysTick+0x16 (Board.swift:27) r1=0x2`
    func words(_ debug: DebugInfo, hasHarts: Bool) -> String {
      var words = "#\(index) " + (hasHarts ? "hart \(hart) " : "") + "0x" + String(pc, radix: 16)
      if let place = debug.place(at: pc) { words += " \(place)" }
      if let (file, line) = debug.sourceLine(at: pc) {
        words += " (\(file.split(separator: "/").last.map(String.init) ?? file):\(line))"
      }
      return changes.reduce(words) { "\($0) \($1.name)=0x\(String($1.value, radix: 16))" }
    }
  }

  private static func changes(
    _ old: [Register], _ new: [Register], _ machine: Image.Machine
  ) -> [Register] {
    let names = Set(DebugInfo.registerNames(machine)).subtracting(["pc"])
    return zip(old, new).filter { $0 != $1 && names.contains($1.name) }.map(\.1)
  }

  /// Who wrote a value, of what, and so back, in words; nil: it has no name that `emurun why` knows, or no past.
  func chain(of name: String) -> String? {
    guard let history else { return nil }
    let place = SharedDebugInfo.of(machine.image) { try? ValueExpression(machine, $0).place(name) }
    var finder = CauseFinder(history, end: Instant(machine), depth: 8, most: 24)
    guard let place, let cause = try? finder.cause(of: place, at: Instant(machine)) else {
      return nil
    }
    return SharedDebugInfo.of(machine.image) {
      CauseReport(cause, name: name, machine, $0).text
    }
  }

  /// All of it: why these values are what they are, and the latest instructions.
  func words(asking names: [String]) -> String {
    let chains = names.compactMap(chain)
    let steps = steps
    var words: [String] = []
    if let loss { words.append("no latest instructions, and no why: \(loss)") }
    if !chains.isEmpty { words += ["why:"] + chains.map(Self.indented) }
    if !steps.isEmpty {
      words += ["the last \(steps.count) instructions:"] + steps.map(Self.indented)
    }
    return words.joined(separator: "\n")
  }

  private static func indented(_ text: String) -> String {
    text.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
  }
}
