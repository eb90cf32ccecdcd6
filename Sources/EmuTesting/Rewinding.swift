import Emu

/// Back in time: a machine is its board, its image and what came from outside, so each moment of its past can be had again.
/// Nothing has to be kept for that, and the machine itself stays where it is.
extension Machine {
  /// A machine as this one was before the instruction of an index; instructions begun count from power-on.
  ///
  /// - Throws: `RewindError` where this one has not been there, or where its past cannot be had again: something was written into
  ///   its memory by other means than `poke`.
  public func rewind(to index: UInt64) throws -> Machine {
    guard index <= self.index else {
      throw RewindError("there is no index \(index): the machine has come to \(self.index)")
    }
    guard let past = try pastAnew().machine(at: index) else {
      throw RewindError("there is no index \(index)")
    }
    return past
  }

  /// A machine as this one was so many instructions ago.
  public func rewind(instructions count: UInt64) throws -> Machine {
    guard count <= index else {
      throw RewindError("\(count) instructions back is before power-on: there were \(index)")
    }
    return try rewind(to: index - count)
  }

  /// The past from power-on, had by running again.
  func pastAnew() throws -> History {
    let copy = try Machine(board, image: image, options: options)
    var history = History(copy, budget: 256 << 20)
    func run(to tick: Tick) {
      while copy.now < tick && copy.stop == nil {
        let limit = RunLimit(tick: tick, index: copy.index + 1 << 22, sleepsOn: true)
        if case .stopped = copy.run(until: limit) { break }
        history.reach(copy)
      }
    }
    for input in inputs {
      run(to: input.tick)
      copy.replay(input)
    }
    run(to: now)
    history.reach(copy)
    try copy.check(isAs: self)
    return history
  }
}

/// Why there is no way back, as one sentence.
public struct RewindError: Error, CustomStringConvertible, Hashable, Sendable {
  public let description: String
  init(_ description: String) { self.description = description }
}
