#if RV64Machine
  import _Volatile

  private func register(_ address: UInt) -> VolatileMappedRegister<UInt32> {
    VolatileMappedRegister(unsafeBitPattern: address)
  }

  /// By stage, causes 2, 1, 5, 7, 3 and 11 of the Privileged Architecture, table 3.6.
  func die(of stage: UInt32) {
    switch stage {
    case 0: undefinedInstruction()
    case 1: call(0x4)  // nothing there
    case 2: _ = register(0x4).load()
    case 3: register(0x4).store(0)
    case 4: breakpoint()
    case 5: _ = environmentCall(0)
    default: return
    }
  }
#endif
