/// Why a file cannot be run, as one sentence: what is wrong, where, and what to do about it.
public struct ImageError: Error, CustomStringConvertible, Hashable, Sendable {
  public enum Kind: Sendable {
    /// The file was read, and what it holds is no program for this emulator.
    case data
    /// There is no such file, or it cannot be read.
    case missing
  }

  public let kind: Kind
  public let message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  public var description: String { message }

  /// The exit code of a process that ends for this: `EX_DATAERR` or `EX_NOINPUT` of sysexits(3).
  public var exitCode: Int32 {
    switch kind {
    case .data: 65
    case .missing: 66
    }
  }
}
