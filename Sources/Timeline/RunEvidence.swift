import Emu

/// What is kept of a run for somebody to look at: the timeline as a page and for waveform viewers, what came out of its UARTs, and
/// the report. The same bytes for the same run.
public struct RunEvidence {
  public let files: [(name: String, bytes: [UInt8])]

  public init(_ machine: Machine, _ recording: Recording, _ report: String) {
    let image = machine.image.path.split(separator: "/").last.map(String.init) ?? ""
    let page = TimelinePage.write(
      recording,
      .init(
        image: image, instructions: machine.retired, stop: machine.stop?.reason.rawValue ?? ""))
    let streams = recording.streams.filter {
      !$0.isInput && $0.name.hasPrefix("uart") && $0.name != machine.board.console
    }
    files =
      [
        ("report.json", Array((report + "\n").utf8)), ("uart.log", machine.console.bytes),
        ("led.vcd", VCD.write(recording)), ("timeline.html", page),
      ] + streams.map { ("\($0.name).log", $0.bytes) }
  }

  /// As far as the machine keeps its events.
  public init(_ machine: Machine) {
    self.init(
      machine, Recording(machine.board, machine.trace, end: machine.now),
      RunReport(machine).json(hostSeconds: nil))
  }
}
