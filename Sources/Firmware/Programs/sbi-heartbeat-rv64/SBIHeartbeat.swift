/// Four LEDs beat at 1, 2, 4 and 8 Hz for five seconds, out of the timer interrupt that the SBI
/// gives a supervisor. The hart sleeps in between.

private let ticksPerSecond: UInt64 = 16
private let seconds: UInt64 = 5

private nonisolated(unsafe) var leds: LEDs?
private nonisolated(unsafe) var ticks: UInt64 = 0
private nonisolated(unsafe) var interval: UInt64 = 0
private nonisolated(unsafe) var deadline: UInt64 = 0

@c(main)
func main(_ hart: UInt64, _ deviceTree: UnsafeRawPointer) -> Never {
  console.print("sbi-heartbeat: four LEDs beat at 1, 2, 4 and 8 Hz\n")
  let tree = DeviceTreeNode(treeAt: deviceTree)
  guard let cpus = tree.first(where: { $0["timebase-frequency"] != nil }),
    let frequency = cpus["timebase-frequency"]?[0]
  else { fatalError("a device tree without a timebase") }
  leds = LEDs(in: tree)
  interval = UInt64(frequency) / ticksPerSecond
  deadline = readTime()
  beat()
  listenForTimer()
  enableInterrupts()
  while true { waitForInterrupt() }
}

@c @implementation
func handleTrap(_ cause: UInt64, _ pc: UInt64, _ frame: UnsafeMutablePointer<TrapFrame>) {
  guard cause == Trap.timer else { unexpectedTrap(cause, pc, frame) }
  ticks += 1
  beat()
}

private func beat() {
  if ticks % ticksPerSecond == 0 {
    console.print(UInt(ticks / ticksPerSecond))
    console.print(" s\n")
  }
  if ticks == seconds * ticksPerSecond { Power.off(success: true) }
  leds?.show { led in
    let period = ticksPerSecond >> UInt64(led)
    return ticks % period < period / 2
  }
  deadline += interval
  SBI.setTimer(deadline)
}
