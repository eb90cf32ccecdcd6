/// Two harts of a supervisor, on whatever SBI there is below: the second is started, sent an interrupt, and stops. A timer
/// interrupt ends it all.

private nonisolated(unsafe) var answer: UInt32 = 0
private nonisolated(unsafe) var hasTicked: UInt32 = 0
private nonisolated(unsafe) var wasCalled: UInt32 = 0

@c(main)
func main(_ hart: UInt64, _ deviceTree: UnsafeRawPointer) -> Never {
  console.print("sbi-harts: hart ")
  console.print(UInt(hart))
  console.print(" is here\n")
  let other: UInt64 = 1 - hart
  expect(SBI.status(of: other) == .stopped, "the other is stopped")
  expect(SBI.start(other, at: otherEntry(), with: 7) == 0, "it is started")
  while loadAgain(&answer) == 0 {}
  expect(loadAgain(&answer) == 42, "it has what it was given")
  expect(SBI.start(other, at: otherEntry(), with: 7) == -6, "it can not be started again")
  SBI.interrupt(other)
  while loadAgain(&wasCalled) == 0 {}
  while SBI.status(of: other) != .stopped {}
  console.print("it was called and has stopped\n")
  SBI.setTimer(readTime() + 10_000)
  listenForTimer()
  enableInterrupts()
  while loadAgain(&hasTicked) == 0 { idleHook() }
  console.print("a timer interrupt came\n")
  Power.off(success: true)
}

private func expect(_ isTrue: Bool, _ what: StaticString) {
  if !isTrue { panic(what) }
  console.print(what)
  console.print("\n")
}

/// Hart 1, on a stack of its own.
@c @implementation
func startHart(_ opaque: UInt64) {
  storeBehindAll(&answer, UInt32(opaque * 6))
  listenForSoftware()
  enableInterrupts()
  while loadAgain(&wasCalled) == 0 { idleHook() }
  SBI.stop()
}

@c @implementation
func handleTrap(_ cause: UInt64, _ pc: UInt64, _ frame: UnsafeMutablePointer<TrapFrame>) {
  switch cause {
  case Trap.timer:
    SBI.setTimer(.max)
    storeBehindAll(&hasTicked, 1)
  case Trap.software:
    clearSoftwareInterrupt()
    storeBehindAll(&wasCalled, 1)
  default: unexpectedTrap(cause, pc, frame)
  }
}
