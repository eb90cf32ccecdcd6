import Debugger
import Emu

/// Registers: g, G, p and P (appendix E.2).
extension Session {
  func readGeneral() -> Reply {
    var text: [UInt8] = []
    for entry in layout.general {
      text += hart.read(entry).map { Hex.bytes($0) } ?? Self.unknown(entry.size)
    }
    return .bytes(text)
  }

  /// "x" for each digit of a register that there is not.
  private static func unknown(_ size: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(ascii: "x"), count: 2 * size)
  }

  func writeGeneral(_ packet: PacketText) -> Reply {
    guard let bytes = Hex.decode(packet.rest) else { return .error(.badPacket) }
    var place = 0
    for entry in layout.general where place + entry.size <= bytes.count {
      let value = Array(bytes[place..<place + entry.size])
      place += entry.size
      // One that stays as it is need not be writable.
      guard hart.read(entry) == value || debuggee.write(entry, value, hart: selected) else {
        return .error(.badPacket)
      }
    }
    changed()
    return .ok
  }

  func readRegister(_ packet: PacketText) -> Reply {
    var packet = packet
    guard let number = packet.number().flatMap({ Int(exactly: $0) }) else {
      return .error(.badPacket)
    }
    guard let entry = layout[number], let bytes = hart.read(entry) else {
      return .error(.badPacket)
    }
    return .bytes(Hex.bytes(bytes))
  }

  func writeRegister(_ packet: PacketText) -> Reply {
    var packet = packet
    guard let number = packet.number().flatMap({ Int(exactly: $0) }), packet.take("="),
      let entry = layout[number], let bytes = Hex.decode(packet.rest),
      debuggee.write(entry, bytes, hart: selected)
    else { return .error(.badPacket) }
    changed()
    return .ok
  }
}
