/// SysTick (ARM DDI 0403E.e, B3.3): a 24-bit counter of core ticks that wraps from 0 to its reload value.
///
/// Nothing runs along: the counter is its value at one tick and the rules that follow from there. What an instruction at tick t
/// writes is there at t, and the counter makes its first step to t + 1. An exception that falls due at tick t is pending before
/// the instruction at t. So with SYST_CVR = 0 and SYST_RVR = N, a store to SYST_CSR at tick t makes the counter reach zero,
/// and SysTick pending, at t + 1 + N, N instructions behind it, and from then on every N + 1 ticks.
///
/// This board's core has no reference clock: CLKSOURCE reads as one (B3.3.3).
struct SysTick: Codable, Hashable, Sendable {
  static let mask: UInt32 = 0xFF_FFFF

  private(set) var isEnabled = false
  /// TICKINT: reaching zero pends the exception.
  private(set) var interrupts = false
  /// COUNTFLAG, as of `since`.
  private var counted = false
  private(set) var reload: UInt32 = 0
  /// The counter at `since`.
  private var value: UInt32 = 0
  private var since: Tick = 0

  func isSound(_ now: Tick) -> Bool {
    since <= now && value <= Self.mask && reload <= Self.mask
  }

  /// When the counter, counting, next reaches zero; nil: never.
  private var nextZero: Tick? {
    if value > 0 { return since &+ Tick(value) }
    return reload == 0 ? nil : since &+ 1 &+ Tick(reload)
  }

  /// When SysTick has something to do by itself.
  var deadline: Tick { isEnabled && interrupts ? nextZero ?? .max : .max }

  /// Brings value and COUNTFLAG up to a tick. COUNTFLAG: "Indicates whether the counter has counted to 0 since the last read
  /// of this register" (B3.3.3).
  mutating func settle(_ now: Tick) {
    if now <= since { return }
    defer { since = now }
    if !isEnabled { return }
    guard let zero = nextZero else { return }
    if now < zero {
      // From 0 the first step is to the reload value.
      value = UInt32(truncatingIfNeeded: zero - now)
      return
    }
    counted = true
    let past = now - zero
    // "A reload value of zero disables the counter on the next wrap" (B3.3.1): it stays at zero.
    if reload == 0 || past == 0 {
      value = 0
    } else {
      let phase = UInt32((past - 1) % (Tick(reload) + 1))
      value = reload - phase
    }
  }

  /// The counter has reached zero: is it now that the exception pends?
  mutating func expire(_ now: Tick) -> Bool {
    let due = deadline
    settle(now)
    return due <= now
  }

  // MARK: Registers

  mutating func readControl(_ now: Tick) -> UInt32 {
    settle(now)
    defer { counted = false }
    return (isEnabled ? 1 : 0) | (interrupts ? 2 : 0) | 4 | (counted ? 1 << 16 : 0)
  }

  mutating func writeControl(_ bits: UInt32, _ now: Tick) {
    settle(now)
    isEnabled = bits & 1 == 1
    interrupts = bits & 2 == 2
  }

  /// Takes effect when the counter next wraps.
  mutating func writeReload(_ bits: UInt32, _ now: Tick) {
    settle(now)
    reload = bits & Self.mask
  }

  mutating func readValue(_ now: Tick) -> UInt32 {
    settle(now)
    return value
  }

  /// "Any write to the register clears the register to zero ... and the COUNTFLAG bit"; it does not pend the exception.
  mutating func writeValue(_ now: Tick) {
    settle(now)
    value = 0
    counted = false
  }

  /// NOREF, and TENMS not known.
  static let calibration: UInt32 = 1 << 31
}
