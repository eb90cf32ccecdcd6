/// Calls to the firmware below.
enum SBI {
  private static let base: UInt64 = 0x10
  private static let legacyPutCharacter: UInt64 = 0x01
  private static let time: UInt64 = 0x5449_4D45
  private static let interprocessor: UInt64 = 0x0073_5049
  private static let hartState: UInt64 = 0x0048_534D
  private static let systemReset: UInt64 = 0x5352_5354
  private static let debugConsole: UInt64 = 0x4442_434E

  /// The next timer interrupt; also takes back the one that is pending.
  static func setTimer(_ deadline: UInt64) {
    _ = sbiCall(time, 0, deadline, 0, 0)
  }

  // MARK: Harts

  enum HartState: UInt64 {
    case started
    case stopped
    case startPending
    case stopPending
    case suspended
    case suspendPending
    case resumePending
  }

  static func status(of hart: UInt64) -> HartState? {
    HartState(rawValue: UInt64(bitPattern: sbiCall(hartState, 2, hart, 0, 0).value))
  }

  /// The error, 0 for none.
  static func start(_ hart: UInt64, at address: UInt64, with opaque: UInt64) -> Int64 {
    sbiCall(hartState, 0, hart, address, opaque).error
  }

  static func stop() -> Never {
    _ = sbiCall(hartState, 1, 0, 0, 0)
    halted()
  }

  static func interrupt(_ hart: UInt64) { _ = sbiCall(interprocessor, 0, 1, hart, 0) }

  // MARK: The end

  static func shutDown(success: Bool) -> Never {
    _ = sbiCall(systemReset, 0, 0, success ? 0 : 1, 0)
    while true { waitForInterrupt() }
  }

  #if Console
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
  #endif
}
