import Emu

/// The past of machines for the reports of tests that fail: run again from power-on while that takes a fraction of a second, and
/// kept on the way of those that go farther.
extension Machine {
  /// So many instructions are run again.
  static let mostRepeated: UInt64 = 100_000_000
  private static let keptFrom = mostRepeated / 2
  /// Attempts between two looks at whether it is time for a snapshot; the run with them is the run without.
  private static let slice: UInt64 = 1 << 25
  /// Bytes; snapshots share what has not changed between them.
  private static let budget = 64 << 20

  /// As `run(until:)`.
  func runKeeping(until limit: RunLimit) -> Pause {
    var limit = limit
    let end = limit.index ?? .max
    while true {
      keep()
      let next = (index / Self.slice + 1) * Self.slice
      limit.index = min(end, next)
      let pause = run(until: limit)
      limit.passing = nil
      if pause != .limit || index < next || index >= end { return pause }
    }
  }

  private func keep() {
    if index < Self.keptFrom { return }
    if keptPast == nil { keptPast = History(self, budget: Self.budget) }
    keptPast?.reach(self)
  }

  /// Its latest instructions can be had again with it, and what came before them as far as it reaches.
  func pastToTell() throws -> History {
    if index < Self.mostRepeated { return try pastAnew() }
    guard var history = keptPast else {
      throw RewindError(
        """
        the past of \(Self.mostRepeated) instructions and more is not run again, and it was not kept: \
        let the test run the machine by advance(for:) or advance(until:limit:), which keep it
        """)
    }
    history.reach(self)
    guard let again = try history.machine(at: index) else {
      preconditionFailure("a past from \(history.begin) on has no index \(index)")
    }
    if again.now < now {
      _ = history.run(again, until: RunLimit(tick: now, index: index + 1, sleepsOn: true))
    }
    try again.check(isAs: self)
    return history
  }

  /// - Parameter machine: that this one, run anew, has to be like.
  func check(isAs machine: Machine) throws {
    if index == machine.index, now == machine.now, stateDigest == machine.stateDigest { return }
    throw RewindError(
      """
      the past cannot be had again: at index \(index) the machine is not what it was at \(machine.index); was something \
      written into it by other means than poke?
      """)
  }
}
