import ArgumentParser
import Emu
import Timeline

struct SnapshotOptionsGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write where the run is at its end, or at a virtual time, to go on from: boot.snap@1.5s.",
      valueName: "file[@time]"),
    transform: SavePlace.parse)
  var save: SavePlace?

  @Option(
    help: ArgumentHelp(
      "Go on from there: with the same image, and the options that it was started with.",
      valueName: "file"))
  var restore: String?
}

/// "boot.snap", "boot.snap@1.5s".
struct SavePlace: OptionValue, Hashable {
  static let form = "write FILE or FILE@TIME, such as boot.snap@1.5s"
  let path: String
  /// nil: at the end of the run.
  let moment: Moment?

  init?(argument: String) {
    if argument.isEmpty { return nil }
    guard let at = argument.lastIndex(of: "@"),
      let time = VirtualTime(argument: String(argument[argument.index(after: at)...]))
    else {
      // A name may have an @ in it.
      path = argument
      moment = nil
      return
    }
    guard at != argument.startIndex, let nanoseconds = time.nanoseconds else { return nil }
    path = String(argument[..<at])
    moment = Moment(nanoseconds: nanoseconds)
  }
}

/// Where a run is to be saved, and then what it was there.
final class SavePoint {
  private let moment: Moment?
  private var snapshot: Snapshot?

  init(_ place: SavePlace) { moment = place.moment }

  /// A tick at which the run has to stop.
  func goal(_ machine: Machine) -> Tick {
    guard snapshot == nil, let moment else { return .max }
    return machine.clock.tick(reaching: moment)
  }

  /// A slice is over. What sleeps for good is at any later time as it is now.
  func look(_ machine: Machine, _ pause: Pause) {
    if moment != nil, machine.stop == nil, machine.now >= goal(machine) || pause == .asleep {
      take(machine)
    }
  }

  /// The host is about to end the run.
  func beforeEnd(_ machine: Machine) { if moment == nil { take(machine) } }

  private func take(_ machine: Machine) { if snapshot == nil { snapshot = machine.snapshot() } }

  /// False: there was nothing to be saved.
  func write(to file: OutputFile) throws(Refusal) -> Bool {
    guard let snapshot else { return false }
    do { try file.write(snapshot.encoded()) } catch let error as MachineError {
      throw Refusal(error)
    } catch let error as Refusal {
      throw error
    } catch { preconditionFailure("\(error)") }
    try file.commit()
    return true
  }
}

extension Refusal {
  init(_ error: MachineError) {
    switch error.kind {
    case .image, .snapshot: self.init(ExitCode.badData, error.description)
    case .options: self.init(ExitCode.usage, error.description)
    case .engine: self = EngineLibrary.current.refusal(error.description)
    }
  }
}
