import Emu

/// An analogue-to-digital converter of the TM4C123GH6PM: datasheet SPMS376E, chapter 13, "Analog-to-Digital Converter (ADC)".
///
/// Four sample sequencers, of 8, 4, 4 and 1 steps and as many FIFO entries, share a converter of 12 bits that takes 1, 2, 4 or 8 µs a
/// sample (ADCPC), as many times as it averages. A sequence that has begun is finished before another one begins, and of those that
/// wait the one of the best ADCSSPRI is next. Triggers: the processor, timers, PWM generators, ports, and always. ADCSPC's phase delays a
/// sequence that begins while nothing is converted. There is no noise, so dither changes nothing; the external reference is declared.
///
/// What the inputs see is a list of steps in time for each (`Signal`); the temperature sensor has 25 °C.
///
/// Lines 0 to 3 are the sequencers' interrupts; 4 to 7 change their level with each raw interrupt, for µDMA; 8 to 15 are the triggers of
/// digital comparators, at the level of their last sample; 16 changes its level with each ADCPSSI.GSYNC. Inputs, each change of
/// level a trigger: 0 to 15 timers, 16 to 23 the generators of PWM 0 and 1, 24 to 31 ports, 32 the other converter's GSYNC.
public struct TM4CADC: Device {
  /// A voltage that changes in steps.
  public struct Signal: Sendable, Hashable {
    /// In the order of their times: from a time on, in nanoseconds from power-on, so many millivolts.
    public var steps: [(nanoseconds: UInt64, millivolts: UInt32)] {
      zip(times, volts).map { ($0, $1) }
    }
    private var times: [UInt64]
    private var volts: [UInt32]

    public init(millivolts: UInt32) { self.init([(0, millivolts)]) }

    public init(_ steps: [(nanoseconds: UInt64, millivolts: UInt32)]) {
      let steps = steps.sorted { $0.nanoseconds < $1.nanoseconds }
      times = steps.map(\.nanoseconds)
      volts = steps.map(\.millivolts)
    }

    func millivolts(at nanoseconds: UInt64) -> UInt32 {
      times.lastIndex { $0 <= nanoseconds }.map { volts[$0] } ?? 0
    }
  }

  public struct State: Codable, Hashable, Sendable {
    var active: UInt8 = 0
    var raw: UInt8 = 0
    var mask: UInt8 = 0
    /// DCONSSn of ADCIM.
    var comparatorMask: UInt8 = 0
    var overflow: UInt8 = 0
    var underflow: UInt8 = 0
    var triggers: UInt16 = 0
    var triggerModules: UInt32 = 0
    var priorities: UInt16 = 0x3210
    var phase: UInt8 = 0
    var averaging: UInt8 = 0
    var control: UInt8 = 0
    var rate: UInt8 = 7
    var clock: UInt8 = 0
    var sequencers = [Sequencer](repeating: Sequencer(), count: 4)
    var comparators = [Comparator](repeating: Comparator(), count: 8)
    /// Triggered sequences that have not begun, a bit each; and those that wait for GSYNC.
    var waiting: UInt8 = 0
    var waitingForSync: UInt8 = 0
    var sample: Sample?
    var inputs: UInt64 = 0
    var requests: UInt8 = 0
    var sync = false
    /// Comparators whose trigger is high.
    var triggered: UInt8 = 0
  }

  struct Sequencer: Codable, Hashable, Sendable {
    var inputs: UInt32 = 0
    var control: UInt32 = 0
    var operation: UInt32 = 0
    var comparators: UInt32 = 0
    var samples: [UInt16] = []
    /// How many have gone through the FIFO.
    var taken: UInt8 = 0
  }

  struct Comparator: Codable, Hashable, Sendable {
    var control: UInt16 = 0
    var low: UInt16 = 0
    var high: UInt16 = 0
    var isRaised = false
    var interrupt = Condition()
    var trigger = Condition()
  }

  /// What one of a comparator's two functions has seen.
  struct Condition: Codable, Hashable, Sendable {
    /// Where the last value was, and whether one with hysteresis is on.
    var band: UInt8?
    var isOn = false
    var isMet = false
  }

  /// What is converted now.
  struct Sample: Codable, Hashable, Sendable {
    var sequencer: Int
    var step: Int
    /// When it is done: by a clock of 16 MHz, and as a tick.
    var cycle: UInt64
    var tick: Tick
  }
  public var state = State()
  let signals: [Signal]

  /// - Parameter signals: of AIN0 to AIN11; those that are missing see 1.65 V, half of the reference.
  public init(_ signals: [Signal] = []) {
    let rest = max(0, Self.inputs - signals.count)
    self.signals =
      signals + [Signal](repeating: Signal(millivolts: Self.reference / 2), count: rest)
  }

  static let inputs = 12
  private static let depths = [8, 4, 4, 1]
  /// VREFP - VREFN, in millivolts.
  static let reference: UInt32 = 3_300
  /// "TEMP = 147.5 - ((75 * (VREFP - VREFN) × ADCCODE) / 4096)".
  private static let temperature: UInt32 = 2_027
  private static let converterClock: UInt64 = 16_000_000

  // MARK: Registers

  private enum Offset {
    static let active: UInt64 = 0x000
    static let raw: UInt64 = 0x004
    static let mask: UInt64 = 0x008
    static let statusAndClear: UInt64 = 0x00C
    static let overflow: UInt64 = 0x010
    static let triggers: UInt64 = 0x014
    static let underflow: UInt64 = 0x018
    static let triggerModules: UInt64 = 0x01C
    static let priorities: UInt64 = 0x020
    static let phase: UInt64 = 0x024
    static let initiate: UInt64 = 0x028
    static let averaging: UInt64 = 0x030
    static let comparatorStatus: UInt64 = 0x034
    static let control: UInt64 = 0x038
    static let sequencers: UInt64 = 0x040
    static let sequencersEnd: UInt64 = 0x0C0
    static let comparatorReset: UInt64 = 0xD00
    static let comparatorControls: UInt64 = 0xE00
    static let comparatorRanges: UInt64 = 0xE40
    static let properties: UInt64 = 0xFC0
    static let rate: UInt64 = 0xFC4
    static let clock: UInt64 = 0xFC8
  }

  private static let properties: UInt64 = 0x00B0_20C7

  public let map: RegisterMap = {
    var all: [RegisterMap.Register] = [
      .init(
        "ADCACTSS", Offset.active, fields: [.init("ASEN", 0...3), .init("BUSY", 16, .readOnly)]),
      .init("ADCRIS", Offset.raw, .readOnly), .init("ADCIM", Offset.mask),
      .init("ADCISC", Offset.statusAndClear), .init("ADCOSTAT", Offset.overflow),
      .init("ADCEMUX", Offset.triggers), .init("ADCUSTAT", Offset.underflow),
      .init("ADCTSSEL", Offset.triggerModules),
      .init("ADCSSPRI", Offset.priorities, reset: 0x3210),
      .init("ADCSPC", Offset.phase, fields: [.init("PHASE", 0...3)]),
      .init(
        "ADCPSSI", Offset.initiate,
        fields: [.init("SS", 0...3), .init("SYNCWAIT", 27), .init("GSYNC", 31)]),
      .init("ADCSAC", Offset.averaging), .init("ADCDCISC", Offset.comparatorStatus),
      .init(
        "ADCCTL", Offset.control,
        fields: [.init("VREF", 0...1, modelled: false), .init("DITHER", 6)]),
      .init("ADCDCRIC", Offset.comparatorReset, .writeOnly),
      .init("ADCPP", Offset.properties, .readOnly, reset: properties),
      .init("ADCPC", Offset.rate, reset: 7), .init("ADCCC", Offset.clock),
    ]
    for number in 0..<4 {
      let base = Offset.sequencers + 0x20 * UInt64(number)
      all += [
        .init("ADCSSMUX\(number)", base), .init("ADCSSCTL\(number)", base + 0x04),
        .init("ADCSSFIFO\(number)", base + 0x08, .readOnly),
        .init("ADCSSFSTAT\(number)", base + 0x0C, .readOnly, reset: 0x100),
        .init("ADCSSOP\(number)", base + 0x10), .init("ADCSSDC\(number)", base + 0x14),
        // Newer versions of the vendor's library touch these on every chip of the family; this one has them not.
        .notModelled("ADCSSEMUX\(number), of later chips", base + 0x18),
        .notModelled("ADCSSTSH\(number), of later chips", base + 0x1C),
      ]
    }
    for number in 0..<8 as Range<UInt64> {
      all.append(
        .init(
          "ADCDCCTL\(number)", Offset.comparatorControls + 4 * number,
          fields: [
            .init("CIM", 0...1), .init("CIC", 2...3), .init("CIE", 4), .init("CTM", 8...9),
            .init("CTC", 10...11), .init("CTE", 12),
          ]))
      all.append(.init("ADCDCCMP\(number)", Offset.comparatorRanges + 4 * number))
    }
    return RegisterMap(all)
  }()

  public func accepts(_ state: State, now: Tick) -> Bool {
    let depths = Self.depths
    return state.sequencers.count == depths.count && state.comparators.count == 8
      && state.averaging <= 6
      && zip(state.sequencers, depths).allSatisfy { $0.samples.count <= $1 && $0.taken < $1 }
      && state.sample.map { sample in
        depths.indices.contains(sample.sequencer) && sample.cycle < 1 << 62
          && 0..<depths[sample.sequencer] ~= sample.step
      } ?? true
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    let offset = access.offset
    switch offset {
    case Offset.active: return UInt64(state.active) | (state.sample == nil ? 0 : 1 << 16)
    case Offset.raw: return UInt64(state.raw) | (comparatorsRaised == 0 ? 0 : 1 << 16)
    case Offset.mask: return UInt64(state.mask) | UInt64(state.comparatorMask) << 16
    case Offset.statusAndClear:
      return UInt64(state.raw & state.mask)
        | (comparatorsRaised == 0 ? 0 : UInt64(state.comparatorMask) << 16)
    case Offset.overflow: return UInt64(state.overflow)
    case Offset.triggers: return UInt64(state.triggers)
    case Offset.underflow: return UInt64(state.underflow)
    case Offset.triggerModules: return UInt64(state.triggerModules)
    case Offset.priorities: return UInt64(state.priorities)
    case Offset.phase: return UInt64(state.phase)
    case Offset.averaging: return UInt64(state.averaging)
    case Offset.comparatorStatus: return UInt64(comparatorsRaised)
    case Offset.control: return UInt64(state.control)
    case Offset.sequencers..<Offset.sequencersEnd: return readSequencer(offset)
    case Offset.comparatorControls..<Offset.comparatorRanges:
      return UInt64(state.comparators[Int(offset & 0x1F) / 4].control)
    case Offset.comparatorRanges..<Offset.properties:
      let one = state.comparators[Int(offset & 0x1F) / 4]
      return UInt64(one.low) | UInt64(one.high) << 16
    case Offset.properties: return Self.properties
    case Offset.rate: return UInt64(state.rate)
    case Offset.clock: return UInt64(state.clock)
    default: return 0
    }
  }

  private mutating func readSequencer(_ offset: UInt64) -> UInt64 {
    let number = Int(offset - Offset.sequencers) / 0x20
    switch offset & 0x1F {
    case 0x00: return UInt64(state.sequencers[number].inputs)
    case 0x04: return UInt64(state.sequencers[number].control)
    case 0x08: return take(number)
    case 0x0C: return status(number)
    case 0x10: return UInt64(state.sequencers[number].operation)
    default: return UInt64(state.sequencers[number].comparators)
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let (word, nibble) = (UInt32(truncatingIfNeeded: value), UInt8(value & 0xF))
    let offset = access.offset
    switch offset {
    case Offset.active:
      state.active = nibble
      state.waiting &= nibble
      runAlways(port)
    case Offset.mask:
      state.mask = nibble
      state.comparatorMask = UInt8(value >> 16 & 0xF)
    case Offset.statusAndClear: state.raw &= ~nibble
    case Offset.overflow: state.overflow &= ~nibble
    case Offset.triggers:
      state.triggers = UInt16(truncatingIfNeeded: value)
      runAlways(port)
    case Offset.underflow: state.underflow &= ~nibble
    case Offset.triggerModules: state.triggerModules = word & 0x3030_3030
    case Offset.priorities: state.priorities = UInt16(value & 0x3333)
    case Offset.phase: state.phase = nibble
    case Offset.initiate: initiate(word, port)
    case Offset.averaging: state.averaging = min(UInt8(value & 7), 6)
    case Offset.comparatorStatus:
      for number in 0..<8 where word >> UInt32(number) & 1 == 1 {
        state.comparators[number].isRaised = false
      }
    case Offset.control: state.control = UInt8(value & 0x43)
    case Offset.sequencers..<Offset.sequencersEnd: writeSequencer(offset, word)
    case Offset.comparatorReset:
      for number in 0..<8 {
        if word >> UInt32(number) & 1 == 1 { state.comparators[number].interrupt = Condition() }
        if word >> UInt32(16 + number) & 1 == 1 {
          state.comparators[number].trigger = Condition()
        }
      }
      setTriggers()
    case Offset.comparatorControls..<Offset.comparatorRanges:
      state.comparators[Int(offset & 0x1F) / 4].control = UInt16(value & 0x1F1F)
      setTriggers()
    case Offset.comparatorRanges..<Offset.properties:
      state.comparators[Int(offset & 0x1F) / 4].low = UInt16(value & 0xFFF)
      state.comparators[Int(offset & 0x1F) / 4].high = UInt16(value >> 16 & 0xFFF)
    case Offset.rate: state.rate = nibble
    case Offset.clock: state.clock = nibble
    default: break
    }
  }

  private mutating func writeSequencer(_ offset: UInt64, _ word: UInt32) {
    let number = Int(offset - Offset.sequencers) / 0x20
    let steps = word & (number == 0 ? .max : number == 3 ? 0xF : 0xFFFF)
    switch offset & 0x1F {
    case 0x00: state.sequencers[number].inputs = steps
    case 0x04: state.sequencers[number].control = steps
    case 0x10: state.sequencers[number].operation = steps & 0x1111_1111
    case 0x14: state.sequencers[number].comparators = steps
    default: break
    }
  }

  // MARK: Triggers

  private enum Trigger {
    static let processor: UInt16 = 0
    static let port: UInt16 = 4
    static let timer: UInt16 = 5
    static let generators: UInt16 = 6
    static let always: UInt16 = 15
  }

  private func source(_ number: Int) -> UInt16 { state.triggers >> UInt16(4 * number) & 0xF }

  private mutating func trigger(_ number: Int, by source: UInt16) {
    let bit: UInt8 = 1 << UInt8(number)
    guard self.source(number) == source, state.active & bit != 0 else { return }
    state.waiting |= bit
  }

  /// ADCPSSI: "sampling is not initiated until the GSYNC bit is set", which "initiates sampling in multiple ADC modules at the same time".
  private mutating func initiate(_ word: UInt32, _ port: DevicePort) {
    let sequences = UInt8(word & 0xF)
    if word >> 27 & 1 == 1 {
      state.waitingForSync |= sequences
    } else {
      triggerByProcessor(sequences, port)
    }
    if word >> 31 == 0 { return }
    state.sync.toggle()
    synchronize(port)
  }

  private mutating func synchronize(_ port: DevicePort) {
    let sequences = state.waitingForSync
    state.waitingForSync = 0
    triggerByProcessor(sequences, port)
  }

  private mutating func triggerByProcessor(_ sequences: UInt8, _ port: DevicePort) {
    for number in 0..<4 where sequences >> UInt8(number) & 1 == 1 {
      trigger(number, by: Trigger.processor)
    }
    begin(port)
  }

  /// "PHASE: the sample is delayed by" so many times 22.5 degrees, of 360 in a sample.
  private mutating func begin(_ port: DevicePort) {
    if state.sample != nil || state.waiting == 0 { return }
    let delay = cyclesPerSample * UInt64(state.phase) / 16
    beginSequence(port.cycles(of: Self.converterClock) + delay, port)
  }

  /// A sequencer that is always triggered is so again when its sequence ends.
  private mutating func runAlways(_ port: DevicePort) {
    for number in 0..<4 { trigger(number, by: Trigger.always) }
    begin(port)
  }

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    guard 0...32 ~= line, (state.inputs >> UInt64(line) & 1 == 1) != level else { return }
    state.inputs ^= 1 << UInt64(line)
    if port.isStill { return }
    if line == 32 { return synchronize(port) }
    for number in 0..<4 {
      switch line {
      case 0..<16: trigger(number, by: Trigger.timer)
      case 16..<24:
        // ADCTSSEL: from which module the generators of that number are taken.
        let module = Int(state.triggerModules >> UInt32(8 * number + 4) & 3)
        if (line - 16) / 4 == module {
          trigger(number, by: Trigger.generators + UInt16(line & 3))
        }
      default: trigger(number, by: Trigger.port)
      }
    }
    begin(port)
  }

  // MARK: Samples

  /// Of those that wait, the one of the lowest number in ADCSSPRI.
  private mutating func beginSequence(_ cycle: UInt64, _ port: DevicePort) {
    let waiting = (0..<4).filter { state.waiting >> UInt8($0) & 1 == 1 }
    guard
      let number = waiting.min(by: {
        state.priorities >> UInt16(4 * $0) & 3 < state.priorities >> UInt16(4 * $1) & 3
      })
    else { return }
    state.waiting &= ~(1 << UInt8(number))
    state.sample = Sample(sequencer: number, step: 0, cycle: cycle + sampleLength, tick: 0)
    setTick(port)
  }

  /// ADCPC: "0x1 125 ksps, 0x3 250 ksps, 0x5 500 ksps, 0x7 1 Msps".
  private var cyclesPerSample: UInt64 {
    switch state.rate {
    case 1, 2: 128
    case 3, 4: 64
    case 5, 6: 32
    default: 16
    }
  }

  private var sampleLength: UInt64 { cyclesPerSample << UInt64(state.averaging) }

  private mutating func setTick(_ port: DevicePort) {
    guard let cycle = state.sample?.cycle else { return }
    state.sample?.tick = max(
      port.now + 1, port.tick(reaching: cycle, of: Self.converterClock))
  }

  public mutating func clockChanged(_ port: inout DevicePort) { setTick(port) }

  public var deadline: Tick? { state.sample?.tick }

  public mutating func advance(_ port: inout DevicePort) {
    guard let sample = state.sample, sample.tick <= port.now else { return }
    let (number, step) = (sample.sequencer, sample.step)
    let shift = UInt32(4 * step)
    let control = state.sequencers[number].control >> shift & 0xF
    let value = value(number, step, at: port.nanoseconds)
    if state.sequencers[number].operation >> shift & 1 == 1 {
      compare(Int(state.sequencers[number].comparators >> shift & 7), value)
    } else if state.sequencers[number].samples.count < Self.depths[number] {
      state.sequencers[number].samples.append(value)
    } else {
      // "the sample is discarded".
      state.overflow |= 1 << UInt8(number)
    }
    if control & 4 != 0 {
      state.raw |= 1 << UInt8(number)
      state.requests ^= 1 << UInt8(number)
    }
    let isLast = control & 2 != 0 || step + 1 == Self.depths[number]
    if !isLast && state.active >> UInt8(number) & 1 == 1 {
      state.sample = Sample(
        sequencer: number, step: step + 1, cycle: sample.cycle + sampleLength, tick: 0)
      return setTick(port)
    }
    state.sample = nil
    if source(number) == Trigger.always && state.active >> UInt8(number) & 1 == 1 {
      state.waiting |= 1 << UInt8(number)
    }
    beginSequence(sample.cycle, port)
  }

  /// What a step converts, the mean of as many as ADCSAC says, up to this time.
  private func value(_ number: Int, _ step: Int, at nanoseconds: UInt64) -> UInt16 {
    let control = state.sequencers[number].control >> UInt32(4 * step) & 0xF
    if control & 8 != 0 { return UInt16(Self.temperature) }
    let input = Int(state.sequencers[number].inputs >> UInt32(4 * step) & 0xF)
    let count = 1 << UInt64(state.averaging)
    var sum: UInt64 = 0
    for back in 0..<UInt64(count) {
      // 16 MHz: 62.5 ns.
      let then = nanoseconds - min(nanoseconds, back * cyclesPerSample * 125 / 2)
      sum += UInt64(code(input, isDifferential: control & 1 != 0, at: then))
    }
    return UInt16(sum >> UInt64(state.averaging))
  }

  private func code(_ input: Int, isDifferential: Bool, at nanoseconds: UInt64) -> UInt32 {
    func millivolts(_ number: Int) -> Int64 {
      signals.indices.contains(number) ? Int64(signals[number].millivolts(at: nanoseconds)) : 0
    }
    let reference = Int64(Self.reference)
    // "... VIN_ODD is subtracted from VIN_EVEN": the pair of that number, around 0x800.
    let code =
      isDifferential
      ? 0x800 + (millivolts(2 * input) - millivolts(2 * input + 1)) * 0x800 / reference
      : millivolts(input) * 0x1000 / reference
    return UInt32(max(0, min(0xFFF, code)))
  }

  // MARK: The FIFOs

  private mutating func take(_ number: Int) -> UInt64 {
    if state.sequencers[number].samples.isEmpty {
      state.underflow |= 1 << UInt8(number)
      return 0
    }
    state.sequencers[number].taken =
      (state.sequencers[number].taken + 1) % UInt8(Self.depths[number])
    return UInt64(state.sequencers[number].samples.removeFirst())
  }

  /// FULL, EMPTY, and the indexes of the next entry to be written and to be read.
  private func status(_ number: Int) -> UInt64 {
    let (count, depth) = (state.sequencers[number].samples.count, Self.depths[number])
    let tail = Int(state.sequencers[number].taken)
    return (count == depth ? 1 << 12 : 0) | (count == 0 ? 1 << 8 : 0)
      | UInt64((tail + count) % depth) << 4 | UInt64(tail)
  }

  // MARK: Digital comparators

  private var comparatorsRaised: UInt8 {
    var bits: UInt8 = 0
    for number in 0..<8 where state.comparators[number].isRaised { bits |= 1 << UInt8(number) }
    return bits
  }

  /// Section 13.3.7.1: the low band is below COMP0, the high band from COMP1 on. CIM: always, once when the band is entered, and
  /// both of them "with hysteresis", which lasts until the opposite band is reached.
  private mutating func compare(_ number: Int, _ value: UInt16) {
    var one = state.comparators[number]
    let band: UInt8 = value < one.low ? 0 : value < one.high ? 1 : 3
    one.interrupt.see(band, one.control)
    one.trigger.see(band, one.control >> 8)
    if one.interrupt.isMet && one.control & 0x10 != 0 { one.isRaised = true }
    state.comparators[number] = one
    setTriggers()
  }

  public var lines: LineSet {
    var interrupts = state.raw & state.mask
    if state.comparatorMask != 0 && comparatorsRaised != 0 { interrupts |= state.comparatorMask }
    return LineSet(
      rawValue: UInt64(interrupts) | UInt64(state.requests) << 4 | UInt64(state.triggered) << 8
        | (state.sync ? 1 << 16 : 0))
  }

  private mutating func setTriggers() {
    state.triggered = 0
    for (number, one) in state.comparators.enumerated()
    where one.trigger.isMet && one.control >> 12 != 0 { state.triggered |= 1 << UInt8(number) }
  }
}

extension TM4CADC.Condition {
  /// - Parameter control: CIM and CIC, or CTM and CTC, in their bits 0 to 3.
  fileprivate mutating func see(_ band: UInt8, _ control: UInt16) {
    let wanted = UInt8(control >> 2 & 3)
    let (wasIn, isIn) = (self.band == wanted, band == wanted)
    let wasOn = isOn
    if isIn { isOn = true } else if wanted != 1 && band == 3 - wanted { isOn = false }
    self.band = band
    isMet =
      switch control & 3 {
      case 0: isIn
      case 1: isIn && !wasIn
      case 2: isOn
      default: isIn && !wasOn
      }
  }
}
