import Emu

/// The name of a button, as the board has it printed beside it.
public struct ButtonName: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  public let description: String
  public init(_ name: String) { description = name }
  public init(stringLiteral name: String) { description = name }

  public static let sw1 = ButtonName("SW1")
  public static let sw2 = ButtonName("SW2")
}

extension Machine {
  /// Presses a button from now on, for a while that begins to go by with the next `advance`.
  public func press(_ button: ButtonName, for duration: Duration = .milliseconds(100)) throws {
    try press(button.description, for: duration)
  }

  /// The same, `delay` from now.
  public func press(
    _ button: ButtonName, after delay: Duration, for duration: Duration = .milliseconds(100)
  ) throws {
    try press(button.description, at: clock.moment(at: now) + delay, for: duration)
  }
}
