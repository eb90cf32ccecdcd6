/// The host's services, for a program that runs under a debugger or an emulator.
enum Semihosting {
  /// SYS_WRITEC.
  static func write(_ byte: UInt8) {
    withUnsafePointer(to: byte) {
      _ = semihostingCall(0x03, UInt64(UInt(bitPattern: $0)))
    }
  }
}
