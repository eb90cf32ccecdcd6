/// Breaks the zero-trap rule by a second thread of control: what runs beside `main` without being called by it comes
/// in by an interrupt.

@_silgen_name("result") nonisolated(unsafe) var result: UInt32 = 0

private func otherTask() { result += 1 }

@c(main)
func main() -> Never {
  #if CortexM
    SysTick.start(every: 1_000)
  #else
    Timer.interrupt(at: readTime() + 1)
    listenForTimer()
    enableInterrupts()
  #endif
  while loadAgain(&result) < 3 {}
  halted()
}

#if CortexM
  @c @implementation
  func sysTick() { otherTask() }
#else
  @c @implementation
  func handleTrap(_ cause: UInt64, _ pc: UInt64, _ frame: UnsafeMutablePointer<TrapFrame>) {
    guard cause == Trap.timer else { unexpectedTrap(cause, pc, frame) }
    Timer.interrupt(at: readTime() + 1)
    otherTask()
  }
#endif
