/// I and M, and every 16-bit parcel.
extension GuestBody {
  mutating func integer() {
    let (rd, rs1, rs2) = (target(), source(), source())
    switch random.below(6) {
    case 0: a.word(Assembly.i(0x13, random.pick([0, 2, 3, 4, 6, 7]), rd, rs1, random.below(4096)))
    case 1:
      // Shifts by constants, those with reserved upper bits too.
      let function: UInt32 = random.pick([1, 5])
      let upper = rarely(6) ? Int(random.bits(6)) : function == 5 && random.oneIn(2) ? 0x10 : 0
      let isWord = random.oneIn(2)
      let amount = upper << 6 | Int(random.bits(isWord ? 5 : 6))
      a.word(Assembly.i(isWord ? 0x1B : 0x13, function, rd, rs1, amount))
    case 2:
      a.word(Assembly.i(0x1B, rarely(8) ? random.bits(3) : 0, rd, rs1, random.below(4096)))
    case 3: a.word(random.bits(20) << 12 | rd << 7 | random.pick([0x37, 0x17]))
    default:
      let (opcode, f7, f3) = operation()
      a.word(Assembly.r(opcode, f3, f7, rd, rs1, rs2))
    }
  }

  /// OP or OP-32 with a function.
  private mutating func operation() -> (opcode: UInt32, f7: UInt32, f3: UInt32) {
    if rarely(12) { return (random.pick([0x33, 0x3B]), random.bits(7), random.bits(3)) }
    switch random.below(8) {
    case 0: return (0x33, 0x20, random.pick([0, 5]))
    case 1...4: return (0x33, random.bits(1), random.bits(3))
    case 5: return (0x3B, 0, random.pick([0, 1, 5]))
    case 6: return (0x3B, 0x20, random.pick([0, 5]))
    default: return (0x3B, 1, random.pick([0, 4, 5, 6, 7]))
    }
  }

  /// Any parcel but jumps and what would write a register that is not to be written.
  mutating func compressed() {
    while true {
      let parcel = UInt16(truncatingIfNeeded: random.next())
      let function = parcel >> 13
      let full = UInt32(parcel >> 7 & 31)
      let low = UInt32(parcel >> 2 & 7) + 8
      let mid = UInt32(parcel >> 7 & 7) + 8
      let fits: Bool
      switch (parcel & 3, function) {
      case (0, 0): fits = Self.isFree(low)
      // Bases: x15 only.
      case (0, 1...3): fits = mid == 15 && (function == 1 || Self.isFree(low))
      case (0, _): fits = mid == 15 || function == 4
      case (1, 0...2): fits = Self.isFree(full)
      case (1, 3): fits = Self.isFree(full)
      case (1, 4): fits = Self.isFree(mid)
      case (1, _): fits = false
      case (2, 0), (2, 2), (2, 3): fits = Self.isFree(full)
      case (2, 4): fits = Self.isFree(full) && parcel >> 2 & 31 != 0
      case (2, 1), (2, 5...7): fits = true
      default: fits = false
      }
      if fits { return a.half(parcel) }
    }
  }
}
