import BoardFiles
import Emu
import Timeline

/// Where two runs of one plan part that should be the same: run once more beside each other, compared at many ticks, and then
/// bisected from the snapshots of the last one at which they were the same.
struct Divergence {
  private let plan: RunPlan
  private let end: Tick

  /// - Parameter end: a tick by which they differ.
  init(_ plan: RunPlan, end: Tick) {
    self.plan = plan
    self.end = end
  }

  /// One of the two: a machine, and how its run is cut.
  private struct Side {
    var machine: Machine
    var pace: Pace
    var script: ScriptRun?

    init(_ plan: RunPlan, _ machine: Machine, _ pace: Pace) {
      self.machine = machine
      self.pace = pace
      script = plan.script.map { ScriptRun($0, plan.board) }
    }

    func copy() throws(MachineError) -> Side {
      var side = self
      side.machine = try Machine(machine.snapshot())
      side.script = script?.copy()
      return side
    }
  }

  private struct Pair {
    var one: Side
    var two: Side

    var areSame: Bool {
      one.machine.traceDigest == two.machine.traceDigest
        && one.machine.stateDigest == two.machine.stateDigest
    }

    func copy() throws(MachineError) -> Pair { Pair(one: try one.copy(), two: try two.copy()) }
  }

  /// nil: this time they did not differ.
  func words() throws(Refusal) -> String? {
    var last = Pair(
      one: Side(plan, try plan.machine(), .start),
      two: Side(plan, try plan.machine(fresh: true, trace: .visible), .second))
    do {
      var (low, step) = (0 as Tick, max(1, end / 64))
      var next = try last.copy()
      advance(&next, to: step)
      while next.areSame {
        low += step
        if low >= end + step { return nil }
        last = next
        next = try last.copy()
        advance(&next, to: low + step)
      }
      while step > 1 {
        var middle = try last.copy()
        advance(&middle, to: low + step / 2)
        if middle.areSame {
          low += step / 2
          step -= step / 2
          last = middle
        } else {
          step /= 2
        }
      }
      next = try last.copy()
      advance(&next, to: low + 1)
      return describe(last, next)
    } catch {
      throw Refusal(ExitCode.software, error.description)
    }
  }

  private func advance(_ pair: inout Pair, to tick: Tick) {
    advance(&pair.one, to: tick)
    advance(&pair.two, to: tick)
  }

  private func advance(_ side: inout Side, to tick: Tick) {
    while side.machine.stop == nil && side.machine.now < tick {
      let pause = plan.slice(
        side.machine, size: side.pace.next(), until: tick, script: side.script)
      if pause == .asleep { side.machine.end(.idle) }
    }
  }

  /// What the one tick did that made them differ.
  private func describe(_ before: Pair, _ after: Pair) -> String {
    let same = before.one.machine
    let clock = same.clock
    var lines = [
      "both runs are the same up to index \(same.index), tick \(same.now) "
        + "(\(clock.nanoseconds(at: same.now)) ns), pc 0x\(String(same.pc, radix: 16))"
    ]
    let events = [(before.one, after.one), (before.two, after.two)].map { before, after in
      after.machine.trace[before.machine.trace.endIndex...].filter {
        Event.Mask.visible.contains($0.kind)
      }
    }
    let number = zip(events[0], events[1]).prefix { $0 == $1 }.count
    if events[0] != events[1] {
      for (name, events) in zip(["first", "second"], events) {
        let event = number < events.count ? describe(events[number]) : "nothing"
        lines.append("  then in the \(name) run: \(event)")
      }
    }
    let differences = after.one.machine.differences(from: after.two.machine)
    lines += differences.prefix(8).map { "  then \($0)" }
    if differences.count > 8 { lines.append("  and \(differences.count - 8) more differences") }
    return lines.joined(separator: "\n")
  }

  private func describe(_ event: Event) -> String {
    var words = EventText(EventNames(plan.board), TraceKinds(rawValue: .max))
    words.add(event)
    words.flush()
    return String(decoding: words.take().dropLast().drop { $0 == 32 }, as: UTF8.self)
  }
}
