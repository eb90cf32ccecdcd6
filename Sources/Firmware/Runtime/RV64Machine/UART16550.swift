#if Console
  import _Volatile

  /// The 16550 UART, as far as sending needs it. On the boards that this is for, the line's rate has
  /// no meaning, so that there is nothing to set up.
  struct UART16550: TextOutput {
    let base: UInt

    func write(_ bytes: UnsafeBufferPointer<UInt8>) {
      let transmit = VolatileMappedRegister<UInt8>(unsafeBitPattern: base)
      let lineStatus = VolatileMappedRegister<UInt8>(unsafeBitPattern: base &+ 5)
      for byte in bytes {
        while lineStatus.load() & 1 << 5 == 0 {}  // transmit holding register empty
        transmit.store(byte)
      }
    }
  }
#endif
