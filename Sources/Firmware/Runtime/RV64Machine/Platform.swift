import _Volatile

/// QEMU's `virt` and emurun's `rv64-virt`, for a program with nothing below it.
let console = UART16550(base: 0x1000_0000)

enum Power {
  /// A store to the `sifive_test` finisher, where a failure carries a code in its upper half.
  static func off(success: Bool) -> Never {
    VolatileMappedRegister<UInt32>(unsafeBitPattern: 0x10_0000).store(success ? 0x5555 : 0x1_3333)
    while true { waitForInterrupt() }
  }
}
