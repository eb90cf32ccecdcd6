#if Console
  import _Volatile

  /// Arm's PrimeCell UART, as far as sending needs it.
  struct PL011: TextOutput {
    let base: UInt

    private func register(_ offset: UInt) -> VolatileMappedRegister<UInt32> {
      VolatileMappedRegister(unsafeBitPattern: base &+ offset)
    }

    /// 115,200 baud, 8N1, from a clock of 16 MHz, whose divisor is 8 and 44/64.
    func configure() {
      register(0x24).store(8)  // IBRD
      register(0x28).store(44)  // FBRD
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
