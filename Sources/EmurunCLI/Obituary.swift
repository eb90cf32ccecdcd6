import Emu
import Timeline

/// What is known of a guest that died: cause, registers, backtrace, and what happened last.
struct Obituary {
  static let events = 16

  let machine: Machine
  let image: Image
  let style: TextStyle

  func text() -> String {
    let debug = DebugInfo(image)
    var parts = ["emurun: " + cause(debug), registers(), backtrace(debug)]
    parts.append(lastEvents(debug))
    return parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  // MARK: Cause

  func cause(_ debug: DebugInfo) -> String {
    guard let stop = machine.stop else { return "" }
    let what =
      switch stop.reason {
      case .lockup: "lockup"
      case .trapLoop: "trap loop"
      default: "fault"
      }
    let place = place(stop.pc, debug)
    let hart = machine.harts.count == 1 ? "" : " of hart \(stop.hart)"
    return "the guest died: \(what)\(hart) at \(place)"
      + (stop.detail.isEmpty ? "" : ": \(stop.detail)")
  }

  private func place(_ pc: UInt64, _ debug: DebugInfo) -> String {
    debug.backtrace(pc: pc, registers: { _ in nil }, memory: { _, _ in nil }).first?.description
      ?? hex(pc, digits: 0)
  }

  // MARK: Registers

  private func registers() -> String {
    let general = DebugInfo.registerNames(machine.board.core.machine) + ["pc", "xpsr"]
    let all = machine.registers
    let parts = [
      all.filter { general.contains($0.name) },
      // Most of the rest of a small firmware's registers are as at power-on.
      all.filter { !general.contains($0.name) && $0.value != 0 },
    ]
    return parts.flatMap(table).joined(separator: "\n") + "\n  (the others are zero)"
  }

  /// In as many columns as there is room for, up to four.
  private func table(_ registers: [Register]) -> [String] {
    for columns in [4, 3, 2] {
      let lines = table(registers, columns: columns)
      if lines.allSatisfy({ $0.count <= style.width }) { return lines }
    }
    return table(registers, columns: 1)
  }

  /// In rows, the names of a column right-aligned.
  private func table(_ registers: [Register], columns: Int) -> [String] {
    let widths = (0..<columns).map { column in
      stride(from: column, to: registers.count, by: columns)
        .map { registers[$0].name.count }.max() ?? 0
    }
    return stride(from: 0, to: registers.count, by: columns).map { start in
      (start..<min(start + columns, registers.count)).map { number in
        let register = registers[number]
        let space = String(repeating: " ", count: widths[number - start] - register.name.count)
        return "  \(space)\(register.name) " + hex(register.value, digits: register.width / 4)
      }.joined()
    }
  }

  private func hex(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  // MARK: Backtrace

  private func backtrace(_ debug: DebugInfo) -> String {
    let frames = machine.backtrace(debug, from: struckByLoop)
    let places = (struckByLoop == nil ? [] : [place(machine.pc, debug)]) + frames.map(\.description)
    let lines = places.enumerated().map { number, place in "  #\(number) \(place)" }
    return (["backtrace:"] + lines).joined(separator: "\n")
  }

  /// What a trap loop's handler was entered from. Its first instruction never finished, so that
  /// every register, but for the ones of traps, is still as it was there.
  private var struckByLoop: UInt64? {
    guard machine.stop?.reason == .trapLoop else { return nil }
    let entries = machine.recent.filter { $0.kind == .trap || $0.kind == .interrupt }
    return entries.last { $0.value != machine.pc }?.value
  }

  // MARK: Events

  private func lastEvents(_ debug: DebugInfo) -> String {
    var words = EventText(
      EventNames(machine.board), TraceKinds(rawValue: .max), clock: machine.clock)
    words.symbol = debug.place
    for event in machine.recent { words.add(event, findings: machine.findings) }
    words.flush()
    let lines = String(decoding: words.take(), as: UTF8.self).split(separator: "\n")
    let last = lines.suffix(Self.events)
    return (["the last \(last.count) events:"] + last).joined(separator: "\n")
  }
}
