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
    var parts = [cause(debug), registers(), backtrace(debug)]
    parts.append(lastEvents(debug))
    return parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  // MARK: Cause

  private func cause(_ debug: DebugInfo) -> String {
    guard let stop = machine.stop else { return "" }
    let what =
      switch stop.reason {
      case .lockup: "lockup"
      case .trapLoop: "trap loop"
      default: "fault"
      }
    let place = place(stop.pc, debug)
    return "emurun: the guest died: \(what) at \(place)"
      + (stop.detail.isEmpty ? "" : ": \(stop.detail)")
  }

  private func place(_ pc: UInt64, _ debug: DebugInfo) -> String {
    debug.backtrace(pc: pc, registers: { _ in nil }, memory: { _, _ in nil }).first?.description
      ?? hex(pc, digits: 0)
  }

  // MARK: Registers

  private func registers() -> String {
    let isWide = machine.board.machine == .riscv64
    // Floating-point registers of a guest that does not compute with them say nothing.
    let all = machine.registers
    let shown = all.filter { $0.value != 0 || !isFloatingPoint($0.name) }
    let width = shown.map(\.name.count).max() ?? 0
    let cells = shown.map { register in
      String(repeating: " ", count: width - register.name.count) + register.name + " "
        + hex(register.value, digits: register.width / 4)
    }
    let columns = max(1, min(isWide ? 4 : 6, (style.width - 1) / ((cells.first?.count ?? 0) + 2)))
    return stride(from: 0, to: cells.count, by: columns).map { start in
      "  " + cells[start..<min(start + columns, cells.count)].joined(separator: "  ")
    }.joined(separator: "\n")
  }

  /// f0... and s0... where s registers hold floats; on RV64 s0 is an integer register.
  private func isFloatingPoint(_ name: String) -> Bool {
    let letter: Character = machine.board.machine == .riscv64 ? "f" : "s"
    return name.first == letter && name.dropFirst().allSatisfy(\.isNumber)
  }

  private func hex(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  // MARK: Backtrace

  private func backtrace(_ debug: DebugInfo) -> String {
    let values = DWARFRegisters(machine)
    let memory = machine.memory
    let frames = debug.backtrace(
      pc: machine.pc, registers: { values[$0] },
      memory: { address, size in
        switch size {
        case 4: memory.load(address, as: UInt32.self).map(UInt64.init)
        case 8: memory.load(address, as: UInt64.self)
        default: nil
        }
      })
    let lines = frames.enumerated().map { number, frame in "  #\(number) \(frame)" }
    return (["backtrace:"] + lines).joined(separator: "\n")
  }

  // MARK: Events

  private func lastEvents(_ debug: DebugInfo) -> String {
    let trace = machine.trace
    var words = EventText(EventNames(machine.board), TraceKinds(rawValue: .max))
    words.symbol = { pc in
      debug.symbol(at: pc).map { $0.offset == 0 ? $0.name : "\($0.name)+\($0.offset)" }
    }
    let last = trace.suffix(Self.events)
    for event in last { words.add(event, findings: machine.findings) }
    words.flush()
    let text = String(decoding: words.take(), as: UTF8.self)
    return "the last \(last.count) events:\n" + text.dropLast()
  }
}

/// The registers of a stopped machine by the numbers that DWARF gives them.
struct DWARFRegisters {
  private var values: [Int: UInt64] = [:]

  init(_ machine: Machine) {
    let names: [String] =
      switch machine.board.machine {
      case .riscv64:
        ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"]
          + (0..<8).map { "a\($0)" } + (2..<12).map { "s\($0)" } + (3..<7).map { "t\($0)" }
      case .arm: (0..<13).map { "r\($0)" } + ["sp", "lr", "pc"]
      }
    for register in machine.registers {
      if let number = names.firstIndex(of: register.name) { values[number] = register.value }
      if register.name == "psp" { values[DebugInfo.processStackPointer] = register.value }
    }
  }

  subscript(number: Int) -> UInt64? { values[number] }
}
