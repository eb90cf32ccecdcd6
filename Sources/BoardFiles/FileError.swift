/// What is wrong with a file that a person wrote, and where: one sentence.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  public let path: String
  /// From 1; nil: the file as a whole.
  public let line: Int?
  public let column: Int?
  public let message: String
  /// It is not there, or cannot be read.
  public var isMissing = false

  public init(_ path: String, line: Int? = nil, column: Int? = nil, _ message: String) {
    self.path = path
    self.line = line
    self.column = column
    self.message = message
  }

  /// "board.yaml:12:7: there is no device type "pl01""
  public var description: String {
    ([path] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":")
      + ": \(message)"
  }
}
