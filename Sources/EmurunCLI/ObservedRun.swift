import BoardFiles
import Emu
import Timeline

/// What could be seen of a run, in order, each with the index of the instruction that did it.
struct ObservedRun {
  struct Change: Hashable {
    /// Of the map.
    let led: Int
    let isOn: Bool
  }

  let path: String
  let plan: RunPlan
  private(set) var text: [UInt8] = []
  private(set) var textIndexes: [UInt64] = []
  private(set) var changes: [Change] = []
  private(set) var changeIndexes: [UInt64] = []
  let stop: Stop
  /// What it died of, in words; nil: it did not.
  private let death: String?

  /// - Parameter leds: numbers of the map by names of the board.
  init(
    _ path: String, _ plan: RunPlan, _ leds: [String: Int], _ host: Host
  ) throws(Refusal) {
    self.path = path
    self.plan = plan
    let machine = try plan.machine()
    try plan.drive(machine, host: host, between: { () throws(Refusal) in })
    guard let stop = machine.stop else { preconditionFailure("a run ended without an end") }
    self.stop = stop
    death =
      stop.isDeath
      ? Obituary(machine: machine, image: plan.image, style: host.style)
        .cause(DebugInfo(plan.image)) : nil
    for finding in machine.findings where finding.name.hasPrefix("semihosting") {
      host.errors.say("emurun: warning: \(path.printable): \(finding.name)", "finding")
    }
    guard machine.trace.startIndex == 0 else {
      throw Refusal(
        ExitCode.usage,
        "\(path): more than \(Quantity.grouped(MachineOptions.usualEvents)) events; "
          + "make --for shorter")
    }
    let board = plan.board
    let console = board.slot(of: board.console)
    var pins: [Int: [UInt32: (number: Int, activeHigh: Bool)]] = [:]
    for led in board.leds {
      if let number = leds[led.name], let slot = board.slot(of: led.device) {
        pins[slot, default: [:]][UInt32(led.pin)] = (number, led.activeHigh)
      }
    }
    var lit: Set<Int> = []
    for event in machine.trace {
      switch event.kind {
      case .console: add(event)
      case .uart: if Int(event.source) == console { add(event) }
      case .pin:
        guard let led = pins[Int(event.source)]?[event.detail] else { continue }
        let isOn = (event.value != 0) == led.activeHigh
        // That a pin becomes an output, and dark, is a matter of its board.
        if isOn == lit.contains(led.number) { continue }
        if isOn { lit.insert(led.number) } else { lit.remove(led.number) }
        changes.append(Change(led: led.number, isOn: isOn))
        changeIndexes.append(event.index)
      default: break
      }
    }
  }

  private mutating func add(_ event: Event) {
    text.append(UInt8(truncatingIfNeeded: event.value))
    textIndexes.append(event.index)
  }

  /// Each number, with 0x in front or not, becomes a #.
  mutating func forgetNumbers() {
    var (text, indexes): ([UInt8], [UInt64]) = ([], [])
    var place = 0
    let isDigit = { (byte: UInt8) in UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
    let isHex = { (byte: UInt8) in isDigit(byte) || 0x61...0x66 ~= byte | 0x20 }
    while place < self.text.count {
      let start = place
      if self.text[place...].starts(with: "0x".utf8) {
        place += 2
        while place < self.text.count, isHex(self.text[place]) { place += 1 }
      } else {
        while place < self.text.count, isDigit(self.text[place]) { place += 1 }
      }
      text.append(place > start ? UInt8(ascii: "#") : self.text[place])
      indexes.append(textIndexes[start])
      if place == start { place += 1 }
    }
    (self.text, textIndexes) = (text, indexes)
  }

  /// It was cut off: more might have come.
  var isCut: Bool { stop.reason == .timeLimit || stop.reason == .interrupted }

  /// How it ended, for people.
  var endStory: String { death ?? endWords }

  /// How it ended, as far as that is not a matter of the board.
  var endWords: String {
    if isCut { return "still running" }
    if stop.isDeath { return "the guest died" }
    return stop.reason == .idle ? "asleep for good" : "ended with \(stop.code)"
  }

  /// Where in the source the instruction of an index is, and what called it. The same run once more.
  func place(_ index: UInt64) throws(Refusal) -> String {
    let machine = try plan.machine()
    let script = plan.script.map { ScriptRun($0, plan.board) }
    while machine.stop == nil, machine.index < index {
      let before = machine.index
      plan.slice(machine, size: 1 << 40, stops: RunLimit(index: index), script: script)
      if machine.index == before { break }
    }
    let frames = machine.backtrace(DebugInfo(plan.image)).prefix(4).map { frame in
      let line = frame.line.map { " (\($0.file.printable):\($0.line))" } ?? ""
      return (frame.function ?? "0x" + String(frame.pc, radix: 16)).printable + line
    }
    return frames.joined(separator: ", called by ") + ", instruction \(Quantity.grouped(index))"
  }
}
