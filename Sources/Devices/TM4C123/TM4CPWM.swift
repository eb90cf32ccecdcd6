import Emu

/// A PWM module of the TM4C123GH6PM: datasheet SPMS376E, chapter 20, "Pulse Width Modulator (PWM)".
///
/// Four generators (`PWMGenerator`), each with two outputs, and what is common to them: enabling, inversion, synchronization, and what an
/// output does while there is a fault. One fault pin, latched or not; minimum fault periods, faults from comparators and PWMENUPD are
/// declared, not modelled.
///
/// Lines 0 to 3 are the generators' interrupts, 4 that of faults, 8 to 15 the outputs; 16 to 19 change their level with each trigger
/// for the ADC. Inputs 0 to 3 are RCC.USEPWMDIV and PWMDIV, which divide the system clock, and 4 is the fault pin.
public struct TM4CPWM: Device {
  public struct State: Codable, Hashable, Sendable {
    var generators = [PWMGenerator](repeating: PWMGenerator(), count: 4)
    var globalSync: UInt8 = 0
    var enable: UInt8 = 0
    var invert: UInt8 = 0
    var faultOutputs: UInt8 = 0
    var faultValues: UInt8 = 0
    /// PWMINTEN: generators in bits 0 to 3, faults from bit 16 on.
    var interruptEnable: UInt32 = 0
    var faultInterrupt = false
    var enableUpdates: UInt16 = 0
    var clockSelect: UInt8 = 0
    var faultPin = false
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
    static let faults: UInt64 = 0x800
    static let faultsEnd: UInt64 = 0xA00
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
      .init(
        "PWMENUPD", Offset.enableUpdates, fields: [.init("ENUPD", 0...15, modelled: false)]),
      .init("PWMPP", Offset.properties, .readOnly, reset: properties),
    ]
    for number in 0..<4 as Range<UInt64> {
      all += PWMGenerator.registers(number, at: Offset.generators + 0x40 * number)
      all += [
        .init("PWM\(number)FLTSEN", Offset.faults + 0x80 * number),
        .init("PWM\(number)FLTSTAT0", Offset.faults + 0x80 * number + 4),
        .notModelled("PWM\(number)FLTSTAT1", Offset.faults + 0x80 * number + 8),
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
    case Offset.status: return state.faultPin ? 1 : 0
    case Offset.faultValues: return UInt64(state.faultValues)
    case Offset.enableUpdates: return UInt64(state.enableUpdates)
    case Offset.generators..<Offset.generatorsEnd:
      let number = Int(offset - Offset.generators) / 0x40
      return UInt64(state.generators[number].read(offset & 0x3F, port.now, divisor))
    case Offset.faults..<Offset.faultsEnd:
      let one = state.generators[Int(offset - Offset.faults) / 0x80]
      return offset & 0x7F == 0 ? (one.faultSense ? 1 : 0) : (one.faultLatched ? 1 : 0)
    default: return offset == Offset.properties ? Self.properties : 0
    }
  }

  private var rawInterrupts: UInt32 {
    var bits: UInt32 = state.faultInterrupt ? 1 << 16 : 0
    for number in 0..<4 where state.generators[number].isRaised { bits |= 1 << UInt32(number) }
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
        if !state.generators[number].syncGlobally() { state.globalSync &= ~(1 << UInt8(number)) }
      }
    case Offset.sync:
      for number in 0..<4 where byte >> UInt8(number) & 1 == 1 {
        state.generators[number].restart(port.now)
        act(number, port)
      }
    case Offset.enable: state.enable = byte
    case Offset.invert: state.invert = byte
    case Offset.fault: state.faultOutputs = byte
    case Offset.interruptEnable: state.interruptEnable = word & 0x1_000F
    case Offset.statusAndClear: if word >> 16 & 1 == 1 { state.faultInterrupt = false }
    case Offset.faultValues: state.faultValues = byte
    case Offset.enableUpdates: state.enableUpdates = UInt16(truncatingIfNeeded: word)
    case Offset.generators..<Offset.generatorsEnd:
      let number = Int(offset - Offset.generators) / 0x40
      state.generators[number].write(offset & 0x3F, word, port.now, divisor)
      act(number, port)
    case Offset.faults..<Offset.faultsEnd:
      let number = Int(offset - Offset.faults) / 0x80
      if offset & 0x7F == 0 {
        state.generators[number].faultSense = word & 1 == 1
        noteFault(number)
      } else if word & 1 == 1 {
        state.generators[number].faultLatched = isFault(number)
      }
    default: break
    }
  }

  // MARK: Time

  public var deadline: Tick? {
    var next = Tick.max
    for number in 0..<4 { next = min(next, state.generators[number].deadline(divisor)) }
    return next == .max ? nil : next
  }

  public mutating func advance(_ port: inout DevicePort) {
    for number in 0..<4 { act(number, port) }
  }

  private mutating func act(_ number: Int, _ port: DevicePort) {
    let divisor = divisor
    while state.generators[number].deadline(divisor) <= port.now {
      let what = state.generators[number].step(divisor)
      if what.triggers { state.triggers ^= 1 << UInt8(number) }
      if what.isZero { state.globalSync &= ~(1 << UInt8(number)) }
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
      if state.faultPin == level { return }
      state.faultPin = level
      for number in 0..<4 { noteFault(number) }
    default: break
    }
  }

  /// The divisor is system control's.
  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let before = state
    state = initial
    state.clockSelect = before.clockSelect
    state.faultPin = before.faultPin
  }

  // MARK: Faults

  /// FLTSRC 0: the pin, active high; 1: where PWMnFLTSRC0 selects it, at the level that PWMnFLTSEN says.
  private func isFault(_ number: Int) -> Bool {
    let one = state.generators[number]
    return one.usesFaultSources
      ? one.faultSource && state.faultPin != one.faultSense : state.faultPin
  }

  private mutating func noteFault(_ number: Int) {
    if !isFault(number) { return }
    state.generators[number].faultLatched = true
    state.faultInterrupt = true
  }

  private func isFaulty(_ number: Int) -> Bool {
    isFault(number)
      || state.generators[number].latchesFaults && state.generators[number].faultLatched
  }

  // MARK: Outputs

  /// "... replaced by a zero value which is also passed to the output stage", which PWMINVERT controls.
  private var outputs: UInt8 {
    var bits: UInt8 = 0
    for number in 0..<4 where state.enable >> UInt8(2 * number) & 3 != 0 || state.faultOutputs != 0
    {
      let pair: UInt8 = 3 << UInt8(2 * number)
      var both = state.generators[number].outputs << UInt8(2 * number) & state.enable & pair
      let faulty = state.faultOutputs & pair
      if faulty != 0 && isFaulty(number) { both = both & ~faulty | state.faultValues & faulty }
      bits |= both
    }
    return bits ^ state.invert
  }

  public var lines: LineSet {
    let interrupts = rawInterrupts & state.interruptEnable
    return LineSet(
      rawValue: UInt64(interrupts & 0xF) | UInt64(interrupts >> 16 & 1) << 4 | UInt64(outputs) << 8
        | UInt64(state.triggers) << 16)
  }
}
