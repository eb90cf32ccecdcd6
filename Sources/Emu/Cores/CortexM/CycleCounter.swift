/// DWT_CYCCNT (ARM DDI 0403E.e, C1.8.8): counts core ticks while DEMCR.TRCENA and DWT_CTRL.CYCCNTENA are set, asleep too.
struct CycleCounter: Codable, Hashable, Sendable {
  private(set) var isTracing = false
  private(set) var isEnabled = false
  private var value: UInt32 = 0
  private var since: Tick = 0

  mutating func settle(_ now: Tick) {
    if isTracing && isEnabled { value &+= UInt32(truncatingIfNeeded: now &- since) }
    since = now
  }

  mutating func trace(_ on: Bool, _ now: Tick) {
    settle(now)
    isTracing = on
  }

  mutating func enable(_ on: Bool, _ now: Tick) {
    settle(now)
    isEnabled = on
  }

  mutating func read(_ now: Tick) -> UInt32 {
    settle(now)
    return value
  }

  mutating func write(_ bits: UInt32, _ now: Tick) {
    settle(now)
    value = bits
  }
}
