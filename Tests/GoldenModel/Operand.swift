/// Values that matter: limits of integers, and floats of every class, boxed and not.
enum Operand {
  private static let special: [UInt64] = [
    0, 1, 2, .max, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0x7FFF_FFFF, 0x8000_0000,
    0xFFFF_FFFF, 0xFFFF_FFFF_8000_0000, 0xFFFF_FFFF_7FFF_FFFF,
    // Doubles: zeros, one, infinities, quiet and signalling NaNs, the largest, the smallest, near integers' limits.
    0x3FF0_0000_0000_0000, 0xBFF0_0000_0000_0000, 0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000,
    0x7FF8_0000_0000_0000, 0xFFF8_0000_0000_0001, 0x7FF0_0000_0000_0001, 0xFFF4_0000_0000_0000,
    0x7FEF_FFFF_FFFF_FFFF, 0x0010_0000_0000_0000, 0x000F_FFFF_FFFF_FFFF, 0x8000_0000_0000_0001,
    0x41DF_FFFF_FFC0_0000, 0x41E0_0000_0000_0000, 0xC1E0_0000_0020_0000, 0x43E0_0000_0000_0000,
    0xC3E0_0000_0000_0000, 0x43F0_0000_0000_0000, 0x4340_0000_0000_0001, 0x3FE0_0000_0000_0000,
    0x3CA0_0000_0000_0000, 0x380F_FFFF_FFFF_FFFF, 0x47EF_FFFF_F000_0000,
  ]
  private static let singles: [UInt32] = [
    0, 0x8000_0000, 0x3F80_0000, 0xBF80_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0xFFC0_0001,
    0x7F80_0001, 0xFFA0_0000, 0x7F7F_FFFF, 0x0080_0000, 0x007F_FFFF, 0x8000_0001, 0x4F00_0000,
    0xCF00_0000, 0x5F00_0000, 0xDF00_0000, 0x4EFF_FFFF, 0x3F00_0000, 0x3380_0000, 0x4B80_0001,
  ]

  static func random(_ random: inout Random) -> UInt64 {
    switch random.below(10) {
    case 0, 1, 2: return random.pick(special)
    case 3, 4: return 0xFFFF_FFFF_0000_0000 | UInt64(random.pick(singles))
    case 5:
      // Floats near each other, whose sums and products round.
      let exponent = UInt64(1023 - 30 + random.below(60))
      return (random.next() & 1) << 63 | exponent << 52 | random.next() >> 12
    case 6:
      let exponent = UInt32(127 - 20 + random.below(40))
      return 0xFFFF_FFFF_0000_0000 | UInt64(random.bits(1) << 31 | exponent << 23 | random.bits(23))
    case 7: return UInt64(bitPattern: Int64(random.below(64)) - 32)
    default: return random.next()
    }
  }

  static func bytes(_ count: Int, _ random: inout Random) -> [UInt8] {
    (0..<count / 8).flatMap { _ in
      let value = Self.random(&random)
      return (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
  }
}
