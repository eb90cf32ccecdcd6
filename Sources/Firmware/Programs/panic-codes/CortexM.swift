#if CortexM
  import _Volatile

  private func register(_ address: UInt) -> VolatileMappedRegister<UInt32> {
    VolatileMappedRegister(unsafeBitPattern: address)
  }

  /// By stage: HardFault (3), MemManage (4), BusFault (5), UsageFault (6), NMI (2), SVC (11).
  func die(of stage: UInt32) {
    console.configure()
    // With its own enable off, a fault escalates to HardFault.
    if stage > 0 { register(0xE000_ED24).store(0b111 << 16) }  // SHCSR
    switch stage {
    case 0, 3: undefinedInstruction()
    case 1: call(0x4000_0001)  // execute never
    case 2: _ = register(0x6000_0000).load()  // nothing there
    case 4: register(0xE000_ED04).store(1 << 31)  // ICSR.NMIPENDSET
    case 5: _ = supervisorRequest(0)
    default: return
    }
  }
#endif
