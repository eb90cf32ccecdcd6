import Emu

/// What the place that text goes to can show.
public struct TextStyle: Sendable, Hashable {
  /// Columns.
  public var width: Int
  public var unicode: Bool
  public var colour: Bool

  public init(width: Int = 80, unicode: Bool = true, colour: Bool = false) {
    self.width = width
    self.unicode = unicode
    self.colour = colour
  }

  public var micro: String { unicode ? "µ" : "u" }

  func paint(_ text: String, _ colour: Board.LED.Colour) -> String {
    guard self.colour, !text.isEmpty else { return text }
    let code =
      switch colour {
      case .red: "91"
      case .green: "92"
      case .blue: "94"
      case .amber: "93"
      case .white: "97"
      }
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }

  /// What should stand back.
  public func faint(_ text: String) -> String {
    colour && !text.isEmpty ? "\u{1B}[2m\(text)\u{1B}[0m" : text
  }
}
