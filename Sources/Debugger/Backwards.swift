import Emu

/// A step back of a hart, and back to the latest stop.
extension Debuggee {
  /// From here on every place can be come back to, as long as the snapshots that it takes have room in that many bytes.
  public func keepHistory(budget: Int) { history = History(machine, budget: budget) }

  /// The same, where the past of the machine is known already.
  public func keepHistory(_ history: History) {
    self.history = history
    farthest = machine.index
  }

  func reach() {
    history?.reach(machine)
    farthest = max(farthest, machine.index)
  }

  /// A part of a run that may lie in the past: what came from outside then comes again.
  func replaying(
    _ machine: Machine, _ limit: RunLimit, _ slice: (Machine, RunLimit) -> Pause
  ) -> Pause {
    guard let next = history?.next(for: machine) else { return slice(machine, limit) }
    var limit = limit
    let isThere = { machine.index == next.index && machine.now == next.tick }
    if isThere() { machine.replay(next) } else { limit.tick = min(limit.tick ?? .max, next.tick) }
    return slice(machine, limit)
  }

  /// False: that is before the beginning.
  public func goTo(index: UInt64) -> Bool {
    guard let past = try? history?.machine(at: index) else { return false }
    move(to: past)
    return true
  }

  func move(to machine: Machine) {
    self.machine = machine
    latest = Halt(.arrived, hart: Int(machine.hart.number))
  }

  var pastInWords: String {
    guard let history else { return "nothing is kept\n" }
    return "from index \(history.begin), \(history.count) snapshots, \(history.size >> 10) KiB\n"
  }

  func runBack(hart: Int?) {
    guard let hart else { return runBackToStop() }
    runBack(hart: hart) { history, now throws(MachineError) in
      try history.machine(beforeLatestAttemptOf: hart, before: now.index)
    }
  }

  func runBack(
    hart: Int, _ find: (History, Machine) throws(MachineError) -> Machine?
  ) {
    lookBack { history throws(MachineError) in
      guard let past = try find(history, machine) else { return nil }
      machine = past
      return Halt(.arrived, hart: hart)
    }
  }

  private func runBackToStop() {
    lookBack { history throws(MachineError) in
      let found = try history.latestStop(before: machine.index, breakpoints.forMachine, passes)
      guard let found else { return nil }
      machine = found.machine
      let hart = Int(machine.hart.number)
      if case .watchpoint(let touch) = found.pause {
        return Halt(watchReason(touch) ?? .arrived, hart: hart)
      }
      return Halt(breakReason(machine.pc), hart: hart)
    }
  }

  /// nil: there is no such place, and history begins.
  private func lookBack(_ find: (History) throws(MachineError) -> Halt?) {
    guard let history else { return halt(.arrived) }
    do throws(MachineError) {
      if let found = try find(history) { return halt(found.reason, hart: found.hart) }
      if let first = try history.machine(at: history.begin) { machine = first }
      halt(.beginning)
    } catch {
      notices.append("the past cannot be had: \(error)")
      halt(.arrived)
    }
  }
}
