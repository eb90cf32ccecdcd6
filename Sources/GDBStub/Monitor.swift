import Emu

/// `monitor` words: what a debugger has no packet for.
extension Session {
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

  func monitor(_ line: String) -> Reply {
    let words = line.split(separator: " ").map(String.init)
    switch (words.first ?? "", words.dropFirst().first) {
    case ("help", _), ("", _): say(Self.help)
    case ("reset", "halt"), ("reset", nil):
      machine.pressReset()
      changed()
      say("reset; \(place)\n")
    case ("icount", nil): say("\(place)\n")
    case ("devices", nil), ("info", "devices"?), ("info", nil): say(devices)
    case ("info", let name?):
      guard let lines = machine.fields(ofDevice: name) else {
        say("there is no device \(name); monitor devices lists them\n")
        break
      }
      say(lines.map { "\($0.name) = \($0.value)\n" }.joined())
    case ("history", nil): say(pastInWords)
    case ("snapshot", let name):
      let name = name ?? "latest"
      kept[name] = machine.snapshot()
      say("\(name): \(place)\n")
    case ("goto", let goal?): return go(to: goal)
    default: say("monitor \(line): not known; monitor help lists what is\n")
    }
    return .ok
  }

  func say(_ text: String) { print(text.utf8) }

  var place: String {
    "index \(machine.index), retired \(machine.retired), \(machine.nanoseconds) ns"
  }

  private var devices: String {
    machine.board.devices.map { device in
      "\(device.name) at 0x\(hex(device.address)), 0x\(hex(device.size)) bytes\n"
    }.joined()
  }

  private func go(to goal: String) -> Reply {
    if let snapshot = kept[goal] {
      guard let machine = try? Machine(snapshot) else {
        return answered("the host has no memory for it")
      }
      self.machine = machine
      stopReply = stopped(5)
      return answered(place)
    }
    guard let index = UInt64(goal) else {
      return answered("there is no snapshot \(goal), and it is no index")
    }
    if index > machine.index {
      motion = .to(index: index)
      return .nothing
    }
    return answered(
      goTo(index: index)
        ? place : "nothing is kept of index \(index); monitor snapshot keeps a place")
  }

  private func answered(_ words: String) -> Reply {
    say(words + "\n")
    return .ok
  }
}
