/// Dies of one fault after the other, and blinks for each as often as its number says. A reset comes in between, over which
/// only `.noinit` lasts.

@section(".noinit") private nonisolated(unsafe) var stage: UInt32 = 0
@section(".noinit") private nonisolated(unsafe) var check: UInt32 = 0

@c(main)
func main() -> Never {
  // What memory holds at power-on is anybody's guess.
  if loadAgain(&check) != ~loadAgain(&stage) { begin(stage: 0) }
  die(of: loadAgain(&stage))
  console.print("all died of\n")
  halted()
}

@c @implementation
func panicHook(_ number: UInt32) -> Never {
  LED.panic.configure()
  for _ in 0..<number {
    LED.panic.toggle()
    delay(milliseconds: 100)
    LED.panic.toggle()
    delay(milliseconds: 100)
  }
  delay(milliseconds: 800)
  begin(stage: stage + 1)
  Power.reset()
}

private func begin(stage new: UInt32) {
  stage = new
  check = ~new
}
