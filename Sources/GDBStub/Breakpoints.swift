import Debugger
import Emu

/// Z0 to Z4 and z0 to z4 (appendix E.2): 0 and 1 breakpoints, 2 for stores, 3 for loads, 4 for both.
extension Session {
  func setBreakpoint(_ packet: PacketText, _ isSet: Bool) -> Reply {
    var packet = packet
    guard let number = packet.number(), packet.take(","), let (asked, size) = packet.pair() else {
      return .error(.badPacket)
    }
    guard let kind = BreakpointTable.Kind(rawValue: number) else { return .unsupported }
    // 0x20000101: a program's address with the Thumb bit. Conditions, if there are any, are the debugger's to look at.
    let isCode = kind == .software || kind == .hardware
    let address = isCode && machine.board.core.machine == .arm ? asked & ~1 : asked
    if !isSet {
      debuggee.breakpoints.remove(kind, address, size: size)
      return .ok
    }
    return debuggee.breakpoints.set(kind, address, size: size) ? .ok : .error(.noRoom)
  }
}
