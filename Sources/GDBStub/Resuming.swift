import Emu

/// What the machine does until the debugger is told something.
enum Motion: Hashable {
  case goOn
  /// One instruction of a hart; the others run in their turns.
  case step(hart: Int)
  /// Steps of a hart as long as its pc is in there.
  case range(hart: Int, Range<UInt64>)
  /// A monitor word, which is answered when the machine is there.
  case to(index: UInt64)
  /// To the latest attempt of a hart; nil: to the latest stop.
  case back(hart: Int?)

  var hart: Int? {
    switch self {
    case .goOn, .to, .back: nil
    case .step(let hart), .range(let hart, _): hart
    }
  }
}

/// c, s, C, S and vCont (appendix E.2), and the stop replies (E.3).
///
/// Harts run in turns whatever a debugger thinks of threads: who is to step does its step when its turn comes, and a
/// debugger that wants one thread alone gets the others, too. Otherwise the run would be another one.
extension Session {
  func goOn(_ packet: PacketText, hasSignal: Bool, steps: Bool) -> Reply {
    var packet = packet
    // There are no signals that a program could be given.
    if hasSignal {
      _ = packet.number()
      _ = packet.take(";")
    }
    if let address = packet.number() {
      guard machine.set(.pc, to: address, hart: resumed) else { return .error(.badPacket) }
      changed()
    }
    start(steps ? .step(hart: resumed) : .goOn)
    return .nothing
  }

  /// "s:2;c": the first action that is about a thread counts for it. One that steps decides.
  func resume(_ packet: PacketText) -> Reply {
    var packet = packet
    var motion: Motion?
    while !packet.isEmpty {
      var action = PacketText(packet.word(until: ";"))
      var words = PacketText(action.word(until: ":"))
      guard let hart = action.isEmpty ? selected : action.thread().flatMap({ hart(ofThread: $0) })
      else { return .error(.noThread) }
      let kind = words.rest.first
      _ = words.take(kind.map { String(UnicodeScalar($0)) } ?? "")
      switch kind.map({ Character(UnicodeScalar($0)) }) {
      case "s", "S": motion = motion ?? .step(hart: hart)
      case "r":
        guard let (start, end) = words.pair() else { return .error(.badPacket) }
        motion = motion ?? (start < end ? .range(hart: hart, start..<end) : .step(hart: hart))
      case "c", "C": continue
      // A debugger that waits for nothing needs nobody to be stopped.
      case "t": return .ok
      default: return .error(.badPacket)
      }
    }
    start(motion ?? .goOn)
    return .nothing
  }

  private func start(_ motion: Motion) {
    self.motion = motion
    isInterrupted = false
    origin = motion.hart.map { machine.harts[$0].attempts }
    leaves = true
  }

  /// A part of what the debugger asked for. `slice` runs the machine as far as that limit, or less, and may end it.
  public func run(_ slice: (Machine, RunLimit) -> Pause) {
    guard let motion else { return }
    if isInterrupted { return halt(stopped(2)) }
    if case .back(let hart) = motion { return runBack(hart: hart) }
    func part(_ machine: Machine, _ limit: RunLimit) -> Pause { replaying(machine, limit, slice) }
    defer { reach() }
    if case .to(let index) = motion { return run(to: index, part) }
    // A debugger takes its breakpoints away for each step, and nothing comes of dropping code for it: a step has none.
    let isAlone = machine.harts.count == 1
    if motion.hart == nil || !isAlone { applied = breakpoints.forMachine }
    for _ in 0..<(motion.hart == nil ? 1 : 1000) {
      var limit = RunLimit()
      limit.breakpoints = applied
      limit.step = motion.hart
      if leaves { limit.passing = motion.hart ?? Int(machine.hart.number) }
      leaves = false
      let pause = part(machine, limit)
      if let stop = machine.stop { return halt(ended(stop)) }
      if let reply = reply(to: pause, motion) { return halt(reply) }
      if motion.hart == nil || pause != .limit { return }
      leaves = true
    }
  }

  private func run(to index: UInt64, _ slice: (Machine, RunLimit) -> Pause) {
    let pause = slice(machine, RunLimit(index: index))
    let isOver = machine.stop != nil || pause == .asleep || machine.index >= index
    if isOver { halt(stopped(5)) }
  }

  /// nil: it goes on.
  private func reply(to pause: Pause, _ motion: Motion) -> String? {
    switch pause {
    case .breakpoint: return stopped(5, breakReason)
    case .watchpoint(let touch): return watchReason(touch).map { stopped(5, $0) }
    case .limit, .instructions, .event, .asleep, .stopped:
      guard let number = motion.hart, machine.harts[number].attempts != origin else { return nil }
      let hart = machine.harts[number]
      origin = hart.attempts
      if case .range(_, let range) = motion, range.contains(hart.pc),
        breakpoints.addresses[hart.pc] == nil  // which a step does not look at
      {
        return nil
      }
      return stopped(5, hart: number)
    }
  }

  var breakReason: String {
    let kinds = breakpoints.addresses[machine.hart.pc] ?? []
    return kinds.contains(.software) ? "swbreak:;" : "hwbreak:;"
  }

  /// nil: nobody waits for it any more.
  func watchReason(_ touch: Touch) -> String? {
    guard let watch = breakpoints.watch(for: touch) else { return nil }
    let word = [BreakpointTable.Kind.store: "watch", .load: "rwatch"][watch.kind] ?? "awatch"
    return "\(word):\(hex(watch.address));"
  }

  func halt(_ reply: String) {
    var answer = reply
    if case .to = motion {
      say("\(place)\n")
      answer = "OK"
    }
    motion = nil
    isInterrupted = false
    stopReply = reply
    send(answer.utf8)
  }

  /// By a signal's number: 2 the debugger wanted it, 5 it has come to what it was to come to.
  func stopped(_ signal: UInt8, _ reason: String = "", hart number: Int? = nil) -> String {
    let number = number ?? Int(machine.hart.number)
    (selected, resumed) = (number, number)
    var text = "T\(Hex.text([signal]))thread:\(hex(UInt64(number) + 1));" + reason
    for entry in [layout.pc, layout.sp] {
      guard let bytes = machine.harts[number].read(entry) else { continue }
      text += "\(hex(UInt64(entry.number))):\(Hex.text(bytes));"
    }
    return text
  }

  /// One that died can still be looked at; one that has ended is gone, with its code.
  private func ended(_ stop: Stop) -> String {
    switch stop.reason {
    case .lockup, .trapLoop, .fault:
      notices.append("the guest died: \(stop.detail)")
      return stopped(11, hart: stop.hart)
    default:
      hasEnded = true
      return "W\(Hex.text([UInt8(truncatingIfNeeded: stop.code)]))"
    }
  }

  /// Something was written: what the machine stands before may be another instruction.
  func changed() {
    hasChanged = true
    if machine.index < farthest {
      notices.append(
        "written in the past, at index \(machine.index): from here on it is another run")
    }
    farthest = machine.index
    history?.startAnew(machine)
    stopReply = stopped(5, hart: selected)
  }

}
