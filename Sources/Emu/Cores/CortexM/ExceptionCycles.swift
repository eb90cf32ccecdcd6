/// What exceptions take where cycles are counted: Arm's figures for a Cortex-M4 with no wait states ("12 cycles" of latency,
/// "6 cycles" tail-chained), of which the manual's tables say nothing. The next instruction begins so many cycles later.
enum ExceptionCycles {
  static let entry: UInt32 = 12
  static let chaining: UInt32 = 6
  static let leaving: UInt32 = 10
  /// S0 to S15 and FPSCR, stacked at once or when the handler first needs them, or loaded again.
  static let floatingPoint: UInt32 = 17
}
