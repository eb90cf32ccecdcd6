/// DWT_CYCCNT (ARM DDI 0403E.e, C1.8.8): counts core ticks while DEMCR.TRCENA and DWT_CTRL.CYCCNTENA are set, asleep too.
struct CycleCounter: Codable, Hashable, Sendable {
  private(set) var isTracing = false
  private(set) var isEnabled = false
  private var value: UInt32 = 0
  private var since: Tick = 0

  func isSound(_ now: Tick) -> Bool { since <= now }

  mutating func settle(_ now: Tick) {
    if isTracing && isEnabled { value &+= UInt32(truncatingIfNeeded: now &- since) }
    since = now
  }

  /// The tick at which the counter gets to a value, if nothing stops it.
  func next(_ target: UInt32, after now: Tick) -> Tick {
    if !isTracing || !isEnabled { return .max }
    let distance = target &- value &- UInt32(truncatingIfNeeded: now &- since)
    return now &+ (distance == 0 ? 1 << 32 : Tick(distance))
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
