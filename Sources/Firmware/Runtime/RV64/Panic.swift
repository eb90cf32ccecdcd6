/// Says which trap came and where from, and ends the machine with a failure.
@c @implementation
func panic(_ cause: UInt64, _ pc: UInt64) -> Never {
  console.print("panic: trap ")
  console.print(UInt(cause))
  console.print(" at ")
  console.print(address: UInt(pc))
  console.print("\n")
  Power.off(success: false)
}
