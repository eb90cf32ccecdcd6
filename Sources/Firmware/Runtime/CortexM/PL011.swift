#if Console
  import _Volatile

  /// Arm's PrimeCell UART, as far as sending needs it.
  struct PL011: TextOutput {
    let base: UInt

    private func register(_ offset: UInt) -> VolatileMappedRegister<UInt32> {
      VolatileMappedRegister(unsafeBitPattern: base &+ offset)
    }

    /// 115,200 baud, 8N1.
    func configure() {
      let divisor = (coreClock * 4 + 57_600) / 115_200  // in 64ths
      register(0x24).store(divisor / 64)  // IBRD
      register(0x28).store(divisor % 64)  // FBRD
      register(0x2C).store(0b11 << 5 | 1 << 4)  // LCRH: 8 bits, FIFO
      register(0x30).store(1 << 9 | 1 << 8 | 1)  // CTL: receive, transmit, enable
    }

    func write(_ bytes: UnsafeBufferPointer<UInt8>) {
      for byte in bytes {
        while register(0x18).load() & 1 << 5 != 0 {}  // FR: transmit FIFO full
        register(0x00).store(UInt32(byte))  // DR
      }
    }
  }
#endif
