/// An LED beats at 1 Hz out of the CLINT's timer interrupt. A deadline follows from the one before it, so that no
/// beat is late because the last one was.

private let halfPeriod = Timer.frequency / 2
private nonisolated(unsafe) var deadline: UInt64 = 0

@c(main)
func main() -> Never {
  LED.panic.configure()
  beat()
  listenForTimer()
  enableInterrupts()
  while true { idleHook() }
}

@c @implementation
func handleTrap(_ cause: UInt64, _ pc: UInt64, _ frame: UnsafeMutablePointer<TrapFrame>) {
  guard cause == Trap.timer else { unexpectedTrap(cause, pc, frame) }
  beat()
}

private func beat() {
  LED.panic.toggle()
  deadline += halfPeriod
  Timer.interrupt(at: deadline)
}
