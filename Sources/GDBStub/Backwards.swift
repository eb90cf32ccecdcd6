import Emu

/// bs and bc (appendix E.2, "Reverse Execution"): a step back of a hart, and back to the latest stop.
extension Session {
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
    machine = past
    stopReply = stopped(5)
    return true
  }

  var pastInWords: String {
    guard let history else { return "nothing is kept\n" }
    return "from index \(history.begin), \(history.count) snapshots, \(history.size >> 10) KiB\n"
  }

  func goBack(_ packet: PacketText) -> Reply {
    var packet = packet
    guard history != nil else { return .unsupported }
    if packet.take("s") {
      motion = .back(hart: resumed)
    } else if packet.take("c") {
      motion = .back(hart: nil)
    } else {
      return .error(.badPacket)
    }
    return .nothing
  }

  func runBack(hart: Int?) {
    guard let history else { return halt(stopped(5)) }
    do throws(MachineError) {
      if let hart {
        guard let past = try history.machine(beforeLatestAttemptOf: hart, before: machine.index)
        else { return try reachBeginning(history) }
        machine = past
        return halt(stopped(5, hart: hart))
      }
      let found = try history.latestStop(before: machine.index, breakpoints.forMachine)
      guard let found else { return try reachBeginning(history) }
      machine = found.machine
      var reason = ""
      if case .watchpoint(let touch) = found.pause {
        reason = watchReason(touch) ?? ""
      } else {
        reason = breakReason
      }
      halt(stopped(5, reason))
    } catch {
      notices.append("the past cannot be had: \(error)")
      halt(stopped(5))
    }
  }

  private func reachBeginning(_ history: History) throws(MachineError) {
    if let first = try history.machine(at: history.begin) { machine = first }
    halt(stopped(5, "replaylog:begin;"))
  }
}
