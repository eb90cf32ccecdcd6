// The two boards' sides of it: a periodic interrupt, time and a count of instructions.

#if CortexM
  private nonisolated(unsafe) var ticks: UInt32 = 0
  let ticksAReport: UInt64 = 100

  func startLine() {
    Clock.start()
    SysTick.start(every: coreClock / 1_000)
  }

  func stopLine() { SysTick.stop() }
  func time() -> UInt64 { wide(0, loadAgain(&ticks)) }
  func cycleCount() -> UInt32 { Clock.count() }

  @c @implementation
  func sysTick() {
    ticks += 1
    lineTick()
  }
#else
  let ticksAReport = Timer.frequency / 10
  private let interval = Timer.frequency / 1_000
  private nonisolated(unsafe) var deadline: UInt64 = 0

  func startLine() {
    deadline = readTime() + interval
    Timer.interrupt(at: deadline)
    listenForTimer()
    enableInterrupts()
  }

  func stopLine() { _ = disableInterrupts() }
  func time() -> UInt64 { readTime() }
  func cycleCount() -> UInt32 { UInt32(truncatingIfNeeded: readRetired()) }

  @c @implementation
  func handleTrap(_ cause: UInt64, _ pc: UInt64, _ frame: UnsafeMutablePointer<TrapFrame>) {
    guard cause == Trap.timer else { unexpectedTrap(cause, pc, frame) }
    deadline += interval
    Timer.interrupt(at: deadline)
    lineTick()
  }
#endif
