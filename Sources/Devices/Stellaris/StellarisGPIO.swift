import Emu

/// A GPIO port of Luminary Micro's Stellaris parts: LM3S6965 datasheet, chapter 8, "General-Purpose Input/Outputs"; Arm's PL061
/// (DDI 0190) with registers for the pads;
/// and the TM4C123GH6PM's (SPMS376E), chapter 10.
///
/// GPIODATA is 256 words: "bits [9:2] of the address bus as a mask". A pin whose GPIODIR bit is 1 drives its GPIODATA bit; any
/// other is an input with the level outside, low unless told.
///
/// On the TM4C123 a pin needs GPIODEN to drive and to be read, GPIOAFSEL takes it from GPIODATA, and what nobody drives is at the
/// level of its pull. Where the LM3S6965 needs GPIODEN, this port, as QEMU's, drives all the same, and that is a finding; its
/// pulls and alternate functions can be read back. Drive strength, slew rate and open drain can be read back on both.
/// Interrupts are those of input pins.
///
/// Inputs 0 to 7 are the pins from outside; on a TM4C123 inputs 8 · n + 0 to 7 are what the peripheral puts out that GPIOPCTL has
/// as number n, and lines 1 to 8 the levels of pins that are given to number 7, the timers, 16 to 23 and 24 to 31 of those that numbers 4
/// and 5, the PWM modules, have for inputs, 32 to 39 and 40 to 47 of those of numbers 8 (NMI, CTS) and 1 (CTS). Lines 9 and 10 change their level with each edge that GPIOADCCTL and GPIODMACTL name the pin
/// of, for ADC and µDMA.
public struct StellarisGPIO: Device {
  public struct State: Codable, Hashable, Sendable {
    var data: UInt8 = 0
    var direction: UInt8 = 0
    var sense: UInt8 = 0
    var bothEdges: UInt8 = 0
    var event: UInt8 = 0
    var interruptMask: UInt8 = 0
    /// Levels of all pins, as the logic for interrupts last saw them: while the port is not clocked, it does not look.
    var seen: UInt8 = 0
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
    var portControl: UInt32 = 0
    var analogue: UInt8 = 0
    var adcControl: UInt8 = 0
    var dmaControl: UInt8 = 0
    var adcTrigger = false
    var dmaTrigger = false
    /// What the world outside puts on the pins, and on which of them it puts anything.
    var external: UInt8 = 0
    var isExternal: UInt8 = 0xFF
    /// By pin: what peripherals put out, a bit for each number in GPIOPCTL, and which of them put out anything.
    var functions = [UInt16](repeating: 0, count: 8)
    var isFunction = [UInt16](repeating: 0, count: 8)
  }

  public enum Chip: String, Sendable, CaseIterable {
    case lm3s6965
    case tm4c123
  }
  public var state = State()

  let chip: Chip
  /// Pins whose GPIOCR bit can be 0.
  private let committed: UInt8

  /// - Parameters:
  ///   - jtag: pins that start as the debug port: AFSEL, PUR and DEN are 1, and GPIOCR is 0, so that they stay it.
  ///   - nmi: others whose GPIOCR is 0.
  ///   - high: LM3S6965: inputs that the board pulls up, as for buttons.
  ///   - functions: TM4C123: GPIOPCTL at reset.
  public init(
    _ chip: Chip = .lm3s6965, jtag: UInt8 = 0, nmi: UInt8 = 0, high: UInt8 = 0,
    functions: UInt32 = 0
  ) {
    self.chip = chip
    committed = chip == .lm3s6965 ? 0xFF : jtag | nmi
    state.alternate = jtag
    state.pullUp = jtag
    state.digitalEnable = jtag
    state.commit = ~(jtag | nmi)
    state.external = high
    state.isExternal = chip == .lm3s6965 ? 0xFF : 0
    state.portControl = functions
    map = Self.map(
      chip, jtag: UInt64(jtag), commit: UInt64(~(jtag | nmi)), functions: UInt64(functions))
    state.seen = levels(state)
  }

  // MARK: Pins

  private func isOutput(_ state: State) -> UInt8 {
    if chip == .lm3s6965 { return state.direction }
    return state.digitalEnable
      & (state.direction & ~state.alternate | selected(state, \.isFunction))
  }

  /// For each pin with an alternate function the bit of the one that GPIOPCTL gives it to.
  private func selected(_ state: State, _ functions: KeyPath<State, [UInt16]>) -> UInt8 {
    if state.alternate == 0 { return 0 }
    var byte: UInt8 = 0
    for pin in 0..<8 where state.alternate >> UInt8(pin) & 1 == 1 {
      let number = UInt16(state.portControl >> UInt32(4 * pin) & 0xF)
      byte |= UInt8(state[keyPath: functions][pin] >> number & 1) << UInt8(pin)
    }
    return byte
  }

  /// The levels that this port drives.
  private func driven(_ state: State) -> UInt8 {
    if chip == .lm3s6965 { return state.data & state.direction }
    let own = state.data & state.direction & ~state.alternate
    return state.digitalEnable & (own | selected(state, \.functions))
  }

  private func pins(_ state: State) -> PinLevels {
    PinLevels(outputs: isOutput(state), driven: driven(state))
  }

  /// The levels of all pins, as the port sees them.
  private func levels(_ state: State) -> UInt8 {
    let outputs = isOutput(state)
    let outside = state.external & state.isExternal | state.pullUp & ~state.isExternal
    let seen = driven(state) & outputs | outside & ~outputs
    return chip == .lm3s6965
      ? driven(state) | state.external & ~outputs : seen & state.digitalEnable
  }

  private func rawInterrupts(_ state: State) -> UInt8 {
    let inputs =
      chip == .lm3s6965 ? ~state.direction : state.digitalEnable & ~state.direction
    return state.edges | state.sense & ~(state.seen ^ state.event) & inputs
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
    static let analogue: UInt64 = 0x528
    static let portControl: UInt64 = 0x52C
    static let adcControl: UInt64 = 0x530
    static let dmaControl: UInt64 = 0x534
  }

  private var key: UInt64 { chip == .lm3s6965 ? 0x1ACC_E551 : 0x4C4F_434B }
  private static let identity = PrimeCellIdentity([0x61, 0x00, 0x18, 0x01])

  public let map: RegisterMap

  private static func map(
    _ chip: Chip, jtag: UInt64, commit: UInt64, functions: UInt64
  ) -> RegisterMap {
    func register(
      _ name: String, _ offset: UInt64, _ permission: RegisterMap.Permission = .readWrite,
      reset: UInt64 = 0
    ) -> RegisterMap.Register {
      .init("GPIO" + name, offset, widths: [.byte, .half, .word], permission, reset: reset)
    }
    var registers: [RegisterMap.Register] = [
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
      register("CR", Offset.commit, reset: commit),
    ]
    if chip == .lm3s6965 {
      registers.append(.notModelled("GPIOAMSEL", Offset.analogue))
    } else {
      registers.append(register("AMSEL", Offset.analogue))
      registers.append(register("PCTL", Offset.portControl, reset: functions))
      // The vendor's library touches these on every chip of the family; this one has them not.
      for (name, offset) in [
        ("SI", 0x538), ("DR12R", 0x53C), ("WAKEPEN", 0x540), ("WAKELVL", 0x544), ("PP", 0xFC0),
        ("PC", 0xFC4),
      ] as [(String, UInt64)] {
        registers.append(.notModelled("GPIO\(name), of later chips", offset))
      }
      registers.append(register("ADCCTL", Offset.adcControl))
      registers.append(register("DMACTL", Offset.dmaControl))
    }
    return RegisterMap(registers + identity.registers("GPIO"))
  }

  // MARK: Accesses

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.functions.count == 8 && state.isFunction.count == 8
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    access.part(of: value(of: access.register()))
  }

  private func value(of register: UInt64) -> UInt64 {
    if register < Offset.dataEnd { return UInt64(levels(state)) & register >> 2 }
    if register == Offset.portControl { return UInt64(state.portControl) }
    let byte: UInt8
    switch register {
    case Offset.direction: byte = state.direction
    case Offset.sense: byte = state.sense
    case Offset.bothEdges: byte = state.bothEdges
    case Offset.event: byte = state.event
    case Offset.interruptMask: byte = state.interruptMask
    case Offset.rawInterrupts: byte = rawInterrupts(state)
    case Offset.maskedInterrupts: byte = rawInterrupts(state) & state.interruptMask
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
    case Offset.analogue: byte = state.analogue
    case Offset.adcControl: byte = state.adcControl
    case Offset.dmaControl: byte = state.dmaControl
    default: return Self.identity.value(at: register) ?? 0
    }
    return UInt64(byte)
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let register = access.register()
    if register == Offset.lock {
      state.isLocked = access.merge(value, into: 0) != key
      return
    }
    if register == Offset.portControl {
      let value = access.merge(value, into: UInt64(state.portControl))
      change(&port) { $0.portControl = UInt32(truncatingIfNeeded: value) }
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
    let (isTM4C, fixed) = (chip == .tm4c123, ~committed)
    change(&port) { state in
      switch register {
      case Offset.direction: state.direction = byte
      case Offset.sense: state.sense = byte
      case Offset.bothEdges: state.bothEdges = byte
      case Offset.event: state.event = byte
      case Offset.interruptMask: state.interruptMask = byte
      // "The GPIO commit control registers provide a layer of protection against accidental programming" of the debug pins.
      case Offset.alternate: state.alternate = state.committed(byte, over: state.alternate)
      case Offset.pullUp where isTM4C:
        state.pullUp = state.committed(byte, over: state.pullUp)
        state.pullDown &= ~state.pullUp
      case Offset.pullDown where isTM4C:
        state.pullDown = state.committed(byte, over: state.pullDown)
        state.pullUp &= ~state.pullDown
      case Offset.digitalEnable where isTM4C:
        state.digitalEnable = state.committed(byte, over: state.digitalEnable)
      case Offset.analogue: state.analogue = byte
      case Offset.adcControl: state.adcControl = byte
      case Offset.dmaControl: state.dmaControl = byte
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
      // "... all of the other bits in the GPIOCR registers cannot be written with 0x0."
      case Offset.commit: if !state.isLocked { state.commit = byte | fixed }
      default: break
      }
    }
  }

  private mutating func drive(_ byte: UInt8, mask: UInt8, _ port: inout DevicePort) {
    if chip == .lm3s6965 && state.direction & mask & ~state.digitalEnable != 0 {
      port.notModelled("GPIODATA written for a pin whose GPIODEN is 0", value: UInt64(byte))
    }
    change(&port) { $0.data = $0.data & ~mask | byte & mask }
  }

  /// Whatever may move a pin: outputs speak, inputs raise their interrupts.
  private mutating func change(_ port: inout DevicePort, _ body: (inout State) -> Void) {
    let before = state
    body(&state)
    port.pins(pins(before), become: pins(state))
    look(before.direction)
  }

  /// Edges since it last looked.
  private mutating func look(_ direction: UInt8) {
    let (old, new) = (state.seen, levels(state))
    state.seen = new
    let rising = ~old & new
    let falling = old & ~new
    let wanted =
      state.bothEdges & (rising | falling) | ~state.bothEdges
      & (rising & state.event | falling & ~state.event)
    let edges = wanted & ~state.sense & ~state.direction & ~direction
    state.edges |= edges
    if edges & state.adcControl != 0 { state.adcTrigger.toggle() }
    if edges & state.dmaControl != 0 { state.dmaTrigger.toggle() }
  }

  public mutating func clockChanged(_ port: inout DevicePort) { look(state.direction) }

  // MARK: The world outside

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    guard 0..<(chip == .lm3s6965 ? 8 : 128) ~= line else { return }
    let pin: UInt8 = 1 << UInt8(line & 7)
    sense(&port) { state in
      if line >= 8 {
        let function: UInt16 = 1 << UInt16(line / 8)
        if level {
          state.functions[line & 7] |= function
        } else {
          state.functions[line & 7] &= ~function
        }
        state.isFunction[line & 7] |= function
        return
      }
      if level { state.external |= pin } else { state.external &= ~pin }
      state.isExternal |= pin
    }
  }

  /// What somebody else does to a pin goes through a port that is not clocked, and is seen when it is.
  private mutating func sense(_ port: inout DevicePort, _ body: (inout State) -> Void) {
    if !port.isStill { return change(&port, body) }
    let before = pins(state)
    body(&state)
    port.pins(before, become: pins(state))
  }

  public mutating func letGo(_ line: Int, _ port: inout DevicePort) {
    guard chip == .tm4c123, 0..<8 ~= line else { return }
    sense(&port) { state in
      state.external &= ~(1 << UInt8(line))
      state.isExternal &= ~(1 << UInt8(line))
    }
  }

  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let before = state
    state = initial
    // The world outside does not hear of a reset.
    state.external = before.external
    state.isExternal = before.isExternal
    state.functions = before.functions
    state.isFunction = before.isFunction
    state.seen = levels(state)
    port.pins(pins(before), become: pins(state))
  }

  /// All of a pin that GPIOPCTL gives to an input: who is outside is not known.
  public var armed: LineSet {
    var lines: UInt64 = 0
    for pin in 0..<8 as Range<UInt64>
    where state.alternate >> UInt8(pin) & 1 == 1 && state.portControl >> (4 * pin) & 0xF == 8 {
      lines |= 1 << (32 + pin)
    }
    return LineSet(rawValue: lines)
  }

  public var lines: LineSet {
    let isRaised = rawInterrupts(state) & state.interruptMask != 0
    let triggers: UInt64 =
      (isRaised ? 1 : 0) | (state.adcTrigger ? 1 << 9 : 0) | (state.dmaTrigger ? 1 << 10 : 0)
    if chip == .lm3s6965 || state.alternate == 0 { return LineSet(rawValue: triggers) }
    var lines = triggers
    var high = levels(state) & state.alternate
    let outputs = isOutput(state)
    while high != 0 {
      let pin = UInt64(high.trailingZeroBitCount)
      high &= high - 1
      switch state.portControl >> UInt32(4 * pin) & 0xF {
      case 7: lines |= 1 << (1 + pin)
      case 4 where outputs >> pin & 1 == 0: lines |= 1 << (16 + pin)
      case 5 where outputs >> pin & 1 == 0: lines |= 1 << (24 + pin)
      case 8 where outputs >> pin & 1 == 0: lines |= 1 << (32 + pin)
      case 1 where outputs >> pin & 1 == 0: lines |= 1 << (40 + pin)
      default: break
      }
    }
    return LineSet(rawValue: lines)
  }
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
