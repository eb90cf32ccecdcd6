import CoreShim

/// Timer extension, chapter 6: the supervisor timer interrupt, pending from exactly the tick at
/// which `time` reaches the value asked for.
extension RV64 {
  enum Pending {
    static let software: UInt64 = 1 << 1
    static let timer: UInt64 = 1 << 5
  }

  func setTimer(_ time: UInt64) -> SBI.Answer {
    sbi?.timer = time
    sbi?.firmwareEvents.count(.setTimer)
    core_rv64_set_mip(core, Pending.timer, 0)
    scheduleTimer()
    return .success
  }

  /// A writable `mtime` moves the goal; one that has passed is due behind this instruction.
  func scheduleTimer() {
    guard let target = sbi?.timer, target != .max else { return schedule(at: .max) }
    let count = target > bus.timeOffset ? target - bus.timeOffset : 0
    schedule(at: timebase.first(reaching: count) ?? .max)
  }

  func raiseTimer() {
    sbi?.timer = .max
    schedule(at: .max)
    core_rv64_set_mip(core, Pending.timer, Pending.timer)
  }
}
