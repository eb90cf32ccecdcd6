import Emu

/// A GPIO port of Luminary Micro's Stellaris parts: LM3S6965 datasheet, chapter 8, "General-Purpose Input/Outputs"; Arm's PL061
/// (DDI 0190) with registers for the pads.
///
/// GPIODATA is 256 words: "bits [9:2] of the address bus as a mask". A pin whose GPIODIR bit is 1 drives its GPIODATA bit; any
/// other is an input with the level outside, low unless told.
///
/// Where the chip needs GPIODEN to use a pin at all, this port, as QEMU's, drives it all the same, and that is a finding.
/// Pulls, drive strength, slew rate, open drain and alternate functions can be read back and do nothing more. Interrupts are
/// those of input pins.
public struct StellarisGPIO: Device {
  public struct State: Codable, Hashable, Sendable {
    var data: UInt8 = 0
    var direction: UInt8 = 0
    var sense: UInt8 = 0
    var bothEdges: UInt8 = 0
    var event: UInt8 = 0
    var interruptMask: UInt8 = 0
    /// Edges that came and were not cleared.
    var edges: UInt8 = 0
    var alternate: UInt8 = 0
    var drive2: UInt8 = 0xFF
    var drive4: UInt8 = 0
    var drive8: UInt8 = 0
    var openDrain: UInt8 = 0
    var pullUp: UInt8 = 0
    var pullDown: UInt8 = 0
    var slewRate: UInt8 = 0
    var digitalEnable: UInt8 = 0
    var isLocked = true
    var commit: UInt8 = 0xFF
    /// What the world outside puts on the pins.
    var external: UInt8 = 0

    /// The levels that this port drives.
    var driven: UInt8 { data & direction }
    /// The levels of all pins.
    var levels: UInt8 { driven | external & ~direction }
    var rawInterrupts: UInt8 { edges | sense & ~(levels ^ event) & ~direction }
  }
  public var state = State()

  /// - Parameters:
  ///   - jtag: pins that start as the debug port: AFSEL, PUR and DEN are 1, and GPIOCR is 0, so that they stay it.
  ///   - high: inputs that the board pulls up, as for buttons.
  public init(jtag: UInt8 = 0, high: UInt8 = 0) {
    state.alternate = jtag
    state.pullUp = jtag
    state.digitalEnable = jtag
    state.commit = ~jtag
    state.external = high
    map = Self.map(jtag: UInt64(jtag))
  }

  private enum Offset {
    static let dataEnd: UInt64 = 0x400
    static let direction: UInt64 = 0x400
    static let sense: UInt64 = 0x404
    static let bothEdges: UInt64 = 0x408
    static let event: UInt64 = 0x40C
    static let interruptMask: UInt64 = 0x410
    static let rawInterrupts: UInt64 = 0x414
    static let maskedInterrupts: UInt64 = 0x418
    static let interruptClear: UInt64 = 0x41C
    static let alternate: UInt64 = 0x420
    static let drive2: UInt64 = 0x500
    static let drive4: UInt64 = 0x504
    static let drive8: UInt64 = 0x508
    static let openDrain: UInt64 = 0x50C
    static let pullUp: UInt64 = 0x510
    static let pullDown: UInt64 = 0x514
    static let slewRate: UInt64 = 0x518
    static let digitalEnable: UInt64 = 0x51C
    static let lock: UInt64 = 0x520
    static let commit: UInt64 = 0x524
  }

  private static let key: UInt64 = 0x1ACC_E551
  private static let identity = PrimeCellIdentity([0x61, 0x00, 0x18, 0x01])

  public let map: RegisterMap

  private static func map(jtag: UInt64) -> RegisterMap {
    func register(
      _ name: String, _ offset: UInt64, _ permission: RegisterMap.Permission = .readWrite,
      reset: UInt64 = 0
    ) -> RegisterMap.Register {
      .init("GPIO" + name, offset, widths: [.byte, .half, .word], permission, reset: reset)
    }
    return RegisterMap(
      [
        .init("GPIODATA", 0, count: 256, widths: [.byte, .half, .word]),
        register("DIR", Offset.direction), register("IS", Offset.sense),
        register("IBE", Offset.bothEdges), register("IEV", Offset.event),
        register("IM", Offset.interruptMask), register("RIS", Offset.rawInterrupts, .readOnly),
        register("MIS", Offset.maskedInterrupts, .readOnly),
        register("ICR", Offset.interruptClear, .writeOnly),
        register("AFSEL", Offset.alternate, reset: jtag),
        register("DR2R", Offset.drive2, reset: 0xFF), register("DR4R", Offset.drive4),
        register("DR8R", Offset.drive8), register("ODR", Offset.openDrain),
        register("PUR", Offset.pullUp, reset: jtag), register("PDR", Offset.pullDown),
        register("SLR", Offset.slewRate), register("DEN", Offset.digitalEnable, reset: jtag),
        register("LOCK", Offset.lock, reset: 1),
        register("CR", Offset.commit, reset: ~jtag & 0xFF),
        .notModelled("GPIOAMSEL", 0x528),
      ] + identity.registers("GPIO"))
  }

  // MARK: Accesses

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    access.part(of: value(of: access.register()))
  }

  private func value(of register: UInt64) -> UInt64 {
    if register < Offset.dataEnd { return UInt64(state.levels) & register >> 2 }
    let byte: UInt8
    switch register {
    case Offset.direction: byte = state.direction
    case Offset.sense: byte = state.sense
    case Offset.bothEdges: byte = state.bothEdges
    case Offset.event: byte = state.event
    case Offset.interruptMask: byte = state.interruptMask
    case Offset.rawInterrupts: byte = state.rawInterrupts
    case Offset.maskedInterrupts: byte = state.rawInterrupts & state.interruptMask
    case Offset.alternate: byte = state.alternate
    case Offset.drive2: byte = state.drive2
    case Offset.drive4: byte = state.drive4
    case Offset.drive8: byte = state.drive8
    case Offset.openDrain: byte = state.openDrain
    case Offset.pullUp: byte = state.pullUp
    case Offset.pullDown: byte = state.pullDown
    case Offset.slewRate: byte = state.slewRate
    case Offset.digitalEnable: byte = state.digitalEnable
    // "A read ... returns 0x0000.0001 when locked; otherwise ... 0x0000.0000."
    case Offset.lock: byte = state.isLocked ? 1 : 0
    case Offset.commit: byte = state.commit
    default: return Self.identity.value(at: register) ?? 0
    }
    return UInt64(byte)
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let register = access.register()
    if register == Offset.lock {
      state.isLocked = access.merge(value, into: 0) != Self.key
      return
    }
    // Of the upper bytes, which are reserved, there is nothing to keep.
    guard access.offset == register else { return }
    let byte = UInt8(truncatingIfNeeded: value)
    if register < Offset.dataEnd {
      drive(byte, mask: UInt8(truncatingIfNeeded: register >> 2), &port)
      return
    }
    if register == Offset.interruptClear {
      state.edges &= ~byte
      return
    }
    change(&port) { state in
      switch register {
      case Offset.direction: state.direction = byte
      case Offset.sense: state.sense = byte
      case Offset.bothEdges: state.bothEdges = byte
      case Offset.event: state.event = byte
      case Offset.interruptMask: state.interruptMask = byte
      // "The GPIO commit control registers provide a layer of protection against accidental programming" of the debug pins.
      case Offset.alternate: state.alternate = state.committed(byte, over: state.alternate)
      case Offset.drive2: state.drive(byte, \.drive2)
      case Offset.drive4: state.drive(byte, \.drive4)
      case Offset.drive8: state.drive(byte, \.drive8)
      case Offset.openDrain: state.openDrain = byte
      case Offset.pullUp:
        state.pullUp = byte
        state.pullDown &= ~byte
      case Offset.pullDown:
        state.pullDown = byte
        state.pullUp &= ~byte
      case Offset.slewRate: state.slewRate = byte
      case Offset.digitalEnable: state.digitalEnable = byte
      case Offset.commit: if !state.isLocked { state.commit = byte }
      default: break
      }
    }
  }

  private mutating func drive(_ byte: UInt8, mask: UInt8, _ port: inout DevicePort) {
    if state.direction & mask & ~state.digitalEnable != 0 {
      port.notModelled("GPIODATA written for a pin whose GPIODEN is 0", value: UInt64(byte))
    }
    change(&port) { $0.data = $0.data & ~mask | byte & mask }
  }

  /// Whatever may move a pin: outputs speak, inputs raise their interrupts.
  private mutating func change(_ port: inout DevicePort, _ body: (inout State) -> Void) {
    let before = state
    body(&state)
    let rising = ~before.levels & state.levels
    let falling = before.levels & ~state.levels
    let wanted =
      state.bothEdges & (rising | falling) | ~state.bothEdges
      & (rising & state.event | falling & ~state.event)
    state.edges |= wanted & ~state.sense & ~state.direction & ~before.direction
    port.pins(UInt32(before.driven), become: UInt32(state.driven))
  }

  // MARK: The world outside

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    guard 0..<8 ~= line else { return }
    let pin: UInt8 = 1 << UInt8(line)
    change(&port) { state in
      if level { state.external |= pin } else { state.external &= ~pin }
    }
  }

  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let before = state
    state = initial
    // The world outside does not hear of a reset.
    state.external = before.external
    port.pins(UInt32(before.driven), become: UInt32(state.driven))
  }

  public var lines: LineSet { LineSet(level: state.rawInterrupts & state.interruptMask != 0) }
}

extension StellarisGPIO.State {
  fileprivate func committed(_ byte: UInt8, over old: UInt8) -> UInt8 {
    byte & commit | old & ~commit
  }

  /// "The corresponding bits in the GPIODR4R and GPIODR8R registers are automatically cleared by hardware": one strength a pin.
  fileprivate mutating func drive(_ byte: UInt8, _ strength: WritableKeyPath<Self, UInt8>) {
    for other in [\Self.drive2, \Self.drive4, \Self.drive8] { self[keyPath: other] &= ~byte }
    self[keyPath: strength] = byte
  }
}
