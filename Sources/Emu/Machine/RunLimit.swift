/// How far to run. Every limit is exact and none of them is part of the machine: a run that is cut
/// into a thousand pieces is the same run.
public struct RunLimit {
  /// The clock shows this tick; asleep or not.
  public var tick: Tick?
  /// This time since power-on is reached, whatever software makes of the clock on the way.
  public var moment: Moment?
  /// Directly behind the n-th retired instruction since power-on. A guest may sleep for ever, with a timer that does not wake it:
  /// only a tick ends that.
  public var retired: UInt64?
  /// Directly behind the n-th attempt since power-on.
  public var index: UInt64?
  /// Directly behind the instruction that makes this true. Asked about every event that is
  /// recorded: what can be seen from outside always is, for the rest see `MachineOptions.trace`.
  public var event: ((Event) -> Bool)?
  /// Directly behind the instruction with which about so many more events were recorded, for who
  /// has to read them before they are forgotten. The pause is `.event`.
  public var events: Int?

  /// Directly behind a store into these bytes of memory, by a guest or a device, that changes them or not.
  public var store: Range<UInt64>?
  /// Before an instruction: each time that it is reached, once.
  public var breakpoints = Breakpoints()
  /// This hart's next instruction runs whatever there is before it: one goes on from a breakpoint that one did not come to by running.
  public var passing: Int?
  /// Directly behind the next attempt of this hart.
  public var step: Int?
  /// Asleep for good is no reason to come back before `tick`.
  public var sleepsOn: Bool

  public init(
    tick: Tick? = nil, moment: Moment? = nil, retired: UInt64? = nil, index: UInt64? = nil,
    events: Int? = nil, event: ((Event) -> Bool)? = nil, sleepsOn: Bool = false
  ) {
    self.tick = tick
    self.moment = moment
    self.retired = retired
    self.index = index
    self.events = events
    self.event = event
    self.sleepsOn = sleepsOn
  }

  /// With the moment as a tick, as the clock is now.
  func resolved(_ clock: Clock) -> RunLimit {
    var limit = self
    if let moment { limit.tick = min(tick ?? .max, clock.tick(reaching: moment)) }
    return limit
  }
}

/// Why a call of `run` came back.
public enum Pause: Sendable, Hashable {
  /// The run is over.
  case stopped(Stop)
  /// `tick`, `moment`, `index` or `step` was reached.
  case limit
  /// `retired` was reached.
  case instructions
  /// `event` was true, `events` were recorded, or there was the store.
  case event
  /// Before an instruction of `breakpoints`: the next one of `Machine.hart`.
  case breakpoint
  /// Before an instruction that makes this access, or the rest of it if it makes several; directly behind a store that no
  /// instruction makes (`Touch.isDone`).
  case watchpoint(Touch)
  /// Asleep, and nothing but input will change that. A host that has none ends the run, `Machine.end(.idle)`.
  case asleep
}
