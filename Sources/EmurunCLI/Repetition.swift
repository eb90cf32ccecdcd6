import Emu
import Timeline

/// The same run once more, in every way differently that must not matter: cut into ragged slices, on another thread, on an
/// engine of its own, recording other events.
struct Repetition {
  let plan: RunPlan
  let host: Host

  func compare(with first: Machine) throws(Refusal) {
    // Nothing else runs meanwhile: the thread is there to be another one.
    var result: Result<Machine, Refusal>?
    try HostThread {
      do throws(Refusal) { result = .success(try again()) } catch { result = .failure(error) }
    }.join()
    guard let second = try result?.get() else {
      preconditionFailure("a thread ended without a result")
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

  private func again() throws(Refusal) -> Machine {
    // Only what is always recorded: less than in the first run.
    let machine = try plan.machine(fresh: true, trace: .visible)
    try plan.drive(machine, pace: .second, host: host, between: {})
    return machine
  }
}
