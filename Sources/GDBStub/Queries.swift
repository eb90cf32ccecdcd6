import Debugger
import Emu

/// q and Q packets of GDB (appendix E.4). nil: not one of them.
extension Session {
  static let packetSize = 0x8000

  func query(_ packet: PacketText) -> Reply? {
    var packet = packet
    if packet.take("qSupported") { return .text(features) }
    if packet.take("QStartNoAckMode") { return .ok }
    if packet.take("qXfer:") { return transfer(packet) }
    if packet.take("qRcmd,") {
      guard let text = Hex.decode(packet.rest) else { return .error(.badPacket) }
      return monitor(String(decoding: text, as: UTF8.self))
    }
    if packet.take("qfThreadInfo") {
      return .text("m" + machine.harts.map { hex(UInt64($0.number) + 1) }.joined(separator: ","))
    }
    if packet.take("qsThreadInfo") { return .text("l") }
    if packet.take("qThreadExtraInfo,") {
      guard let thread = packet.thread(), let number = hart(ofThread: thread), thread > 0 else {
        return .error(.noThread)
      }
      return .bytes(Hex.bytes("hart \(number): \(machine.words(of: machine.harts[number]))".utf8))
    }
    if packet.take("qAttached") { return .text(isStarted ? "0" : "1") }
    if packet.take("qSymbol") { return .ok }
    // Where the image says; lldb gives its symbols no addresses unless it is told.
    if packet.take("qOffsets") { return .text("Text=0;Data=0;Bss=0") }
    if packet.rest.elementsEqual("qC".utf8) {
      return .text("QC\(hex(UInt64(machine.hart.number) + 1))")
    }
    return nil
  }

  private var features: String {
    let backwards = debuggee.history == nil ? [] : ["ReverseStep+", "ReverseContinue+"]
    let features = [
      "PacketSize=\(hex(UInt64(Self.packetSize)))", "QStartNoAckMode+", "swbreak+", "hwbreak+",
      "vContSupported+", "qXfer:features:read+", "qXfer:memory-map:read+", "qXfer:threads:read+",
    ]
    return (features + backwards).joined(separator: ";")
  }

  /// "features:read:target.xml:0,fff": a document in pieces, each behind an m, the last one behind an l.
  private func transfer(_ packet: PacketText) -> Reply {
    var packet = packet
    let object = packet.word(until: ":")
    guard packet.take("read:") else { return .unsupported }
    let annex = packet.word(until: ":")
    guard let (offset, count) = packet.pair() else { return .error(.badPacket) }
    let document: String
    switch (String(decoding: object, as: UTF8.self), String(decoding: annex, as: UTF8.self)) {
    case ("features", "target.xml"): document = TargetDescription.target(layout)
    case ("memory-map", ""): document = TargetDescription.memoryMap(machine.board)
    case ("threads", ""): document = TargetDescription.threads(machine)
    case ("features", _): return .error(.badPacket)
    default: return .unsupported
    }
    let bytes = Array(document.utf8)
    guard offset <= UInt64(bytes.count) else { return .error(.badPacket) }
    let rest = bytes[Int(offset)...]
    let piece = rest.prefix(Int(min(count, UInt64(Self.packetSize / 2))))
    return .bytes([UInt8(ascii: piece.count < rest.count ? "m" : "l")] + piece)
  }
}
