extension GuestBody {
  /// A few instructions, at least one of which may be anything.
  mutating func fill(_ next: Assembly.Label) {
    switch random.below(21) {
    case 0: branches(next)
    case 1, 2: atomics()
    case 3, 4, 5: floats()
    case 6: controlAndStatus()
    case 7: returns(next)
    case 8: translation()
    case 9: protection()
    case 10: odd()
    case 11, 12, 13: accesses()
    case 14: if random.oneIn(3) { rewrites() } else { branches(next) }
    default: for _ in 0..<1 + random.below(6) { anything() }
    }
  }

  /// A register that random instructions may write.
  static func isFree(_ register: UInt32) -> Bool {
    register < 24 && register != 2 && register != 15
  }
  mutating func target() -> UInt32 {
    while true {
      let register = random.bits(5)
      if Self.isFree(register) { return register }
    }
  }
  /// Often the digest: in loops it is what changes.
  mutating func source() -> UInt32 { random.oneIn(8) ? 27 : random.bits(5) }
  mutating func float() -> UInt32 { random.bits(5) }
  /// What traps, where that is wanted.
  mutating func rarely(_ n: Int) -> Bool { mayTrap && random.oneIn(n) }

  mutating func anything() {
    switch random.below(12) {
    case 0...3: integer()
    case 4, 5: compressed()
    case 6, 7: access(26)
    case 8, 9: float1()
    case 10: csr()
    default: a.li(target(), Operand.random(&random))
    }
  }
}
