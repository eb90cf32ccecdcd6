import _Volatile

/// The core's own 24-bit timer.
enum SysTick {
  /// Calls the program's `sysTick` every `cycles` from now on.
  static func start(every cycles: UInt32) {
    register(0x14).store(cycles - 1)  // RVR: reaching zero takes one cycle more
    register(0x18).store(0)  // CVR: whatever is written, the count begins anew
    register(0x10).store(0b111)  // CSR: core clock, interrupt, enable
  }

  static func stop() { register(0x10).store(0) }

  private static func register(_ offset: UInt) -> VolatileMappedRegister<UInt32> {
    VolatileMappedRegister(unsafeBitPattern: 0xE000_E000 + offset)
  }
}
