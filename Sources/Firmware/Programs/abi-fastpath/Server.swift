// Who takes the calls out of the ring.

private nonisolated(unsafe) var next = 0

#if CortexM
  import _Volatile

  func startCounting() { Clock.start() }
  func instructionCount() -> UInt32 { Clock.count() }

  func startServer() {}

  /// PendSV, at the priority of any other.
  func ringTheBell() {
    VolatileMappedRegister<UInt32>(unsafeBitPattern: 0xE000_ED04).store(1 << 28)  // ICSR.PENDSVSET
  }

  @c @implementation
  func pendableServiceCall() {
    while serve(slot: next) { next = (next + 1) % 8 }
  }
#else
  func startCounting() {}
  /// Of this hart.
  func instructionCount() -> UInt32 { UInt32(truncatingIfNeeded: readRetired()) }

  func startServer() { Harts.start(1) }

  /// The other hart is looking all the time.
  func ringTheBell() {}

  @c @implementation
  func startHart(_ hart: UInt64) {
    while true {
      if serve(slot: next) { next = (next + 1) % 8 }
    }
  }
#endif
