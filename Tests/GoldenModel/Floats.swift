/// F and D.
extension GuestBody {
  mutating func floats() {
    if random.oneIn(2) {
      a.li(26, Guest.base + UInt64(Guest.data + 0x1000 + random.below(0xD000) & ~7))
      for _ in 0..<1 + random.below(3) {
        a.word(Assembly.i(0x07, random.pick([2, 3]), float(), 26, random.below(4096) & ~7))
      }
    }
    for _ in 0..<1 + random.below(4) { float1() }
    if random.oneIn(3) { a.csrr(target(), random.pick([1, 2, 3])) }
    if random.oneIn(6) { a.csr(5, target(), random.pick([1, 2, 3]), random.bits(5)) }
  }

  mutating func float1() {
    let rounding: UInt32 =
      rarely(3) ? random.bits(3) : random.oneIn(3) ? UInt32(random.below(5)) : 7
    let double = random.bits(1)
    let (fd, f1, f2) = (float(), float(), float())
    switch random.below(12) {
    case 0...3:
      let operation = random.pick([0, 4, 8, 12]) as UInt32
      a.word(Assembly.r(0x53, rounding, operation | double, fd, f1, f2))
    case 4: a.word(Assembly.r(0x53, rounding, 0x2C | double, fd, f1, rarely(12) ? f2 : 0))
    case 5:
      a.word(
        Assembly.r(
          0x53, rarely(8) ? random.bits(3) : random.pick([0, 1, 2]), 0x10 | double, fd, f1, f2
        ))
    case 6:
      a.word(
        Assembly.r(
          0x53, rarely(8) ? random.bits(3) : random.pick([0, 1]), 0x14 | double, fd, f1, f2))
    case 7:
      a.word(
        Assembly.r(
          0x53, rarely(8) ? random.bits(3) : random.pick([0, 1, 2]), 0x50 | double, target(),
          f1, f2))
    case 8:
      let kind = rarely(12) ? random.bits(5) : random.bits(2)
      if random.oneIn(2) {
        a.word(Assembly.r(0x53, rounding, 0x60 | double, target(), f1, kind))
      } else {
        a.word(Assembly.r(0x53, rounding, 0x68 | double, fd, source(), kind))
      }
    case 9:
      a.word(Assembly.r(0x53, rounding, 0x20 | double, fd, f1, rarely(12) ? f2 : 1 - double))
    case 10:
      let isClass = random.oneIn(2)
      if random.oneIn(2) {
        a.word(Assembly.r(0x53, isClass ? 1 : 0, 0x70 | double, target(), f1, 0))
      } else {
        a.word(Assembly.r(0x53, 0, 0x78 | double, fd, source(), 0))
      }
    default:
      let format = rarely(12) ? random.bits(2) : double
      a.word(
        random.pick([0x43, 0x47, 0x4B, 0x4F]) | fd << 7 | rounding << 12 | f1 << 15 | f2 << 20
          | format << 25 | float() << 27)
    }
  }
}
