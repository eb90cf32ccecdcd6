/// Semihosting: the calls of Arm's specification, which RISC-V shares.
public struct Semihosting: Sendable {
  /// Files are opened only below this folder; nil: none are.
  public var root: String?
  /// What GET_CMDLINE answers.
  public var commandLine: String
  public init(root: String? = nil, commandLine: String = "") {
    self.root = root
    self.commandLine = commandLine
  }

  func call(_ number: UInt32, _ argument: UInt64, wordSize: Int, hart: Hart) -> UInt64 { .max }
}
