/// Loads, stores and atomics, at the data by each of its addresses and where there is nothing.
extension GuestBody {
  /// Sets the pointers, then uses them.
  mutating func accesses() {
    pointers()
    for _ in 0..<1 + random.below(5) {
      if random.oneIn(3) { compressed() } else { access(random.pick([2, 15, 26])) }
    }
    if random.oneIn(2) { anything() }
  }

  /// The address of what is there in the image, as it is from here: in whatever mode this is.
  mutating func near(_ rd: UInt32, _ offset: Int) {
    let distance = offset - a.here
    let low = (distance + 0x800) & 0xFFF - 0x800
    a.word(UInt32(truncatingIfNeeded: distance - low) | rd << 7 | 0x17)
    a.addi(rd, rd, low)
  }

  mutating func pointers() {
    for register in [2, 15, 26] as [UInt32] where random.oneIn(2) {
      a.li(register, somewhere())
    }
  }

  /// Mostly the data, by one of its addresses; else where there is nothing, or the edge of a page.
  mutating func somewhere() -> UInt64 {
    let mask = random.oneIn(6) ? UInt64.max : ~7
    let inside = UInt64(Guest.data + 0x1000 + random.below(Guest.dataSize - 0x2000)) & mask
    let page = UInt64(random.below(16) * 4096 + random.below(4096)) & mask
    switch random.below(12) {
    case 0...4: return Guest.base + inside
    case 5, 6: return Guest.userBase + inside
    case 7, 8, 9: return random.pick(PageTables.randomSpaces) + page
    case 10: return random.pick(PageTables.randomSpaces) + page | 0xFF8
    default:
      return random.pick([
        0x9000_0000, 0xA000_0000, 0x1_0000_0000, 0xFFFF_FFFF_8000_0000, 0x8000_0000_0000_0000,
        0x0000_0080_0000_0000, .max - 0x1FFF, 0x40_0000_0000, 0x1_0000_0000_0000,
        0xFFFF_FF80_0000_0000, 0xFFFF_8000_0000_0000, 0xFF00_0000_0000_0000,
      ]) &+ (page & 0xFF8)
    }
  }

  /// A load or store with this base, of any size, the reserved ones too.
  mutating func access(_ base: UInt32) {
    let size = random.bits(3)
    let offset = rarely(12) ? random.below(4096) : random.below(4096) & ~7
    let floatSize = rarely(8) ? size : random.pick([2, 3])
    switch random.below(8) {
    case 0...2: a.word(Assembly.i(0x03, mayTrap ? size : size % 7, target(), base, offset))
    case 3...5: a.word(Assembly.s(0x23, mayTrap ? size : size % 4, base, source(), offset))
    case 6: a.word(Assembly.i(0x07, floatSize, float(), base, offset))
    default: a.word(Assembly.s(0x27, floatSize, base, float(), offset))
    }
  }

  mutating func atomics() {
    if rarely(2) { a.li(26, somewhere()) }
    let width = random.pick([2, 3]) as UInt32
    let order = random.bits(2)
    func amo(_ operation: UInt32, _ width: UInt32, _ rd: UInt32, _ rs2: UInt32) {
      a.word(Assembly.r(0x2F, width, operation << 2 | order, rd, 26, rs2))
    }
    switch random.below(6) {
    case 0, 1:
      // SC goes by the address alone, whatever its size and whatever was stored since.
      amo(2, width, target(), 0)
      for _ in 0..<random.below(3) {
        a.word(Assembly.r(0x33, random.pick([0, 4, 6, 7]), 0, target(), source(), source()))
      }
      if random.oneIn(4) { a.word(Assembly.s(0x23, width, 26, source(), 0)) }
      amo(3, random.oneIn(4) ? 5 - width : width, target(), source())
    case 2:
      // No reservation: it must fail, or fault where a store would, but at nothing, and where the PMP forbids part of it, Spike has its own way.
      let place = Guest.data + random.below(Guest.dataSize - 8)
      if mayTrap { near(26, random.oneIn(6) ? place : place & ~7) }
      amo(3, 2, target(), source())
    case 3 where mayTrap:
      amo(
        random.bits(5) == 3 ? 0 : random.pick([5, 6, 7, 9, 10, 11, 31]), random.bits(3), target(),
        source())
    default:
      for _ in 0..<1 + random.below(3) {
        amo(
          random.pick([0, 1, 4, 8, 12, 16, 20, 24, 28]), random.pick([2, 3]), target(), source())
      }
    }
  }
}
