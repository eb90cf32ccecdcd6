/// A run as what it was made of: the machine that it began with, everything that came from outside, and where it ended. With the
/// image it can be had again, on any host: docs/recordings.md.
public struct InputRecording: Sendable {
  /// What it is of.
  public struct Start: Sendable, Hashable, Codable {
    var setup: SnapshotSetup
    /// Whatever else the machine was made of, in the words of who made it.
    public var conditions: [Condition]
    /// Waited at the console from the start.
    public var input: [UInt8]
    /// Inputs that the machine had had when it began.
    var before: Int
    /// Where the image was; nil: it is among the arguments.
    public var image: String?
    /// Words of the command line that made the machine.
    public var arguments: [String]
    /// A script said what was to come.
    public var isScripted: Bool
    /// The emulator that wrote it.
    public var writer: String

    /// Of a machine that has not run yet.
    public init(
      _ machine: Machine, conditions: [Condition] = [], image: String? = nil,
      arguments: [String] = [], isScripted: Bool = false, writer: String
    ) {
      setup = SnapshotSetup(machine.board, machine.boot, machine.options)
      self.conditions = conditions
      input = machine.options.input
      before = machine.inputs.count
      self.image = image
      self.arguments = arguments
      self.isScripted = isScripted
      self.writer = writer
    }

    /// Why a machine that began otherwise cannot repeat the run; nil: it can.
    public func refusal(for other: Start) -> String? {
      if let refusal = setup.refusal(for: other.setup, "recording") { return refusal }
      for (mine, its) in zip(conditions, other.conditions) where mine != its {
        return "the recording is of \(mine.words), and this is of \(its.words)"
      }
      return conditions.count == other.conditions.count && before == other.before
        ? nil : "the recording is of a run with other files: give the same ones as then"
    }
  }

  public struct Condition: Sendable, Hashable, Codable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }

    fileprivate var words: String { "\(name) \(value)" }
  }

  public struct End: Sendable, Hashable, Codable {
    public var tick: Tick
    public var index: UInt64
    var actedSlots: UInt64
    public var stop: Stop
    public var traceDigest: String
  }

  public var start: Start
  public var inputs: [Machine.Input] = []
  /// nil: the file is cut off, or the run that it is of was.
  public var end: End?

  /// The last place that it knows of.
  public var last: (tick: Tick, index: UInt64) {
    if let end { return (end.tick, end.index) }
    return inputs.last.map { ($0.tick, $0.index) } ?? (0, 0)
  }
}

/// A recording while it is played to a machine, which need not be alone: a debugger may go back with it, or do things of its own.
public final class Replay {
  public let recording: InputRecording
  /// Of the machine's inputs those that were compared with the recording's, the last of them, and how many of it they were.
  private var seen: Int
  private var lastSeen: Machine.Input?
  private var done = 0

  public init(_ recording: InputRecording) {
    self.recording = recording
    seen = recording.start.before
  }

  /// The first input that has not come yet.
  private func next(for machine: Machine) -> Machine.Input? {
    let (first, inputs) = (recording.start.before, machine.inputs)
    if inputs.count < seen || seen > first && inputs[seen - 1] != lastSeen {
      (seen, done) = (first, 0)
    }
    while seen < inputs.count {
      if done < recording.inputs.count, inputs[seen].act == recording.inputs[done].act { done += 1 }
      seen += 1
    }
    lastSeen = inputs.last
    return done < recording.inputs.count ? recording.inputs[done] : nil
  }

  /// Gives the machine what is due where it stands.
  public func advance(_ machine: Machine) {
    while machine.stop == nil, let next = next(for: machine), next.tick <= machine.now {
      machine.replay(next)
    }
  }

  /// The limit, with what the machine has to be back for. `endsIt`: for the end, too.
  public func limit(_ limit: RunLimit, _ machine: Machine, endsIt: Bool) -> RunLimit {
    guard let goal = next(for: machine)?.tick ?? (endsIt ? recording.last.tick : nil) else {
      return limit
    }
    var limit = limit
    limit.tick = min(limit.tick ?? .max, goal)
    limit.sleepsOn = true
    return limit
  }

  /// Has all come that there is?
  public func isOver(_ machine: Machine) -> Bool {
    machine.now >= recording.last.tick && next(for: machine) == nil
  }

  /// Ends the run as it ended then.
  public func end(_ machine: Machine) { machine.end(recording.end) }

  /// Why a machine whose run is over is not what was recorded; nil: it is.
  public func difference(_ machine: Machine) -> String? {
    guard let then = recording.end, let now = machine.recordedEnd else { return nil }
    let values = [
      ("stop", then.stop.reason.rawValue, now.stop.reason.rawValue),
      ("index", String(then.index), String(now.index)),
      ("traceDigest", then.traceDigest, now.traceDigest),
    ]
    return values.first { $0.1 != $0.2 }.map { "\($0.0) was \($0.1), and is \($0.2)" }
  }
}

extension Machine {
  /// As it ended then; nil: nobody knows how it would have gone on.
  fileprivate func end(_ end: InputRecording.End?) {
    guard let end else { return self.end(.timeLimit) }
    catchUp(with: end.actedSlots)
    guard stop == nil else { return }
    // What ends by itself has not: it is another run.
    let isHosts = [.timeLimit, .instructionLimit, .idle, .interrupted, .script].contains(
      end.stop.reason)
    self.end(
      isHosts ? end.stop.reason : .timeLimit, code: end.stop.code, detail: end.stop.detail)
  }

  /// How this run, which is over, ended.
  var recordedEnd: InputRecording.End? {
    stop.map {
      InputRecording.End(
        tick: now, index: index, actedSlots: bus.slotsActed(at: now), stop: $0,
        traceDigest: traceDigest)
    }
  }
}
