import Emu

/// What the machine does until the debugger is told something.
package indirect enum Motion {
  case goOn
  /// One instruction of a hart; the others run in their turns.
  case step(hart: Int)
  /// Steps of a hart: behind each one somebody says what comes next.
  case walk(hart: Int, (Machine) -> Next)
  case until(Goal)
  /// To an index.
  case to(index: UInt64)
  /// To the latest attempt of a hart; nil: to the latest stop.
  case back(hart: Int?)
  /// To a place in the past that somebody finds there; nil: to where history begins.
  case find(hart: Int, (History, Machine) throws(MachineError) -> Machine?)

  package enum Next {
    case goOn
    case halt
    case run(to: Goal)
  }

  /// One of these instructions of a hart, if it looks as it should.
  package struct Goal {
    package var hart: Int
    package var addresses: Set<UInt64>
    package var isThere: (Machine) -> Bool
    /// What it does then; nil: it halts.
    package var next: (Machine) -> Motion?

    package init(
      hart: Int, _ addresses: Set<UInt64>, isThere: @escaping (Machine) -> Bool,
      then next: @escaping (Machine) -> Motion? = { _ in nil }
    ) {
      self.hart = hart
      self.addresses = addresses
      self.isThere = isThere
      self.next = next
    }
  }

  /// Who makes steps.
  var hart: Int? {
    switch self {
    case .goOn, .until, .to, .back, .find: nil
    case .step(let hart), .walk(let hart, _): hart
    }
  }
}

/// Harts run in turns whatever a debugger thinks of threads: who is to step does its step when its turn comes, and a
/// debugger that wants one thread alone gets the others, too. Otherwise the run would be another one.
extension Debuggee {
  package func start(_ motion: Motion) {
    self.motion = motion
    isInterrupted = false
    origin = motion.hart.map { machine.harts[$0].attempts }
    leaves = true
  }

  /// A part of what the debugger asked for. `slice` runs the machine as far as that limit, or less, and may end it.
  public func run(_ slice: (Machine, RunLimit) -> Pause) {
    guard let motion else { return }
    if isInterrupted { return halt(.interrupted) }
    switch motion {
    case .back(let hart): return runBack(hart: hart)
    case .find(let hart, let find): return runBack(hart: hart, find)
    case .goOn, .step, .walk, .until, .to: break
    }
    func part(_ machine: Machine, _ limit: RunLimit) -> Pause { replaying(machine, limit, slice) }
    defer { reach() }
    if case .to(let index) = motion { return run(to: index, part) }
    // A debugger takes its breakpoints away for each step, and nothing comes of dropping code for it: a step has none.
    let isAlone = machine.harts.count == 1
    if motion.hart == nil || !isAlone { applied = breakpoints.forMachine }
    if case .until(let goal) = motion { applied.addresses.formUnion(goal.addresses) }
    for _ in 0..<(motion.hart == nil ? 1 : 1000) {
      var limit = RunLimit()
      limit.breakpoints = applied
      limit.step = motion.hart
      if leaves { limit.passing = motion.hart ?? Int(machine.hart.number) }
      leaves = false
      let pause = part(machine, limit)
      if let stop = machine.stop { return halt(end(stop), hart: stop.hart) }
      switch next(behind: pause, motion) {
      case .goOn: break
      case .halt(let reason, let hart): return halt(reason, hart: hart)
      case .start(let motion): return start(motion)
      }
      if motion.hart == nil || pause != .limit { return }
      leaves = true
    }
  }

  private func run(to index: UInt64, _ slice: (Machine, RunLimit) -> Pause) {
    let pause = slice(machine, RunLimit(index: index))
    let isOver = machine.stop != nil || pause == .asleep || machine.index >= index
    if isOver { halt(.arrived) }
  }

  private enum Decision {
    case goOn
    case halt(Halt.Reason, hart: Int)
    case start(Motion)
  }

  private func next(behind pause: Pause, _ motion: Motion) -> Decision {
    switch pause {
    case .breakpoint: return next(atBreakpoint: motion)
    case .watchpoint(let touch):
      return watchReason(touch).map { .halt($0, hart: Int(machine.hart.number)) } ?? .goOn
    case .limit, .instructions, .event, .asleep, .stopped:
      guard let number = motion.hart, machine.harts[number].attempts != origin else {
        return .goOn
      }
      let hart = machine.harts[number]
      origin = hart.attempts
      guard case .walk(_, let look) = motion else { return .halt(.arrived, hart: number) }
      // Which a step does not look at.
      if stops(at: hart.pc) { return .halt(breakReason(hart.pc), hart: number) }
      switch look(machine) {
      case .goOn: return .goOn
      case .halt: return .halt(.arrived, hart: number)
      case .run(let goal): return .start(.until(goal))
      }
    }
  }

  private func next(atBreakpoint motion: Motion) -> Decision {
    let hart = machine.hart
    if stops(at: hart.pc) { return .halt(breakReason(hart.pc), hart: Int(hart.number)) }
    guard case .until(let goal) = motion, goal.addresses.contains(hart.pc),
      goal.hart == hart.number, goal.isThere(machine)
    else { return .goOn }
    guard let next = goal.next(machine) else { return .halt(.arrived, hart: goal.hart) }
    return .start(next)
  }

  private func stops(at address: UInt64) -> Bool {
    breakpoints.addresses[address] != nil && !passes()
  }

  /// Of a machine in the past.
  func passes(_ past: Machine) -> Bool {
    let now = machine
    defer { machine = now }
    machine = past
    return passes()
  }

  func breakReason(_ address: UInt64) -> Halt.Reason {
    .breakpoint(breakpoints.addresses[address] ?? [])
  }

  /// nil: nobody waits for it any more.
  func watchReason(_ touch: Touch) -> Halt.Reason? {
    breakpoints.watch(for: touch).map {
      .watchpoint($0.kind, address: $0.address, isDone: touch.isDone)
    }
  }

  /// One that died can still be looked at; one that has ended is gone, with its code.
  private func end(_ stop: Stop) -> Halt.Reason {
    switch stop.reason {
    case .lockup, .trapLoop, .fault:
      notices.append("the guest died: \(stop.detail)")
      return .died(stop.detail)
    default: return .ended(code: stop.code)
    }
  }
}
