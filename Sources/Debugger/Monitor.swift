import Emu

/// Words for what debuggers have nothing of their own for: GDB's `monitor`, and in a debug console.
extension Debuggee {
  package enum Answer: Hashable {
    case text(String)
    /// The machine goes there; `place` then says where it is.
    case underWay
  }

  /// Those that a line can begin with.
  package static let words: Set = [
    "help", "reset", "icount", "devices", "info", "history", "snapshot", "goto",
  ]

  private static let help = """
    monitor help              this list
    monitor reset [halt]      press the reset button: the machine stands at its first instruction; RAM,
                              time and index stay
    monitor icount            instructions begun and retired, virtual time
    monitor devices           the devices of the board
    monitor info DEVICE       what a device holds
    monitor history           how far back one can go, and what that takes
    monitor snapshot [NAME]   keep where the machine is
    monitor goto NAME|INDEX   to a snapshot, or to an index: instructions begun since power-on

    """

  package func answer(_ line: String) -> Answer {
    let words = line.split(separator: " ").map(String.init)
    switch (words.first ?? "", words.dropFirst().first) {
    case ("help", _), ("", _): return .text(Self.help)
    case ("reset", "halt"), ("reset", nil):
      reset()
      return .text("reset; \(place)\n")
    case ("icount", nil): return .text("\(place)\n")
    case ("devices", nil), ("info", "devices"?), ("info", nil): return .text(devices)
    case ("info", let name?):
      guard let lines = machine.fields(ofDevice: name) else {
        return .text("there is no device \(name); monitor devices lists them\n")
      }
      return .text(lines.map { "\($0.name) = \($0.value)\n" }.joined())
    case ("history", nil): return .text(pastInWords)
    case ("snapshot", let name):
      let name = name ?? "latest"
      kept[name] = machine.snapshot()
      return .text("\(name): \(place)\n")
    case ("goto", let goal?): return go(to: goal)
    default: return .text("monitor \(line): not known; monitor help lists what is\n")
    }
  }

  package var place: String {
    "index \(machine.index), retired \(machine.retired), \(machine.nanoseconds) ns"
  }

  private var devices: String {
    machine.board.devices.map { device in
      "\(device.name) at 0x\(hex(device.address)), 0x\(hex(device.size)) bytes\n"
    }.joined()
  }

  private func go(to goal: String) -> Answer {
    if let snapshot = kept[goal] {
      guard let machine = try? Machine(snapshot) else {
        return .text("the host has no memory for it\n")
      }
      move(to: machine)
      return .text("\(place)\n")
    }
    guard let index = UInt64(goal) else {
      return .text("there is no snapshot \(goal), and it is no index\n")
    }
    if index > machine.index {
      start(.to(index: index))
      return .underWay
    }
    return .text(
      goTo(index: index)
        ? "\(place)\n" : "nothing is kept of index \(index); monitor snapshot keeps a place\n")
  }
}

package func hex(_ value: UInt64) -> String { String(value, radix: 16) }
