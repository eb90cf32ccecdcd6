import Emu

extension Machine {
  /// Lets virtual time go by, awake or asleep. A run that ends by itself before that is no failure, a guest that dies is.
  public func advance(for duration: Duration) throws {
    EvidenceLog.current?.note(self)
    let goal = deadline(after: duration)
    let limit = RunLimit(moment: goal, sleepsOn: true)
    while stop == nil && now < clock.tick(reaching: goal) {
      if case .asleep = runKeeping(until: limit) { break }
    }
    if let stop, stop.isDeath {
      throw RunFailure(self, "\(Self.words(duration)) to go by")
    }
    try checkTrace()
  }

  /// Runs up to the instruction that makes a condition true. Throws when the limit of virtual time comes first, or the run ends.
  public func advance(until condition: Condition, limit: Duration) throws {
    EvidenceLog.current?.note(self)
    if condition.isMet(self) { return }
    let goal = deadline(after: limit)
    let retiredGoal = condition.instructions.map { retired + $0 }
    let watch = condition.watch(self)
    var bound = RunLimit(
      moment: goal, retired: retiredGoal, event: watch, sleepsOn: !condition.isEnd)
    bound.store = try condition.store(self)
    if let call = try condition.call(self) {
      bound.breakpoints.addresses = [call]
      bound.passing = Int(hart.number)
    }
    while true {
      switch runKeeping(until: bound) {
      case .event, .instructions, .breakpoint, .watchpoint: return try checkTrace()
      case .stopped:
        if condition.isMet(self) { return }
        throw RunFailure(self, condition.words)
      case .asleep where condition.isEnd: return end(.idle)
      case .limit, .asleep:
        throw RunFailure(self, "\(condition.words) within \(Self.words(limit))")
      }
    }
  }

  /// The same machine, that much later: for a snapshot to start tests from.
  public func booted(for duration: Duration) throws -> Machine {
    try advance(for: duration)
    return self
  }

  /// A test is not to look at the LEDs of a part of the run and take it for all. Who asked for a shorter trace knows.
  func checkTrace(usual: Int = MachineOptions.usualEvents) throws {
    guard trace.startIndex > 0, options.keptEvents == usual else { return }
    throw RunFailure(
      self,
      "a run of at most \(usual) events, since older ones are forgotten; set "
        + "MachineOptions.keptEvents to another number")
  }

  private func deadline(after duration: Duration) -> Moment { clock.moment(at: now) + duration }

  /// "20.0 seconds"
  private static func words(_ duration: Duration) -> String { "\(duration)" }
}

extension Stop {
  var isDeath: Bool { reason == .lockup || reason == .trapLoop || reason == .fault }
}
