/// Asleep, until the timer says so; interrupts may be off.
func delay(milliseconds: UInt32) {
  let end = readTime() + UInt64(milliseconds) * (Timer.frequency / 1_000)
  Timer.interrupt(at: end)
  listenForTimer()
  while readTime() < end { waitForInterrupt() }
}
