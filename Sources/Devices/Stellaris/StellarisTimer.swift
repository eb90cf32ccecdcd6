import Emu

/// A general-purpose timer module: of Luminary Micro's Stellaris parts (LM3S6965 datasheet, chapter 10, "General-Purpose Timers")
/// and of the TM4C123GH6PM (SPMS376E, chapter 11), there in a 16/32-bit and a 32/64-bit ("wide") form.
///
/// A TM4C123's timer that was stopped and is enabled again goes on from where it is, unless it has been set up anew meanwhile or was a
/// one-shot that is over (RIOT counts on that); an LM3S6965's begins again, as QEMU's.
///
/// Two timers, A and B, or one of both together. One that is enabled at tick t with a load value N has N in it at t, reaches
/// zero at t + N, and in periodic mode has N in it again one tick later, "on the next cycle". Half a module that counts down with
/// a prescaler P steps every P + 1 ticks; everywhere else the TM4C123's prescaler is what the counter has on top. The RTC mode
/// counts seconds, by a crystal of its own that is taken to be exact.
///
/// The TM4C123's modules also count up, match, count and time edges, make PWM, and wait for the timer before them. With TnILD and TnMRSU a
/// store to the load, match and prescale registers of a timer that runs waits for its time-out. Timer 0's GPTMSYNC makes timers of
/// all modules load anew at one tick, as at their time-outs, with no interrupt; of those that are off, and of one-shots, it changes
/// nothing. TnPLO is declared, not modelled; so are the LM3S6965's edge and PWM
/// modes (QEMU has none of them, and no 16-bit mode). While a debugger halts the core time stands still, so TnSTALL changes nothing.
///
/// Line 0 is timer A's interrupt, and that of both together; line 1 is timer B's. Lines 2 and 5 change their level with every
/// trigger for the ADC, and for the next module. Lines 3 and 4 are the PWM outputs; 6 and 7 change their level with each raw interrupt
/// of A and of B, for µDMA; 8 to 31 with each bit that GPTMSYNC is given, 8 and 9 being timer 0's own two. Inputs 0 and 1 are the
/// pins, 2 is the module before, 3 and 4 are timer 0's GPTMSYNC, for A and for B: each change.
public struct StellarisTimer: Device {
  public enum Chip: String, Sendable, CaseIterable {
    case lm3s6965
    case tm4c123
    case tm4c123Wide = "tm4c123-wide"
  }

  public struct State: Codable, Hashable, Sendable {
    var configuration: UInt8 = 0
    var control: UInt16 = 0
    var interruptMask: UInt16 = 0
    var rawInterrupts: UInt16 = 0
    var a: Counter
    var b: Counter
    var rtc: UInt32 = 0
    /// When the RTC's next second is over: by its crystal, and as a tick.
    var rtcCycle: UInt64 = 0
    var rtcTick: Tick = 0
    var trigger = false
    var chain = false
    var requestA = false
    var requestB = false
    /// GPTMSYNC, and the levels of its lines.
    var sync: UInt32 = 0
    var syncLines: UInt32 = 0
    /// Stores that wait for a time-out, one a register.
    var deferred: [Deferred] = []

    subscript(half: Half) -> Counter {
      get { half == .a ? a : b }
      _modify { if half == .a { yield &a } else { yield &b } }
    }
  }

  /// Of a module.
  enum Half { case a, b }

  struct Deferred: Codable, Hashable, Sendable {
    var register: UInt64
    var value: UInt64
  }

  /// One of the two timers; together they are A.
  struct Counter: Codable, Hashable, Sendable {
    var mode: UInt16 = 0
    var load: UInt32
    var match: UInt32
    var prescale: UInt16 = 0
    var prescaleMatch: UInt16 = 0
    /// In steps, at `since`.
    var value: UInt64
    /// The tick at which that value was reached; it stands still while the timer is off.
    var since: Tick = 0
    /// The match value has not been passed since the last load.
    var willMatch = true
    /// What GPTMTnR shows instead of the counter.
    var captured: UInt64 = 0
    /// It begins with its load value when it is enabled, and does not go on from where it is.
    var isFresh = true
    /// It is enabled, but the timer before it has to be done first.
    var isWaiting = false
    /// Levels of its PWM output and of its pin.
    var output = false
    var pin = false
  }
  public var state: State
  let chip: Chip
  let synchronizes: Bool
  public let map: RegisterMap

  /// - Parameter synchronizes: it is the module that has GPTMSYNC.
  public init(_ chip: Chip = .lm3s6965, synchronizes: Bool = false) {
    self.chip = chip
    self.synchronizes = synchronizes
    let half: UInt32 = chip == .tm4c123Wide ? .max : 0xFFFF
    state = State(
      a: Counter(load: half, match: half, value: chip == .tm4c123Wide ? .max : 0xFFFF_FFFF),
      b: Counter(load: half, match: half, value: UInt64(half)))
    map = RegisterMap(Self.registers(chip, synchronizes: synchronizes))
  }

  private enum Offset {
    static let configuration: UInt64 = 0x00
    static let modeA: UInt64 = 0x04
    static let modeB: UInt64 = 0x08
    static let control: UInt64 = 0x0C
    static let sync: UInt64 = 0x10
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
    static let shownA: UInt64 = 0x48
    static let shownB: UInt64 = 0x4C
    static let valueA: UInt64 = 0x50
    static let valueB: UInt64 = 0x54
    static let rtcPredivide: UInt64 = 0x58
    static let shownPrescaleA: UInt64 = 0x5C
    static let shownPrescaleB: UInt64 = 0x60
    static let prescaleValueA: UInt64 = 0x64
    static let prescaleValueB: UInt64 = 0x68
    static let properties: UInt64 = 0xFC0
  }

  private enum Control {
    static let enableA: UInt16 = 1 << 0
    static let triggerA: UInt16 = 1 << 5
    static let invertA: UInt16 = 1 << 6
    static let enableB: UInt16 = 1 << 8
    static let triggerB: UInt16 = 1 << 13
    static let invertB: UInt16 = 1 << 14
  }

  private enum Mode {
    static let capture: UInt16 = 1 << 2
    static let alternate: UInt16 = 1 << 3
    static let up: UInt16 = 1 << 4
    static let matchInterrupt: UInt16 = 1 << 5
    static let waits: UInt16 = 1 << 6
    static let snapshot: UInt16 = 1 << 7
    static let loadsLate: UInt16 = 1 << 8
    static let pwmInterrupt: UInt16 = 1 << 9
    static let matchesLate: UInt16 = 1 << 10
  }

  /// Bits of timer A; B's are those of `b`.
  private enum Interrupt {
    static let timeout: UInt16 = 1 << 0
    static let captureMatch: UInt16 = 1 << 1
    static let captureEvent: UInt16 = 1 << 2
    static let rtc: UInt16 = 1 << 3
    static let match: UInt16 = 1 << 4
    static let b: UInt16 = 8
  }

  private static let crystal: UInt64 = 32_768

  // MARK: What the chips differ in

  private var isTM4C: Bool { chip != .lm3s6965 }
  private var isWide: Bool { chip == .tm4c123Wide }
  /// Bits of half a module.
  private var half: UInt64 { isWide ? 32 : 16 }
  private var halfMask: UInt64 { 1 << half - 1 }
  private var interrupts: UInt16 { isTM4C ? 0x0F1F : 0x070F }
  private var modeMask: UInt64 { isTM4C ? 0xFFF : 0xF }
  private var prescaleMask: UInt64 { isWide ? 0xFFFF : 0xFF }

  private enum Width { case full, rtc, halves }
  /// GPTMCFG: "0x0 32-bit timer; 0x1 32-bit real-time clock; 0x4-0x7 16-bit timer".
  private var width: Width {
    switch state.configuration {
    case 0: .full
    case 1: .rtc
    default: .halves
    }
  }

  private enum Kind { case none, count, edgeCount, edgeTime, pwm }
  private func kind(_ timer: Half) -> Kind {
    let mode = state[timer].mode
    let isPlain = mode & (Mode.alternate | Mode.capture) == 0
    switch (mode & 3, isTM4C && width == .halves) {
    case (1, _) where isPlain, (2, _) where isPlain: return .count
    case (2, true) where mode & Mode.capture == 0: return .pwm
    case (3, true) where mode & Mode.alternate == 0:
      return mode & Mode.capture == 0 ? .edgeCount : .edgeTime
    default: return .none
    }
  }

  private func isUp(_ timer: Half) -> Bool {
    isTM4C && state[timer].mode & Mode.up != 0 && kind(timer) != .pwm
  }

  /// The prescaler is on top of the counter.
  private func isExtended(_ timer: Half) -> Bool {
    isTM4C && width == .halves && (kind(timer) != .count || isUp(timer))
  }

  // MARK: Counting

  /// Ticks for one step.
  private func stepLength(_ timer: Half) -> Tick {
    width == .halves && !isExtended(timer) ? Tick(state[timer].prescale) + 1 : 1
  }

  /// - Parameter top: what the prescaler puts on it.
  private func whole(_ timer: Half, _ low: UInt32, upper: UInt32, top: UInt16) -> UInt64 {
    if width != .halves && timer == .a { return UInt64(low) | UInt64(upper) << half }
    return isExtended(timer) ? UInt64(low) | UInt64(top) << half : UInt64(low)
  }

  private func loadValue(_ timer: Half) -> UInt64 {
    whole(timer, state[timer].load, upper: state.b.load, top: state[timer].prescale)
  }

  private func matchValue(_ timer: Half) -> UInt64 {
    whole(timer, state[timer].match, upper: state.b.match, top: state[timer].prescaleMatch)
  }

  private func isEnabled(_ timer: Half) -> Bool {
    timer == Half.a
      ? state.control & Control.enableA != 0
      : state.control & Control.enableB != 0 && width == .halves
  }

  /// It goes on by itself: a mode that is modelled, and not of edges.
  private func counts(_ timer: Half) -> Bool {
    if !isEnabled(timer) || state[timer].isWaiting { return false }
    if width == .rtc { return true }
    let kind = kind(timer)
    return kind == .count || kind == .pwm
  }

  /// Steps from the last load to the time-out.
  private func distance(_ timer: Half, to goal: UInt64) -> UInt64? {
    let value = state[timer].value
    if isUp(timer) { return goal >= value ? goal - value : nil }
    return goal <= value ? value - goal : nil
  }

  /// The tick of the next time-out; in PWM mode, where that is nothing to be seen, of the load that follows.
  private func timeout(_ timer: Half) -> Tick? {
    if !counts(timer) { return nil }
    if width == .rtc { return state.rtcTick }
    let last = distance(timer, to: isUp(timer) ? loadValue(timer) : 0) ?? 0
    return tick(timer, after: kind(timer) == .pwm ? last &+ 1 : last)
  }

  /// nil: not in all of time. 64 bits that count down from all ones come there.
  private func tick(_ timer: Half, after steps: UInt64) -> Tick? {
    let (ticks, isLonger) = steps.multipliedReportingOverflow(by: stepLength(timer))
    let (tick, isLater) = state[timer].since.addingReportingOverflow(ticks)
    return isLonger || isLater ? nil : tick
  }

  /// The tick at which the match value is reached, if that means anything.
  private func nextMatch(_ timer: Half) -> Tick? {
    let counter = state[timer]
    guard isTM4C, width != .rtc, counts(timer), counter.willMatch,
      kind(timer) == .pwm || counter.mode & Mode.matchInterrupt != 0,
      let steps = distance(timer, to: matchValue(timer))
    else { return nil }
    return tick(timer, after: steps)
  }

  private func value(_ timer: Half, _ now: Tick) -> UInt64 {
    if width == .rtc { return UInt64(state.rtc) }
    let counter = state[timer]
    if kind(timer) == .edgeTime && isEnabled(timer) && now >= counter.since {
      let period = UInt128(loadValue(timer)) + 1
      let steps = UInt128(now - counter.since) % period
      let value = UInt128(counter.value) % period
      return UInt64((isUp(timer) ? value + steps : value + period - steps) % period)
    }
    if !counts(timer) { return counter.value }
    let end = isUp(timer) ? loadValue(timer) : 0
    // A value that is not loaded yet: the tick between the time-out and the next load.
    if now < counter.since { return end }
    let steps = (now - counter.since) / stepLength(timer)
    guard let distance = distance(timer, to: end), steps < distance else { return end }
    return isUp(timer) ? counter.value + steps : counter.value - steps
  }

  private mutating func start(_ timer: Half, at tick: Tick) {
    state[timer].value = isUp(timer) ? 0 : loadValue(timer)
    state[timer].since = tick
    state[timer].willMatch = true
    if kind(timer) == .pwm && counts(timer) { setOutput(timer, true) }
  }

  public var deadline: Tick? {
    let next = min(
      min(timeout(.a) ?? .max, timeout(.b) ?? .max),
      min(nextMatch(.a) ?? .max, nextMatch(.b) ?? .max))
    return next == .max ? nil : next
  }

  public mutating func advance(_ port: inout DevicePort) {
    for timer in [Half.a, Half.b] {
      while true {
        let (match, due) = (nextMatch(timer), timeout(timer))
        if let match, match <= port.now, match <= due ?? .max {
          passMatch(timer)
        } else if let due, due <= port.now {
          expire(timer, at: due, port)
        } else {
          break
        }
      }
    }
  }

  private mutating func raise(_ interrupt: UInt16, _ timer: Half) {
    let isA = timer == Half.a
    // TBMRIS has bit 11: the RTC's is timer A's alone.
    let bit = isA ? interrupt : interrupt == Interrupt.match ? 1 << 11 : interrupt << Interrupt.b
    state.rawInterrupts |= bit
    if isTM4C { if isA { state.requestA.toggle() } else { state.requestB.toggle() } }
  }

  private mutating func passMatch(_ timer: Half) {
    state[timer].willMatch = false
    if kind(timer) == .pwm { return setOutput(timer, false) }
    raise(Interrupt.match, timer)
  }

  private mutating func expire(
    _ timer: Half, at due: Tick, _ port: DevicePort
  ) {
    if width == .rtc { return passSecond(port) }
    if kind(timer) == .pwm {
      takeDeferred(timer)
      return start(timer, at: due)
    }
    raise(Interrupt.timeout, timer)
    if state.control & (timer == Half.a ? Control.triggerA : Control.triggerB) != 0 {
      state.trigger.toggle()
    }
    trigger(behind: timer, at: due)
    if state[timer].mode & Mode.snapshot != 0 {
      state[timer].captured = value(timer, due)
    }
    takeDeferred(timer)
    if state[timer].mode & 3 == 2 {
      // "... reloads ... on the next cycle"
      start(timer, at: due &+ stepLength(timer))
    } else {
      state[timer].value = isUp(timer) ? loadValue(timer) : 0
      state[timer].isFresh = true
      state.control &= ~(timer == Half.a ? Control.enableA : Control.enableB)
    }
  }

  private mutating func passSecond(_ port: DevicePort) {
    state.rtc &+= 1
    if UInt64(state.rtc) == matchValue(.a) + (isTM4C ? 0 : 1) {
      // "When the counter matches ... the RTC interrupt is asserted"; on the LM3S6965 it goes on from zero.
      state.rawInterrupts |= Interrupt.rtc
      if !isTM4C { state.rtc = 0 }
    }
    state.rtcCycle += Self.crystal
    setSecond(port)
  }

  private mutating func setSecond(_ port: DevicePort) {
    state.rtcTick = max(port.now, port.tick(reaching: state.rtcCycle, of: Self.crystal))
  }

  public mutating func clockChanged(_ port: inout DevicePort) {
    if width == .rtc { setSecond(port) }
  }

  /// TnWOT: "... does not begin to count until it receives a trigger from the timer in the previous position in the daisy chain".
  private mutating func trigger(behind timer: Half, at tick: Tick) {
    if timer == Half.a && width == .halves {
      release(.b, at: tick)
    } else if isTM4C {
      state.chain.toggle()
    }
  }

  private mutating func release(_ timer: Half, at tick: Tick) {
    if !state[timer].isWaiting { return }
    state[timer].isWaiting = false
    start(timer, at: tick)
  }

  // MARK: GPTMSYNC

  /// Two bits a module, timer A's and timer B's.
  private mutating func synchronize(all bits: UInt32, _ port: DevicePort) {
    state.sync = bits
    state.syncLines ^= bits
    if bits & 1 != 0 { synchronize(.a, port) }
    if bits & 2 != 0 { synchronize(.b, port) }
  }

  /// What a time-out does to the counter, which goes back to where it starts, and nothing else of one.
  private mutating func synchronize(_ timer: Half, _ port: DevicePort) {
    if !isEnabled(timer) || state[timer].isWaiting { return }
    if width == .rtc {
      state.rtc = 0
      return startSeconds(port)
    }
    let isOneShot = state[timer].mode & 3 == 1
    if kind(timer) == .none || isOneShot { return }
    takeDeferred(timer)
    start(timer, at: port.now)
  }

  // MARK: Pins

  /// TnPWML: "The output is inverted."
  private mutating func setOutput(_ timer: Half, _ level: Bool) {
    let isInverted =
      state.control & (timer == Half.a ? Control.invertA : Control.invertB) != 0
    let level = level != isInverted
    if state[timer].output == level { return }
    state[timer].output = level
    if state[timer].mode & Mode.pwmInterrupt != 0 && isWanted(level, timer) {
      raise(Interrupt.captureEvent, timer)
    }
  }

  /// TnEVENT: rising edges, falling edges, or both.
  private func isWanted(_ rising: Bool, _ timer: Half) -> Bool {
    switch state.control >> (timer == Half.a ? 2 : 10) & 3 {
    case 0: rising
    case 1: !rising
    case 3: true
    default: false
    }
  }

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    switch line {
    case 0: edge(.a, level, port)
    case 1: edge(.b, level, port)
    case 2 where isTM4C && !port.isStill: release(.a, at: port.now)
    case 3 where isTM4C && !port.isStill: synchronize(.a, port)
    case 4 where isTM4C && !port.isStill: synchronize(.b, port)
    default: break
    }
  }

  private mutating func edge(
    _ timer: Half, _ level: Bool, _ port: DevicePort
  ) {
    if state[timer].pin == level { return }
    state[timer].pin = level
    guard isEnabled(timer), isWanted(level, timer), !port.isStill else { return }
    switch kind(timer) {
    case .edgeTime:
      state[timer].captured = value(timer, port.now)
      raise(Interrupt.captureEvent, timer)
    case .edgeCount: countEdge(timer)
    default: break
    }
  }

  /// "When the counts match, the GPTM asserts the CnMRIS bit"; "the counter is then reloaded ... and stopped", and counting up it
  /// goes on from zero.
  private mutating func countEdge(_ timer: Half) {
    let mask: UInt64 = 1 << (half + (isWide ? 16 : 8)) - 1
    let value = state[timer].value
    state[timer].value = (isUp(timer) ? value &+ 1 : value &- 1) & mask
    if state[timer].value != matchValue(timer) { return }
    raise(Interrupt.captureMatch, timer)
    state[timer].value = isUp(timer) ? 0 : loadValue(timer)
    if !isUp(timer) {
      state.control &= ~(timer == Half.a ? Control.enableA : Control.enableB)
    }
  }

  // MARK: Accesses

  public func accepts(_ state: State, now: Tick) -> Bool {
    // It begins to count at most a prescaled step from now.
    let latest = now + 1 << 16
    return state.deferred.count <= 8 && state.a.since <= latest && state.b.since <= latest
      && state.rtcCycle < 1 << 62
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    access.part(of: value(of: access.register(), port.now))
  }

  private func value(of register: UInt64, _ now: Tick) -> UInt64 {
    if !state.deferred.isEmpty,
      let one = state.deferred.first(where: { $0.register == register })
    {
      return one.value
    }
    switch register {
    case Offset.configuration: return UInt64(state.configuration)
    case Offset.modeA: return UInt64(state.a.mode)
    case Offset.modeB: return UInt64(state.b.mode)
    case Offset.control: return UInt64(state.control)
    case Offset.sync: return UInt64(state.sync)
    case Offset.interruptMask: return UInt64(state.interruptMask)
    case Offset.rawInterrupts: return UInt64(state.rawInterrupts)
    case Offset.maskedInterrupts: return UInt64(state.rawInterrupts & state.interruptMask)
    case Offset.loadA: return joined(state.a.load, state.b.load)
    case Offset.loadB: return UInt64(state.b.load)
    case Offset.matchA: return joined(state.a.match, state.b.match)
    case Offset.matchB: return UInt64(state.b.match)
    case Offset.prescaleA: return UInt64(state.a.prescale)
    case Offset.prescaleB: return UInt64(state.b.prescale)
    case Offset.prescaleMatchA: return UInt64(state.a.prescaleMatch)
    case Offset.prescaleMatchB: return UInt64(state.b.prescaleMatch)
    case Offset.shownA: return low(shown(.a, now), .a)
    case Offset.shownB: return shownB(shown(.b, now), shown(.a, now))
    case Offset.valueA: return low(value(.a, now), .a)
    case Offset.valueB: return shownB(value(.b, now), value(.a, now))
    case Offset.rtcPredivide: return 0x7FFF
    case Offset.shownPrescaleA: return top(shown(.a, now), .a)
    case Offset.shownPrescaleB: return top(shown(.b, now), .b)
    case Offset.prescaleValueA: return top(value(.a, now), .a)
    case Offset.prescaleValueB: return top(value(.b, now), .b)
    case Offset.properties: return isWide ? 1 : 0
    default: return 0
    }
  }

  /// Both halves of a 16/32-bit module's register.
  private func joined(_ a: UInt32, _ b: UInt32) -> UInt64 {
    isWide || width == .halves ? UInt64(a) : UInt64(a) | UInt64(b) << 16
  }

  /// What GPTMTnR shows: the counter, or what was captured.
  private func shown(_ timer: Half, _ now: Tick) -> UInt64 {
    let isSnapshot =
      isTM4C && kind(timer) == .count && state[timer].mode & Mode.snapshot != 0
    return kind(timer) == .edgeTime || isSnapshot
      ? state[timer].captured : value(timer, now)
  }

  /// "... bits 23:16 contain the upper 8 bits of the count" in the modes in which a 16-bit timer's prescaler is part of it.
  private func low(_ value: UInt64, _ timer: Half) -> UInt64 {
    if isWide || width != .halves { return value & 0xFFFF_FFFF }
    return value & (isExtended(timer) ? 0xFF_FFFF : 0xFFFF)
  }

  private func shownB(_ b: UInt64, _ a: UInt64) -> UInt64 {
    if width == .halves { return low(b, .b) }
    return isWide ? a >> 32 : isTM4C ? a >> 16 & 0xFFFF : b & 0xFFFF
  }

  private func top(_ value: UInt64, _ timer: Half) -> UInt64 {
    isExtended(timer) ? value >> half & prescaleMask : 0
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let register = access.register()
    let now = port.now
    let value =
      register == Offset.interruptClear
      ? access.merge(value, into: 0) : access.merge(value, into: self.value(of: register, now))
    let short = UInt16(truncatingIfNeeded: value)
    if isDeferred(register) {
      state.deferred.removeAll { $0.register == register }
      state.deferred.append(Deferred(register: register, value: value))
      return
    }
    switch register {
    case Offset.interruptClear: state.rawInterrupts &= ~short
    case Offset.interruptMask: state.interruptMask = short & interrupts
    case Offset.control: control(short & 0x6F7F, &port)
    case Offset.sync: synchronize(all: UInt32(value & 0xFF_FFFF), port)
    case Offset.matchA...Offset.matchB, Offset.prescaleMatchA...Offset.prescaleMatchB:
      assign(register, value)
      if register == Offset.matchA { state.a.willMatch = true }
      if register == Offset.matchB { state.b.willMatch = true }
    default: configure(register, value, port)
    }
  }

  /// What counting is done by.
  private mutating func assign(_ register: UInt64, _ value: UInt64) {
    let (half, isJoined) = (UInt32(value & halfMask), !isWide && width != .halves)
    switch register {
    case Offset.loadA:
      state.a.load = half
      if isJoined { state.b.load = UInt32(value >> 16 & 0xFFFF) }
    case Offset.loadB: if !isJoined { state.b.load = half }
    case Offset.matchA:
      state.a.match = half
      if isJoined { state.b.match = UInt32(value >> 16 & 0xFFFF) }
    case Offset.matchB: state.b.match = half
    case Offset.prescaleA: state.a.prescale = UInt16(value & prescaleMask)
    case Offset.prescaleB: state.b.prescale = UInt16(value & prescaleMask)
    case Offset.prescaleMatchA: state.a.prescaleMatch = UInt16(value & prescaleMask)
    default: state.b.prescaleMatch = UInt16(value & prescaleMask)
    }
  }

  // MARK: Late stores

  /// The timer that a register of these is of, and the bit that lets stores to it wait; nil: it is none of these.
  private func lateness(_ register: UInt64) -> (timer: Half, bit: UInt16)? {
    let b: Half = width == .halves ? .b : .a
    return switch register {
    case Offset.loadA, Offset.prescaleA: (.a, Mode.loadsLate)
    case Offset.loadB where width != .halves && !isWide: nil
    case Offset.loadB, Offset.prescaleB: (b, Mode.loadsLate)
    case Offset.matchA, Offset.prescaleMatchA: (.a, Mode.matchesLate)
    case Offset.matchB, Offset.prescaleMatchB: (b, Mode.matchesLate)
    default: nil
    }
  }

  /// TnILD and TnMRSU: "... on the next timeout"; of a timer that is off, "when the timer is enabled", which is no later than now.
  private func isDeferred(_ register: UInt64) -> Bool {
    guard isTM4C, width != .rtc, let (timer, bit) = lateness(register) else { return false }
    return state[timer].mode & bit != 0 && counts(timer)
  }

  private mutating func takeDeferred(_ timer: Half) {
    if state.deferred.isEmpty { return }
    let all = state.deferred
    state.deferred = all.filter { lateness($0.register)?.timer != timer }
    for one in all where lateness(one.register)?.timer == timer { assign(one.register, one.value) }
  }

  /// What changes how the timers count: they go on from where they are.
  private mutating func configure(_ register: UInt64, _ value: UInt64, _ port: DevicePort) {
    let now = port.now
    hold(now, keepingPhase: register == Offset.loadA || register == Offset.loadB)
    if register != Offset.valueA && register != Offset.valueB {
      state.a.isFresh = true
      state.b.isFresh = true
    }
    switch register {
    case Offset.configuration:
      state.configuration = UInt8(value & 7)
      startSeconds(port)
    case Offset.modeA: state.a.mode = UInt16(value & modeMask)
    case Offset.modeB: state.b.mode = UInt16(value & modeMask)
    case Offset.prescaleA, Offset.prescaleB: assign(register, value)
    case Offset.loadA:
      assign(register, value)
      // "Writing this field loads the counter."
      start(.a, at: now)
      startSeconds(port)
    case Offset.loadB:
      assign(register, value)
      if width == .halves { start(.b, at: now) }
    // A store to the free-running counter.
    case Offset.valueA: state.a.value = value & (width == .halves ? halfMask : .max)
    case Offset.valueB where width == .halves: state.b.value = value & halfMask
    default: break
    }
  }

  private mutating func control(_ new: UInt16, _ port: inout DevicePort) {
    hold(port.now, keepingPhase: true)
    let rising = new & ~state.control
    state.control = new
    for timer in [Half.a, Half.b] where !isEnabled(timer) { takeDeferred(timer) }
    for (timer, bit) in [(Half.a, Control.enableA), (Half.b, Control.enableB)]
    where rising & bit != 0 {
      if isEnabled(timer) && width != .rtc && kind(timer) == .none {
        if isTM4C {
          port.guestError("GPTMCTL enables a timer whose mode is reserved", value: UInt64(new))
        } else {
          port.notModelled(
            "GPTMCTL enables a timer in a capture or PWM mode", value: UInt64(new))
        }
      }
      state[timer].isWaiting =
        isTM4C && isEnabled(timer) && state[timer].mode & Mode.waits != 0
      if isTM4C && kind(timer) == .count && !state[timer].isFresh {
        state[timer].since = port.now
        state[timer].willMatch = true
      } else {
        start(timer, at: port.now)
      }
      state[timer].isFresh = false
    }
    if rising & Control.enableA != 0 { startSeconds(port) }
  }

  private mutating func startSeconds(_ port: DevicePort) {
    guard width == .rtc else { return }
    state.rtcCycle = port.cycles(of: Self.crystal) + Self.crystal
    setSecond(port)
  }

  /// Brings both counters up to now. `keepingPhase`: also what of a step is over already.
  private mutating func hold(_ now: Tick, keepingPhase: Bool) {
    for timer in [Half.a, Half.b] {
      let since = state[timer].since
      if now < since { continue }
      let left = value(timer, now)
      let phase = counts(timer) && keepingPhase ? (now - since) % stepLength(timer) : 0
      if width != .rtc { state[timer].value = left }
      state[timer].since = now - phase
    }
  }

  /// Lines whose changes say something stay where they are: a reset says nothing by them.
  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let old = state
    state = initial
    (state.trigger, state.chain, state.syncLines) = (old.trigger, old.chain, old.syncLines)
    (state.requestA, state.requestB) = (old.requestA, old.requestB)
  }

  public var lines: LineSet {
    let pending = state.rawInterrupts & state.interruptMask
    var lines = LineSet(rawValue: UInt64(state.syncLines) << 8)
    if pending & 0xFF != 0 { lines.insert(.line(0)) }
    if pending >> 8 != 0 { lines.insert(.line(1)) }
    if state.trigger { lines.insert(.line(2)) }
    if state.a.output { lines.insert(.line(3)) }
    if state.b.output { lines.insert(.line(4)) }
    if state.chain { lines.insert(.line(5)) }
    if state.requestA { lines.insert(.line(6)) }
    if state.requestB { lines.insert(.line(7)) }
    return lines
  }

  // MARK: Registers

  private static func registers(_ chip: Chip, synchronizes: Bool) -> [RegisterMap.Register] {
    func register(
      _ name: String, _ offset: UInt64, _ permission: RegisterMap.Permission = .readWrite,
      reset: UInt64 = 0, fields: [RegisterMap.Field] = []
    ) -> RegisterMap.Register {
      .init(
        "GPTM" + name, offset, widths: [.byte, .half, .word], permission, reset: reset,
        fields: fields)
    }
    let isTM4C = chip != .lm3s6965
    let half: UInt64 = chip == .tm4c123Wide ? 0xFFFF_FFFF : 0xFFFF
    func mode(_ timer: String) -> [RegisterMap.Field] {
      let both: [RegisterMap.Field] = [
        .init(timer + "MR", 0...1), .init(timer + "CMR", 2, modelled: isTM4C),
        .init(timer + "AMS", 3, modelled: isTM4C),
      ]
      if !isTM4C { return both }
      let more: [RegisterMap.Field] = [
        .init(timer + "CDIR", 4), .init(timer + "MIE", 5), .init(timer + "WOT", 6),
        .init(timer + "SNAPS", 7), .init(timer + "ILD", 8), .init(timer + "PWMIE", 9),
        .init(timer + "MRSU", 10),
        .init(timer + "PLO", 11, modelled: false),
      ]
      return both + more
    }
    let control: [RegisterMap.Field] = [
      .init("TAEN", 0), .init("TASTALL", 1),
      .init("TAEVENT", 2...3, modelled: isTM4C), .init("RTCEN", 4), .init("TAOTE", 5),
      .init("TAPWML", 6, modelled: isTM4C), .init("TBEN", 8),
      .init("TBSTALL", 9), .init("TBEVENT", 10...11, modelled: isTM4C),
      .init("TBOTE", 13), .init("TBPWML", 14, modelled: isTM4C),
    ]
    let both: [RegisterMap.Register] = [
      register("CFG", Offset.configuration, fields: [.init("GPTMCFG", 0...2)]),
      register("TAMR", Offset.modeA, fields: mode("TA")),
      register("TBMR", Offset.modeB, fields: mode("TB")),
      register("CTL", Offset.control, fields: control),
      register("IMR", Offset.interruptMask),
      register("RIS", Offset.rawInterrupts, .readOnly),
      register("MIS", Offset.maskedInterrupts, .readOnly),
      register("ICR", Offset.interruptClear, .writeOnly),
      register("TAILR", Offset.loadA, reset: 0xFFFF_FFFF),
      register("TBILR", Offset.loadB, reset: half),
      register("TAMATCHR", Offset.matchA, reset: 0xFFFF_FFFF),
      register("TBMATCHR", Offset.matchB, reset: half),
      register("TAPR", Offset.prescaleA), register("TBPR", Offset.prescaleB),
      register("TAPMR", Offset.prescaleMatchA), register("TBPMR", Offset.prescaleMatchB),
      register("TAR", Offset.shownA, .readOnly, reset: 0xFFFF_FFFF),
      register("TBR", Offset.shownB, .readOnly, reset: half),
    ]
    if !isTM4C { return both }
    let sync = synchronizes ? [register("SYNC", Offset.sync)] : []
    let more: [RegisterMap.Register] = [
      register("TAV", Offset.valueA, reset: 0xFFFF_FFFF),
      register("TBV", Offset.valueB, reset: half),
      register("RTCPD", Offset.rtcPredivide, .readOnly, reset: 0x7FFF),
      register("TAPS", Offset.shownPrescaleA, .readOnly),
      register("TBPS", Offset.shownPrescaleB, .readOnly),
      register("TAPV", Offset.prescaleValueA, .readOnly),
      register("TBPV", Offset.prescaleValueB, .readOnly),
      register("PP", Offset.properties, .readOnly, reset: chip == .tm4c123Wide ? 1 : 0),
    ]
    return both + sync + more
  }
}
