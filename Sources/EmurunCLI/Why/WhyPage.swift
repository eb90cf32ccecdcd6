import Causes
import Emu
import Timeline

/// The timeline of a run with a chain of causes beside it, each with a link to its place in the run.
enum WhyPage {
  static func write(
    _ machine: Machine, image: String, _ title: String, _ report: CauseReport
  ) -> [UInt8] {
    let notes = report.lines.map { line in
      TimelinePage.Note(
        depth: line.depth, heading: line.value, words: line.words, tick: line.tick,
        index: line.index)
    }
    return TimelinePage.write(
      Recording(machine.board, machine.trace, end: machine.now),
      .init(
        image: image.split(separator: "/").last.map(String.init) ?? image,
        instructions: machine.retired, stop: machine.stop?.reason.rawValue ?? ""),
      notes: .init(title: title, notes: notes))
  }
}
