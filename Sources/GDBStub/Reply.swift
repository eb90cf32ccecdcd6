/// What a packet is answered with.
enum Reply {
  case ok
  /// The packet, or what it asks for, is not known here.
  case unsupported
  case error(ErrorNumber)
  case text(String)
  case bytes([UInt8])
  /// None yet: the target runs. Or none at all.
  case nothing

  /// As in errno; debuggers show the number and nothing else.
  enum ErrorNumber: UInt8 {
    case noThread = 3
    case noMemory = 14
    case badPacket = 22
    case noRoom = 28
  }

  var content: [UInt8]? {
    switch self {
    case .ok: Array("OK".utf8)
    case .unsupported: []
    case .error(let number): Array("E".utf8) + Hex.bytes([number.rawValue])
    case .text(let text): Array(text.utf8)
    case .bytes(let bytes): bytes
    case .nothing: nil
    }
  }
}
