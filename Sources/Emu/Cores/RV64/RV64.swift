import CoreShim

/// An RV64GC hart: what the machine and its SBI add to the engine, which knows traps and interrupts
/// itself.
final class RV64: Hart {
  /// How a hart begins after a reset.
  struct Start: Sendable, Hashable {
    /// Supervisor: at the kernel, as if a firmware had just left it there.
    var mode = MachineOptions.Mode.machine
    var pc = ResetROM.address
    /// In a1, unless the reset ROM does that; 0: none.
    var deviceTree: UInt64 = 0
    /// A `fw_dynamic_info`, in a2; 0: the reset ROM has it.
    var info: UInt64 = 0
    /// The emulator is the SBI.
    var answersSBI = false
  }

  enum Cause {
    static let fetchMisaligned: UInt64 = 0
    static let fetchFault: UInt64 = 1
    static let breakpoint: UInt64 = 3
    static let ecallFromS: UInt64 = 9
    static let fetchPageFault: UInt64 = 12
    static let interrupt: UInt64 = 1 << 63
  }

  let start: Start
  let timebase: Ratio
  let semihosting: Semihosting?
  @exclusivity(unchecked) var sbi: SBI?

  init(
    core: OpaquePointer, number: UInt8, bus: Bus, start: Start, timebase: Ratio,
    semihosting: Semihosting?
  ) {
    self.start = start
    self.timebase = timebase
    self.semihosting = semihosting
    super.init(core: core, number: number, bus: bus)
  }

  override func start(at now: Tick) {
    sbi = nil
    schedule(at: .max)
    if start.answersSBI { sbi = SBI() }
    if start.info != 0 {
      x(10, UInt64(number))
      x(11, start.deviceTree)
      x(12, start.info)
    }
    words[Int(CORE_RV64_PC)] = start.pc
    if start.mode == .supervisor {
      enterSupervisor()
      if number != 0 {
        sleep = .stopped
        sbi?.state = .stopped
        bus.turns.fallAsleep(Int(number))
      }
    }
    watch()
  }

  /// The engine calls only for traps that somebody here answers or wants to see.
  private func watch() {
    var causes: UInt64 = 1 << Cause.breakpoint
    if sbi != nil { causes |= 1 << Cause.ecallFromS }
    let mask = bus.recorder.mask
    if mask.contains(.trap) { causes = .max }
    core_rv64_watch(core, causes, mask.contains(.interrupt))
  }

  /// What a firmware leaves to its payload: traps of S and U mode delegated but for the calls to
  /// itself, counters and all memory open to it.
  private func enterSupervisor() {
    let allExceptions: UInt64 = 0xB3FE
    let supervisorInterrupts: UInt64 = 0x222
    words[Int(CORE_RV64_MEDELEG)] = allExceptions & ~(1 << Cause.ecallFromS)
    words[Int(CORE_RV64_MIDELEG)] = supervisorInterrupts
    let mcounteren: UInt32 = 0x306
    core_rv64_set_csr(core, mcounteren, 7)
    let pmpaddr0: UInt32 = 0x3B0
    let pmpcfg0: UInt32 = 0x3A0
    core_rv64_set_csr(core, pmpaddr0, .max)
    core_rv64_set_csr(core, pmpcfg0, 0x1F)  // NAPOT, everything: read, write, execute
    words[Int(CORE_RV64_PRIV)] = 1
  }

  // MARK: Registers

  var words: UnsafeMutablePointer<UInt64> { core_rv64_words(core) }
  func x(_ number: Int) -> UInt64 { words[number] }
  func x(_ number: Int, _ value: UInt64) { words[number] = value }

  override var pc: UInt64 { words[Int(CORE_RV64_PC)] }

  // MARK: Running

  override func run(
    _ attempts: UInt64, _ ticks: Tick, _ onCommit: ((Commit) -> Void)?
  ) -> CoreExit {
    if let onCommit { step(onCommit) } else { super.run(attempts, ticks, nil) }
  }

  // MARK: Traps and interrupts

  override func isFetchFault(_ cause: UInt64) -> Bool {
    cause == Cause.fetchMisaligned || cause == Cause.fetchFault || cause == Cause.fetchPageFault
  }

  override func trap(_ trap: CoreTrap) -> CoreTrapVerdict {
    if trap.cause & Cause.interrupt != 0 {
      record(.interrupt, detail: trap.cause & 63, value: trap.pc)
      return CORE_TRAP_DELIVER
    }
    record(.trap, detail: trap.cause, value: trap.pc)
    switch trap.cause {
    case Cause.ecallFromS where sbi != nil:
      answerSBI(at: trap.pc)
      return CORE_TRAP_RESUME
    case Cause.breakpoint where isSemihostingCall(at: trap.pc):
      guard let semihosting else {
        notModelled("semihosting call, which is off (--semihosting)")
        return CORE_TRAP_DELIVER
      }
      let result = semihosting.call(
        UInt32(truncatingIfNeeded: x(10)), x(11), wordSize: 8, hart: self)
      x(10, result)
      words[Int(CORE_RV64_PC)] = trap.pc + 4
      return CORE_TRAP_RESUME
    default:
      return CORE_TRAP_DELIVER
    }
  }

  /// slli x0, x0, 0x1f; ebreak; srai x0, x0, 7, all uncompressed.
  private func isSemihostingCall(at pc: UInt64) -> Bool {
    memory.load(pc &- 4) == 0x01F0_1013 as UInt32 && memory.load(pc) == 0x0010_0073 as UInt32
      && memory.load(pc &+ 4) == 0x4070_5013 as UInt32
  }

  override func setLine(_ line: Int, _ level: Bool) {
    let bit: UInt64 = 1 << UInt64(line)
    core_rv64_set_mip(core, bit, level ? bit : 0)
  }

  /// The only deadline of its own: the SBI's timer.
  override func advance(now: Tick) { raiseTimer() }

  override func wakeUp() { resume() }
  override func timeMoved() { if sbi != nil { scheduleTimer() } }

  override func wakes(from sleep: Sleep) -> Bool {
    sleep == .interrupt && core_rv64_mip(core) & words[Int(CORE_RV64_MIE)] != 0
  }

  override func traps(_ counts: UnsafePointer<UInt64>) -> TrapCounts {
    var traps = TrapCounts()
    for cause in 0..<32 {
      switch cause {
      case 3: traps.ebreak += counts[cause]
      case 8...11: traps.ecall += counts[cause]
      default: traps.faults += counts[cause]
      }
      traps.interrupts += counts[32 + cause]
    }
    return traps
  }

  // MARK: State

  override var registers: [Register] {
    align()
    var all = [Register("pc", pc, width: 64)]
    for (number, name) in Self.names.enumerated() {
      all.append(Register(name, x(number), width: 64))
    }
    for number in 0..<32 {
      all.append(Register("f\(number)", words[Int(CORE_RV64_F0) + number], width: 64))
    }
    all.append(Register("priv", words[Int(CORE_RV64_PRIV)], width: 64))
    for (name, csr) in Self.csrs {
      var value: UInt64 = 0
      if core_rv64_csr(core, csr, &value) { all.append(Register(name, value, width: 64)) }
    }
    return all
  }

  static let names = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
  ]

  private static let csrs: [(String, UInt32)] = [
    ("mstatus", 0x300), ("misa", 0x301), ("medeleg", 0x302), ("mideleg", 0x303), ("mie", 0x304),
    ("mtvec", 0x305), ("mcounteren", 0x306), ("mscratch", 0x340), ("mepc", 0x341),
    ("mcause", 0x342), ("mtval", 0x343), ("mip", 0x344), ("stvec", 0x105), ("scounteren", 0x106),
    ("sscratch", 0x140), ("sepc", 0x141), ("scause", 0x142), ("stval", 0x143), ("satp", 0x180),
    ("fcsr", 0x003), ("mcycle", 0xB00), ("minstret", 0xB02),
  ]

  override func value(of register: RegisterName) -> UInt64? { readRegister(register) }
  override func set(_ register: RegisterName, to value: UInt64) -> Bool {
    writeRegister(register, value)
  }
  override func physical(_ address: UInt64) -> UInt64? { translate(address) }

  override func encode(into bytes: inout CanonicalBytes) {
    for register in registers { bytes.append(register.value) }
    if let sbi { bytes.append(encoding: sbi) }
  }

  /// Beside the engine's state.
  struct Model: Sendable, Codable {
    var sbi: SBI?
    var deadline: Tick
  }

  override func saveModel() -> any Codable & Sendable {
    Model(sbi: sbi, deadline: bus.deadlines[bus.slot(of: self)])
  }

  override func restoreModel(_ saved: any Codable & Sendable) {
    guard let saved = saved as? Model else { preconditionFailure("a snapshot of another core") }
    sbi = saved.sbi
    schedule(at: saved.deadline)
    watch()
  }
}
