/// The world outside a board, as far as it acts by itself: levels that inputs get at exact times. Part of the machine, of its
/// snapshots and of its digest; one more actor in the order of deadlines, behind devices and cores.
struct World: Sendable, Hashable, Codable {
  struct Change: Sendable, Hashable, Codable {
    var moment: Moment
    var slot: Int
    var pin: Int
    /// nil: nobody drives it any more.
    var level: Bool?
  }
  /// The next one first; at one moment in the order in which they were asked for.
  private(set) var changes: [Change] = []

  mutating func add(_ change: Change) {
    let place = changes.firstIndex { $0.moment > change.moment } ?? changes.count
    changes.insert(change, at: place)
  }

  /// Those that are due at a tick.
  mutating func take(at tick: Tick, _ clock: Clock) -> [Change] {
    let due = changes.prefix { clock.tick(reaching: $0.moment) <= tick }
    changes.removeFirst(due.count)
    return Array(due)
  }

  func deadline(_ clock: Clock) -> Tick {
    changes.first.map { clock.tick(reaching: $0.moment) } ?? .max
  }
}

extension Machine {
  /// Presses a button for a while, from a time of the run on: from now on if that is over.
  ///
  /// - Throws: where the board has no such button.
  public func press(
    _ name: String, at moment: Moment? = nil, for duration: Duration
  ) throws(MachineError) {
    guard let (button, slot) = button(name) else {
      let known = board.buttons.map(\.name).joined(separator: ", ")
      throw MachineError(
        .options,
        "\(board.name) has no button \"\(name)\"; "
          + (known.isEmpty ? "it has none at all" : "it has \(known)"))
    }
    let start = max(moment ?? Moment(), clock.moment(at: now))
    for (moment, level) in [(start, button.pressed), (start + duration, nil)] {
      change(World.Change(moment: moment, slot: slot, pin: button.pin, level: level))
    }
  }

  /// Presses a button, or lets it go, where the machine stands. Nothing if the board has no such button.
  public func setButton(_ name: String, isPressed: Bool) {
    guard let (button, slot) = button(name) else { return }
    change(
      World.Change(
        moment: clock.moment(at: now), slot: slot, pin: button.pin,
        level: isPressed ? button.pressed : nil))
  }

  func change(_ change: World.Change) {
    note(.pin(change))
    bus.add(change)
  }

  private func button(_ name: String) -> (Board.Button, slot: Int)? {
    guard let button = board.buttons.first(where: { $0.name == name }),
      let slot = board.slot(of: button.device)
    else { return nil }
    return (button, slot)
  }
}
