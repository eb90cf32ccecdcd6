import _Volatile

/// The host's services, for a program that runs under a debugger or an emulator.
enum Semihosting {
  /// SYS_EXIT: a 32-bit core hands over a reason and no code.
  static func exit(success: Bool) -> Never {
    let applicationExit: UInt32 = 0x2_0026
    let runTimeError: UInt32 = 0x2_0023
    _ = semihostingCall(0x18, success ? applicationExit : runTimeError)
    while true { waitForInterrupt() }
  }

  /// SYS_WRITEC.
  static func write(_ byte: UInt8) {
    withUnsafePointer(to: byte) {
      _ = semihostingCall(0x03, UInt32(UInt(bitPattern: $0)))
    }
  }
}

enum Power {
  static func off(success: Bool) -> Never { Semihosting.exit(success: success) }

  static func reset() -> Never {
    // AIRCR: SYSRESETREQ, behind the key.
    VolatileMappedRegister<UInt32>(unsafeBitPattern: 0xE000_ED0C).store(0x05FA_0004)
    halted()
  }
}
