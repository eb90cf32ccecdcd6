/// A board: a value that says what is where. `Machine` makes it run.
public struct Board: Sendable {
  public enum Core: Sendable, Hashable {
    /// timebase: `mtime` and the `time` CSR, as a fraction of the core clock.
    case rv64(timebase: Ratio)
    /// priorityBits: 3 on a TM4C123; interrupts: external ones, IRQ 0 up.
    case cortexM4(priorityBits: Int, interrupts: Int)

    /// Whose code it runs.
    public var machine: Image.Machine {
      switch self {
      case .rv64: .riscv64
      case .cortexM4: .arm
      }
    }
  }

  /// Memory that guests execute from and access directly. Sizes and addresses are multiples of 4
  /// KiB.
  public struct Region: Sendable, Hashable {
    public var name: String
    public var address: UInt64
    public var size: UInt64
    /// By the guest. An image can be loaded anywhere.
    public var writable: Bool

    public init(_ name: String, at address: UInt64, size: UInt64, writable: Bool) {
      self.name = name
      self.address = address
      self.size = size
      self.writable = writable
    }
    public var end: UInt64 { address + size }
  }

  /// Where an output line of a device leads.
  public enum Wire: Sendable, Hashable {
    /// An interrupt input of a hart: on RV64 the bit in `mip` (3 MSI, 7 MTI, 9 SEI, 11 MEI), on a
    /// Cortex-M the IRQ number.
    case interrupt(Int, hart: Int = 0)
    /// The non-maskable interrupt of a Cortex-M.
    case nmi
    /// An input of another device, by its name.
    case input(Int, of: String)
  }

  public struct LED: Sendable, Hashable {
    public enum Colour: String, Sendable, Hashable {
      case red
      case green
      case blue
      case amber
      case white
    }
    public var name: String
    public var colour: Colour
    /// The device whose pin it hangs on.
    public var device: String
    public var pin: Int
    public var activeHigh: Bool
    /// The current through it while it is on, by the board's schematics; nil: not known.
    public var milliamperes: Double?

    public init(
      _ name: String, _ colour: Colour, device: String, pin: Int, activeHigh: Bool = true,
      milliamperes: Double? = nil
    ) {
      self.name = name
      self.colour = colour
      self.device = device
      self.pin = pin
      self.activeHigh = activeHigh
      self.milliamperes = milliamperes
    }
  }

  public var name: String
  /// Bumped by every change of a model that moves an event: part of the digest.
  public var revision: Int
  public var summary: String
  public var core: Core
  /// 1 to 8; a Cortex-M4 is alone.
  public var harts: Int
  public var clock: Clock
  public var regions: [Region]
  /// In slot order: the order in which devices act that are due at the same tick, and the numbers
  /// that traces carry.
  public var devices: [Placement]
  public var leds: [LED]
  /// The device whose UART output is the run's console, and which is offered its input.
  public var console: String
  /// RV64: the device tree blob that a1 points at.
  public var deviceTree: [UInt8]

  public init(
    name: String, revision: Int, summary: String, core: Core, harts: Int = 1, clock: Clock,
    regions: [Region], devices: [Placement], leds: [LED] = [], console: String = "uart0",
    deviceTree: [UInt8] = []
  ) {
    self.name = name
    self.revision = revision
    self.summary = summary
    self.core = core
    precondition(1...Self.mostHarts ~= harts, "board \(name): \(harts) harts")
    self.harts = harts
    self.clock = clock
    self.regions = regions
    self.devices = devices
    self.leds = leds
    self.console = console
    self.deviceTree = deviceTree
  }

  public static let mostHarts = 8

  public func slot(of device: String) -> Int? { devices.firstIndex { $0.name == device } }
}

/// A device on a board: its name, its window, where its lines lead, and the device itself as it is
/// at power-on.
public struct Placement: Sendable {
  public let name: String
  public let address: UInt64
  public let size: UInt64
  /// By line.
  public let wires: [Int: [Board.Wire]]
  public let map: RegisterMap
  let table: RegisterTable
  let makeSlot: @Sendable (SlotPlace) -> AnySlot

  public init<D: Device>(
    _ name: String, _ device: D, at address: UInt64, size: UInt64,
    wires: [Int: [Board.Wire]] = [:]
  ) {
    self.name = name
    self.address = address
    self.size = size
    self.wires = wires
    map = device.map
    table = RegisterTable(map)
    makeSlot = { Slot(device, at: $0) }
  }

  /// One interrupt line, line 0.
  public init<D: Device>(
    _ name: String, _ device: D, at address: UInt64, size: UInt64, interrupt: Int
  ) {
    self.init(name, device, at: address, size: size, wires: [0: [.interrupt(interrupt)]])
  }

  public var end: UInt64 { address + size }
}
