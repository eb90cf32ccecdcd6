/// Breaks the zero-trap rule by the language's own checks: an addition that overflows is an undefined instruction.

@_silgen_name("operand") nonisolated(unsafe) var operand: UInt32 = .max
@_silgen_name("result") nonisolated(unsafe) var result: UInt32 = 0

@c(main)
func main() -> Never {
  result = loadAgain(&operand) + 1
  halted()
}

#if CortexM
  @c @implementation
  func handleException(_ frame: UnsafeMutablePointer<ExceptionFrame>) { halted() }
#else
  @c @implementation
  func handleTrap(_ cause: UInt64, _ pc: UInt64, _ frame: UnsafeMutablePointer<TrapFrame>) {
    halted()
  }
#endif
