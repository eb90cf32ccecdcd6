import Emu

/// A PWM module of the TM4C123GH6PM: datasheet SPMS376E, chapter 20, "Pulse Width Modulator (PWM)".
///
/// Four generators (`PWMGenerator`), each with two outputs and a fault condition (`PWMFault`), and what is common to them: enabling,
/// inversion, synchronization, and what an output does while there is a fault. There is one fault pin.
///
/// Lines 0 to 3 are the generators' interrupts, 4 that of faults, 8 to 15 the outputs; 16 to 19 change their level with each trigger
/// for the ADC. Inputs 0 to 3 are RCC.USEPWMDIV and PWMDIV, which divide the system clock, and 4 is the fault pin; 32 to 39 and 40 to 47
/// are the triggers of the two converters' digital comparators, of which either counts.
public struct TM4CPWM: Device {
  public struct State: Codable, Hashable, Sendable {
    var generators = [PWMGenerator](repeating: PWMGenerator(), count: 4)
    var faults = [PWMFault](repeating: PWMFault(), count: 4)
    var globalSync: UInt8 = 0
    /// PWMENABLE as it was written, as it is in force, and which outputs may go over at their generators' zero.
    var enable: UInt8 = 0
    var enabled: UInt8 = 0
    var enableIsSynced: UInt8 = 0
    var invert: UInt8 = 0
    var faultOutputs: UInt8 = 0
    var faultValues: UInt8 = 0
    /// PWMINTEN: generators in bits 0 to 3, faults from bit 16 on.
    var interruptEnable: UInt32 = 0
    var enableUpdates: UInt16 = 0
    var clockSelect: UInt8 = 0
    var faultPin = false
    var comparators: UInt16 = 0
    var triggers: UInt8 = 0
  }
  public var state = State()

  public init() {}

  // MARK: Registers

  private enum Offset {
    static let control: UInt64 = 0x000
    static let sync: UInt64 = 0x004
    static let enable: UInt64 = 0x008
    static let invert: UInt64 = 0x00C
    static let fault: UInt64 = 0x010
    static let interruptEnable: UInt64 = 0x014
    static let rawInterrupts: UInt64 = 0x018
    static let statusAndClear: UInt64 = 0x01C
    static let status: UInt64 = 0x020
    static let faultValues: UInt64 = 0x024
    static let enableUpdates: UInt64 = 0x028
    static let generators: UInt64 = 0x040
    static let generatorsEnd: UInt64 = 0x140
    // Of a generator's.
    static let sources: UInt64 = 0x34
    static let comparatorSources: UInt64 = 0x38
    static let minimumFault: UInt64 = 0x3C
    static let faults: UInt64 = 0x800
    static let faultsEnd: UInt64 = 0xA00
    // Of those.
    static let sense: UInt64 = 0x0
    static let pinStatus: UInt64 = 0x4
    static let comparatorStatus: UInt64 = 0x8
    static let properties: UInt64 = 0xFC0
  }

  private static let properties: UInt64 = 0x314

  public let map: RegisterMap = {
    var all: [RegisterMap.Register] = [
      .init("PWMCTL", Offset.control), .init("PWMSYNC", Offset.sync),
      .init("PWMENABLE", Offset.enable), .init("PWMINVERT", Offset.invert),
      .init("PWMFAULT", Offset.fault), .init("PWMINTEN", Offset.interruptEnable),
      .init("PWMRIS", Offset.rawInterrupts, .readOnly), .init("PWMISC", Offset.statusAndClear),
      .init("PWMSTATUS", Offset.status, .readOnly), .init("PWMFAULTVAL", Offset.faultValues),
      .init("PWMENUPD", Offset.enableUpdates),
      .init("PWMPP", Offset.properties, .readOnly, reset: properties),
    ]
    for number in 0..<4 as Range<UInt64> {
      let (generator, fault) = (Offset.generators + 0x40 * number, Offset.faults + 0x80 * number)
      // Faults 1 to 3 have no pin.
      let pins: [RegisterMap.Field] = [.init("FAULT0", 0), .init("FAULT1", 1...3, modelled: false)]
      all += PWMGenerator.registers(number, at: generator)
      all += [
        .init("PWM\(number)FLTSRC0", generator + Offset.sources, fields: pins),
        .init("PWM\(number)FLTSRC1", generator + Offset.comparatorSources),
        .init("PWM\(number)MINFLTPER", generator + Offset.minimumFault),
        .init("PWM\(number)FLTSEN", fault, fields: pins),
        .init("PWM\(number)FLTSTAT0", fault + Offset.pinStatus),
        .init("PWM\(number)FLTSTAT1", fault + Offset.comparatorStatus),
      ]
    }
    return RegisterMap(all)
  }()

  /// USEPWMDIV and PWMDIV: "/2, /4 ... /64".
  private var divisor: Tick {
    state.clockSelect & 1 == 0 ? 1 : 2 << Tick(min(state.clockSelect >> 1, 5))
  }

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.generators.count == 4 && state.generators.allSatisfy { $0.isSound(now) }
      && state.faults.count == 4 && state.faults.allSatisfy { $0.isSound(now) }
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    let offset = access.offset
    switch offset {
    case Offset.control: return UInt64(state.globalSync)
    case Offset.enable: return UInt64(state.enable)
    case Offset.invert: return UInt64(state.invert)
    case Offset.fault: return UInt64(state.faultOutputs)
    case Offset.interruptEnable: return UInt64(state.interruptEnable)
    case Offset.rawInterrupts: return UInt64(rawInterrupts)
    case Offset.statusAndClear: return UInt64(rawInterrupts & state.interruptEnable)
    case Offset.status: return UInt64(faultsUnderWay)
    case Offset.faultValues: return UInt64(state.faultValues)
    case Offset.enableUpdates: return UInt64(state.enableUpdates)
    case Offset.generators..<Offset.generatorsEnd:
      let number = Int(offset - Offset.generators) / 0x40
      switch offset & 0x3F {
      case Offset.sources: return state.faults[number].usesPin ? 1 : 0
      case Offset.comparatorSources: return UInt64(state.faults[number].comparators)
      case Offset.minimumFault: return UInt64(state.faults[number].minimumPeriod)
      default: return UInt64(state.generators[number].read(offset & 0x3F, port.now, divisor))
      }
    case Offset.faults..<Offset.faultsEnd:
      let number = Int(offset - Offset.faults) / 0x80
      let status = state.faults[number].status(state.generators[number].control)
      switch offset & 0x7F {
      case Offset.sense: return state.faults[number].isActiveLow ? 1 : 0
      case Offset.pinStatus: return status.pin ? 1 : 0
      default: return UInt64(status.triggers)
      }
    default: return offset == Offset.properties ? Self.properties : 0
    }
  }

  private var rawInterrupts: UInt32 {
    var bits: UInt32 = 0
    for number in 0..<4 {
      if state.generators[number].isRaised { bits |= 1 << UInt32(number) }
      if state.faults[number].isRaised(state.generators[number].control) {
        bits |= 1 << UInt32(16 + number)
      }
    }
    return bits
  }

  private var faultsUnderWay: UInt8 {
    var bits: UInt8 = 0
    for number in 0..<4 where state.faults[number].isUnderWay { bits |= 1 << UInt8(number) }
    return bits
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let (word, byte) = (UInt32(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value))
    let offset = access.offset
    switch offset {
    // "The bit is automatically cleared once the updates have completed": as seen here, at each generator's zero.
    case Offset.control:
      state.globalSync |= byte & 0xF
      for number in 0..<4 where byte >> UInt8(number) & 1 == 1 {
        state.enableIsSynced |= pair(number)
        if state.generators[number].syncGlobally() { continue }
        state.globalSync &= ~(1 << UInt8(number))
        updateEnable(number)
      }
    case Offset.sync:
      for number in 0..<4 where byte >> UInt8(number) & 1 == 1 {
        state.generators[number].restart(port.now)
        act(number, port)
      }
    case Offset.enable: enable(byte)
    case Offset.invert: state.invert = byte
    case Offset.fault: state.faultOutputs = byte
    case Offset.interruptEnable: state.interruptEnable = word & 0xF_000F
    case Offset.statusAndClear:
      for number in 0..<4 where word >> UInt32(16 + number) & 1 == 1 {
        state.faults[number].clearInterrupt()
      }
    case Offset.faultValues: state.faultValues = byte
    case Offset.enableUpdates: state.enableUpdates = UInt16(truncatingIfNeeded: word)
    case Offset.generators..<Offset.generatorsEnd:
      let number = Int(offset - Offset.generators) / 0x40
      switch offset & 0x3F {
      case Offset.sources: state.faults[number].usesPin = word & 1 == 1
      case Offset.comparatorSources: state.faults[number].comparators = byte
      case Offset.minimumFault:
        state.faults[number].minimumPeriod = UInt16(truncatingIfNeeded: word)
      default: state.generators[number].write(offset & 0x3F, word, port.now, divisor)
      }
      if !state.generators[number].isEnabled { updateEnable(number) }
      look(number, port)
      act(number, port)
    case Offset.faults..<Offset.faultsEnd:
      let number = Int(offset - Offset.faults) / 0x80
      switch offset & 0x7F {
      case Offset.sense: state.faults[number].isActiveLow = word & 1 == 1
      case Offset.pinStatus: state.faults[number].clearStatus(pin: word & 1 == 1, triggers: 0)
      default: state.faults[number].clearStatus(pin: false, triggers: byte)
      }
      look(number, port)
    default: break
    }
  }

  // MARK: Enabling

  private func pair(_ number: Int) -> UInt8 { 3 << UInt8(2 * number) }

  /// PWMENUPD, two bits an output: at once, when its generator's counter is zero next, or so after a write to PWMCTL.
  private mutating func enable(_ outputs: UInt8) {
    state.enable = outputs
    for output in 0..<8 {
      let bit: UInt8 = 1 << UInt8(output)
      let mode = state.enableUpdates >> UInt16(2 * output) & 3
      if mode == 3 { state.enableIsSynced &= ~bit } else { state.enableIsSynced |= bit }
      if mode < 2 { state.enabled = state.enabled & ~bit | outputs & bit }
    }
    for number in 0..<4 where !state.generators[number].isEnabled { updateEnable(number) }
  }

  /// The generator's counter is zero, or stands still.
  private mutating func updateEnable(_ number: Int) {
    var outputs = pair(number)
    if state.generators[number].isEnabled { outputs &= state.enableIsSynced }
    state.enabled = state.enabled & ~outputs | state.enable & outputs
  }

  // MARK: Time

  public var deadline: Tick? {
    var next = Tick.max
    for number in 0..<4 {
      next = min(next, state.generators[number].deadline(divisor), state.faults[number].end ?? .max)
    }
    return next == .max ? nil : next
  }

  public mutating func advance(_ port: inout DevicePort) {
    for number in 0..<4 {
      state.faults[number].advance(port.now)
      act(number, port)
    }
  }

  private mutating func act(_ number: Int, _ port: DevicePort) {
    let divisor = divisor
    while state.generators[number].deadline(divisor) <= port.now {
      let what = state.generators[number].step(divisor)
      if what.triggers { state.triggers ^= 1 << UInt8(number) }
      if what.isZero {
        state.globalSync &= ~(1 << UInt8(number))
        updateEnable(number)
      }
    }
  }

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    switch line {
    case 0..<4:
      let old = divisor
      if level {
        state.clockSelect |= 1 << UInt8(line)
      } else {
        state.clockSelect &= ~(1 << UInt8(line))
      }
      if divisor == old { return }
      for number in 0..<4 {
        state.generators[number].changeClock(port.now, from: old, to: divisor)
      }
    case 4:
      state.faultPin = level
      lookAll(port)
    case 32..<48:
      let bit: UInt16 = 1 << UInt16(line - 32)
      if level { state.comparators |= bit } else { state.comparators &= ~bit }
      lookAll(port)
    default: break
    }
  }

  /// A module that is not clocked does not look, before it is.
  private mutating func lookAll(_ port: DevicePort) {
    if port.isStill { return }
    for number in 0..<4 { look(number, port) }
  }

  private mutating func look(_ number: Int, _ port: DevicePort) {
    let triggers = UInt8(truncatingIfNeeded: state.comparators | state.comparators >> 8)
    let control = state.generators[number].control
    state.faults[number].look(
      pin: state.faultPin, triggers: triggers, control: control, port.now, divisor)
  }

  public mutating func clockChanged(_ port: inout DevicePort) { lookAll(port) }

  /// The divisor is system control's, and the inputs are others'.
  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let before = state
    state = initial
    state.clockSelect = before.clockSelect
    state.faultPin = before.faultPin
    state.comparators = before.comparators
    lookAll(port)
  }

  // MARK: Outputs

  /// "... replaced by a zero value which is also passed to the output stage", which PWMINVERT controls.
  private var outputs: UInt8 {
    var bits: UInt8 = 0
    for number in 0..<4 where (state.enabled | state.faultOutputs) & pair(number) != 0 {
      let pair = pair(number)
      var both = state.generators[number].outputs << UInt8(2 * number) & state.enabled & pair
      let faulty = state.faultOutputs & pair
      if faulty != 0 && state.faults[number].isOn(state.generators[number].control) {
        both = both & ~faulty | state.faultValues & faulty
      }
      bits |= both
    }
    return bits ^ state.invert
  }

  public var lines: LineSet {
    let interrupts = rawInterrupts & state.interruptEnable
    return LineSet(
      rawValue: UInt64(interrupts & 0xF) | (interrupts >> 16 == 0 ? 0 : 1 << 4) | UInt64(outputs)
        << 8
        | UInt64(state.triggers) << 16)
  }
}
