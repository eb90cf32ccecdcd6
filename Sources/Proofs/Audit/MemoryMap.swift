import Emu
import MachineCode

/// What is where for the core: the board's memory with the image in it, and its devices' registers.
struct MemoryMap {
  enum Verdict {
    case memory
    /// A device's register takes it, whatever it holds; its address.
    case device(UInt64)
    case unknown(Obligation.Class, String)
  }

  let board: Board
  let program: Program

  init(_ board: Board, _ program: Program) {
    self.board = board
    self.program = program
  }

  /// The private bus of a Cortex-M (Armv7-M ARM, B3.1): it holds what lets exceptions through.
  private static let privateBus: ClosedRange<UInt64> = 0xE000_0000...0xE00F_FFFF

  /// A store to it may change memory: by its model, or, where there is none, by what such devices are called.
  private static func reachesMemory(_ device: Placement) -> Bool {
    let name = device.name.lowercased()
    return device.reachesMemory
      || ["virtio", "dma", "pci", "usb", "eth", "emac", "flashctl"].contains { name.contains($0) }
  }

  /// It has a line to the NMI, or to another device that may have one.
  private func mayRaiseNMI(_ device: Placement) -> Bool {
    var (open, seen) = ([device], Set([device.name]))
    while let next = open.popLast() {
      for wire in next.wires.values.joined() {
        if wire == .nmi { return true }
        if case .input(_, let name) = wire, seen.insert(name).inserted {
          open += board.devices.filter { $0.name == name }
        }
      }
    }
    return false
  }

  private func isInside(_ region: Board.Region, _ first: UInt64, _ last: UInt64) -> Bool {
    first >= region.address && last >= first && last - region.address < region.size
  }

  /// Whether an access, at every address that it may have, is to memory.
  func isMemory(_ address: ValueRange, size: UInt8) -> Bool {
    let (last, wraps) = address.high.addingReportingOverflow(UInt64(size - 1))
    return !wraps && board.regions.contains { isInside($0, address.low, last) }
  }

  func verdict(_ address: ValueRange, size: UInt8, isStore: Bool) -> Verdict {
    let (first, end) = (address.low, address.high.addingReportingOverflow(UInt64(size - 1)))
    let last = end.overflow ? .max : end.partialValue
    let words = isStore ? "a store" : "a load"
    let top = board.core.machine == .arm ? min(last, 0xFFFF_FFFF) : last
    let place =
      first == address.high ? "at \(hex(first))" : "somewhere in \(hex(first))..\(hex(top))"
    if let region = board.regions.first(where: { isInside($0, first, last) }) {
      if isStore && !region.writable {
        return .unknown(.memory, "\(words) \(place) is to \(region.name), which is read-only")
      }
      return .memory
    }
    if program.machine == .arm, Self.privateBus.contains(first), Self.privateBus.contains(last) {
      return .unknown(
        isStore ? .interruptEnable : .device,
        "\(words) \(place) is to the core's own registers, which may let exceptions through")
    }
    guard
      let device = board.devices.first(where: {
        first >= $0.address && last >= first && last < $0.end
      })
    else { return .unknown(.memory, "\(words) \(place) is not shown to lie in memory") }
    return verdict(address, size: size, isStore: isStore, on: device, place)
  }

  /// A device's access is good where it is one that its register takes.
  private func verdict(
    _ address: ValueRange, size: UInt8, isStore: Bool, on device: Placement, _ place: String
  ) -> Verdict {
    let words = isStore ? "a store" : "a load"
    guard let exact = address.constant else {
      return .unknown(.device, "\(words) \(place) may be to any register of \(device.name)")
    }
    if isStore && Self.reachesMemory(device) {
      return .unknown(.device, "\(words) to \(device.name), which may itself change memory")
    }
    if device.gate != nil {
      return .unknown(
        .device, "\(words) to \(device.name), whose clock is not shown to be switched on")
    }
    if isStore && mayRaiseNMI(device) {
      return .unknown(.interruptEnable, "\(words) to \(device.name), which can raise an NMI")
    }
    let offset = exact - device.address
    let register = device.map.registers.first {
      offset >= $0.offset && offset - $0.offset < $0.size * $0.count
        && (offset - $0.offset) % $0.size == 0
    }
    guard let register, size.nonzeroBitCount == 1, exact % UInt64(size) == 0,
      register.widths.contains(.init(rawValue: size))
    else {
      return .unknown(
        .device,
        "\(words) \(place) of \(size) bytes is none that a register of \(device.name) takes")
    }
    return .device(exact)
  }

  /// What the image puts at an address, and whether a store could change it.
  func content(_ address: UInt64, size: UInt8) -> (value: UInt64, mayChange: Bool)? {
    let last = address &+ UInt64(size - 1)
    guard let region = board.regions.first(where: { isInside($0, address, last) }),
      let segment = program.image.segments.first(where: {
        address >= $0.address && last >= address && last - $0.address < UInt64($0.bytes.count)
      })
    else { return nil }
    // A Cortex-M's RAM holds nothing when the power comes on.
    if program.machine == .arm && region.writable { return nil }
    let offset = Int(address - segment.address)
    let value = segment.bytes[offset..<offset + Int(size)].reversed()
      .reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    return (value, region.writable)
  }

  /// Whether what the core fetches there is what the image has there.
  func canFetch(_ address: UInt64, _ size: UInt64) -> Bool {
    guard let (value, _) = content(address, size: UInt8(size)),
      let (word, _) = program.fetch(address)
    else { return false }
    return value == UInt64(size == 2 ? word & 0xFFFF : word)
  }
}
