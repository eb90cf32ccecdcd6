import _Volatile

/// The others, which wait in `_start` for a machine software interrupt.
enum Harts {
  /// Into the program's `startHart`.
  static func start(_ hart: UInt) {
    VolatileMappedRegister<UInt32>(unsafeBitPattern: 0x0200_0000 + 4 * hart).store(1)
  }
}
