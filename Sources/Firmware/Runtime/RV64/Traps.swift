/// Causes of traps that programs handle.
enum Trap {
  private static let interrupt: UInt64 = 1 << 63
  static let illegalInstruction: UInt64 = 2
  static let breakpoint: UInt64 = 3
  #if RV64Supervisor
    static let software = interrupt | 1
    static let timer = interrupt | 5
  #else
    static let software = interrupt | 3
    static let timer = interrupt | 7
    static let environmentCall: UInt64 = 11
  #endif
}

/// What comes here is a trap that the program has no handler for.
@c @implementation
func unexpectedTrap(
  _ cause: UInt64, _ pc: UInt64, _ frame: UnsafeMutablePointer<TrapFrame>
) -> Never {
  #if Console
    console.print("panic: trap ")
    console.print(UInt(cause))
    console.print(" at ")
    console.print(address: UInt(pc))
    console.print("\n")
  #endif
  panicHook(UInt32(truncatingIfNeeded: cause))
}
