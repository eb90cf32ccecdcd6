import BoardFiles
import Emu

/// A run goes on for as long as it likes: what is written of it is written while it goes on, and what is kept is bounded. So many
/// events make a slice, that they and their lines be in the cache when they are written; and more are kept than that, since
/// one instruction can make some 65,536.
private let eventsOfSlice = 1 << 12
let keptEvents = 1 << 17

extension RunPlan {
  /// Runs a machine to its end. `between` is called after every slice, and with it everything that happened is over.
  ///
  /// - Parameters:
  ///   - saving: where it is to be saved on the way.
  ///   - waiting: the guest sleeps for good unless input comes; false: none will.
  func drive(
    _ machine: Machine, pace: Pace = .start, host: Host, saving: SavePoint? = nil,
    waiting: () throws(Refusal) -> Bool = { () throws(Refusal) in false },
    between: () throws(Refusal) -> Void
  ) throws(Refusal) {
    var pace = pace
    let script = script.map { ScriptRun($0, board) }
    while machine.stop == nil {
      let begin = host.seconds()
      let goal = saving?.goal(machine) ?? .max
      let size = pace.next()
      let pause = slice(machine, size: size, until: goal, script: script) { saving?.beforeEnd($0) }
      saving?.look(machine, pause)
      if pause == .asleep, try !waiting() {
        saving?.beforeEnd(machine)
        machine.end(.idle, detail: script?.waiting ?? "")
      }
      if machine.stop == nil && host.isInterrupted() {
        saving?.beforeEnd(machine)
        machine.end(.interrupted)
      }
      pace.took(host.seconds() - begin)
      try between()
    }
  }

  /// Runs a part of it, or to the end of the run.
  ///
  /// - Parameters:
  ///   - size: attempts and ticks at most.
  ///   - goal: a tick that is not to be passed.
  ///   - stops: what else ends it.
  ///   - beforeEnd: called where the run is over by its limits, before the machine is told.
  @discardableResult
  func slice(
    _ machine: Machine, size: UInt64, until goal: Tick = .max, stops: RunLimit = RunLimit(),
    script: ScriptRun? = nil, beforeEnd: (Machine) -> Void = { _ in }
  ) -> Pause {
    var limit = stops
    limit.tick = min(machine.now.saturatingAdd(size), goal, stops.tick ?? .max)
    limit.moment = end
    limit.retired = instructions
    limit.index = min(machine.index.saturatingAdd(size), stops.index ?? .max)
    limit.events = eventsOfSlice
    if let script {
      script.advance(machine)
      limit = script.limit(limit)
    }
    if let replay {
      replay.advance(machine)
      limit = replay.limit(limit, machine, endsIt: endsAsRecorded)
    }
    let pause = machine.run(until: limit)
    if let script {
      script.advance(machine)
      if script.outcome != nil { beforeEnd(machine) }
      finish(script, machine)
    }
    if let replay, endsAsRecorded, machine.stop == nil, replay.isOver(machine) {
      beforeEnd(machine)
      replay.end(machine)
    }
    switch pause {
    case .stopped, .event, .asleep, .breakpoint, .watchpoint: break
    case .limit:
      if let end = self.end, machine.now >= machine.clock.tick(reaching: end) {
        beforeEnd(machine)
        machine.end(.timeLimit, detail: script?.waiting ?? "")
      }
    case .instructions:
      beforeEnd(machine)
      machine.end(.instructionLimit, detail: script?.waiting ?? "")
    }
    return pause
  }
}

extension UInt64 {
  fileprivate func saturatingAdd(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
