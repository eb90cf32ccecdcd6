/// Why a run ended. The raw values are those of the JSON report; their order numbers them in a
/// digest, so only append.
public enum StopReason: String, Sendable, Hashable, CaseIterable, Codable {
  case finisher
  case semihosting
  case htif
  case sbiReset = "sbi-reset"
  case reset
  case timeLimit = "time-limit"
  case instructionLimit = "instruction-limit"
  case expectText = "expect-text"
  case failText = "fail-text"
  /// Asleep, and nothing can ever wake it.
  case idle
  case lockup
  /// A trap handler whose first instruction traps into itself.
  case trapLoop = "trap-loop"
  /// The guest can not go on: an unhandled fault, or an emulator bug, which `detail` says.
  case fault
  case interrupted
  /// The script of the world outside came to its end, code 0, or found what it did not expect, code 1.
  case script

  /// Its number in events and digests, from 1.
  public var number: UInt32 {
    UInt32(Self.allCases.firstIndex(of: self).map { $0 + 1 } ?? 0)
  }
}

/// The end of a run. It is final: a machine that has one does not run again.
public struct Stop: Sendable, Hashable, Codable {
  public var reason: StopReason
  /// The guest's own code, in full.
  public var code: UInt32
  public var hart: Int = 0
  /// Of the next instruction.
  public var pc: UInt64 = 0
  public var detail: String

  public init(_ reason: StopReason, code: UInt32 = 0, detail: String = "") {
    self.reason = reason
    self.code = code
    self.detail = detail
  }
}
