/// Calls to the firmware below.
enum SBI {
  private static let base: UInt64 = 0x10
  private static let legacyPutCharacter: UInt64 = 0x01
  private static let time: UInt64 = 0x5449_4D45
  private static let systemReset: UInt64 = 0x5352_5354
  private static let debugConsole: UInt64 = 0x4442_434E

  /// The next timer interrupt; also takes back the one that is pending.
  static func setTimer(_ deadline: UInt64) {
    _ = sbiCall(time, 0, deadline, 0, 0)
  }

  static func shutDown(success: Bool) -> Never {
    _ = sbiCall(systemReset, 0, 0, success ? 0 : 1, 0)
    while true { waitForInterrupt() }
  }

  /// The debug console, or a character at a time where the firmware is older than SBI 2.0.
  struct Console: TextOutput {
    private static let isDebugConsole = sbiCall(base, 3, debugConsole, 0, 0).value != 0

    func write(_ bytes: UnsafeBufferPointer<UInt8>) {
      guard Self.isDebugConsole else {
        for byte in bytes { _ = sbiCall(legacyPutCharacter, 0, UInt64(byte), 0, 0) }
        return
      }
      var rest = bytes[...]
      while !rest.isEmpty {
        let address = UInt64(UInt(bitPattern: bytes.baseAddress)) + UInt64(rest.startIndex)
        let result = sbiCall(debugConsole, 0, UInt64(rest.count), address, 0)
        guard result.error == 0 else { return }
        // It may take fewer than it was given.
        rest = rest.dropFirst(Int(result.value))
      }
    }
  }
}
