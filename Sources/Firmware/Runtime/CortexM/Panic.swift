/// Says which exception came and where from, then blinks for ever: 500 ms on, 500 ms off.
@c @implementation
func panic(_ frame: UnsafePointer<ExceptionFrame>) -> Never {
  console.configure()
  console.print("panic: exception ")
  console.print(UInt(activeException()))
  console.print(" at ")
  console.print(address: UInt(frame.pointee.pc))
  console.print("\n")
  LED.red.configure()
  while true {
    LED.red.toggle()
    // A turn is two cycles. SysTick would be of no use: nothing interrupts a fault handler.
    spin(coreClock / 2 / 2)
  }
}
