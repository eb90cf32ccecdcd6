/// Something that a user should know of an image: one line of a report, of SARIF, of a CI log.
public struct Diagnostic: Sendable, Hashable {
  /// What kind of thing it is; the identifier is a promise to scripts.
  public struct Rule: Sendable, Hashable {
    public enum Level: String, Sendable {
      case note
      case warning
      case error
    }
    public let id: String
    /// One sentence on every finding of this kind.
    public let summary: String
    public let level: Level

    public init(_ id: String, _ level: Level, _ summary: String) {
      self.id = id
      self.summary = summary
      self.level = level
    }
  }

  public let rule: Rule
  public let message: String
  public let address: UInt64?
  public let function: String?
  public let file: String?
  public let line: Int?

  public init(
    _ rule: Rule, _ message: String, address: UInt64? = nil, function: String? = nil,
    file: String? = nil, line: Int? = nil
  ) {
    self.rule = rule
    self.message = message
    self.address = address
    self.function = function
    self.file = file
    self.line = line
  }
}
