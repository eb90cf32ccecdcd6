/// Tells where its own sections are, from the addresses of what lies in them.

private nonisolated(unsafe) var variable: UInt32 = 0x1234_5678
private nonisolated(unsafe) var zero: UInt32 = 0

@c(main)
func main() -> Never {
  console.configure()
  tell(".text", at: unsafeBitCast(reset as @convention(c) () -> Void, to: UInt.self) & ~1)
  tell(".data", at: withUnsafePointer(to: &variable) { UInt(bitPattern: $0) })
  tell(".bss", at: withUnsafePointer(to: &zero) { UInt(bitPattern: $0) })
  // It came out of flash on the way here.
  let isThere = loadAgain(&variable) == 0x1234_5678 && loadAgain(&zero) == 0
  console.print(isThere ? "initialised\n" : "not initialised\n")
  halted()
}

private func tell(_ section: StaticString, at address: UInt) {
  console.print(section)
  console.print(" ")
  console.print(address: address)
  console.print("\n")
}
