import Emu

/// A guest that toggles a pin without end must not fill the host: every event is kept for the timeline and the digest.
private let mostEvents = 1 << 25

extension RunPlan {
  /// Runs a machine to its end. `between` is called after every slice, and with it everything that happened is over.
  ///
  /// - Parameter waiting: the guest sleeps for good unless input comes; false: none will.
  func drive(
    _ machine: Machine, pace: Pace = .start, host: Host,
    waiting: () throws(Refusal) -> Bool = { () throws(Refusal) in false },
    between: () throws(Refusal) -> Void
  ) throws(Refusal) {
    var pace = pace
    while machine.stop == nil {
      let begin = host.seconds()
      let size = pace.next()
      let end = machine.now.saturatingAdd(size)
      let pause = machine.run(
        until: RunLimit(
          tick: tick.map { min($0, end) } ?? end, retired: instructions,
          index: machine.index.saturatingAdd(size)))
      switch pause {
      case .stopped, .event: break
      case .limit: if let tick, machine.now >= tick { machine.end(.timeLimit) }
      case .instructions: machine.end(.instructionLimit)
      case .asleep: if try !waiting() { machine.end(.idle) }
      }
      if machine.stop == nil && host.isInterrupted() { machine.end(.interrupted) }
      if machine.stop == nil && machine.trace.count > mostEvents {
        host.errors.say(
          "emurun: warning: more than \(mostEvents) events, which fill 1 GiB; the run ends here: shorten --for"
        )
        machine.end(.interrupted)
      }
      pace.took(host.seconds() - begin)
      try between()
    }
  }
}

extension UInt64 {
  fileprivate func saturatingAdd(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
