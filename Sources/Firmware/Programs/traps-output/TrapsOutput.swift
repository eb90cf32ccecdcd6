/// Breaks the zero-trap rule by output that somebody else makes: a word to the host is a breakpoint instruction.
/// (A store to a UART's register would be no trap.)

@c(main)
func main() -> Never {
  let text: StaticString = "a trap a character\n"
  for byte in UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount) {
    Semihosting.write(byte)
  }
  halted()
}
