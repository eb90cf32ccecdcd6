/// The red LED beats at 1 Hz, half a second on and half a second off, out of the SysTick
/// interrupt. The core sleeps in between.

/// SysTick has 24 bits, which is 1.05 s at 16 MHz; 10 ms is what schedulers use.
private let ticksPerSecond: UInt32 = 100

private nonisolated(unsafe) var ticks: UInt32 = 0

@c(main)
func main() -> Never {
  console.configure()
  console.print("led-heartbeat: PF1 beats at 1 Hz\n")
  LED.red.configure()
  LED.red.toggle()
  SysTick.start(every: coreClock / ticksPerSecond)
  while true { waitForInterrupt() }
}

@c @implementation
func sysTick() {
  ticks += 1
  if ticks == ticksPerSecond / 2 {
    ticks = 0
    LED.red.toggle()
  }
}
