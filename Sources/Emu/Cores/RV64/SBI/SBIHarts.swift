import CoreShim

/// Hart state management and system suspend: chapters 9 and 13.
extension RV64 {
  func manageHarts(_ function: UInt64) -> SBI.Answer {
    switch function {
    case 0: startHart(x(10), at: x(11), opaque: x(12))
    case 1: stop()
    case 2: status(of: x(10))
    case 3: suspend(UInt32(truncatingIfNeeded: x(10)), resumingAt: x(11), opaque: x(12))
    default: .error(.notSupported)
    }
  }

  private func hart(_ number: UInt64) -> RV64? {
    number < UInt64(bus.harts.count) ? sibling(Int(number)) : nil
  }

  private func startHart(_ number: UInt64, at pc: UInt64, opaque: UInt64) -> SBI.Answer {
    guard let hart = hart(number) else { return .error(.invalidParameter) }
    if !canBegin(at: pc) { return .error(.invalidAddress) }
    if hart.sbi?.state != .stopped { return .error(.alreadyAvailable) }
    hart.sbi = SBI()
    core_rv64_set_mip(hart.core, Pending.software | Pending.timer, 0)
    hart.words[Int(CORE_RV64_MIE)] = 0
    hart.begin(at: pc, opaque: opaque)
    bus.wake(hart)
    return .success
  }

  /// "start_addr is not valid": nothing that can be executed is there.
  private func canBegin(at pc: UInt64) -> Bool { pc & 1 == 0 && memory.contains(pc, count: 2) }

  /// Table "HSM Hart Start Register State": satp 0, sstatus.SIE 0, the hart's number and the opaque
  /// parameter in a0 and a1.
  private func begin(at pc: UInt64, opaque: UInt64) {
    let (satp, sie): (UInt32, UInt64) = (0x180, 2)
    core_rv64_set_csr(core, satp, 0)
    words[Int(CORE_RV64_MSTATUS)] &= ~sie
    words[Int(CORE_RV64_PRIV)] = 1
    words[Int(CORE_RV64_PC)] = pc
    x(10, UInt64(number))
    x(11, opaque)
  }

  private func stop() -> SBI.Answer {
    sbi?.state = .stopped
    sbi?.timer = .max
    schedule(at: .max)
    fallAsleep(.stopped)
    halt()
    return .success
  }

  private func status(of number: UInt64) -> SBI.Answer {
    guard let state = hart(number)?.sbi?.state else { return .error(.invalidParameter) }
    return .value(state.rawValue)
  }

  // MARK: Suspend

  private enum Suspend {
    static let retentive: UInt32 = 0
    static let nonRetentive: UInt32 = 0x8000_0000
  }

  private func suspend(
    _ type: UInt32, resumingAt pc: UInt64, opaque: UInt64
  ) -> SBI.Answer {
    switch type {
    case Suspend.retentive: return suspend(nil)
    case Suspend.nonRetentive:
      if !canBegin(at: pc) { return .error(.invalidAddress) }
      return suspend(SBI.Resume(pc: pc, opaque: opaque))
    default: return .error(.invalidParameter)
    }
  }

  /// As `wfi`, whatever sstatus.SIE says: until an interrupt is pending that sie enables.
  private func suspend(_ resume: SBI.Resume?) -> SBI.Answer {
    sbi?.resume = resume
    fallAsleep(.interrupt)
    if sleep != nil { sbi?.state = .suspended }
    halt()
    return .success
  }

  /// Behind a suspension.
  func resume() {
    guard sbi?.state != .stopped else { return }
    sbi?.state = .started
    guard let resume = sbi?.resume else { return }
    sbi?.resume = nil
    begin(at: resume.pc, opaque: resume.opaque)
  }

  /// To RAM: "all other harts must be in STOPPED state".
  func suspendSystem() -> SBI.Answer {
    if UInt32(truncatingIfNeeded: x(10)) != 0 { return .error(.invalidParameter) }
    if !canBegin(at: x(11)) { return .error(.invalidAddress) }
    let isAlone = bus.harts.indices.allSatisfy {
      $0 == Int(number) || sibling($0).sbi?.state == .stopped
    }
    if !isAlone { return .error(.denied) }
    return suspend(SBI.Resume(pc: x(11), opaque: x(12)))
  }
}
