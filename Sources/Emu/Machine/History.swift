/// The past of a machine: snapshots on its way, and what came from outside. Each index of it can be stood at again.
///
/// Snapshots are made so rarely that they cost a small part of the run, and thinned so that of the distant past there are few:
/// between any two that are left lies a part of the way back to the present that is much the same. One goes from the last
/// snapshot before a place to the place by running, which is exact.
public struct History: Sendable {
  struct Place: Sendable {
    var index: UInt64
    var snapshot: Snapshot
    /// Bytes that it takes beside the one before it, with which it shares what has not changed.
    var size: Int
  }

  /// By index. The first one is where history begins.
  private(set) var places: [Place]
  /// Bytes that it takes.
  public private(set) var size: Int
  /// What came from outside, up to the newest place that the machine has been at.
  public private(set) var inputs: [Machine.Input]
  private let budget: Int

  /// Attempts between two snapshots: the host runs some hundred of them in the time in which it copies a KiB.
  private static let leastInterval: UInt64 = 4_000_000
  private static let intervalPerByte = 4

  /// - Parameter budget: bytes that the snapshots may take. The first and the latest one are kept in any case.
  public init(_ machine: Machine, budget: Int) {
    self.budget = budget
    inputs = machine.inputs
    places = []
    size = 0
    add(machine)
  }

  private mutating func add(_ machine: Machine) {
    let snapshot = machine.snapshot()
    let own = snapshot.size(beside: places.last?.snapshot)
    places.append(Place(index: machine.index, snapshot: snapshot, size: own))
    size += own
  }

  private mutating func remove(at number: Int) {
    size -= places[number].size
    places.remove(at: number)
    guard number < places.count else { return }
    let before = number > 0 ? places[number - 1].snapshot : nil
    let own = places[number].snapshot.size(beside: before)
    size += own - places[number].size
    places[number].size = own
  }

  public var begin: UInt64 { places[0].index }
  public var count: Int { places.count }

  /// The machine has come here; a snapshot is made if it is time for one.
  public mutating func reach(_ machine: Machine) {
    let seen = machine.inputs
    let common = min(seen.count, inputs.count)
    if common > 0 && seen[common - 1] != inputs[common - 1] {
      // Something else came than had come the first time.
      startAnew(machine)
    } else if seen.count > inputs.count {
      inputs = seen
    }
    guard let latest = places.last, machine.stop == nil else { return }
    // The next one takes about what the latest did; the first one took all of memory.
    let copied = places.count > 1 ? latest.size : 0
    let interval = max(Self.leastInterval, UInt64(Self.intervalPerByte * copied))
    if machine.index < latest.index + interval { return }
    add(machine)
    thin()
  }

  /// From here on the run is another one than it was: the future that was known is none.
  public mutating func startAnew(_ machine: Machine) {
    inputs = machine.inputs
    while let last = places.indices.last, places[last].index >= machine.index { remove(at: last) }
    add(machine)
  }

  /// Takes away the snapshot that is missed least: whose neighbours are near each other, for how long ago it is.
  private mutating func thin() {
    guard let now = places.last?.index else { return }
    while size > budget && places.count > 2 {
      var least = (place: 1, worth: Double.infinity)
      for place in 1..<places.count - 1 {
        let gap = Double(places[place + 1].index - places[place - 1].index)
        let worth = gap / Double(now - places[place].index + 1)
        if worth < least.worth { least = (place, worth) }
      }
      remove(at: least.place)
    }
  }

  // MARK: Going there

  /// What comes next from outside, for a machine that is in the past.
  public func next(for machine: Machine) -> Machine.Input? {
    let count = machine.inputs.count
    // Something else came: what came later the first time comes no more.
    let isSame =
      count == 0 || count <= inputs.count && machine.inputs[count - 1] == inputs[count - 1]
    return isSame && count < inputs.count ? inputs[count] : nil
  }

  /// Runs a machine of the past as it ran then: to a limit, or to whatever else pauses it.
  public func run(_ machine: Machine, until limit: RunLimit) -> Pause {
    var bound = limit
    while true {
      let next = next(for: machine)
      if let next, machine.index == next.index, machine.now == next.tick {
        machine.replay(next)
        continue
      }
      bound.tick = min(limit.tick ?? .max, next?.tick ?? .max)
      let pause = machine.run(until: bound)
      bound.passing = nil
      if let next, pause == .limit, machine.index == next.index, machine.now == next.tick {
        continue
      }
      return pause
    }
  }

  /// A machine as it was at that index; nil: that is before the beginning.
  public func machine(at index: UInt64) throws(MachineError) -> Machine? {
    guard let place = places.last(where: { $0.index <= index }) else { return nil }
    let machine = try Machine(place.snapshot)
    _ = run(machine, until: RunLimit(index: index))
    return machine
  }

  /// The latest stop before an index, and the machine there.
  ///
  /// - Parameters:
  ///   - breakpoints: of which kind; a watchpoint counts directly behind its access, as for somebody who comes from there.
  public func latestStop(
    before end: UInt64, _ breakpoints: Breakpoints, _ passes: (Machine) -> Bool = { _ in false }
  ) throws(MachineError) -> (machine: Machine, pause: Pause)? {
    var end = end
    for place in places.reversed() where place.index < end {
      let machine = try Machine(place.snapshot)
      var latest: (index: UInt64, number: Int, pause: Pause)?
      var number = 0
      stops(machine, before: end, breakpoints) { pause in
        number += 1
        if case .breakpoint = pause, passes(machine) { return true }
        latest = (machine.index, number, pause)
        return true
      }
      guard let latest else {
        end = place.index
        continue
      }
      let again = try Machine(place.snapshot)
      number = 0
      stops(again, before: end, breakpoints) { _ in
        number += 1
        return number < latest.number
      }
      if case .watchpoint(let touch) = latest.pause, !touch.isDone {
        _ = run(again, until: RunLimit(index: again.index + 1))
      }
      return (again, latest.pause)
    }
    return nil
  }

  /// The latest store of anybody into bytes of memory, by their physical address, before the machine comes to a limit.
  ///
  /// - Returns: who made it, and index and tick at which it was over. nil: nobody has since history began.
  public func latestStore(
    to range: Range<UInt64>, before end: RunLimit
  ) throws(MachineError) -> (storer: Storer, index: UInt64, tick: Tick)? {
    var limit = end
    limit.store = range
    for place in places.reversed()
    where place.index < end.index ?? .max && place.snapshot.now < end.tick ?? .max {
      let machine = try Machine(place.snapshot)
      var latest: (storer: Storer, index: UInt64, tick: Tick)?
      while run(machine, until: limit) == .event {
        if let storer = machine.storer { latest = (storer, machine.index, machine.now) }
      }
      if let latest { return latest }
      // While it slept the index was the same.
      limit.tick = place.snapshot.now
      limit.index = place.index + 1
    }
    return nil
  }

  /// Each stop of a part of the past, as long as `body` wants more.
  private func stops(
    _ machine: Machine, before end: UInt64, _ breakpoints: Breakpoints, _ body: (Pause) -> Bool
  ) {
    var limit = RunLimit(index: end)
    limit.breakpoints = breakpoints
    while machine.index < end {
      switch run(machine, until: limit) {
      case .breakpoint: if !body(.breakpoint) { return }
      case .watchpoint(let touch): if !body(.watchpoint(touch)) { return }
      case .event: continue
      case .limit, .instructions, .asleep, .stopped: return
      }
    }
  }

  /// A machine before the latest attempt of a hart that it made before an index; nil: history begins later.
  public func machine(
    beforeLatestAttemptOf hart: Int, before end: UInt64
  ) throws(MachineError) -> Machine? {
    guard end > begin else { return nil }
    let isAlone = places[0].snapshot.board.harts == 1
    if isAlone { return try machine(at: end - 1) }
    // Harts take turns of a few thousand: most often it is near.
    let near = end - min(end - begin, 1 << 15)
    var end = end
    for start in [near] + places.reversed().map(\.index) where start < end {
      guard let machine = try self.machine(at: start) else { continue }
      var found: UInt64?
      while machine.index < end {
        var limit = RunLimit(index: end)
        limit.step = hart
        let before = machine.harts[hart].attempts
        guard run(machine, until: limit) == .limit else { break }
        if machine.harts[hart].attempts != before { found = machine.index - 1 }
      }
      if let found { return try self.machine(at: found) }
      end = start
    }
    return nil
  }
}
