import Debugger
import Emu

/// What lldb asks beside GDB's packets (lldb's documentation, "GDB Remote Protocol Extensions"). nil: not one of them.
extension Session {
  func lldbQuery(_ packet: PacketText) -> Reply? {
    var packet = packet
    if packet.take("qHostInfo") {
      return .text(
        "triple:\(Hex.text(layout.triple.utf8));endian:little;ptrsize:\(pointerSize);"
          + "watchpoint_exceptions_received:before;")
    }
    if packet.take("qProcessInfo") {
      return .text(
        "pid:1;triple:\(Hex.text(layout.triple.utf8));endian:little;ptrsize:\(pointerSize);")
    }
    if packet.take("qRegisterInfo") { return registerInfo(packet) }
    if packet.take("qMemoryRegionInfo:") { return regionInfo(packet) }
    if packet.take("qWatchpointSupportInfo") {
      return .text("num:\(Breakpoints.mostWatches);")
    }
    if packet.take("QThreadSuffixSupported") || packet.take("QListThreadsInStopReply") {
      return .unsupported
    }
    return nil
  }

  private var pointerSize: Int { layout.pc.size }

  /// By place, not by number: they end with an error.
  private func registerInfo(_ packet: PacketText) -> Reply {
    var packet = packet
    let all = layout.all
    guard let place = packet.number().flatMap({ Int(exactly: $0) }), all.indices.contains(place)
    else { return .error(.badPacket) }
    let entry = all[place]
    let offset = all[..<place].reduce(0) { $0 + $1.size }
    let isFloat = entry.type.contains("double")
    return .text(
      "name:\(entry.name);bitsize:\(8 * entry.size);offset:\(offset);"
        + "encoding:\(isFloat ? "ieee754" : "uint");format:\(isFloat ? "float" : "hex");"
        + "set:\(entry.group ?? "general");gcc:\(entry.number);dwarf:\(entry.number);"
        + (entry.role.map { "generic:\($0);" } ?? ""))
  }

  private func regionInfo(_ packet: PacketText) -> Reply {
    var packet = packet
    guard let address = packet.number() else { return .error(.badPacket) }
    let regions = machine.board.regions.sorted { $0.address < $1.address }
    if let region = regions.first(where: { address &- $0.address < $0.size }) {
      return .text(
        "start:\(hex(region.address));size:\(hex(region.size));"
          + "permissions:r\(region.writable ? "w" : "")x;name:\(Hex.text(region.name.utf8));")
    }
    // Between them there may be devices.
    let start = regions.last { $0.address < address }?.end ?? 0
    let end = regions.first { $0.address > address }?.address ?? 0
    return .text("start:\(hex(start));size:\(hex(end &- start));permissions:rw;")
  }

  /// All threads at once, as JSON.
  func threadsInfo(_ packet: PacketText) -> Reply? {
    var packet = packet
    guard packet.take("jThreadsInfo") else { return nil }
    let threads = machine.harts.map { hart in
      let number = Int(hart.number)
      let registers = [layout.pc, layout.sp].compactMap { entry in
        hart.read(entry).map { "\"\(entry.number)\":\"\(Hex.text($0))\"" }
      }
      let isStopped = number == Int(machine.hart.number)
      return "{\"tid\":\(number + 1),\"name\":\"hart \(number)\""
        + (isStopped ? ",\"reason\":\"trap\",\"signal\":5" : "")
        + ",\"registers\":{\(registers.joined(separator: ","))}}"
    }
    return .text("[\(threads.joined(separator: ","))]")
  }
}
