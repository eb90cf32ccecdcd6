/// The LED is not on every board: a fault on the way to it comes here again.
private nonisolated(unsafe) var isPanicking = false

/// Lights the LED, where there is one, and ends the machine with a failure.
@c(endInPanic)
func endInPanic(_ number: UInt32) -> Never {
  if !isPanicking {
    isPanicking = true
    LED.panic.configure()
    LED.panic.toggle()
  }
  Power.off(success: false)
}
