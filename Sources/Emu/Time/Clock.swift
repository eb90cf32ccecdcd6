/// How long a tick is, exactly, at any tick of a run: stretches of constant frequency, one behind the other. Most clocks have one;
/// that of a chip whose core clock software changes has one more with every change.
///
/// Times are whole multiples of 1/`unit` s, a unit in which every period so far is a whole number. So nothing is rounded before
/// a time is shown, and nothing is summed from rounded parts.
///
/// Of changes the latest are kept, at least as many as a usual trace has events: a chip that goes into deep sleep and out of it
/// makes two each time. Ticks before them are taken as all of one length.
public struct Clock: Sendable, Hashable {
  private struct Stretch: Sendable, Hashable {
    var start: Tick
    var hertz: Ratio
    /// Units from power-on to its start.
    var elapsed: UInt128
  }
  /// With what went by before it, if older ones are forgotten.
  private var first: Stretch
  /// Behind the first.
  private var changes: [Stretch] = []
  /// Units in a second.
  private var unit: UInt64

  public init(hertz: UInt64) {
    precondition(hertz > 0, "a clock has a frequency")
    unit = hertz
    first = Stretch(start: 0, hertz: Ratio(hertz, 1), elapsed: 0)
  }

  public static let nanosecondsPerSecond: UInt64 = 1_000_000_000

  // MARK: Changes

  private var last: Stretch { changes.last ?? first }
  /// Ticks a second from the last change on.
  public var frequency: Ratio { last.hertz }
  /// The same, rounded down.
  public var hertz: UInt64 { frequency.floor(1) }
  public var hasChanged: Bool { !changes.isEmpty }

  /// The frequency from `tick` on, which lies at or behind the last change.
  mutating func change(to hertz: Ratio, at tick: Tick) {
    precondition(
      tryToChange(to: hertz, at: tick),
      "\(hertz) Hz at tick \(tick): a clock's past does not change, and there must be a unit of time for both"
    )
  }

  private mutating func tryToChange(to hertz: Ratio, at tick: Tick) -> Bool {
    let hertz = hertz.reduced
    if tick < last.start { return false }
    if hertz == last.hertz { return true }
    let finer = hertz.numerator / greatestCommonDivisor(hertz.numerator, unit)
    let (product, overflow) = unit.multipliedReportingOverflow(by: finer)
    if overflow { return false }
    if finer > 1 {
      unit = product
      first.elapsed *= UInt128(finer)
      for number in changes.indices { changes[number].elapsed *= UInt128(finer) }
    }
    let elapsed = self.elapsed(at: tick)
    if tick == last.start {
      if changes.isEmpty { first.hertz = hertz } else { changes[changes.count - 1].hertz = hertz }
    } else {
      changes.append(Stretch(start: tick, hertz: hertz, elapsed: elapsed))
    }
    return true
  }

  static let keptChanges = 1 << 19
  /// There are twice as many as are to be kept.
  var isLong: Bool { changes.count >= 2 * Self.keptChanges }

  mutating func forget(allBut count: Int = keptChanges) {
    let older = changes.count - count
    if older <= 0 { return }
    first = changes[older - 1]
    changes.removeFirst(older)
  }

  /// Takes in a change that is on record, unless it is known already.
  public mutating func follow(_ event: Event) {
    guard event.kind == .clock, event.tick > last.start || event.tick == 0 else { return }
    if isLong { forget() }
    change(to: Ratio(event.value, UInt64(event.detail)), at: event.tick)
  }

  /// The same of an event that anybody may have written; false: no clock does that.
  mutating func tryToFollow(_ event: Event) -> Bool {
    guard event.kind == .clock else { return true }
    guard event.value > 0, event.detail > 0 else { return false }
    return tryToChange(to: Ratio(event.value, UInt64(event.detail)), at: event.tick)
  }

  func isSound(_ now: Tick) -> Bool { last.start <= now }

  /// Units in one tick of a stretch.
  private func length(_ stretch: Stretch) -> UInt128 {
    UInt128(unit / stretch.hertz.numerator) * UInt128(stretch.hertz.denominator)
  }

  /// The last stretch for which this is true; it is for the first.
  private func stretch(where isReached: (Stretch) -> Bool) -> Stretch {
    let next = changes.firstIndexAfter(isReached)
    return next == 0 ? first : changes[next - 1]
  }

  private func elapsed(at tick: Tick) -> UInt128 {
    if tick < first.start {
      let product = first.elapsed.multipliedFullWidth(by: UInt128(tick))
      return UInt128(first.start).dividingFullWidth(product).quotient
    }
    let stretch = stretch { $0.start <= tick }
    return stretch.elapsed + UInt128(tick - stretch.start) * length(stretch)
  }

  // MARK: From ticks to time

  /// The floor of the exact time of a tick. Saturates after 584 years.
  public func nanoseconds(at tick: Tick) -> UInt64 {
    // A division of 128 bits costs as much as all the rest of a line of a trace.
    if changes.isEmpty && first.start == 0 && first.hertz.denominator == 1
      && tick < UInt64.max / Self.nanosecondsPerSecond
    {
      return tick * Self.nanosecondsPerSecond / first.hertz.numerator
    }
    return UInt64(clamping: count(of: UInt128(Self.nanosecondsPerSecond), at: tick))
  }

  /// The floor of the exact time in picoseconds; 128 bits, since 64 of them end after 213 days.
  public func picoseconds(at tick: Tick) -> UInt128 { count(of: 1_000_000_000_000, at: tick) }

  /// How often something has come round that does so `hertz` times a second, first at power-on + 1/hertz: the count of another
  /// clock that runs beside this one.
  public func cycles(of hertz: UInt64, at tick: Tick) -> UInt64 {
    UInt64(clamping: count(of: UInt128(hertz), at: tick))
  }

  /// The same where somebody has missed some of that time.
  func cycles(of hertz: UInt64, at tick: Tick, without missed: Missed) -> UInt64 {
    UInt64(clamping: count(of: UInt128(hertz), in: elapsed(at: tick) - elapsed(of: missed)))
  }

  private func count(of hertz: UInt128, at tick: Tick) -> UInt128 {
    count(of: hertz, in: elapsed(at: tick))
  }

  private func count(of hertz: UInt128, in units: UInt128) -> UInt128 {
    let (seconds, rest) = units.quotientAndRemainder(dividingBy: UInt128(unit))
    return seconds * hertz + rest * hertz / UInt128(unit)
  }

  /// The exact time of a tick.
  public func moment(at tick: Tick) -> Moment { Moment(elapsed(at: tick), UInt128(unit)) }

  // MARK: From time to ticks, as long as the frequency stays what it is

  /// The first tick that is not before that time. Saturates.
  public func ticks(nanoseconds: UInt64) -> Tick {
    tick(reaching: Moment(nanoseconds: nanoseconds))
  }

  /// The first tick that is not before that time; a negative time is 0.
  public func ticks(_ duration: Duration) -> Tick { tick(reaching: Moment() + duration) }

  /// The first tick at which `cycles(of:at:)` is at least that. Saturates.
  public func tick(reaching cycles: UInt64, of hertz: UInt64) -> Tick {
    tick(reaching: Moment(UInt128(cycles), UInt128(hertz)))
  }

  /// The same where somebody has missed some of that time.
  func tick(reaching cycles: UInt64, of hertz: UInt64, without missed: Missed) -> Tick {
    tick(reaching: units(to: Moment(UInt128(cycles), UInt128(hertz))) + elapsed(of: missed))
  }

  /// The first tick that is not before that. Saturates.
  public func tick(reaching moment: Moment) -> Tick { tick(reaching: units(to: moment)) }

  /// Rounded up.
  private func units(to moment: Moment) -> UInt128 {
    let unit = UInt128(unit)
    return UInt128(moment.seconds) * unit + (moment.rest * unit + moment.denominator - 1)
      / moment.denominator
  }

  private func tick(reaching goal: UInt128) -> Tick {
    if goal < first.elapsed {
      let product = goal.multipliedFullWidth(by: UInt128(first.start))
      let (tick, rest) = first.elapsed.dividingFullWidth(product)
      return Tick(tick) + (rest == 0 ? 0 : 1)
    }
    let stretch = stretch { $0.elapsed <= goal }
    if goal <= stretch.elapsed { return stretch.start }
    let length = length(stretch)
    return Tick(
      clamping: UInt128(stretch.start) + (goal - stretch.elapsed + length - 1) / length)
  }
}

// MARK: Time that somebody missed

extension Clock {
  /// Time that went by without somebody, exactly.
  struct Missed: Sendable, Hashable, Codable {
    private(set) var ticks: Tick = 0
    fileprivate var elapsed: UInt128 = 0
    /// Of the clock, when that was counted.
    fileprivate var unit: UInt64 = 1

    fileprivate mutating func add(_ ticks: Tick) { self.ticks += ticks }
  }

  /// Adds what went by from one tick to another one.
  func add(_ ticks: Range<Tick>, to missed: inout Missed) {
    missed.elapsed =
      elapsed(of: missed) + elapsed(at: ticks.upperBound) - elapsed(at: ticks.lowerBound)
    missed.unit = unit
    missed.add(ticks.upperBound - ticks.lowerBound)
  }

  private func elapsed(of missed: Missed) -> UInt128 {
    missed.elapsed * UInt128(unit / missed.unit)
  }

  /// Can it be reckoned with at that tick?
  func isSound(_ missed: Missed, at now: Tick) -> Bool {
    guard missed.unit > 0, unit % missed.unit == 0, missed.ticks <= now else { return false }
    let (product, overflow) = missed.elapsed.multipliedReportingOverflow(
      by: UInt128(unit / missed.unit))
    return !overflow && product <= elapsed(at: now)
  }
}

/// As its changes and what went by before them: what follows from these is worked out again.
extension Clock: Codable {
  private struct Change: Codable {
    var start: Tick
    var hertz: Ratio
  }

  private struct Saved: Codable {
    var elapsed: UInt128
    var unit: UInt64
    var changes: [Change]
  }

  public func encode(to encoder: any Encoder) throws {
    let changes = ([first] + changes).map { Change(start: $0.start, hertz: $0.hertz) }
    var container = encoder.singleValueContainer()
    try container.encode(Saved(elapsed: first.elapsed, unit: unit, changes: changes))
  }

  public init(from decoder: any Decoder) throws {
    let saved = try decoder.singleValueContainer().decode(Saved.self)
    guard let change = saved.changes.first, saved.unit > 0,
      saved.unit % change.hertz.reduced.numerator == 0, change.start < 1 << 63,
      saved.elapsed < 1 << 120, (change.start == 0) == (saved.elapsed == 0)
    else { throw Unreadable("a clock without a frequency") }
    first = Stretch(start: change.start, hertz: change.hertz.reduced, elapsed: saved.elapsed)
    unit = saved.unit
    for change in saved.changes.dropFirst() {
      // Ticks below 2^63 and periods of less than 2^40 s leave room in all sums.
      guard change.start < 1 << 63, change.hertz.denominator < 1 << 40,
        tryToChange(to: change.hertz, at: change.start)
      else { throw Unreadable("a clock whose frequencies do not follow each other") }
    }
  }
}

/// A time since power-on, exact: seconds and a fraction of one.
public struct Moment: Sendable, Hashable, Codable {
  let seconds: UInt64
  /// Below `denominator`.
  let rest: UInt128
  let denominator: UInt128

  public init() { self.init(0, 1) }
  public init(nanoseconds: UInt64) {
    self.init(UInt128(nanoseconds), UInt128(Clock.nanosecondsPerSecond))
  }

  init(_ numerator: UInt128, _ denominator: UInt128) {
    let (seconds, rest) = numerator.quotientAndRemainder(dividingBy: denominator)
    self.seconds = UInt64(clamping: seconds)
    self.rest = rest
    self.denominator = denominator
  }

  /// Can it be reckoned with?
  var isSound: Bool {
    seconds < 1 << 62 && rest < denominator && denominator < 1 << 124
  }

  private static let attosecondsPerSecond: UInt128 = 1_000_000_000_000_000_000

  /// That much later; a negative duration is none.
  public static func + (moment: Moment, duration: Duration) -> Moment {
    let (seconds, attoseconds) = duration.components
    if seconds < 0 || attoseconds < 0 { return moment }
    let common = greatestCommonDivisor(moment.denominator, attosecondsPerSecond)
    let factor = attosecondsPerSecond / common
    let denominator = moment.denominator * factor
    let rest =
      moment.rest * factor + UInt128(UInt64(attoseconds)) * (moment.denominator / common)
    let (sum, overflow) = moment.seconds.addingReportingOverflow(UInt64(seconds))
    if overflow { return Moment(UInt128(UInt64.max), 1) }
    return Moment(UInt128(sum) * denominator + rest, denominator)
  }
}

extension Moment: Comparable {
  public static func < (a: Moment, b: Moment) -> Bool {
    if a.seconds != b.seconds { return a.seconds < b.seconds }
    // A quotient's digits to the base of 2^32, until they differ or both are exact: no product leaves 128 bits.
    var (p, q) = (a.rest, b.rest)
    for _ in 0..<8 {
      let (x, y) = (
        (p << 32).quotientAndRemainder(dividingBy: a.denominator),
        (q << 32).quotientAndRemainder(dividingBy: b.denominator)
      )
      if x.quotient != y.quotient { return x.quotient < y.quotient }
      (p, q) = (x.remainder, y.remainder)
    }
    return false
  }
}

func greatestCommonDivisor<T: BinaryInteger>(_ a: T, _ b: T) -> T {
  var (a, b) = (a, b)
  while b != 0 { (a, b) = (b, a % b) }
  return a
}
