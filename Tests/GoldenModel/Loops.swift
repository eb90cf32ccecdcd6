/// Most of what a guest retires: a few random instructions that do not trap by themselves, over and over, each time with other data.
extension GuestBody {
  mutating func loop(_ next: Assembly.Label) {
    let start = a.label()
    a.la(31, start)
    // Spike forgets a reservation each 5,000 instructions without a trap.
    a.word(Self.ecall)
    a.bind(start)
    a.la(31, next)
    mayTrap = false
    defer { mayTrap = true }
    near(2, Guest.data + 0x1000)
    near(15, Guest.data + random.below(0xF000) & ~7)
    a.li(24, 4 << UInt64(random.below(5)))
    let again = a.label()
    a.bind(again)
    // x26, at a place of 32 KiB that the digest tells.
    a.word(Assembly.i(0x13, 1, 26, 27, random.below(49)))
    a.word(Assembly.i(0x13, 5, 26, 26, 52))
    a.word(Assembly.i(0x13, 1, 26, 26, 3))
    a.word(Assembly.r(0x33, 0, 0, 26, 26, 2))
    for _ in 0..<8 + random.below(24) { steady() }
    for _ in 0..<2 {
      if random.oneIn(2) {
        a.addi(29, target(), 0)
      } else {
        a.word(Assembly.r(0x53, 0, 0x71, 29, float(), 0))
      }
      fold()
    }
    turn()
    a.addi(24, 24, -1)
    a.branch(1, 24, 0, again)
  }

  private mutating func steady() {
    switch random.below(16) {
    case 0...4: integer()
    case 5, 6: compressed()
    case 7...9: access(random.pick([2, 15, 26]))
    case 10: atomics()
    default: float1()
    }
  }
}
