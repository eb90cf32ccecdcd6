import Emu

/// Memory and device registers: m, M, x and X (appendix E.2), as the next instruction of the selected hart addresses them.
extension Session {
  /// In one packet.
  static let mostBytes: UInt64 = 0x4000

  func readMemory(_ packet: PacketText) -> Reply {
    var packet = packet
    guard let (address, count) = packet.pair() else { return .error(.badPacket) }
    let bytes = machine.peek(address, count: Int(min(count, Self.mostBytes)), hart: selected)
    return bytes.isEmpty && count > 0 ? .error(.noMemory) : .bytes(Hex.bytes(bytes))
  }

  /// lldb's; a length of 0 asks whether it is known.
  func readBinary(_ packet: PacketText) -> Reply {
    var packet = packet
    guard let (address, count) = packet.pair() else { return .error(.badPacket) }
    if count == 0 { return .ok }
    let bytes = machine.peek(address, count: Int(min(count, Self.mostBytes)), hart: selected)
    return bytes.isEmpty ? .error(.noMemory) : .bytes(bytes)
  }

  func writeMemory(_ packet: PacketText, isBinary: Bool) -> Reply {
    var packet = packet
    guard let (address, count) = packet.pair(), packet.take(":"),
      let bytes = isBinary ? Array(packet.rest) : Hex.decode(packet.rest),
      UInt64(bytes.count) == count
    else { return .error(.badPacket) }
    if bytes.isEmpty { return .ok }
    guard machine.poke(address, bytes, hart: selected) else { return .error(.noMemory) }
    changed()
    return .ok
  }
}
