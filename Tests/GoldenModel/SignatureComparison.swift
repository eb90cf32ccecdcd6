import Emu

/// One guest on both machines, by what it leaves: its data, its page tables, and every register, the digest among them.
///
/// Where a guest jumps into its data, it may run round in circles there, or in a handler that traps into itself, which only here
/// ends the run: such a one is compared by its first commits.
public struct SignatureComparison {
  /// Instructions retired here, and traps taken.
  public private(set) var retired: UInt64 = 0
  public private(set) var traps: UInt64 = 0
  /// What was not the same.
  public private(set) var difference: String?

  public private(set) var isEndless = false
  /// Compared up to somewhere only: see `Excuse.end`.
  public private(set) var isCut = false

  /// A guest has three million or so.
  private static let longest: UInt64 = 20_000_000

  public init(seed: UInt64, spike: String, units: Int = 2000, passes: UInt64 = 16) throws {
    let guest = Guest(seed: seed, units: units, passes: passes)
    let machine = try guest.machine()
    if machine.run(until: RunLimit(retired: Self.longest)) == .asleep { machine.end(.idle) }
    retired = machine.retired
    let counts = machine.traps
    traps = counts.ecall + counts.ebreak + counts.interrupts + counts.faults
    guard let stop = machine.stop, stop.reason != .trapLoop else {
      isEndless = true
      let log = try Comparison(seed: seed, spike: spike, units: units, passes: passes)
      (retired, traps, difference) = (UInt64(log.commits), 0, log.difference)
      return
    }
    guard stop.reason == .htif, stop.code == 0 else {
      difference = "seed \(seed): the run ended with \(stop)"
      return
    }
    let ours = Guest.signature(of: machine)
    let theirs = try guest.withFile { try Spike.signature(spike, image: $0) }
    if ours == theirs { return }
    let log = try Comparison(
      seed: seed, spike: spike, units: units, passes: passes, limit: Self.longest)
    difference = log.difference
    if log.end != nil {
      isCut = true
      retired = UInt64(log.commits)
    } else if difference == nil {
      difference = "seed \(seed): another signature, but the same commits: \(theirs.count) bytes"
    }
  }
}
