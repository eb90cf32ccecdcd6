/// A clock with nothing below it, for an hour: once a minute an LED changes, and the time at which it did is told.

private let minute: UInt64 = 60_000_000_000
private let minutes = 60

@c(main)
func main() -> Never {
  console.configure()
  LED.panic.configure()
  startClock()
  var next = Clock.nanoseconds()
  for _ in 0..<(minutes + 1) {
    while Clock.nanoseconds() < next { sleep(until: next) }
    next += minute
    LED.panic.toggle()
    let time = Clock.nanoseconds()
    console.print(hexadecimal: time)
    console.print("\n")
  }
  Power.off(success: true)
}

#if CortexM
  private func startClock() {
    Clock.start()
    SysTick.start(every: 1 << 24)
  }

  private func sleep(until time: UInt64) { idleHook() }

  @c @implementation
  func sysTick() { Clock.extend() }
#else
  private func startClock() { Clock.calibrate() }

  /// With interrupts off altogether, what is pending still ends the wait.
  private func sleep(until time: UInt64) {
    Timer.interrupt(at: readTime() + (time - Clock.nanoseconds()) / 100)
    listenForTimer()
    idleHook()
  }
#endif
