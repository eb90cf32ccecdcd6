import _Volatile

/// The CLINT.
enum Interruptor {
  static func interrupt(_ hart: UInt64) { pending(hart).store(1) }
  static func take(_ hart: UInt64) { pending(hart).store(0) }

  static func interrupt(_ hart: UInt64, at time: UInt64) {
    VolatileMappedRegister<UInt64>(unsafeBitPattern: 0x0200_4000 + 8 * UInt(hart)).store(time)
  }

  private static func pending(_ hart: UInt64) -> VolatileMappedRegister<UInt32> {
    VolatileMappedRegister(unsafeBitPattern: 0x0200_0000 + 4 * UInt(hart))
  }
}
