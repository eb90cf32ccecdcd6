import Debugger
import Emu

extension Session {
  /// Every packet that is known, by its first letter.
  func reply(to packet: PacketText) -> Reply {
    var packet = packet
    let first = packet.rest.first ?? 0
    let whole = packet
    if first != UInt8(ascii: "q"), first != UInt8(ascii: "Q"), first != UInt8(ascii: "v") {
      _ = packet.take(String(UnicodeScalar(first)))
    }
    switch Character(UnicodeScalar(first)) {
    case "?": return .text(words(of: debuggee.latest))
    case "!": return .ok
    case "g": return readGeneral()
    case "G": return writeGeneral(packet)
    case "p": return readRegister(packet)
    case "P": return writeRegister(packet)
    case "m": return readMemory(packet)
    case "M": return writeMemory(packet, isBinary: false)
    case "X": return writeMemory(packet, isBinary: true)
    case "x": return readBinary(packet)
    case "Z": return setBreakpoint(packet, true)
    case "z": return setBreakpoint(packet, false)
    case "c", "C": return goOn(packet, hasSignal: first == UInt8(ascii: "C"), steps: false)
    case "s", "S": return goOn(packet, hasSignal: first == UInt8(ascii: "S"), steps: true)
    case "b": return goBack(packet)
    case "H": return select(packet)
    case "T": return isAlive(packet)
    case "D": return end(.detached)
    case "k": return end(.killed, .nothing)
    case "R": return restart()
    case "v": return replyToWord(packet)
    case "q", "Q": return query(whole) ?? lldbQuery(whole) ?? .unsupported
    case "j": return threadsInfo(whole) ?? .unsupported
    default: return .unsupported
    }
  }

  private func replyToWord(_ packet: PacketText) -> Reply {
    var packet = packet
    if packet.take("vCont?") { return .text("vCont;c;C;s;S;t;r") }
    if packet.take("vCont;") { return resume(packet) }
    if packet.take("vKill") { return end(.killed) }
    if packet.take("vRun") { return restart() }
    if packet.take("vFlashErase:") { return eraseFlash(packet) }
    if packet.take("vFlashWrite:") { return writeFlash(packet) }
    if packet.take("vFlashDone") { return finishFlash() }
    return .unsupported
  }

  private func select(_ packet: PacketText) -> Reply {
    var packet = packet
    let forResuming = packet.take("c")
    guard forResuming || packet.take("g"), let thread = packet.thread() else {
      return .error(.badPacket)
    }
    guard let hart = hart(ofThread: thread) else { return .error(.noThread) }
    if forResuming { resumed = hart } else { selected = hart }
    return .ok
  }

  private func isAlive(_ packet: PacketText) -> Reply {
    var packet = packet
    guard let thread = packet.thread(), thread > 0, hart(ofThread: thread) != nil else {
      return .error(.noThread)
    }
    return .ok
  }

  /// A new start of the program is a reset of the board.
  private func restart() -> Reply {
    debuggee.reset()
    return .text(words(of: debuggee.latest))
  }
}
