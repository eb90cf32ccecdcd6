import Emu
import Timeline

/// A machine did not do what a test waited for. Its description says what it did instead: how it stands, its LEDs drawn, the
/// end of its console, what happened last, and the latest instructions.
public struct RunFailure: Error, CustomStringConvertible {
  public let description: String

  static let events = 8
  static let consoleLines = 10

  init(_ machine: Machine, _ wanted: String) {
    self.init("waited for \(wanted); \(Self.state(machine))", machine)
  }

  /// - Parameters:
  ///   - what: what is wrong, in a sentence.
  ///   - names: of values that should have been others.
  init(_ what: String, _ machine: Machine, asking names: [String] = []) {
    let isAlone = EvidenceLog.current == nil
    let folder = isAlone ? machine.keepEvidence() : nil
    let story = FailureStory(machine)
    description = [
      what, Self.drawing(machine), Self.console(machine), Self.events(machine, story),
      Self.calls(machine), story.words(asking: names), folder.map { "evidence: \($0)" } ?? "",
    ].filter { !$0.isEmpty }.joined(separator: "\n")
    if isAlone { FailureDebugger.serve(machine, story.history) }
  }

  private static func state(_ machine: Machine) -> String {
    let clock = machine.clock
    let time = Quantity.time(picoseconds: clock.picoseconds(at: machine.now))
    let place = "at \(time), after \(Quantity.grouped(machine.retired)) instructions"
    guard let stop = machine.stop else { return "it did not come; stopped \(place)" }
    let pc = "pc 0x" + String(stop.pc, radix: 16)
    let detail = stop.detail.isEmpty ? "" : ": \(stop.detail)"
    return stop.isDeath
      ? "the guest died \(place), \(pc), by \(stop.reason.rawValue)\(detail)"
      : "the run ended \(place), by \(stop.reason.rawValue), code \(stop.code)\(detail)"
  }

  private static func drawing(_ machine: Machine) -> String {
    let waves = Waveforms(
      machine.board, machine.trace, end: machine.now, clock: machine.clock)
    let drawing = DrawnTimeline.draw(waves.leds, waves.clock, style: TextStyle())
    return drawing.isEmpty ? "no LED ever changed" : drawing
  }

  private static func console(_ machine: Machine) -> String {
    var lines = machine.console.text
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    if lines.last == "" { lines.removeLast() }
    if lines.isEmpty { return "the console is empty" }
    let tail = lines.suffix(consoleLines)
    let heading = tail.count < lines.count ? "the end of the console:" : "the console:"
    return ([heading] + tail.map { "  | \($0)" }).joined(separator: "\n")
  }

  private static func events(_ machine: Machine, _ story: FailureStory) -> String {
    let kinds: Set<Event.Kind> = [
      .pin, .interrupt, .interruptReturn, .trap, .sbi, .input, .clock, .reset,
    ]
    // Text is shown above; a look back over a few more events finds enough of the others.
    let trace = machine.trace
    let positions = trace.indices.suffix(20 * events).filter { kinds.contains(trace[$0].kind) }
      .suffix(events)
    if positions.isEmpty { return "" }
    let places = story.places(of: Array(positions))
    let lines = positions.map { position in
      var words = EventText(
        EventNames(machine.board), [.led, .gpio, .irq, .trap, .sbi], clock: machine.clock)
      words.add(trace[position], findings: machine.findings)
      let line = String(decoding: words.take().filter { $0 != 10 }, as: UTF8.self)
      return line + (places[position].map { ", by \($0)" } ?? "")
    }
    return (["the last events:"] + lines).joined(separator: "\n")
  }

  private static func calls(_ machine: Machine) -> String {
    let frames = machine.callStack.prefix(6)
    if frames.isEmpty { return "" }
    return (["it is at:"] + frames.map { "  \($0)" }).joined(separator: "\n")
  }
}
