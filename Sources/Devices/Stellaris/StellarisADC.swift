import Emu

/// The analogue-to-digital converter of the LM3S6965: datasheet, chapter 12, "Analog-to-Digital Converter (ADC)".
///
/// Four sample sequencers of 8, 4, 4 and 1 steps and as many FIFO entries. A sequence takes no time. Every input sees half of a
/// volt's worth less than mid-scale, 0x200, as QEMU's; the temperature sensor 25 °C. Triggers: the processor, "always" (one
/// sequence for each value that is read), and the timers. Comparators, PWM and GPIO triggers, differential inputs and
/// averaging are declared or can be read back, not modelled.
///
/// Inputs 0 to 3 of the device are the timers' triggers: each change of level is one.
public struct StellarisADC: Device {
  public struct State: Codable, Hashable, Sendable {
    var active: UInt8 = 0
    var raw: UInt8 = 0
    var mask: UInt8 = 0
    var overflow: UInt8 = 0
    var underflow: UInt8 = 0
    var triggers: UInt16 = 0
    var priorities: UInt16 = 0x3210
    var averaging: UInt8 = 0
    var sequencers = Array(repeating: Sequencer(), count: 4)
    /// The levels of the timers' trigger lines.
    var timers: UInt8 = 0
  }

  struct Sequencer: Codable, Hashable, Sendable {
    var inputs: UInt32 = 0
    var control: UInt32 = 0
    var samples: [UInt16] = []
  }
  public var state = State()

  public init() {}

  private enum Offset {
    static let active: UInt64 = 0x000
    static let raw: UInt64 = 0x004
    static let mask: UInt64 = 0x008
    static let statusAndClear: UInt64 = 0x00C
    static let overflow: UInt64 = 0x010
    static let triggers: UInt64 = 0x014
    static let underflow: UInt64 = 0x018
    static let priorities: UInt64 = 0x020
    static let initiate: UInt64 = 0x028
    static let averaging: UInt64 = 0x030
    static let sequencers: UInt64 = 0x040
    static let sequencersEnd: UInt64 = 0x0C0
  }

  private static let depths = [8, 4, 4, 1]
  /// Mid-scale of 10 bits; and 2.7 V - (25 + 55) / 75 V of 3 V.
  private static let input: UInt16 = 0x200
  private static let temperature: UInt16 = 557

  public let map = RegisterMap(
    [
      .init("ADCACTSS", Offset.active), .init("ADCRIS", Offset.raw, .readOnly),
      .init("ADCIM", Offset.mask), .init("ADCISC", Offset.statusAndClear),
      .init("ADCOSTAT", Offset.overflow), .init("ADCEMUX", Offset.triggers),
      .init("ADCUSTAT", Offset.underflow),
      .init("ADCSSPRI", Offset.priorities, reset: 0x3210),
      .init("ADCPSSI", Offset.initiate, .writeOnly),
      .init("ADCSAC", Offset.averaging, fields: [.init("AVG", 0...2, modelled: false)]),
      .notModelled("ADCTMLB", 0x100),
    ]
      + (0..<4).flatMap { number -> [RegisterMap.Register] in
        let base = Offset.sequencers + 0x20 * UInt64(number)
        return [
          .init("ADCSSMUX\(number)", base), .init("ADCSSCTL\(number)", base + 4),
          .init("ADCSSFIFO\(number)", base + 8, .readOnly),
          .init("ADCSSFSTAT\(number)", base + 12, .readOnly, reset: 0x100),
        ]
      })

  // MARK: Accesses

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.sequencers.count == Self.depths.count
      && zip(state.sequencers, Self.depths).allSatisfy { $0.samples.count <= $1 }
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.active: return UInt64(state.active)
    case Offset.raw: return UInt64(state.raw)
    case Offset.mask: return UInt64(state.mask)
    case Offset.statusAndClear: return UInt64(state.raw & state.mask)
    case Offset.overflow: return UInt64(state.overflow)
    case Offset.triggers: return UInt64(state.triggers)
    case Offset.underflow: return UInt64(state.underflow)
    case Offset.priorities: return UInt64(state.priorities)
    case Offset.averaging: return UInt64(state.averaging)
    case Offset.sequencers..<Offset.sequencersEnd: return readSequencer(access.offset)
    default: return 0
    }
  }

  private mutating func readSequencer(_ offset: UInt64) -> UInt64 {
    let number = Int(offset - Offset.sequencers) / 0x20
    switch offset & 0x1F {
    case 0x00: return UInt64(state.sequencers[number].inputs)
    case 0x04: return UInt64(state.sequencers[number].control)
    case 0x08: return take(number)
    default: return status(number)
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let byte = UInt8(value & 0xF)
    switch access.offset {
    case Offset.active:
      state.active = byte
      runContinuous()
    case Offset.mask: state.mask = byte
    case Offset.statusAndClear: state.raw &= ~byte
    case Offset.overflow: state.overflow &= ~byte
    case Offset.triggers:
      state.triggers = UInt16(truncatingIfNeeded: value)
      runContinuous()
    case Offset.underflow: state.underflow &= ~byte
    case Offset.priorities: state.priorities = UInt16(value & 0x3333)
    case Offset.initiate:
      for number in 0..<4
      where byte >> UInt8(number) & 1 == 1 && trigger(number) == Trigger.software {
        convert(number)
      }
    case Offset.averaging: state.averaging = UInt8(value & 7)
    case Offset.sequencers..<Offset.sequencersEnd:
      let number = Int(access.offset - Offset.sequencers) / 0x20
      let word = UInt32(truncatingIfNeeded: value)
      switch access.offset & 0x1F {
      case 0x00: state.sequencers[number].inputs = word & 0x3333_3333
      case 0x04: state.sequencers[number].control = word
      default: break
      }
    default: break
    }
  }

  // MARK: Sequences

  private enum Trigger {
    static let software: UInt16 = 0
    static let timer: UInt16 = 5
    static let always: UInt16 = 15
  }

  private func trigger(_ number: Int) -> UInt16 { state.triggers >> UInt16(4 * number) & 0xF }
  private func isActive(_ number: Int) -> Bool { state.active >> UInt8(number) & 1 == 1 }

  /// Runs a sequence: "END: the sequence ends at this sample", "IE: the raw interrupt signal is asserted at its end".
  private mutating func convert(_ number: Int) {
    if !isActive(number) { return }
    for step in 0..<Self.depths[number] {
      let control = state.sequencers[number].control >> UInt32(4 * step) & 0xF
      let sample = control & 8 != 0 ? Self.temperature : Self.input
      if state.sequencers[number].samples.count < Self.depths[number] {
        state.sequencers[number].samples.append(sample)
      } else {
        state.overflow |= 1 << UInt8(number)
      }
      if control & 4 != 0 { state.raw |= 1 << UInt8(number) }
      if control & 2 != 0 { break }
    }
  }

  /// One that is triggered always has samples whenever somebody looks.
  private mutating func runContinuous() {
    for number in 0..<4
    where trigger(number) == Trigger.always && state.sequencers[number].samples.isEmpty {
      convert(number)
    }
  }

  private mutating func take(_ number: Int) -> UInt64 {
    if state.sequencers[number].samples.isEmpty {
      state.underflow |= 1 << UInt8(number)
      return 0
    }
    let sample = state.sequencers[number].samples.removeFirst()
    runContinuous()
    return UInt64(sample)
  }

  /// FULL, EMPTY; the head and tail pointers are not kept.
  private func status(_ number: Int) -> UInt64 {
    let count = state.sequencers[number].samples.count
    return (count == Self.depths[number] ? 1 << 12 : 0) | (count == 0 ? 1 << 8 : 0)
  }

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    guard 0..<4 ~= line else { return }
    let bit: UInt8 = 1 << UInt8(line)
    if (state.timers & bit != 0) == level { return }
    state.timers ^= bit
    for number in 0..<4 where trigger(number) == Trigger.timer { convert(number) }
  }

  public var lines: LineSet { LineSet(rawValue: UInt64(state.raw & state.mask)) }
}
