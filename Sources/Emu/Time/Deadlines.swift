/// When each slot next wants to act. Only a cache over the devices' own deadlines: nothing is
/// pending anywhere but in device state. One entry a slot; the earliest tick first, and at the same
/// tick the lowest slot.
///
/// A board has some twenty slots, so a flat array that is scanned when the earliest entry goes
/// beats a heap.
struct Deadlines {
  private let ticks: UnsafeMutablePointer<Tick>
  private let count: Int
  /// The earliest; `Tick.max`: none.
  private(set) var next: Tick = .max
  /// Whose it is: of equal ones the lowest.
  private var first = 0

  init(slots: Int) {
    count = slots
    ticks = .allocate(capacity: slots)
    ticks.initialize(repeating: .max, count: slots)
  }

  func deallocate() { ticks.deallocate() }

  subscript(slot: Int) -> Tick { ticks[slot] }

  mutating func set(_ slot: Int, _ tick: Tick) {
    ticks[slot] = tick
    if tick < next || tick == next && slot < first {
      next = tick
      first = slot
    } else if slot == first && tick > next {
      next = .max
      first = 0
      for slot in 0..<count where ticks[slot] < next {
        next = ticks[slot]
        first = slot
      }
    }
  }

  /// The slot that is due first: the earliest deadline, of equal ones the lowest slot. `but`: slots
  /// that are not asked, one bit each.
  func due(at now: Tick, but acted: UInt64) -> Int? {
    if next <= now && acted >> UInt64(self.first) & 1 == 0 { return self.first }
    var first: Int?
    var earliest = now
    for slot in 0..<count where ticks[slot] <= earliest && acted >> UInt64(slot) & 1 == 0 {
      if first == nil || ticks[slot] < earliest {
        first = slot
        earliest = ticks[slot]
      }
    }
    return first
  }
}
