import Emu
import Timeline

/// A script while a machine runs under it. It acts between two instructions, at exact ticks, and nowhere else: a run with a script
/// is the same however it is sliced.
///
/// Whoever runs the machine gives `run.limit(…)` to `Machine.run`, and calls `run.advance(machine)` before the first run and
/// after each one, until `outcome` is there:
/// ```
/// run.advance(machine)
/// while run.outcome == nil && machine.stop == nil {
///   if machine.run(until: run.limit(RunLimit())) == .asleep { machine.end(.idle) }
///   run.advance(machine)
/// }
/// ```
public final class ScriptRun {
  public enum Outcome: Sendable, Hashable {
    case passed
    /// Several lines: where, what, and the expected above the actual.
    case failed(String)
  }
  public private(set) var outcome: Outcome?

  private let script: Script
  private let board: Board
  private let console: Int?
  private var number = 0
  /// When the present step began.
  private var since = Moment()
  private var sinceTick: Tick = 0
  /// The text that no step has waited for so far, or the end of it.
  private var unread: [UInt8] = []
  private var waves: Waveforms
  /// By slot and pin: levels, and what they did lately.
  private var pins: [UInt64: Waveform] = [:]

  private static let mostText = 1 << 16
  private static let mostEdges = 1 << 14

  public init(_ script: Script, _ board: Board) {
    self.script = script
    self.board = board
    console = board.slot(of: board.console)
    waves = Waveforms(board, most: Self.mostEdges)
  }

  /// For a copy of the machine.
  public func copy() -> ScriptRun {
    let copy = ScriptRun(script, board)
    copy.outcome = outcome
    copy.number = number
    copy.since = since
    copy.sinceTick = sinceTick
    copy.unread = unread
    copy.waves = waves
    copy.pins = pins
    return copy
  }

  private var step: Script.Step? {
    outcome == nil && number < script.steps.count ? script.steps[number] : nil
  }

  /// "blink.yaml:7:5: wait-serial", while there is a step that has not been done.
  public var pending: String? { step.map { "\($0.place): \($0.name)" } }

  /// The same in several lines for somebody whose run is over before its script is: where it waits, and what came instead.
  public var waiting: String? {
    guard let step else { return nil }
    guard case .waitSerial(let text, _) = step.action else {
      return "\(step.place): \(step.name): is not over"
    }
    return words(step, "has not come", Self.texts(text, unread))
  }

  // MARK: Around a run

  /// The limit, with what the script has to be back for.
  public func limit(_ limit: RunLimit) -> RunLimit {
    var limit = limit
    if let goal {
      limit.moment = min(limit.moment ?? goal, goal)
      limit.sleepsOn = true
    }
    let event = limit.event
    limit.event = { [unowned self] in
      let isWanted = see($0)
      return event?($0) == true || isWanted
    }
    return limit
  }

  /// When the present step is over by itself; nil: never.
  private var goal: Moment? {
    switch step?.action {
    case .delay(let duration), .waitSerial(_, let duration?), .blinks(_, _, _, let duration):
      since + duration
    default: nil
    }
  }

  /// True: it is what the present step waits for.
  private func see(_ event: Event) -> Bool {
    waves.add(event)
    switch event.kind {
    case .pin:
      let key = UInt64(event.source) << 32 | UInt64(event.detail)
      pins[key, default: Waveform(name: "", most: Self.mostEdges)].set(
        event.value != 0, at: waves.drawn(event.tick))
      return false
    case .console: break
    case .uart: if Int(event.source) != console { return false }
    default: return false
    }
    unread.append(UInt8(truncatingIfNeeded: event.value))
    if unread.count > 2 * Self.mostText { unread.removeFirst(Self.mostText) }
    guard case .waitSerial(let text, _)? = step?.action else { return false }
    return unread.last == text.last && unread.suffix(text.count).elementsEqual(text)
  }

  /// Does what is due where the machine stands.
  public func advance(_ machine: Machine) {
    while let step, perform(step, machine) {
      number += 1
      if number == script.steps.count { outcome = .passed }
    }
  }

  /// False: it is not over yet.
  private func perform(_ step: Script.Step, _ machine: Machine) -> Bool {
    let clock = machine.clock
    let isOver = goal.map { machine.now >= clock.tick(reaching: $0) } ?? false
    switch step.action {
    case .delay(let duration):
      if !isOver { return false }
      // Where it was to end, and not at the tick behind that: delays add up exactly.
      begin(at: since + duration, machine)
    case .waitSerial(let text, _):
      guard let end = Self.end(of: text, in: unread) else {
        if isOver { fail(step, "did not come", Self.texts(text, unread)) }
        return false
      }
      unread.removeFirst(end)
      begin(at: clock.moment(at: machine.now), machine)
    case .writeSerial(let bytes): machine.send(bytes)
    case .control(let button, let isPressed):
      machine.setButton(button, isPressed: isPressed)
    case .pin(let device, let pin, let level):
      let key = UInt64(board.slot(of: device) ?? 0) << 32 | UInt64(pin)
      let wave = pins[key] ?? Waveform(name: "")
      if wave.isOn == level { break }
      fail(
        step, "pin \(pin) of \(device) is \(wave.isOn ? "high" : "low")",
        drawn(wave, as: level, at: machine))
      return false
    case .led(let name, let isOn):
      guard let wave = waves[name], wave.isOn != isOn else { break }
      fail(step, "\(name) is \(wave.isOn ? "on" : "off")", drawn(wave, as: isOn, at: machine))
      return false
    case .blinks(let name, let hertz, let share, let duration):
      if !isOver { return false }
      waves.extend(to: machine.now)
      let start = waves.drawn(sinceTick)
      guard let wave = waves[name] else { break }
      if !wave.blinks(at: hertz, within: share, waves.clock, from: start) {
        let seen = wave.window(from: start, name: "actual  ")
        let frequency = seen.frequency(waves.clock).map(Quantity.hertz) ?? "not at all"
        fail(
          step, "\(name) blinks at \(frequency), not at \(Quantity.hertz(hertz))",
          drawn(seen, asBlinkingAt: hertz))
        return false
      }
      begin(at: since + duration, machine)
    }
    return true
  }

  private func begin(at moment: Moment, _ machine: Machine) {
    since = moment
    sinceTick = machine.now
  }

  // MARK: What came instead

  private func fail(_ step: Script.Step, _ what: String, _ picture: [String]) {
    outcome = .failed(words(step, what, picture))
  }

  private func words(_ step: Script.Step, _ what: String, _ picture: [String]) -> String {
    (["\(step.place): \(step.name): \(what)"] + picture.map { "  " + $0 })
      .joined(separator: "\n")
  }

  /// Behind the first place at which a text is in another; nil: nowhere.
  private static func end(of text: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= text.count else { return nil }
    for start in 0...bytes.count - text.count where bytes[start] == text[0] {
      if bytes[start..<start + text.count].elementsEqual(text) { return start + text.count }
    }
    return nil
  }

  /// The text that was wanted, and the end of the one that came.
  private static func texts(_ wanted: [UInt8], _ actual: [UInt8]) -> [String] {
    let end = actual.suffix(72)
    return [
      "expected  \(EventText.quoted(wanted))",
      "actual    " + (end.count < actual.count ? "…" : "") + EventText.quoted(Array(end)),
    ]
  }

  private static let style = TextStyle(width: 78)

  /// What it did lately, below what it should be at the end.
  private func drawn(_ wave: Waveform, as level: Bool, at machine: Machine) -> [String] {
    let now = waves.drawn(machine.now)
    let lines = [("expected", level), ("actual", wave.isOn)].map { name, isOn in
      "\(name)\(name.count < 8 ? "  " : "")  \(isOn ? "on, high" : "off, low")"
    }
    guard let last = wave.edges.last else { return lines + ["          it never changed"] }
    let time = Quantity.time(picoseconds: waves.clock.picoseconds(at: last))
    let ago = Quantity.time(picoseconds: waves.clock.picoseconds(at: now - last))
    return lines + ["          since \(time), \(ago) before this step"]
  }

  private func drawn(_ seen: Waveform, asBlinkingAt hertz: Double) -> [String] {
    let period = Double(waves.clock.hertz) / hertz
    let first = Double(seen.edges.first ?? 0)
    var edges: [Tick] = []
    for half in 0... {
      let place = first + period / 2 * Double(half)
      if place >= Double(seen.end) || edges.count == Self.mostEdges { break }
      edges.append(Tick(place.rounded()))
    }
    let wanted = Waveform(name: "expected", colour: seen.colour, edges: edges, end: seen.end)
    let picture = DrawnTimeline.draw([wanted, seen], waves.clock, style: Self.style)
    let lines = picture.split(separator: "\n").map(String.init)
    // What never changed is not drawn.
    return seen.edgeCount > 0 ? lines : lines + ["actual    never changes"]
  }
}
