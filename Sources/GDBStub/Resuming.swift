import Debugger
import Emu

/// c, s, C, S, bs, bc and vCont (appendix E.2), and the stop replies (E.3).
extension Session {
  func goOn(_ packet: PacketText, hasSignal: Bool, steps: Bool) -> Reply {
    var packet = packet
    // There are no signals that a program could be given.
    if hasSignal {
      _ = packet.number()
      _ = packet.take(";")
    }
    if let address = packet.number() {
      guard machine.set(.pc, to: address, hart: resumed) else { return .error(.badPacket) }
      changed()
    }
    debuggee.start(steps ? .step(hart: resumed) : .goOn)
    return .nothing
  }

  /// "s:2;c": the first action that is about a thread counts for it. One that steps decides.
  func resume(_ packet: PacketText) -> Reply {
    var packet = packet
    var motion: Motion?
    while !packet.isEmpty {
      var action = PacketText(packet.word(until: ";"))
      var words = PacketText(action.word(until: ":"))
      guard let hart = action.isEmpty ? selected : action.thread().flatMap({ hart(ofThread: $0) })
      else { return .error(.noThread) }
      let kind = words.rest.first
      _ = words.take(kind.map { String(UnicodeScalar($0)) } ?? "")
      switch kind.map({ Character(UnicodeScalar($0)) }) {
      case "s", "S": motion = motion ?? .step(hart: hart)
      case "r":
        guard let (start, end) = words.pair() else { return .error(.badPacket) }
        motion = motion ?? step(hart, in: start..<max(start, end))
      case "c", "C": continue
      // A debugger that waits for nothing needs nobody to be stopped.
      case "t": return .ok
      default: return .error(.badPacket)
      }
    }
    debuggee.start(motion ?? .goOn)
    return .nothing
  }

  /// Steps of a hart as long as its pc is in there.
  private func step(_ hart: Int, in range: Range<UInt64>) -> Motion {
    .walk(hart: hart) { range.contains($0.harts[hart].pc) ? .goOn : .halt }
  }

  func goBack(_ packet: PacketText) -> Reply {
    var packet = packet
    guard debuggee.history != nil else { return .unsupported }
    if packet.take("s") {
      debuggee.start(.back(hart: resumed))
    } else if packet.take("c") {
      debuggee.start(.back(hart: nil))
    } else {
      return .error(.badPacket)
    }
    return .nothing
  }

  /// Signal 2: the debugger wanted it; 5: it has come to what it was to come to; 11: it died.
  func words(of halt: Halt) -> String {
    var (signal, reason) = (UInt8(5), "")
    switch halt.reason {
    case .arrived: break
    case .interrupted: signal = 2
    case .breakpoint(let kinds): reason = kinds.contains(.software) ? "swbreak:;" : "hwbreak:;"
    case .watchpoint(let kind, let address, _):
      let word = [BreakpointTable.Kind.store: "watch", .load: "rwatch"][kind] ?? "awatch"
      reason = "\(word):\(hex(address));"
    case .beginning: reason = "replaylog:begin;"
    case .died: signal = 11
    case .ended(let code): return "W\(Hex.text([UInt8(truncatingIfNeeded: code)]))"
    }
    var text = "T\(Hex.text([signal]))thread:\(hex(UInt64(halt.hart) + 1));" + reason
    for entry in [layout.pc, layout.sp] {
      guard let bytes = machine.harts[halt.hart].read(entry) else { continue }
      text += "\(hex(UInt64(entry.number))):\(Hex.text(bytes));"
    }
    return text
  }
}
