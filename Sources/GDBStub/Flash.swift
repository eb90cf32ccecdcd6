import Emu

/// vFlashErase, vFlashWrite and vFlashDone (appendix E.4): a debugger's `load` into flash. Nothing happens before the last of them.
struct Flash {
  /// In bytes: what can be erased by itself.
  static let block: UInt64 = 0x400
  /// More than this is no flash of ours.
  static let mostBytes = 64 << 20

  var writes: [(address: UInt64, bytes: [UInt8])] = []
  var total = 0

  mutating func add(_ address: UInt64, _ bytes: [UInt8]) -> Bool {
    total += bytes.count
    guard total <= Self.mostBytes else { return false }
    writes.append((address, bytes))
    return true
  }
}

extension Session {
  func eraseFlash(_ packet: PacketText) -> Reply {
    var packet = packet
    guard let (address, count) = packet.pair(), count <= UInt64(Flash.mostBytes),
      machine.board.regions.contains(where: {
        !$0.writable && address &- $0.address < $0.size
          && count <= $0.size - (address &- $0.address)
      })
    else { return .error(.noMemory) }
    let erased = [UInt8](repeating: 0xFF, count: Int(count))
    return flash.add(address, erased) ? .ok : .error(.noRoom)
  }

  func writeFlash(_ packet: PacketText) -> Reply {
    var packet = packet
    guard let address = packet.number(), packet.take(":") else { return .error(.badPacket) }
    return flash.add(address, Array(packet.rest)) ? .ok : .error(.noRoom)
  }

  func finishFlash() -> Reply {
    defer { flash = Flash() }
    for write in flash.writes where !write.bytes.isEmpty {
      guard machine.program(write.bytes, at: write.address) else { return .error(.noMemory) }
    }
    changed()
    return .ok
  }
}
