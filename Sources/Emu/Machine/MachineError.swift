/// Why there is no machine. A mistake of the guest is never one of these: it is a guest fault, or
/// how a run ended.
public struct MachineError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Hashable {
    /// The image does not fit the board: exit code 65.
    case image
    /// The options contradict each other: exit code 64.
    case options
    /// This host or its libunicorn will not do: exit code 69.
    case engine
    /// A snapshot in a file is none, is damaged, or is of something else: exit code 65.
    case snapshot
  }
  public let kind: Kind
  /// One sentence: what, where, and what to do.
  public let description: String

  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
