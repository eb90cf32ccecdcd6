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
    /// What is in it before any image.
    public var content: [UInt8]
    /// Not writable: a store does nothing, and is a finding. Otherwise it faults.
    public var ignoresStores: Bool

    public init(
      _ name: String, at address: UInt64, size: UInt64, writable: Bool, content: [UInt8] = [],
      ignoresStores: Bool = false
    ) {
      self.name = name
      self.address = address
      self.size = size
      self.writable = writable
      self.content = content
      self.ignoresStores = ignoresStores
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

    /// The name of a part that it shares with other LEDs: what people see is the mixture.
    public var part: String?

    public init(
      _ name: String, _ colour: Colour, device: String, pin: Int, activeHigh: Bool = true,
      milliamperes: Double? = nil, part: String? = nil
    ) {
      self.name = name
      self.colour = colour
      self.device = device
      self.pin = pin
      self.activeHigh = activeHigh
      self.milliamperes = milliamperes
      self.part = part
    }
  }

  /// Something to press.
  public struct Button: Sendable, Hashable {
    public var name: String
    /// The device that it hangs on, and which of its inputs.
    public var device: String
    public var pin: Int
    /// The level while it is pressed. Released, it drives nothing.
    public var pressed: Bool

    public init(_ name: String, device: String, pin: Int, pressed: Bool) {
      self.name = name
      self.device = device
      self.pin = pin
      self.pressed = pressed
    }
  }

  /// A peripheral that the chip has and the board has no device for: its registers read as at reset and take nothing, and
  /// touching one is a finding. Devices go first.
  public struct Stub: Sendable {
    public let name: String
    public let address: UInt64
    public let size: UInt64
    let table: RegisterTable

    public init(_ name: String, at address: UInt64, size: UInt64, map: RegisterMap) {
      self.name = name
      self.address = address
      self.size = size
      table = RegisterTable(map)
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
  /// Software can change the core clock: pictures of a run are drawn in nanoseconds.
  public var hasVariableClock: Bool
  public var regions: [Region]
  /// In slot order: the order in which devices act that are due at the same tick, and the numbers
  /// that traces carry.
  public var devices: [Placement]
  public var leds: [LED]
  public var buttons: [Button]
  /// The device whose UART output is the run's console, and which is offered its input.
  public var console: String
  /// RV64: the device tree blob that a1 points at.
  public var deviceTree: [UInt8]
  /// Cortex-M: functions in ROM that the emulator answers.
  public var firmwareCalls: FirmwareCalls?
  public var stubs: [Stub] = []

  public init(
    name: String, revision: Int, summary: String, core: Core, harts: Int = 1, clock: Clock,
    hasVariableClock: Bool = false, regions: [Region], devices: [Placement], leds: [LED] = [],
    buttons: [Button] = [],
    console: String = "uart0",
    deviceTree: [UInt8] = [], firmwareCalls: FirmwareCalls? = nil
  ) {
    self.name = name
    self.revision = revision
    self.summary = summary
    self.core = core
    precondition(1...Self.mostHarts ~= harts, "board \(name): \(harts) harts")
    self.harts = harts
    self.clock = clock
    self.hasVariableClock = hasVariableClock
    self.regions = regions
    self.devices = devices
    self.leds = leds
    self.buttons = buttons
    self.console = console
    self.deviceTree = deviceTree
    self.firmwareCalls = firmwareCalls
  }

  public static let mostHarts = 8

  public func slot(of device: String) -> Int? { devices.firstIndex { $0.name == device } }

  /// Pins with an LED that leads to the supply, which keeps them high while nobody drives them.
  func idlePins(of device: String) -> UInt32 {
    leds.reduce(0) { pins, led in
      led.device == device && !led.activeHigh && 0..<32 ~= led.pin ? pins | 1 << led.pin : pins
    }
  }
}

/// A device on a board: its name, its window, where its lines lead, and the device itself as it is
/// at power-on.
public struct Placement: Sendable {
  public let name: String
  public let address: UInt64
  public let size: UInt64
  /// The same registers once more, elsewhere: apertures 1, 2 ... of the device. One of all its apertures answers at a time.
  public let others: [UInt64]
  /// The clock gate that it hangs on, by the name that the chip's system control has for it: closed, it does not answer. nil:
  /// it always does.
  public let gate: String?
  /// By line.
  public let wires: [Int: [Board.Wire]]
  /// As it is at power-on.
  public let device: any Device
  public let map: RegisterMap
  let table: RegisterTable
  let makeSlot: @Sendable (SlotPlace) -> AnySlot
  /// A state of this device, from bytes that anybody may have written, and its deadline.
  let readState:
    @Sendable (inout CanonicalReader, Tick) throws(Unreadable) -> (AnySlot.State, Tick?)

  public init<D: Device>(
    _ name: String, _ device: D, at address: UInt64, or others: [UInt64] = [], size: UInt64,
    gate: String? = nil, wires: [Int: [Board.Wire]] = [:]
  ) {
    self.name = name
    self.address = address
    self.others = others
    self.size = size
    self.gate = gate
    self.wires = wires
    self.device = device
    map = device.map
    table = RegisterTable(map)
    makeSlot = { Slot(device, at: $0) }
    readState = { (reader, now) throws(Unreadable) in
      let state = try reader.read(naming: D.State.self)
      var copy = device
      guard device.accepts(state, now: now) else { throw Unreadable("\(name) cannot be so") }
      copy.state = state
      return (state, copy.deadline)
    }
  }

  /// One interrupt line, line 0.
  public init<D: Device>(
    _ name: String, _ device: D, at address: UInt64, or others: [UInt64] = [], size: UInt64,
    gate: String? = nil, interrupt: Int
  ) {
    self.init(
      name, device, at: address, or: others, size: size, gate: gate,
      wires: [0: [.interrupt(interrupt)]])
  }

  public var end: UInt64 { address + size }
  var goesOnWithoutGate: Bool { type(of: device).goesOnWithoutGate }
  package var reachesMemory: Bool { type(of: device).reachesMemory }
}
