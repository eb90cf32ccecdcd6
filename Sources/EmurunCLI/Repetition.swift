import Emu
import Glibc
import Timeline

/// The same run once more, in every way differently that must not matter: cut into ragged slices, on another thread, on an
/// engine of its own, recording other events.
struct Repetition {
  let plan: RunPlan
  let host: Host

  func compare(with first: Machine) throws(Refusal) {
    let second = try onAnotherThread { () throws(Refusal) in
      // Only what is always recorded: less than in the first run.
      let machine = try plan.machine(fresh: true, trace: .visible)
      try plan.drive(machine, pace: .ragged(state: 0x9E37_79B9_7F4A_7C15), host: host, between: {})
      return machine
    }
    if second.stop?.reason == .interrupted { return }
    if second.traceDigest == first.traceDigest && second.stateDigest == first.stateDigest { return }
    throw Refusal(ExitCode.software, difference(first, second))
  }

  private func difference(_ first: Machine, _ second: Machine) -> String {
    let one = first.trace.lazy.filter { Event.Mask.visible.contains($0.kind) }
    let other = second.trace.lazy.filter { Event.Mask.visible.contains($0.kind) }
    var (left, right) = (one.makeIterator(), other.makeIterator())
    var number = 0
    while true {
      let pair = (left.next(), right.next())
      if pair.0 == nil && pair.1 == nil { break }
      if pair.0 != pair.1 {
        return "the second run is not the first. Event \(number) was\n"
          + "  \(describe(pair.0))\nand then\n  \(describe(pair.1))\n" + plea
      }
      number += 1
    }
    return "the second run is not the first: the same \(number) events, but not the same "
      + (first.traceDigest == second.traceDigest ? "memory, registers and devices" : "traps")
      + " (\(first.traceDigest.prefix(12)), \(second.traceDigest.prefix(12))). " + plea
  }

  private var plea: String {
    "This is a bug of emurun: please report it, with the image and this command line"
  }

  private func describe(_ event: Event?) -> String {
    guard let event else { return "nothing more" }
    var words = EventText(EventNames(plan.board), TraceKinds(rawValue: .max))
    words.add(event)
    words.flush()
    return String(decoding: words.take().dropLast(), as: UTF8.self)
  }

  /// Nothing else runs meanwhile: the thread is there to be another one.
  private func onAnotherThread(
    _ work: @escaping () throws(Refusal) -> Machine
  ) throws(Refusal) -> Machine {
    let job = Job(work)
    var thread = pthread_t()
    let error = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Job>.fromOpaque(context).takeUnretainedValue().run()
        return nil
      }, Unmanaged.passUnretained(job).toOpaque())
    if error != 0 {
      throw Refusal(ExitCode.software, "no thread for the second run: \(EmurunCLI.describe(error))")
    }
    pthread_join(thread, nil)
    guard let result = job.result else { preconditionFailure("a thread ended without a result") }
    return try result.get()
  }

  private final class Job {
    private let work: () throws(Refusal) -> Machine
    private(set) var result: Result<Machine, Refusal>?
    init(_ work: @escaping () throws(Refusal) -> Machine) { self.work = work }

    func run() {
      do throws(Refusal) { result = .success(try work()) } catch { result = .failure(error) }
    }
  }
}
