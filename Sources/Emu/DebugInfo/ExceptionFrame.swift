/// What a Cortex-M pushes when it takes an exception (Armv7-M ARM, B1.5.6): a handler's caller is
/// no call, and its frame information cannot know it.
enum ExceptionFrame {
  /// An address that means "return from the exception" (EXC_RETURN): to a handler, to a thread on
  /// the main or on the process stack, each with and without the FPU's registers. All ones, which
  /// the link register holds after a reset, is none.
  static func isReturn(_ address: UInt64) -> Bool {
    [0xFFFF_FFE1, 0xFFFF_FFE9, 0xFFFF_FFED, 0xFFFF_FFF1, 0xFFFF_FFF9, 0xFFFF_FFFD].contains(address)
  }

  /// The interrupted frame; `handler` is the frame that returns to `exceptionReturn`, with the
  /// stack pointer that it returns with.
  static func interrupted(
    _ handler: Unwinder.Frame, exceptionReturn: UInt64, processStack: UInt64?,
    _ unwinder: Unwinder
  ) -> Unwinder.Frame? {
    let usesProcessStack = exceptionReturn & 4 != 0
    guard let top = usesProcessStack ? processStack : handler.registers[13] else { return nil }
    let words = (0..<8).map { unwinder.read(top &+ UInt64(4 * $0)) }
    guard let pc = words[6], let status = words[7] else { return nil }
    var frame = handler
    for (number, word) in zip([0, 1, 2, 3, 12, 14], words) { frame.registers[number] = word }
    let size: UInt64 = exceptionReturn & 0x10 != 0 ? 8 : 26  // 18 words more with the FPU's
    let padding: UInt64 = status >> 9 & 1  // aligned to eight bytes
    frame.registers[13] = unwinder.trimmed(top &+ 4 * (size + padding))
    frame.pc = pc
    frame.isExact = true
    return frame
  }
}
