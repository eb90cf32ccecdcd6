/// What comes here is an exception that the program has no handler for.
@c @implementation
func unexpectedException(_ frame: UnsafeMutablePointer<ExceptionFrame>) -> Never {
  let number = activeException()
  #if Console
    console.configure()
    console.print("panic: exception ")
    console.print(UInt(number))
    console.print(" at ")
    console.print(address: UInt(frame.pointee.pc))
    console.print("\n")
  #endif
  panicHook(number)
}

/// Blinks for ever: 500 ms on, 500 ms off.
@c(endInPanic)
func endInPanic(_ number: UInt32) -> Never {
  LED.panic.configure()
  while true {
    LED.panic.toggle()
    // Not by SysTick: nothing interrupts a fault handler.
    delay(milliseconds: 500)
  }
}
