/// The end of a program that has found out for itself that it cannot go on.
func panic(
  _ message: StaticString, file: StaticString = #fileID, line: UInt = #line
) -> Never {
  #if Console
    console.configure()
    console.print("panic: ")
    console.print(message)
    console.print(" at ")
    console.print(file)
    console.print(":")
    console.print(line)
    console.print("\n")
  #endif
  panicHook(0)
}
