import Emu

/// A general-purpose timer module of Luminary Micro's Stellaris parts: LM3S6965 datasheet, chapter 10, "General-Purpose Timers".
///
/// Two 16-bit timers, A and B, or one of 32 bits. One that is enabled at tick t with a load value N has N in it at t, reaches
/// zero at t + N, and in periodic mode has N in it again one tick later, "on the next cycle". A 16-bit timer with a prescaler P
/// steps every P + 1 ticks. The RTC mode counts seconds, by a clock of its own that is taken to be exact.
///
/// Edge count, edge time and PWM modes and stalling for a debugger are declared, not modelled (QEMU has none of them, and no
/// 16-bit mode). Line 0 is timer A's interrupt, and with 32 bits the module's; line 1 is timer B's. Line 2 changes its level with every trigger
/// for the ADC.
public struct StellarisTimer: Device {
  public struct State: Codable, Hashable, Sendable {
    var configuration: UInt8 = 0
    var control: UInt16 = 0
    var interruptMask: UInt16 = 0
    var rawInterrupts: UInt16 = 0
    var a = Counter()
    var b = Counter()
    var rtc: UInt32 = 0
    var trigger = false
  }

  /// One of the two timers; in the 32-bit modes A is all of it.
  struct Counter: Codable, Hashable, Sendable {
    var mode: UInt8 = 0
    var load: UInt16 = 0xFFFF
    var match: UInt16 = 0xFFFF
    var prescale: UInt8 = 0
    var prescaleMatch: UInt8 = 0
    /// In steps, at `since`.
    var value: UInt32 = 0xFFFF
    /// The tick at which that value was reached; it stands still while the timer is off.
    var since: Tick = 0
  }
  public var state: State
  private let clock: Clock

  /// - Parameter clock: the system clock, by which the RTC's second is known.
  public init(clock: Clock) {
    state = State()
    state.a.value = 0xFFFF_FFFF
    self.clock = clock
  }

  private enum Offset {
    static let configuration: UInt64 = 0x00
    static let modeA: UInt64 = 0x04
    static let modeB: UInt64 = 0x08
    static let control: UInt64 = 0x0C
    static let interruptMask: UInt64 = 0x18
    static let rawInterrupts: UInt64 = 0x1C
    static let maskedInterrupts: UInt64 = 0x20
    static let interruptClear: UInt64 = 0x24
    static let loadA: UInt64 = 0x28
    static let loadB: UInt64 = 0x2C
    static let matchA: UInt64 = 0x30
    static let matchB: UInt64 = 0x34
    static let prescaleA: UInt64 = 0x38
    static let prescaleB: UInt64 = 0x3C
    static let prescaleMatchA: UInt64 = 0x40
    static let prescaleMatchB: UInt64 = 0x44
    static let valueA: UInt64 = 0x48
    static let valueB: UInt64 = 0x4C
  }

  private enum Control {
    static let enableA: UInt16 = 1 << 0
    static let triggerA: UInt16 = 1 << 5
    static let enableB: UInt16 = 1 << 8
    static let triggerB: UInt16 = 1 << 13
  }

  private enum Interrupt {
    static let timeoutA: UInt16 = 1 << 0
    static let rtc: UInt16 = 1 << 3
    static let timeoutB: UInt16 = 1 << 8
    static let all: UInt16 = 0x070F
  }

  private enum Width { case full, rtc, halves }
  /// GPTMCFG: "0x0 32-bit timer; 0x1 32-bit real-time clock; 0x4-0x7 16-bit timer".
  private var width: Width {
    switch state.configuration {
    case 0: .full
    case 1: .rtc
    default: .halves
    }
  }

  public let map = RegisterMap([
    register("CFG", Offset.configuration, fields: [.init("GPTMCFG", 0...2)]),
    register("TAMR", Offset.modeA, fields: modeFields("TA")),
    register("TBMR", Offset.modeB, fields: modeFields("TB")),
    register(
      "CTL", Offset.control,
      fields: [
        .init("TAEN", 0), .init("TASTALL", 1, modelled: false),
        .init("TAEVENT", 2...3, modelled: false), .init("RTCEN", 4), .init("TAOTE", 5),
        .init("TAPWML", 6, modelled: false), .init("TBEN", 8),
        .init("TBSTALL", 9, modelled: false), .init("TBEVENT", 10...11, modelled: false),
        .init("TBOTE", 13), .init("TBPWML", 14, modelled: false),
      ]),
    register("IMR", Offset.interruptMask),
    register("RIS", Offset.rawInterrupts, .readOnly),
    register("MIS", Offset.maskedInterrupts, .readOnly),
    register("ICR", Offset.interruptClear, .writeOnly),
    register("TAILR", Offset.loadA, reset: 0xFFFF_FFFF),
    register("TBILR", Offset.loadB, reset: 0xFFFF),
    register("TAMATCHR", Offset.matchA, reset: 0xFFFF_FFFF),
    register("TBMATCHR", Offset.matchB, reset: 0xFFFF),
    register("TAPR", Offset.prescaleA), register("TBPR", Offset.prescaleB),
    register("TAPMR", Offset.prescaleMatchA), register("TBPMR", Offset.prescaleMatchB),
    register("TAR", Offset.valueA, .readOnly, reset: 0xFFFF_FFFF),
    register("TBR", Offset.valueB, .readOnly, reset: 0xFFFF),
  ])

  private static func register(
    _ name: String, _ offset: UInt64, _ permission: RegisterMap.Permission = .readWrite,
    reset: UInt64 = 0, fields: [RegisterMap.Field] = []
  ) -> RegisterMap.Register {
    .init(
      "GPTM" + name, offset, widths: [.byte, .half, .word], permission, reset: reset, fields: fields
    )
  }

  private static func modeFields(_ timer: String) -> [RegisterMap.Field] {
    [
      .init(timer + "MR", 0...1), .init(timer + "CMR", 2, modelled: false),
      .init(timer + "AMS", 3, modelled: false),
    ]
  }

  // MARK: Counting

  /// Ticks for one step.
  private func stepLength(_ counter: Counter) -> Tick {
    switch width {
    case .full: 1
    case .rtc: clock.hertz
    case .halves: Tick(counter.prescale) + 1
    }
  }

  private func loadValue(_ timer: WritableKeyPath<State, Counter>) -> UInt32 {
    width == .full && timer == \State.a
      ? UInt32(state.a.load) | UInt32(state.b.load) << 16 : UInt32(state[keyPath: timer].load)
  }

  private func isEnabled(_ timer: WritableKeyPath<State, Counter>) -> Bool {
    timer == \State.a
      ? state.control & Control.enableA != 0
      : state.control & Control.enableB != 0 && width == .halves
  }

  /// One-shot or periodic: a mode that is modelled.
  private func counts(_ timer: WritableKeyPath<State, Counter>) -> Bool {
    isEnabled(timer) && (width == .rtc || 1...2 ~= state[keyPath: timer].mode & 0xF)
  }

  /// The tick of the next time-out.
  private func timeout(_ timer: WritableKeyPath<State, Counter>) -> Tick? {
    if !counts(timer) { return nil }
    let counter = state[keyPath: timer]
    let steps = width == .rtc ? 1 : Tick(counter.value)
    return counter.since &+ steps &* stepLength(counter)
  }

  private func value(_ timer: WritableKeyPath<State, Counter>, _ now: Tick) -> UInt32 {
    if width == .rtc { return state.rtc }
    let counter = state[keyPath: timer]
    // A value that is not loaded yet: the tick between zero and the next load.
    if !counts(timer) || now < counter.since { return counts(timer) ? 0 : counter.value }
    let steps = (now - counter.since) / stepLength(counter)
    return steps < Tick(counter.value) ? counter.value - UInt32(steps) : 0
  }

  private mutating func start(_ timer: WritableKeyPath<State, Counter>, at tick: Tick) {
    state[keyPath: timer].value = loadValue(timer)
    state[keyPath: timer].since = tick
  }

  public var deadline: Tick? {
    [timeout(\.a), timeout(\.b)].compactMap { $0 }.min()
  }

  public mutating func advance(_ port: inout DevicePort) {
    for timer in [\State.a, \State.b] {
      while let due = timeout(timer), due <= port.now { expire(timer, at: due) }
    }
  }

  private mutating func expire(_ timer: WritableKeyPath<State, Counter>, at due: Tick) {
    let isA = timer == \State.a
    if width == .rtc {
      // "When the counter matches ... the RTC interrupt is asserted", and it goes on from zero.
      state.rtc = state.rtc == matchValue ? 0 : state.rtc &+ 1
      if state.rtc == 0 { state.rawInterrupts |= Interrupt.rtc }
      state.a.since = due
      return
    }
    state.rawInterrupts |= isA ? Interrupt.timeoutA : Interrupt.timeoutB
    if state.control & (isA ? Control.triggerA : Control.triggerB) != 0 { state.trigger.toggle() }
    if state[keyPath: timer].mode & 3 == 2 {
      // "... reloads ... on the next cycle"
      start(timer, at: due &+ stepLength(state[keyPath: timer]))
    } else {
      state[keyPath: timer].value = 0
      state.control &= ~(isA ? Control.enableA : Control.enableB)
    }
  }

  private var matchValue: UInt32 { UInt32(state.a.match) | UInt32(state.b.match) << 16 }

  // MARK: Accesses

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    access.part(of: value(of: access.register(), port.now))
  }

  private func value(of register: UInt64, _ now: Tick) -> UInt64 {
    let isWide = width != .halves
    switch register {
    case Offset.configuration: return UInt64(state.configuration)
    case Offset.modeA: return UInt64(state.a.mode)
    case Offset.modeB: return UInt64(state.b.mode)
    case Offset.control: return UInt64(state.control)
    case Offset.interruptMask: return UInt64(state.interruptMask)
    case Offset.rawInterrupts: return UInt64(state.rawInterrupts)
    case Offset.maskedInterrupts: return UInt64(state.rawInterrupts & state.interruptMask)
    case Offset.loadA: return UInt64(state.a.load) | (isWide ? UInt64(state.b.load) << 16 : 0)
    case Offset.loadB: return UInt64(state.b.load)
    case Offset.matchA: return UInt64(state.a.match) | (isWide ? UInt64(state.b.match) << 16 : 0)
    case Offset.matchB: return UInt64(state.b.match)
    case Offset.prescaleA: return UInt64(state.a.prescale)
    case Offset.prescaleB: return UInt64(state.b.prescale)
    case Offset.prescaleMatchA: return UInt64(state.a.prescaleMatch)
    case Offset.prescaleMatchB: return UInt64(state.b.prescaleMatch)
    case Offset.valueA: return UInt64(value(\.a, now))
    case Offset.valueB: return UInt64(value(\.b, now) & 0xFFFF)
    default: return 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let register = access.register()
    let now = port.now
    let value =
      register == Offset.interruptClear
      ? access.merge(value, into: 0) : access.merge(value, into: self.value(of: register, now))
    let half = UInt16(truncatingIfNeeded: value)
    switch register {
    case Offset.interruptClear: state.rawInterrupts &= ~half
    case Offset.interruptMask: state.interruptMask = half & Interrupt.all
    case Offset.control: control(half & 0x6F7F, &port)
    case Offset.matchA:
      state.a.match = half
      if width != .halves { state.b.match = UInt16(truncatingIfNeeded: value >> 16) }
    case Offset.matchB: state.b.match = half
    case Offset.prescaleMatchA: state.a.prescaleMatch = UInt8(value & 0xFF)
    case Offset.prescaleMatchB: state.b.prescaleMatch = UInt8(value & 0xFF)
    default: configure(register, value, now)
    }
  }

  /// What changes how the timers count: they go on from where they are.
  private mutating func configure(_ register: UInt64, _ value: UInt64, _ now: Tick) {
    hold(now, keepingPhase: register == Offset.loadA || register == Offset.loadB)
    switch register {
    case Offset.configuration: state.configuration = UInt8(value & 7)
    case Offset.modeA: state.a.mode = UInt8(value & 0xF)
    case Offset.modeB: state.b.mode = UInt8(value & 0xF)
    case Offset.prescaleA: state.a.prescale = UInt8(value & 0xFF)
    case Offset.prescaleB: state.b.prescale = UInt8(value & 0xFF)
    case Offset.loadA:
      state.a.load = UInt16(truncatingIfNeeded: value)
      if width != .halves { state.b.load = UInt16(truncatingIfNeeded: value >> 16) }
      // "Writing this field loads the counter."
      start(\.a, at: now)
    case Offset.loadB:
      if width == .halves {
        state.b.load = UInt16(truncatingIfNeeded: value)
        start(\.b, at: now)
      }
    default: break
    }
  }

  private mutating func control(_ new: UInt16, _ port: inout DevicePort) {
    hold(port.now, keepingPhase: true)
    let rising = new & ~state.control
    state.control = new
    for (timer, bit) in [(\State.a, Control.enableA), (\State.b, Control.enableB)]
    where rising & bit != 0 {
      if isEnabled(timer) && !counts(timer) {
        port.notModelled(
          "GPTMCTL enables a timer in a capture or PWM mode", value: UInt64(new))
      }
      start(timer, at: port.now)
    }
  }

  /// Brings both counters up to now. `keepingPhase`: also what of a step is over already.
  private mutating func hold(_ now: Tick, keepingPhase: Bool) {
    for timer in [\State.a, \State.b] {
      let since = state[keyPath: timer].since
      if now < since { continue }
      let left = value(timer, now)
      let phase =
        counts(timer) && keepingPhase ? (now - since) % stepLength(state[keyPath: timer]) : 0
      if width != .rtc { state[keyPath: timer].value = left }
      state[keyPath: timer].since = now - phase
    }
  }

  public var lines: LineSet {
    let pending = state.rawInterrupts & state.interruptMask
    var lines: LineSet = []
    if pending & 0xFF != 0 { lines.insert(.line(0)) }
    if pending >> 8 != 0 { lines.insert(.line(1)) }
    if state.trigger { lines.insert(.line(2)) }
    return lines
  }
}
