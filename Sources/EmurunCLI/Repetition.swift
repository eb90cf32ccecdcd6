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
      try plan.drive(machine, pace: .second, host: host, between: {})
      return machine
    }
    if second.stop?.reason == .interrupted { return }
    if second.traceDigest == first.traceDigest && second.stateDigest == first.stateDigest { return }
    let what = first.traceDigest == second.traceDigest ? "not in its events" : "in its events too"
    let place = try Divergence(plan, end: max(first.now, second.now)).words()
    throw Refusal(
      ExitCode.software,
      "the second run is not the first, \(what): "
        + (place ?? "but run once more beside each other, they do not differ")
        + "\nThis is a bug of emurun: please report it, with the image and this command line")
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
