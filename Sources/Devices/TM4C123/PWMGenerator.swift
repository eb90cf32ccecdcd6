import Emu

/// One generator of a PWM module: TM4C123GH6PM datasheet SPMS376E, sections 20.3.2 to 20.3.5.
///
/// A counter that goes down from PWMnLOAD, or up to it and down again; six events on its way, what they do to two signals, and a dead
/// band between these. Time is in ticks of the core, of which a divisor makes one of the counter.
struct PWMGenerator: Codable, Hashable, Sendable {
  /// What software wrote, and what is in force.
  struct Value: Codable, Hashable, Sendable {
    var written: UInt32 = 0
    var used: UInt32 = 0
    /// A global update has been asked for.
    var isSynced = false
  }

  private(set) var control: UInt32 = 0
  private var interruptsAndTriggers: UInt32 = 0
  private var raw: UInt32 = 0
  private var load = Value()
  private var compareA = Value()
  private var compareB = Value()
  private var actionsA = Value()
  private var actionsB = Value()
  private var deadBand = Value()
  private var deadBandRise = Value()
  private var deadBandFall = Value()
  /// Some of these may wait for the counter to be zero.
  private var hasUpdates = false

  /// When the counter's cycle began, and the position in it, in its own clocks, that comes next.
  private var start: Tick = 0
  private var next: UInt32 = 0
  private var signalA = false
  private var signalB = false
  /// Behind the dead band; and when the one of them that rises does so.
  private var delayedA = false
  private var delayedB = false
  private var riseTick: Tick?

  /// Registers have 16 bits at most, and a cycle begins soon.
  func isSound(_ now: Tick) -> Bool {
    let values = [
      load, compareA, compareB, actionsA, actionsB, deadBand, deadBandRise, deadBandFall,
    ]
    return values.allSatisfy { $0.written <= 0xFFFF && $0.used <= 0xFFFF }
      && start <= now + 1 << 32
  }

  // MARK: Registers

  private enum Control {
    static let enable: UInt32 = 1 << 0
    static let upDown: UInt32 = 1 << 1
    static let loadUpdate: UInt32 = 1 << 3
    static let compareAUpdate: UInt32 = 1 << 4
    static let compareBUpdate: UInt32 = 1 << 5
  }

  /// In the order of PWMnINTEN's bits.
  private enum Event {
    static let zero: UInt32 = 1 << 0
    static let load: UInt32 = 1 << 1
    static let aUp: UInt32 = 1 << 2
    static let aDown: UInt32 = 1 << 3
    static let bUp: UInt32 = 1 << 4
    static let bDown: UInt32 = 1 << 5
  }

  static func registers(_ number: UInt64, at base: UInt64) -> [RegisterMap.Register] {
    let name = "PWM\(number)"
    return [
      .init(
        name + "CTL", base,
        fields: [
          .init("ENABLE", 0), .init("MODE", 1), .init("DEBUG", 2), .init("LOADUPD", 3),
          .init("CMPAUPD", 4), .init("CMPBUPD", 5), .init("GENAUPD", 6...7),
          .init("GENBUPD", 8...9), .init("DBCTLUPD", 10...11), .init("DBRISEUPD", 12...13),
          .init("DBFALLUPD", 14...15), .init("FLTSRC", 16),
          .init("MINFLTPER", 17), .init("LATCH", 18),
        ]),
      .init(name + "INTEN", base + 0x04), .init(name + "RIS", base + 0x08, .readOnly),
      .init(name + "ISC", base + 0x0C), .init(name + "LOAD", base + 0x10),
      .init(name + "COUNT", base + 0x14, .readOnly), .init(name + "CMPA", base + 0x18),
      .init(name + "CMPB", base + 0x1C), .init(name + "GENA", base + 0x20),
      .init(name + "GENB", base + 0x24), .init(name + "DBCTL", base + 0x28),
      .init(name + "DBRISE", base + 0x2C), .init(name + "DBFALL", base + 0x30),
    ]
  }

  func read(_ offset: UInt64, _ now: Tick, _ divisor: Tick) -> UInt32 {
    switch offset {
    case 0x00: control
    case 0x04: interruptsAndTriggers
    case 0x08: raw
    case 0x0C: raw & interruptsAndTriggers
    case 0x10: load.written
    case 0x14: count(now, divisor)
    case 0x18: compareA.written
    case 0x1C: compareB.written
    case 0x20: actionsA.written
    case 0x24: actionsB.written
    case 0x28: deadBand.written
    case 0x2C: deadBandRise.written
    default: deadBandFall.written
    }
  }

  mutating func write(_ offset: UInt64, _ word: UInt32, _ now: Tick, _ divisor: Tick) {
    switch offset {
    case 0x00:
      let changed = control ^ word & 0x7_FFFF
      control = word & 0x7_FFFF
      if changed & (Control.enable | Control.upDown) != 0 {
        if isEnabled { restart(now) } else { applyAll() }
      }
    case 0x04: interruptsAndTriggers = word & 0x3F3F
    case 0x0C: raw &= ~word
    case 0x10: set(\.load, word & 0xFFFF, mode: control & Control.loadUpdate == 0 ? 2 : 3)
    case 0x18: set(\.compareA, word & 0xFFFF, mode: control & Control.compareAUpdate == 0 ? 2 : 3)
    case 0x1C: set(\.compareB, word & 0xFFFF, mode: control & Control.compareBUpdate == 0 ? 2 : 3)
    case 0x20: set(\.actionsA, word & 0xFFF, mode: control >> 6 & 3)
    case 0x24: set(\.actionsB, word & 0xFFF, mode: control >> 8 & 3)
    case 0x28: set(\.deadBand, word & 1, mode: control >> 10 & 3)
    case 0x2C: set(\.deadBandRise, word & 0xFFF, mode: control >> 12 & 3)
    case 0x30: set(\.deadBandFall, word & 0xFFF, mode: control >> 14 & 3)
    default: break
    }
  }

  var isEnabled: Bool { control & Control.enable != 0 }
  private var isUpDown: Bool { control & Control.upDown != 0 }
  var isRaised: Bool { raw & interruptsAndTriggers & 0x3F != 0 }

  // MARK: Updates

  private static var values: [WritableKeyPath<Self, Value>] {
    [
      \.load, \.compareA, \.compareB, \.actionsA, \.actionsB, \.deadBand, \.deadBandRise,
      \.deadBandFall,
    ]
  }

  /// mode: 0 is at once, 2 when the counter is zero, 3 when it is so after a write to PWMCTL. One that stands still is updated at once.
  private mutating func set(_ value: WritableKeyPath<Self, Value>, _ word: UInt32, mode: UInt32) {
    self[keyPath: value].written = word
    self[keyPath: value].isSynced = mode != 3
    if mode < 2 || !isEnabled { use(value) } else { hasUpdates = true }
  }

  /// False: there is nothing to wait for.
  mutating func syncGlobally() -> Bool {
    for value in Self.values { self[keyPath: value].isSynced = true }
    if !isEnabled { applyAll() }
    return isEnabled
  }

  private mutating func applyAll() { for value in Self.values { use(value) } }

  private mutating func applySynced() {
    if !hasUpdates { return }
    for value in Self.values where self[keyPath: value].isSynced { use(value) }
    hasUpdates = Self.values.contains { !self[keyPath: $0].isSynced }
  }

  private mutating func use(_ value: WritableKeyPath<Self, Value>) {
    let hadDeadBand = deadBand.used & 1 == 1
    self[keyPath: value].used = self[keyPath: value].written
    if hadDeadBand == (deadBand.used & 1 == 1) { return }
    riseTick = nil
    delayedA = signalA
    delayedB = !signalA
  }

  // MARK: Counting

  /// From the beginning of a cycle; its first event is due at once.
  mutating func restart(_ now: Tick) {
    if !isEnabled { return }
    start = now
    next = 0
  }

  mutating func changeClock(_ now: Tick, from old: Tick, to new: Tick) {
    let position = now >= start ? (now - start) / old : 0
    start = now &- position &* new
    if start > now { start = now }
    next = max(next, UInt32(clamping: position))
    // The rise of a dead band that is under way keeps its tick.
  }

  private func count(_ now: Tick, _ divisor: Tick) -> UInt32 {
    guard isEnabled, now >= start else { return 0 }
    let position = UInt32(clamping: (now - start) / divisor)
    if !isUpDown { return load.used - min(position, load.used) }
    return position <= load.used ? position : 2 * load.used - min(position, 2 * load.used)
  }

  /// Where in a cycle these events are; nil: nowhere.
  private func position(_ event: UInt32) -> UInt32? {
    let top = load.used
    let compare = event & (Event.aUp | Event.aDown) != 0 ? compareA.used : compareB.used
    switch event {
    case Event.zero: return isUpDown ? 0 : top
    case Event.load: return isUpDown ? top : 0
    case Event.aUp, Event.bUp: return isUpDown && compare <= top ? compare : nil
    default:
      guard compare <= top else { return nil }
      // At the turning points the counter is seen once.
      if !isUpDown { return top - compare }
      return compare == 0 || compare == top ? nil : 2 * top - compare
    }
  }

  /// The next position with an event; of a cycle up and down the end, which is the zero of the next one.
  private var nextPosition: UInt32 {
    var nearest = isUpDown ? max(2 * load.used, 1) : load.used
    var event = Event.zero
    while event <= Event.bDown {
      if let position = position(event), position >= next, position < nearest { nearest = position }
      event <<= 1
    }
    return nearest
  }

  func deadline(_ divisor: Tick) -> Tick {
    let rise = riseTick ?? .max
    return isEnabled ? min(rise, start &+ Tick(nextPosition) &* divisor) : rise
  }

  /// What happens at the deadline.
  mutating func step(_ divisor: Tick) -> (triggers: Bool, isZero: Bool) {
    let tick = deadline(divisor)
    if riseTick == tick {
      riseTick = nil
      if signalA { delayedA = true } else { delayedB = true }
      if !isEnabled || start &+ Tick(nextPosition) &* divisor != tick { return (false, false) }
    }
    var here = nextPosition
    if isUpDown && here >= max(2 * load.used, 1) {
      start = tick
      here = 0
    }
    var events: UInt32 = 0
    var event = Event.zero
    while event <= Event.bDown {
      if position(event) == here { events |= event }
      event <<= 1
    }
    raw |= events
    act(events, tick, divisor)
    let isZero = events & Event.zero != 0
    if isZero { applySynced() }
    if isZero && !isUpDown {
      start = tick &+ divisor
      next = 0
    } else {
      next = here + 1
    }
    return (events & interruptsAndTriggers >> 8 & 0x3F != 0, isZero)
  }

  // MARK: Signals

  /// "If the zero or load event coincides with a compare A or compare B event, the zero or load action is taken"; of the
  /// comparators each signal's own comes first.
  private mutating func act(_ events: UInt32, _ tick: Tick, _ divisor: Tick) {
    let a = [Event.zero, Event.load, Event.aUp, Event.aDown, Event.bUp, Event.bDown]
    let b = [Event.zero, Event.load, Event.bUp, Event.bDown, Event.aUp, Event.aDown]
    let before = signalA
    Self.apply(actionsA.used, a.first { events & $0 != 0 }, to: &signalA)
    Self.apply(actionsB.used, b.first { events & $0 != 0 }, to: &signalB)
    if deadBand.used & 1 == 1 && signalA != before { moveDeadBand(tick, divisor) }
  }

  /// PWMnGENx, two bits an event: nothing, invert, low, high.
  private static func apply(_ actions: UInt32, _ event: UInt32?, to signal: inout Bool) {
    guard let event else { return }
    switch actions >> UInt32(2 * event.trailingZeroBitCount) & 3 {
    case 1: signal.toggle()
    case 2: signal = false
    case 3: signal = true
    default: break
    }
  }

  /// Section 20.3.5: the first signal is A with its rising edge delayed; the second is A inverted, delayed where A falls.
  private mutating func moveDeadBand(_ tick: Tick, _ divisor: Tick) {
    let delay = Tick(signalA ? deadBandRise.used : deadBandFall.used) * divisor
    if signalA { delayedB = false } else { delayedA = false }
    riseTick = delay == 0 ? nil : tick &+ delay
    if delay == 0 { if signalA { delayedA = true } else { delayedB = true } }
  }

  /// Bit 0 is A, bit 1 B.
  var outputs: UInt8 {
    let (a, b) = deadBand.used & 1 == 1 ? (delayedA, delayedB) : (signalA, signalB)
    return (a ? 1 : 0) | (b ? 2 : 0)
  }
}
