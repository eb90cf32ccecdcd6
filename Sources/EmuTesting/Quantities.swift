/// How often: `.hertz(1)`.
public struct Frequency: Sendable, Hashable, Comparable {
  public let hertz: Double
  public static func hertz(_ value: Double) -> Frequency { Frequency(hertz: value) }
  public static func kilohertz(_ value: Double) -> Frequency { Frequency(hertz: value * 1000) }
  public static func < (a: Frequency, b: Frequency) -> Bool { a.hertz < b.hertz }
}

/// How exactly: `.percent(5)`.
public struct Tolerance: Sendable, Hashable {
  public let share: Double
  public static func percent(_ value: Double) -> Tolerance { Tolerance(share: value / 100) }
  public static let exactly = Tolerance(share: 0)
}
