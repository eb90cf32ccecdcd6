/// What comes from outside while a machine runs. With it and a snapshot, what followed can be had again.
extension Machine {
  public struct Input: Sendable, Hashable, Codable {
    /// Of the moment before which it came.
    public var tick: Tick
    public var index: UInt64
    /// Who is due at that tick had acted before.
    public var isLate: Bool
    public var bytes: [UInt8]
  }

  /// Everything sent so far, in order; not what waited at the console from the start.
  public var inputs: [Input] { past.inputs }

  func note(input bytes: [UInt8]) {
    past.inputs.append(
      Input(tick: now, index: index, isLate: bus.hasActed(at: now), bytes: bytes))
  }

  /// Sends what was sent then. The machine stands at that tick and index.
  public func replay(_ input: Input) {
    if input.isLate { bus.act(now: now, index: index) }
    send(input.bytes)
  }
}
