/// The host's services, for a program that runs under a debugger or an emulator.
enum Semihosting {
  static func exit() -> Never {
    // SYS_EXIT with ADP_Stopped_ApplicationExit; a 32-bit core cannot hand over a code with it.
    _ = semihostingCall(0x18, 0x2_0026)
    while true { waitForInterrupt() }
  }
}
