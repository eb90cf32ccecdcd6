import Emu

/// The fault condition of one generator of a PWM module: TM4C123GH6PM datasheet SPMS376E, section 20.3.8, "Fault Conditions".
///
/// Its source is the fault pin, active high, or with PWMnCTL.FLTSRC what PWMnFLTSRC0 and 1 name: the pin, at the level that PWMnFLTSEN
/// says, and triggers of digital comparators. It lasts as long as the source does, with MINFLTPER at least PWMnMINFLTPER + 1 clocks,
/// and with LATCH until software has cleared its interrupt and, of FLTSRC's sources, PWMnFLTSTAT0 and 1.
struct PWMFault: Codable, Hashable, Sendable {
  /// PWMnFLTSRC0.FAULT0, PWMnFLTSRC1, PWMnFLTSEN.FAULT0.
  var usesPin = false
  var comparators: UInt8 = 0
  var isActiveLow = false
  var minimumPeriod: UInt16 = 0
  /// What its inputs are now; the pin after its sense.
  private var pin = false
  private var triggers: UInt8 = 0
  private var isAsserted = false
  /// What they were since that was cleared, with LATCH.
  private var latchedPin = false
  private var latchedTriggers: UInt8 = 0
  private var isLatched = false
  /// The end of its minimum period.
  private(set) var end: Tick?

  enum Control {
    static let usesSources: UInt32 = 1 << 16
    static let hasMinimum: UInt32 = 1 << 17
    static let latches: UInt32 = 1 << 18
  }

  func isSound(_ now: Tick) -> Bool { end ?? 0 <= now + 1 << 32 }

  /// Looks at its inputs.
  mutating func look(
    pin level: Bool, triggers: UInt8, control: UInt32, _ now: Tick, _ divisor: Tick
  ) {
    pin = level != isActiveLow
    self.triggers = triggers
    let isNow =
      control & Control.usesSources == 0 ? level : usesPin && pin || comparators & triggers != 0
    if isNow && !isAsserted && control & Control.hasMinimum != 0 {
      end = now + (Tick(minimumPeriod) + 1) * divisor
    }
    isAsserted = isNow
    if control & Control.latches == 0 {
      (isLatched, latchedPin, latchedTriggers) = (false, false, 0)
    } else {
      isLatched = isLatched || isNow
      latchedPin = latchedPin || pin
      latchedTriggers |= triggers
    }
  }

  mutating func advance(_ now: Tick) { if let end, end <= now { self.end = nil } }

  /// PWMSTATUS: "the unlatched status of the PWM generator fault condition".
  var isUnderWay: Bool { isAsserted || end != nil }

  /// The condition as outputs obey it.
  func isOn(_ control: UInt32) -> Bool {
    if isUnderWay || isLatched { return true }
    return control & Control.usesSources != 0
      && (usesPin && latchedPin || comparators & latchedTriggers != 0)
  }

  /// "If the LATCH bit is set ... the INTFAULT bit in this register can be cleared by writing a 1"; otherwise it is the condition.
  func isRaised(_ control: UInt32) -> Bool {
    control & Control.latches == 0 ? isUnderWay : isLatched
  }

  /// Where the source is still there, this clears nothing.
  mutating func clearInterrupt() { isLatched = isLatched && isAsserted }

  /// PWMnFLTSTAT0 and 1: with LATCH sticky, and cleared by ones.
  func status(_ control: UInt32) -> (pin: Bool, triggers: UInt8) {
    control & Control.latches == 0 ? (pin, triggers) : (latchedPin, latchedTriggers)
  }

  mutating func clearStatus(pin clears: Bool, triggers cleared: UInt8) {
    if clears { latchedPin = latchedPin && pin }
    latchedTriggers &= ~cleared | triggers
  }
}
