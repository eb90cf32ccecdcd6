import CoreShim

/// A machine at rest, as a value: as many machines as one likes go on from it, on any thread, each
/// as the first would have.
///
/// What is not in it: files that the guest has open by semihosting, which are closed in the machines made from it.
public struct Snapshot: Sendable {
  public let board: Board
  /// What of them no guest can see may be changed: what is recorded and kept, which engine.
  public var options: MachineOptions
  let boot: Boot
  let hostInterface: HTIF.State?
  let content: Content
  /// By hart: its engine's state, and its own.
  let cores: [CoreState]
  let harts: [Hart.Saved]
  let bus: Bus.Saved
  let trace: Trace
  let past: Machine.Past
  /// Ticks since power-on.
  public let now: Tick

  /// How long ticks are and were.
  public var clock: Clock { bus.rest.clock }
  /// Of the trace.
  public var forgottenEvents: Int { trace.startIndex }

  enum CoreState: Sendable {
    case own([UInt8])
    /// Of another process, perhaps: to be checked.
    case portable([UInt8])

    var bytes: [UInt8] {
      switch self {
      case .own(let bytes), .portable(let bytes): bytes
      }
    }
  }
}

extension Snapshot {
  /// Bytes that it takes beside another one, with which it shares what is the same.
  func size(beside other: Snapshot?) -> Int {
    content.size(beside: other?.content) + cores.reduce(0) { $0 + $1.bytes.count }
  }
}

extension Machine {
  /// Where this machine is now; the machine itself stays as it is.
  public func snapshot() -> Snapshot {
    // As far as it ever is: two snapshots of one state are the same bytes.
    _ = bus.recorder.digest()
    hart.settle()
    for hart in harts { hart.align() }
    let cores = rig.cores.map { core in
      var state = [UInt8](repeating: 0, count: core_state_size(core))
      core_save(core, &state)
      return Snapshot.CoreState.own(state)
    }
    return Snapshot(
      board: board, options: options, boot: boot, hostInterface: htif?.state,
      content: rig.content(), cores: cores, harts: harts.map { $0.save() },
      bus: bus.save(),
      trace: trace, past: past,
      now: now)
  }

  /// A machine that goes on from there.
  public convenience init(_ snapshot: Snapshot) throws(MachineError) {
    try self.init(
      board: snapshot.board, content: snapshot.content, boot: snapshot.boot,
      recorder: Recorder(
        mask: snapshot.options.trace, recent: snapshot.options.recent,
        keeping: snapshot.options.keptEvents, continuing: snapshot.trace),
      options: snapshot.options)
    for (hart, state) in zip(harts, snapshot.cores) {
      hart.resetCore()
      try hart.load(state)
    }
    for (hart, saved) in zip(harts, snapshot.harts) {
      hart.restore(saved)
      // All are where the machine is, whatever a file says of each.
      if hart.now != snapshot.now || hart.index != harts[0].index || hart.index >= 1 << 62 {
        throw MachineError(.snapshot, "the snapshot's harts are at different times: it is damaged")
      }
    }
    bus.restore(snapshot.bus)
    if let saved = snapshot.hostInterface { htif?.state = saved }
    past = snapshot.past
    giveTurn(to: bus.turns.hart)
  }
}

extension Hart {
  fileprivate func load(_ state: Snapshot.CoreState) throws(MachineError) {
    switch state {
    case .own(let state): core_load(core, state)
    case .portable(let portable):
      var state = [UInt8](repeating: 0, count: core_state_size(core))
      var isSound =
        portable.count == core_portable_size(core) && core_from_portable(core, portable, &state)
      if isSound {
        core_load(core, state)
        isSound = !(self is RV64) || core_rv64_is_legal(core)
        core_load(core, state)
      }
      guard isSound else {
        throw MachineError(.snapshot, "the snapshot's hart \(number) cannot be so: it is damaged")
      }
    }
  }
}
