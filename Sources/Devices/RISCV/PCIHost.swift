import Emu

/// A PCI Express host bridge with nothing behind it: PCI Express Base Specification, section 7.2.2 (Enhanced Configuration Access
/// Mechanism), and the windows through which devices would be reached.
///
/// No device answers: "a Root Complex … returns all 1's data for a read of a Function that is not there" (section 2.3.1,
/// implementation note), and a write goes nowhere. So one model does for the configuration space and for the windows.
public struct PCIHost: Device {
  public static var reachesMemory: Bool { true }

  public struct State: Codable, Hashable, Sendable {}
  public var state = State()

  /// What an access of the window is for, for traces.
  let name: String
  let size: UInt64
  /// Of the one with the configuration space: where the others are, for the device tree.
  let windows: PCIWindows?

  public init(_ name: String, size: UInt64) { self.init(name, size: size, windows: nil) }

  init(_ name: String, size: UInt64, windows: PCIWindows?) {
    self.name = name
    self.size = size
    self.windows = windows
  }

  public var map: RegisterMap {
    RegisterMap([
      .init(
        name, 0, count: size / 4, widths: [.byte, .half, .word, .double], reset: 0xFFFF_FFFF)
    ])
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    .max >> (64 - 8 * UInt64(access.width))
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {}
}

/// Where on a board the windows of a host bridge are, and the first of the four sources of its interrupts at the PLIC.
struct PCIWindows: Hashable {
  var ports: Board.Range
  var memory: Board.Range
  var highMemory: Board.Range
  var firstInterrupt: UInt32
}

extension Board {
  struct Range: Hashable {
    var address: UInt64
    var size: UInt64
  }
}

extension PCIHost: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    if let windows { tree.addPCIHost(place, windows) }
  }
}

extension DeviceTreeNode {
  /// The PCI bus binding (IEEE Std 1275), "pci-host-ecam-generic". The bridge's four interrupts are dealt out to the devices by
  /// their numbers.
  fileprivate mutating func addPCIHost(_ place: DeviceTreePlace, _ windows: PCIWindows) {
    var node = DeviceTreeNode("pci", at: place.address, size: place.size, label: place.name)
    node.set("compatible", "pci-host-ecam-generic")
    node.set("device_type", "pci")
    node.set("#address-cells", 3)
    node.set("#size-cells", 2)
    node.set("#interrupt-cells", 1)
    node.set("linux,pci-domain", 0)
    node.set("bus-range", 0, .number(UInt32(place.size >> 20) - 1))
    node.set("dma-coherent")
    let (portSpace, memorySpace, memory64Space): (Cell, Cell, Cell) = (
      0x0100_0000, 0x0200_0000, 0x0300_0000
    )
    let ports = windows.ports
    node.set(
      "ranges",
      .cells(
        [portSpace] + Self.cells(0) + Self.cells(ports.address) + Self.cells(ports.size)
          + [memorySpace] + Self.window(windows.memory)
          + [memory64Space] + Self.window(windows.highMemory)))
    node.set("interrupt-map-mask", 0x1800, 0, 0, 7)
    var map: [Cell] = []
    for device in 0..<4 as Range<UInt32> {
      for pin in 0..<4 as Range<UInt32> {
        map += [.number(device << 11), 0, 0, .number(pin + 1)]
        map += [.phandle("plic"), .number(windows.firstInterrupt + (device + pin) % 4)]
      }
    }
    node.set("interrupt-map", .cells(map))
    addToBus(node)
  }

  /// One that has the same addresses on both sides.
  private static func window(_ range: Board.Range) -> [Cell] {
    cells(range.address) + cells(range.address) + cells(range.size)
  }
}
