/// Something that has to be shown of an instruction for a program never to trap, and was not.
public struct Obligation: Sendable, Hashable {
  /// By what may leave the straight path there.
  public enum Class: String, Sendable, CaseIterable {
    case supervisorCall = "supervisor-call"
    case breakpoint
    case undefined = "undefined-instruction"
    case undecodable = "undecodable-instruction"
    case controlRegister = "control-register"
    case interruptEnable = "interrupt-enable"
    case wait = "wait-for-interrupt"
    case trapReturn = "trap-return"
    case addressTranslation = "address-translation"
    case floatingPoint = "floating-point"
    case memory = "memory-access"
    case alignment = "unaligned-access"
    case device = "device-access"
    case jump = "computed-jump"
    case code = "code-changed"
    case budget = "analysis-limit"
  }

  public let kind: Class
  /// Of the instruction.
  public let address: UInt64
  /// What is not shown, as a sentence without its subject.
  public let reason: String
  /// The calls that were open, by their return addresses, the outermost first.
  public let calls: [UInt64]
}
