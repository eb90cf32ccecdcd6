import Emu
import Timeline

/// A machine did not do what a test waited for. Its description says what it did instead: how it stands, its LEDs drawn, the
/// end of its console, and what happened last.
public struct RunFailure: Error, CustomStringConvertible {
  public let description: String

  static let events = 8
  static let consoleLines = 10

  init(_ machine: Machine, _ wanted: String) {
    description = [
      "waited for \(wanted); \(Self.state(machine))", Self.drawing(machine), Self.console(machine),
      Self.events(machine),
    ].filter { !$0.isEmpty }.joined(separator: "\n")
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
    var lines = machine.console.text.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last == "" { lines.removeLast() }
    if lines.isEmpty { return "the console is empty" }
    let tail = lines.suffix(consoleLines)
    let heading = tail.count < lines.count ? "the end of the console:" : "the console:"
    return ([heading] + tail.map { "  | \($0)" }).joined(separator: "\n")
  }

  private static func events(_ machine: Machine) -> String {
    var words = EventText(
      EventNames(machine.board), [.led, .irq, .trap, .sbi], clock: machine.clock)
    // Text is shown above; a look back over a few more events finds enough of the others.
    for event in machine.trace.suffix(20 * events) { words.add(event, findings: machine.findings) }
    let lines = String(decoding: words.take(), as: UTF8.self).split(separator: "\n")
    if lines.isEmpty { return "" }
    return (["the last events:"] + lines.suffix(events)).joined(separator: "\n")
  }
}
