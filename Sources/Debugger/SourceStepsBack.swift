import Emu

extension SourceSteps {
  /// To where the line before this one begins, of this function or of its caller; from the middle of a line, to where that begins.
  package func back(_ hart: Int, _ machine: Machine) -> Motion {
    .find(hart: hart) { history, now throws(MachineError) in
      guard let here = place(hart, now), !here.statements.isEmpty,
        now.harts[hart].pc != here.code.lowerBound
      else {
        let past = try history.machine(beforeLatestAttemptOf: hart, before: now.index)
        guard let past, place(hart, past) != nil else { return past }
        return try beginning(ofLineOf: hart, past, history)
      }
      let stops = Set(here.statements.map(\.address)).union([here.code.lowerBound])
      let search = Search(steps: self, hart: hart, frame: here.frame, addresses: stops)
      guard let past = try search.latest(history, before: now.index) else { return nil }
      return try beginning(ofLineOf: hart, past, history)
    }
  }

  /// A line may be several stretches of code, one behind the other.
  private func beginning(
    ofLineOf hart: Int, _ machine: Machine, _ history: History
  ) throws(MachineError) -> Machine {
    guard let here = place(hart, machine), machine.harts[hart].pc != here.code.lowerBound else {
      return machine
    }
    var search = Search(
      steps: self, hart: hart, frame: here.frame,
      addresses: here.others(here.statements).union([here.code.lowerBound]))
    guard let other = try search.latest(history, before: machine.index) else { return machine }
    if let place = place(hart, other), place.line == here.line { return other }
    search.addresses = Set(here.statements.map(\.address))
    let isFound = search.first(history, other, behind: other.index, before: machine.index)
    return isFound ? other : machine
  }

  /// Moments in the past at which a hart is about to do one of some instructions, in one frame of its stack.
  private struct Search {
    let steps: SourceSteps
    let hart: Int
    let frame: Frame?
    var addresses: Set<UInt64>

    private func isThere(_ machine: Machine) -> Bool {
      machine.hart.number == hart && (frame == nil || steps.frame(hart, machine) == frame)
    }

    /// Looked for in pieces, the further back the longer: what is near is found soon, however often it is there.
    func latest(_ history: History, before end: UInt64) throws(MachineError) -> Machine? {
      var (end, length) = (end, UInt64(1) << 10)
      while end > history.begin {
        let begin = max(history.begin, end > length ? end - length : 0)
        guard let machine = try history.machine(at: begin) else { return nil }
        var count = 0
        visit(history, machine, before: end) { _ in
          count += 1
          return true
        }
        if count > 0 {
          // Not by its index: an exception is entered at the one of the instruction that it interrupts.
          guard let again = try history.machine(at: begin) else { return nil }
          visit(history, again, before: end) { _ in
            count -= 1
            return count > 0
          }
          return again
        }
        (end, length) = (begin, length << 4)
      }
      return nil
    }

    /// The machine goes there; false: there is none.
    func first(
      _ history: History, _ machine: Machine, behind index: UInt64, before end: UInt64
    ) -> Bool {
      var isFound = false
      visit(history, machine, before: end) {
        isFound = $0.index > index
        return !isFound
      }
      return isFound
    }

    private func visit(
      _ history: History, _ machine: Machine, before end: UInt64, _ goesOn: (Machine) -> Bool
    ) {
      var limit = RunLimit(index: end)
      limit.breakpoints = Breakpoints(addresses)
      while machine.index < end {
        switch history.run(machine, until: limit) {
        case .breakpoint: if isThere(machine) && !goesOn(machine) { return }
        case .event: continue
        case .limit, .instructions, .asleep, .stopped, .watchpoint: return
        }
      }
    }
  }
}
