/// A node of a device tree, as the Devicetree Specification 0.4 has it: what a board tells its software about itself. A device
/// adds its own in its own file; a board puts them together.
public struct DeviceTreeNode: Sendable, Hashable {
  public enum Cell: Sendable, Hashable, ExpressibleByIntegerLiteral {
    case number(UInt32)
    /// The phandle of the node with that label.
    case phandle(String)

    public init(integerLiteral value: UInt32) { self = .number(value) }
  }

  public enum Value: Sendable, Hashable {
    /// True by being there.
    case flag
    case cells([Cell])
    /// One, or a list of them.
    case strings([String])
  }

  public struct Property: Sendable, Hashable {
    public var name: String
    public var value: Value
  }

  /// With its unit address: "serial@10000000".
  public var name: String
  /// By which other nodes refer to this one; it gets a phandle.
  public var label: String?
  public var properties: [Property] = []
  public var children: [DeviceTreeNode] = []

  public init(_ name: String, label: String? = nil) {
    self.name = name
    self.label = label
  }

  /// The node of something with a register window, under a parent with two cells for addresses and two for sizes.
  public init(_ name: String, at address: UInt64, size: UInt64, label: String? = nil) {
    self.init(name + "@" + String(address, radix: 16), label: label)
    set("reg", .cells(Self.cells(address) + Self.cells(size)))
  }

  public mutating func set(_ name: String, _ value: Value = .flag) {
    properties.append(Property(name: name, value: value))
  }
  public mutating func set(_ name: String, _ strings: String...) { set(name, .strings(strings)) }
  public mutating func set(_ name: String, _ cells: Cell...) { set(name, .cells(cells)) }

  /// The two cells of a 64-bit number.
  static func cells(_ number: UInt64) -> [Cell] {
    [.number(UInt32(number >> 32)), .number(UInt32(truncatingIfNeeded: number))]
  }
}

/// A device that has a node in the device tree of its board, and perhaps others beside it.
public protocol DescribedInDeviceTree {
  func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode)
}

/// Where on the board a device is, for its node.
public struct DeviceTreePlace: Sendable {
  /// The device's name on the board, which labels its node.
  public var name: String
  public var address: UInt64
  public var size: UInt64
  /// The sources of its interrupts at the PLIC, by line.
  public var interrupts: [Int] = []
  /// How many harts there are; the label of a hart's interrupt controller is "cpu0_intc".
  public var harts: Int

  static func interruptController(hart: Int) -> String { "cpu\(hart)_intc" }
}

extension DeviceTreeNode {
  /// The interrupts of a device, at the board's one PLIC.
  mutating func setInterrupts(_ place: DeviceTreePlace) {
    if place.interrupts.isEmpty { return }
    set("interrupt-parent", .phandle("plic"))
    set("interrupts", .cells(place.interrupts.map { .number(UInt32($0)) }))
  }

  /// The bus that the devices of a board hang on.
  static let bus = "soc"

  /// Adds a node to the bus.
  mutating func addToBus(_ node: DeviceTreeNode) {
    guard let bus = children.firstIndex(where: { $0.name == Self.bus }) else {
      preconditionFailure("a device tree without a node \(Self.bus)")
    }
    children[bus].children.append(node)
  }
}
