import Emu
import Timeline

/// The line at the bottom of a terminal while a run goes on: for runs that a person has to wait for, redrawn a few times a
/// second, and out of the way when anything else is written.
struct LiveDisplay {
  private let host: Host
  private let board: Board
  private let begin: Double
  private var line: LiveLine
  private var lastDrawn: Double
  private var isShown = false

  /// nil: nobody would see it.
  init?(_ plan: RunPlan, _ host: Host) {
    guard host.errors.isTerminal, host.environment("TERM") != "dumb" else { return nil }
    self.host = host
    board = plan.board
    begin = host.seconds()
    lastDrawn = begin
    let clock = Waveforms(plan.board).clock
    line = LiveLine(clock, limit: plan.end.map(clock.tick(reaching:)))
  }

  mutating func update(_ machine: Machine, _ waves: Waveforms) {
    let now = host.seconds()
    // A run that is over in the blink of an eye needs none, and an eye does not need more than this.
    guard now - begin > 0.15, now - lastDrawn > 0.05 else { return }
    // Half a line of the firmware's own on the same terminal is not to be drawn over.
    if host.output.isTerminal, let last = host.output.last, last != 10 { return }
    lastDrawn = now
    let style = host.style
    let text = line.draw(
      waves.leds, now: waves.drawn(machine.now), instructions: machine.retired, style: style)
    put("\r" + text + "\u{1B}[K")
    isShown = true
  }

  /// Makes room for other words.
  mutating func hide() {
    if isShown { put("\r\u{1B}[K") }
    isShown = false
  }

  private func put(_ text: String) {
    do { try host.errors.write(text.utf8) } catch {}
  }
}

extension Host {
  /// How the emulator's own words may look.
  var style: TextStyle {
    TextStyle(width: errors.width, unicode: isUnicode, colour: hasColour)
  }
}
