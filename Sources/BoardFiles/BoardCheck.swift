import Devices
import Emu

/// What a board has to be to run: said of the file that it comes from.
struct BoardCheck {
  let board: Board
  let root: YAMLText
  /// "device uart0" and what the file says of it.
  let places: [String: YAMLText]

  private struct Window {
    let what: String
    let start: UInt64
    /// The last address.
    let last: UInt64
  }

  private func error(_ what: String, _ message: String) -> FileError {
    (places[what] ?? root).error(message)
  }

  func check() throws(FileError) {
    try checkMemory()
    try checkWindows()
    try checkDevices()
    for led in board.leds where board.slot(of: led.device) == nil {
      throw error("LED \(led.name)", "\(led.name) hangs on \(led.device), which is no device here")
    }
    for button in board.buttons where board.slot(of: button.device) == nil {
      throw error(
        "button \(button.name)", "\(button.name) hangs on \(button.device), which is no device here"
      )
    }
    if board.slot(of: board.console) == nil && !board.devices.isEmpty {
      let names = board.devices.map(\.name).joined(separator: ", ")
      throw error(
        "console", "there is no device \"\(board.console)\" for a console; there are \(names)")
    }
  }

  // MARK: Memory

  private static let mostRegions = 16
  /// What the engine is ready to set aside.
  private static let mostMemory: UInt64 = 64 << 30

  private func checkMemory() throws(FileError) {
    let regions = board.regions
    for region in regions {
      let what = "memory \(region.name)"
      if region.address % 4096 != 0 || region.size % 4096 != 0 || region.size == 0 {
        throw error(what, "memory begins at, and is, a multiple of 4 KiB")
      }
      if region.size > Self.mostMemory { throw error(what, "is more than 64 GiB") }
    }
    if !regions.contains(where: \.writable) {
      throw root.error("there is no memory that can be written")
    }
    if regions.count > Self.mostRegions {
      throw root.error("\(regions.count) memories are more than \(Self.mostRegions)")
    }
    if case .cortexM4 = board.core, regions.allSatisfy(\.writable) {
      throw root.error("a Cortex-M4 starts from read-only memory, and there is none")
    }
  }

  /// The largest address that a core has.
  private var end: UInt64 {
    if case .cortexM4 = board.core { return UInt64(UInt32.max) }
    return 1 << 56 - 1
  }

  private func checkWindows() throws(FileError) {
    var windows: [Window] = []
    func add(_ what: String, _ address: UInt64, _ size: UInt64) throws(FileError) {
      let (last, overflow) = address.addingReportingOverflow(size - 1)
      if overflow || last > end {
        throw error(what, "goes beyond the last address, \(BoardQuantity.hex(end))")
      }
      let window = Window(what: what, start: address, last: last)
      if let other = windows.first(where: { $0.start <= last && address <= $0.last }) {
        let known = places[what] == nil ? other.what : what
        throw error(
          known,
          "\(what) at \(BoardQuantity.hex(address))..\(BoardQuantity.hex(last)) overlaps "
            + "\(other.what) at \(BoardQuantity.hex(other.start))..\(BoardQuantity.hex(other.last))"
        )
      }
      windows.append(window)
    }
    if case .cortexM4 = board.core {
      try add("the core's private peripherals", 0xE000_0000, 0x10_0000)
    }
    for region in board.regions { try add("memory \(region.name)", region.address, region.size) }
    for device in board.devices {
      let what = "device \(device.name)"
      if device.size == 0 || device.size % 4 != 0 {
        throw error(what, "a window is a multiple of 4 bytes")
      }
      for address in [device.address] + device.others { try add(what, address, device.size) }
      if let last = device.map.registers.last,
        last.offset + last.size * last.count > device.size
      {
        throw error(
          what,
          "its window of \(BoardQuantity.hex(device.size)) bytes is too small: \(last.name) lies "
            + "at +\(BoardQuantity.hex(last.offset))")
      }
    }
  }

  // MARK: Devices

  /// Devices, harts and the world outside act in one order of 64.
  private static let mostActors = 64

  private func checkDevices() throws(FileError) {
    let most = Self.mostActors - 1 - board.harts
    if board.devices.count > most {
      throw root.error("\(board.devices.count) devices are more than \(most)")
    }
    for device in board.devices {
      for wire in device.wires.sorted(by: { $0.key < $1.key }).flatMap(\.value) {
        if let problem = problem(wire) { throw error("device \(device.name)", problem) }
      }
    }
  }

  /// What is wrong with where a line leads.
  private func problem(_ wire: Board.Wire) -> String? {
    switch (wire, board.core) {
    case (.interrupt(let number, _), .cortexM4(_, let interrupts)):
      return 0..<interrupts ~= number
        ? nil : "there is no interrupt \(number); this core has 0 to \(interrupts - 1)"
    case (.interrupt(let bit, let hart), .rv64):
      if hart >= board.harts { return "there is no hart \(hart)" }
      return [3, 7, 9, 11].contains(bit) ? nil : "mip has 3, 7, 9 and 11, and no bit \(bit)"
    case (.nmi, .cortexM4): return nil
    case (.nmi, .rv64): return "an RV64 here has no NMI"
    case (.input(let line, let name), _):
      guard let target = board.devices.first(where: { $0.name == name }) else {
        return name == "plic" && board.core.machine == .riscv64
          ? "interrupt \(line) goes to a device named plic, and there is none"
          : "it leads to \(name), which is no device here"
      }
      if target.device is PLIC, !(1..<PLIC.sources ~= line) {
        return "there is no interrupt \(line); a PLIC has 1 to \(PLIC.sources - 1)"
      }
      return nil
    }
  }
}
