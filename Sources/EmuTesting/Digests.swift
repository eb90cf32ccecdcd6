import Emu

extension Machine {
  /// Did the run do exactly what it did when that digest was written down, and nothing else? docs/digest.md says what is in it.
  ///
  /// - Throws: a `RunFailure` that shows the run, with the digest that it has.
  public func check(expectedDigest: String) throws {
    let digest = traceDigest
    if digest == expectedDigest { return }
    throw RunFailure(
      "the run's digest is \(digest), expected was \(expectedDigest) (\(board.name), revision \(board.revision), "
        + "at index \(index)); if the firmware or the board has changed on purpose, take the new one",
      self)
  }
}
