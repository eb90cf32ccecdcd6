import CoreShim

/// The exception model of a Cortex-M4: vector table, exceptions, NVIC, SysTick, SCB.
///
/// What the machine calls is below, in the order of a run. What it may ask is in `Hart`: `now`, `index`, `memory`,
/// `schedule(at:)` for SysTick's next expiry, `record`, `end(.lockup, …)`, `requestReset()` for SYSRESETREQ, `notModelled`,
/// `countInterrupt` for each exception entered that the engine did not see as a trap; and the engine itself: `core`.
final class CortexM: Hart {
  let priorityBits: Int
  let interrupts: Int
  /// nil: BKPT 0xAB is a BKPT like any other.
  let semihosting: Semihosting?

  init(
    core: OpaquePointer, bus: Bus, priorityBits: Int, interrupts: Int, semihosting: Semihosting?
  ) {
    self.semihosting = semihosting
    self.priorityBits = priorityBits
    self.interrupts = interrupts
    super.init(core: core, number: 0, bus: bus)
  }

  /// Reset: own state as at power-on; MSP and PC from the vector table at 0 (VTOR's reset value).
  override func start(at now: Tick) {}

  /// 0xE000E000..0xE000EFFF here, everything else to the bus.
  override func access(_ access: UnsafeMutablePointer<CoreAccess>) -> CoreAccessVerdict {
    super.access(access)
  }

  override func trap(_ trap: CoreTrap) -> CoreTrapVerdict { CORE_TRAP_DELIVER }
  override func interrupt() {}
  override func setLine(_ line: Int, _ level: Bool) {}
  override func advance(now: Tick) {}
  override func wakes(from sleep: Sleep) -> Bool { false }

  override func isFetchFault(_ cause: UInt64) -> Bool {
    cause == UInt64(CORE_M4_FETCH_FAULT)
      || cause == UInt64(CORE_M4_EXECUTE_NEVER)
  }

  override func traps(_ counts: UnsafePointer<UInt64>) -> TrapCounts {
    var traps = TrapCounts()
    traps.svc = counts[CORE_M4_SVC]
    traps.ebreak = counts[CORE_M4_BKPT]
    traps.faults = (CORE_M4_UNDEFINED...CORE_M4_MPU_FAULT).reduce(0) { $0 + counts[$1] }
    traps.interrupts = interruptsEntered
    return traps
  }

  override var pc: UInt64 {
    var state = CoreM4()
    core_m4_get(core, &state)
    return UInt64(state.r.15)
  }

  override var registers: [Register] { [] }
  override func saveModel() -> any Sendable { 0 }
  override func restoreModel(_ saved: any Sendable) {}
  override func encode(into encoder: inout CanonicalBytes) {}
}
