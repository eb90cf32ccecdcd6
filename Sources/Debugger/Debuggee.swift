import Emu

/// A machine with a debugger at it, whatever protocol that speaks: it goes on, steps and goes back, and halts for a reason.
/// There are no files, sockets or threads here.
///
/// What a debugger reads changes nothing, and where it stops the machine is no part of the run: the digests are those of
/// a run that nobody looked at. What it writes is part of the run from there on.
public final class Debuggee {
  public internal(set) var machine: Machine
  /// The debugger has written something: from there on the run is another one.
  public private(set) var hasChanged = false
  /// What a person should be told, one sentence each.
  var notices: [String] = []

  package var breakpoints = BreakpointTable()
  /// Whether the machine, at a breakpoint, is to go on as if there were none; asked of each place that it comes by, there and back.
  package var passes: () -> Bool = { false }
  /// What the machine does at the moment; nil: it stands.
  package internal(set) var motion: Motion?
  var isInterrupted = false
  /// Why it stands, or stood last.
  package internal(set) var latest: Halt
  /// Nobody was told of it yet.
  private var isNews = false

  /// The breakpoints that the machine has.
  var applied = Breakpoints()
  /// nil: nothing is kept, and there is no way back.
  public internal(set) var history: History?
  /// The latest index that the machine has been at, before one went back.
  var farthest: UInt64 = 0
  /// By `monitor snapshot`.
  var kept: [String: Snapshot] = [:]
  /// The attempts of the hart that steps when its step began, and whether the machine is still to leave where it stood.
  var origin: UInt64?
  var leaves = false

  public init(_ machine: Machine) {
    self.machine = machine
    latest = Halt(.arrived, hart: Int(machine.hart.number))
  }

  public var isRunning: Bool { motion != nil }

  public func takeNotices() -> [String] {
    defer { notices = [] }
    return notices
  }

  /// While it runs: as soon as may be.
  package func interrupt() { isInterrupted = isRunning }

  package func halt(_ reason: Halt.Reason, hart: Int? = nil) {
    motion = nil
    isInterrupted = false
    latest = Halt(reason, hart: hart ?? Int(machine.hart.number))
    isNews = true
  }

  /// Of what the debugger asked for, once.
  package func takeHalt() -> Halt? {
    defer { isNews = false }
    return isNews ? latest : nil
  }

  /// Something was written: what the machine stands before may be another instruction.
  package func changed(hart: Int) {
    hasChanged = true
    if machine.index < farthest {
      notices.append(
        "written in the past, at index \(machine.index): from here on it is another run")
    }
    farthest = machine.index
    history?.startAnew(machine)
    latest = Halt(.arrived, hart: hart)
  }

  /// As the reset button does it.
  package func reset() {
    machine.pressReset()
    changed(hart: Int(machine.hart.number))
  }
}

/// Why a machine stands.
package struct Halt: Hashable, Sendable {
  package enum Reason: Hashable, Sendable {
    /// It has come to where it was to come.
    case arrived
    case interrupted
    case breakpoint(Set<BreakpointTable.Kind>)
    /// Before an access; on the way back, and of a store that no instruction makes, directly behind it.
    case watchpoint(BreakpointTable.Kind, address: UInt64, isDone: Bool)
    /// There is no way further back.
    case beginning
    /// The guest cannot go on, and can be looked at.
    case died(String)
    /// The run is over, with the firmware's code.
    case ended(code: UInt32)
  }
  package var reason: Reason
  package var hart: Int

  init(_ reason: Reason, hart: Int) {
    self.reason = reason
    self.hart = hart
  }
}
