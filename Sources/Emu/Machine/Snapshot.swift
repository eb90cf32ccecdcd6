import CoreShim

/// A machine at rest, as a value: as many machines as one likes go on from it, on any thread, each
/// as the first would have.
///
/// A full copy of the pages in use for now. What is not in it: files that the guest has open by
/// semihosting, which are closed in the machines made from it.
public struct Snapshot: Sendable {
  public let board: Board
  public let options: MachineOptions
  let boot: Boot
  let hostInterface: HTIF.State?
  let content: [Extent]
  /// By hart: its engine's state, and its own.
  let cores: [[UInt8]]
  let harts: [Hart.Saved]
  let bus: Bus.Saved
  let trace: Trace
  let past: Machine.Past
  /// Ticks since power-on.
  public let now: Tick
}

extension Snapshot {
  /// In bytes, for whoever keeps many.
  var size: Int {
    content.reduce(0) { $0 + $1.bytes.count } + cores.reduce(0) { $0 + $1.count }
  }
}

extension Machine {
  /// Where this machine is now; the machine itself stays as it is.
  public func snapshot() -> Snapshot {
    let cores = rig.cores.map { core in
      var state = [UInt8](repeating: 0, count: core_state_size(core))
      core_save(core, &state)
      return state
    }
    return Snapshot(
      board: board, options: options, boot: boot, hostInterface: htif?.state,
      content: memory.content(), cores: cores, harts: harts.map { $0.save() }, bus: bus.save(),
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
    for (hart, core) in zip(harts, snapshot.cores) {
      hart.resetCore()
      core_load(hart.core, core)
    }
    for (hart, saved) in zip(harts, snapshot.harts) { hart.restore(saved) }
    bus.restore(snapshot.bus)
    if let saved = snapshot.hostInterface { htif?.state = saved }
    past = snapshot.past
    giveTurn(to: bus.turns.hart)
  }
}

extension Memory {
  /// All that is in use, a run of pages a piece.
  fileprivate func content() -> [Extent] {
    collectDirty()
    let size = Int(Self.pageSize)
    var content: [Extent] = []
    for block in blocks {
      var next = -1
      for page in block.touchedPages {
        let bytes = UnsafeBufferPointer(start: block.bytes + page * size, count: size)
        if page == next {
          content[content.count - 1].append(bytes)
        } else {
          content.append(
            Extent(address: block.region.address + UInt64(page * size), bytes: Array(bytes)))
        }
        next = page + 1
      }
    }
    return content
  }
}

extension Extent {
  fileprivate mutating func append(_ more: UnsafeBufferPointer<UInt8>) {
    bytes.append(contentsOf: more)
    size += UInt64(more.count)
  }
}
