import CoreShim

/// A Cortex-M4: what the engine leaves to its host. Exceptions (B1.5 of ARM DDI 0403E.e, the ARMv7-M Architecture Reference
/// Manual), the NVIC, SysTick and the system control block (B3), and the cycle counter (C1.8). Each file of this folder names
/// the sections that it implements; docs/cortex-m4.md says where the model stands.
final class CortexM: Hart {
  /// nil: BKPT 0xAB is a BKPT like any other.
  let semihosting: Semihosting?
  /// The bits of a priority that are implemented: the upper ones (B1.5.4).
  let priorityMask: Int
  let interrupts: Int
  let firmwareCalls: FirmwareCalls?
  private let timing: MachineOptions.Timing

  let exceptions: ExceptionTable
  let memory32: StackMemory
  let registers32: RegisterTable
  /// Room for one stack frame.
  let words: UnsafeMutablePointer<UInt32>
  @exclusivity(unchecked) var system = SystemControl()
  @exclusivity(unchecked) var sysTick = SysTick()
  @exclusivity(unchecked) var cycles = CycleCounter()
  @exclusivity(unchecked) var mpu = MemoryProtection()
  @exclusivity(unchecked) var debug = DebugUnits()
  /// A DWT comparator waits for a load or a store.
  @exclusivity(unchecked) var isWatchingData = false
  /// Of the turn of one instruction that runs: its PC, and whether MON_STEP counts it.
  @exclusivity(unchecked) var steppedPC: UInt32 = 0
  @exclusivity(unchecked) var stepsNow = false

  /// The PC in lockup.
  static let lockupAddress: UInt32 = 0xFFFF_FFFE

  enum Control {
    static let npriv: UInt32 = 1
    static let spsel: UInt32 = 2
    static let fpca: UInt32 = 4
  }

  enum XPSR {
    /// APSR: N, Z, C, V, Q and GE.
    static let flags: UInt32 = 0xF80F_0000
    /// What a return loads: APSR, IPSR, and of EPSR the IT bits and T.
    static let stacked: UInt32 = 0xFF0F_FDFF
    static let thumb: UInt32 = 1 << 24
  }

  init(
    core: OpaquePointer, bus: Bus, priorityBits: Int, interrupts: Int,
    timing: MachineOptions.Timing, semihosting: Semihosting?
  ) {
    precondition((3...8).contains(priorityBits), "ARMv7-M implements 3 to 8 bits of priority")
    self.semihosting = semihosting
    self.interrupts = interrupts
    firmwareCalls = bus.board.firmwareCalls
    self.timing = timing
    priorityMask = 0xFF & ~(0xFF >> priorityBits)
    exceptions = ExceptionTable(interrupts: interrupts)
    memory32 = StackMemory(bus.memory)
    registers32 = Self.registerTable
    words = .allocate(capacity: 26)
    words.initialize(repeating: 0, count: 26)
    super.init(core: core, number: 0, bus: bus)
  }

  deinit {
    exceptions.deallocate()
    memory32.deallocate()
    words.deallocate()
  }

  /// `TakeReset()`, B1.5.5.
  override func start(at now: Tick) {
    system = SystemControl()
    sysTick = SysTick()
    cycles = CycleCounter()
    mpu = MemoryProtection()
    debug = DebugUnits()
    exceptions.reset()
    schedule(at: .max)
    configure()
    core_m4_set_cycles(core, timing == .m4)
    core_m4_set_priority_mask(core, UInt8(priorityMask))
    var state = CoreM4()
    state.r.14 = 0xFFFF_FFFF
    guard let sp = memory32.word(at: system.vtor), let vector = memory32.word(at: system.vtor + 4)
    else {
      return lockUp(
        "the initial SP and the reset vector at \(hex(UInt64(system.vtor))) cannot be read",
        priority: -1, state)
    }
    state.msp = sp & ~3
    state.r.15 = vector & ~1
    state.xpsr = (vector & 1) << 24
    core_m4_set(core, &state)
    reconsider(state.masks)
  }

  override func access(_ access: UnsafeMutablePointer<CoreAccess>) -> CoreAccessVerdict {
    let offset = access.pointee.address &- Self.privateBase
    let verdict =
      offset < Self.privateSize
      ? accessPrivate(offset, access)
      : Self.isBitBand(access.pointee.address)
        ? accessBit(access)
        : isWatchingData && memory32.access(access, index: index)
          ? CORE_ACCESS_DONE : super.access(access)
    if verdict != CORE_ACCESS_DONE { return refused(access) }
    if isWatchingData { watch(access.pointee) }
    return verdict
  }

  override func misaligned(_ access: UnsafePointer<CoreAccess>) {
    let offset = access.pointee.address &- Self.privateBase
    if offset >= Self.privateSize { return super.misaligned(access) }
    notModelled(access.pointee.words(registers32.name(at: offset)), access, kind: .unaligned)
  }

  func accessDevice(_ access: UnsafeMutablePointer<CoreAccess>) -> CoreAccessVerdict {
    super.access(access)
  }

  /// CCR.BFHFNMIGN: "data access ... that generates a BusFault, when executing at priority -1 or -2, is ignored" (B3.2.8).
  private func refused(_ access: UnsafeMutablePointer<CoreAccess>) -> CoreAccessVerdict {
    if system.ccr & SystemControl.CCR.ignoreBusFaults == 0 { return CORE_ACCESS_FAULT }
    if executionPriority(masks) >= 0 { return CORE_ACCESS_FAULT }
    system.cfsr |= SystemControl.CFSR.preciseBus | SystemControl.CFSR.busAddressValid
    system.bfar = UInt32(truncatingIfNeeded: access.pointee.address)
    access.pointee.value = 0
    return CORE_ACCESS_DONE
  }

  /// At the end of a turn others may have something to say at this very tick, and it may be more urgent: the engine asks again
  /// when the next turn begins, before an instruction.
  override func interrupt() {
    if now >= bus.horizon || preempting(masks) == 0 { return }
    var state = CoreM4()
    core_m4_get(core, &state)
    enterException(&state, returnAddress: state.r.15)
  }

  /// "the NVIC detects that the interrupt signal is asserted and the interrupt is not active, or detects a rising edge": pending
  /// is latched, and falling does not take it back (B3.4).
  override func setLine(_ line: Int, _ level: Bool) {
    precondition(line >= 0 && line < interrupts, "this core has no IRQ \(line)")
    let number = Exception.firstIRQ + line
    if exceptions.isHigh(number) == level { return }
    exceptions.setHigh(number, level)
    if level {
      pend(number)
      reconsider()
    }
  }

  /// An edge; a level that stays is no second one.
  override func setNMI(_ level: Bool) {
    if !level { return }
    pend(Exception.nmi)
    reconsider()
  }

  override func protectionChanged() { setUnreadable() }

  override func advance(now: Tick) {
    if sysTick.expire(now) {
      pend(Exception.sysTick)
      reconsider()
    }
    if debug.cycleMatch <= now { cycleHasCome(now) }
    reschedule()
  }

  func reschedule() { schedule(at: min(sysTick.deadline, debug.cycleMatch)) }

  /// What the engine does by itself is told of the registers that govern it.
  func configure() {
    setFP()
    setTraps()
    setMPU()
    setNegative()
    setWatch()
    setUnreadable()
  }

  /// CCR.UNALIGN_TRP and CCR.DIV_0_TRP.
  func setTraps() {
    core_m4_set_traps(
      core, system.ccr & SystemControl.CCR.unalignedTrap != 0,
      system.ccr & SystemControl.CCR.divideTrap != 0)
  }

  /// After whatever makes HardFault or NMI active or inactive.
  func setNegative() {
    core_m4_set_negative(
      core, exceptions.isActive(Exception.hardFault) || exceptions.isActive(Exception.nmi))
  }

  override func isFetchFault(_ cause: UInt64) -> Bool {
    cause == UInt64(CORE_M4_FETCH_FAULT)
      || cause == UInt64(CORE_M4_EXECUTE_NEVER)
  }

  override func traps(_ counts: UnsafePointer<UInt64>) -> TrapCounts {
    var traps = TrapCounts()
    traps.svc = counts[CORE_M4_SVC]
    traps.ebreak = counts[CORE_M4_BKPT]
    for cause in CORE_M4_UNDEFINED...CORE_M4_MPU_FAULT {
      traps.faults += counts[cause]
    }
    traps.faults += counts[CORE_M4_DIVIDE_BY_ZERO]
    traps.interrupts = interruptsEntered
    return traps
  }

  override var lastWords: String { "locked up at priority -1, and no NMI comes; \(system.status)" }
  override func beginStep() { stepBegins() }
  override func endStep(_ attempts: UInt64) { stepEnds(attempts) }
  override func trap(_ trap: CoreTrap) -> CoreTrapVerdict { take(trap) }
  override var sleepsDeeply: Bool { system.scr & SystemControl.SCR.deep != 0 }
  override func wakes(from sleep: Sleep) -> Bool { ends(sleep) }

  override var pc: UInt64 { UInt64(core_m4_r(core)[15]) }
  override var registers: [Register] { registerList }
  override func value(of register: RegisterName) -> UInt64? { readRegister(register) }
  override func set(_ register: RegisterName, to value: UInt64) -> Bool {
    writeRegister(register, value)
  }
  override func encode(into encoder: inout CanonicalBytes) { encoder.append(encoding: state) }

  override func saveModel() -> any Codable & Sendable { state }
  override func restoreModel(_ saved: any Codable & Sendable) {
    guard let saved = saved as? CortexMState else {
      preconditionFailure("a snapshot of another core")
    }
    core_m4_set_priority_mask(core, UInt8(priorityMask))
    state = saved
  }
}
