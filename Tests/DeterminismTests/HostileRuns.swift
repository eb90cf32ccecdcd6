import Emu

/// All that can be seen of a run.
struct HostileOutcome: Hashable {
  var trace: String
  var state: String
  var index: UInt64
  var now: Tick
  var stop: Stop?
  var console: [UInt8]
  var findings: [Finding]

  /// The engine met something that it does not know.
  var isBug: Bool { stop?.detail.hasPrefix("emulator bug") == true }
}

extension HostileGuest {
  /// Each of these may make no difference.
  enum Way: CaseIterable {
    case whole
    /// Another time on the engine that ran it just now, with its code.
    case again
    /// At random places, with everything traced, on an engine that has no code.
    case sliced
    /// On a new engine.
    case fresh
    /// One life up to somewhere, another from there.
    case snapshot
  }

  func run(_ way: Way) throws -> HostileOutcome {
    var random = SplitMix(seed: seed ^ 0xFEED)
    var options = options
    if way == .sliced {
      options.trace = .all
      options.engine = .cold
    }
    if way == .fresh { options.engine = .fresh }
    var machine = try Machine(board, image: image, options: options)
    let end = RunLimit(tick: end.tick, index: end.index)
    switch way {
    case .sliced:
      while true {
        var limit = end
        let step = UInt64(1 << random.below(12))
        switch random.below(4) {
        case 0: limit.tick = min(self.end.tick, machine.now + 1 + random.next() % step)
        case 1: limit.index = min(self.end.index, machine.index + 1 + random.next() % step)
        case 2: limit.retired = machine.retired + 1 + random.next() % step
        default:
          let kind = UInt8(1 + random.below(13))
          limit.event = { $0.rawKind == kind }
          limit.index = min(self.end.index, machine.index + 1 + random.next() % step)
        }
        let pause = machine.run(until: limit)
        if pause == .asleep || machine.stop != nil { break }
        if machine.now >= self.end.tick || machine.index >= self.end.index { break }
      }
    case .snapshot where options.semihosting == nil:
      _ = machine.run(until: RunLimit(tick: self.end.tick, index: random.next() % self.end.index))
      let snapshot = machine.snapshot()
      machine = try Machine(snapshot)
      _ = machine.run(until: end)
    default: _ = machine.run(until: end)
    }
    if machine.stop == nil { machine.end(.timeLimit) }
    return HostileOutcome(
      trace: machine.traceDigest, state: machine.stateDigest, index: machine.index,
      now: machine.now, stop: machine.stop, console: machine.console.bytes,
      findings: machine.findings)
  }
}
