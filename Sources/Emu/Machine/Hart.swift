import CoreShim

/// One core of a machine as its host sees it: the context of every callback of the engine, and what
/// the two kinds of cores have in common. `RV64` and `CortexM` say what a trap, an interrupt line
/// and a reset are.
///
/// Inside a callback `index` and `now` are those of the instruction it belongs to; between two
/// turns, of the next one. Both are the machine's: they are brought up to date when its turn comes
/// (`align`).
public class Hart {
  final let core: OpaquePointer
  public final let number: UInt8
  /// x0 to x31 of RV64, 64 bits each, or r0 to r15 of a Cortex-M4, 32 bits each: live, but for r15 in a callback.
  package final let generalRegisters: UnsafeRawPointer
  final unowned(unsafe) let bus: Bus
  /// What is recorded.
  private let mask: Event.Mask
  /// From the engine's counts since its last reset to the machine's index and tick.
  @exclusivity(unchecked) final var indexOffset: UInt64 = 0
  @exclusivity(unchecked) final var tickOffset: UInt64 = 0
  /// The engine's counts for the instruction that a callback is about.
  @exclusivity(unchecked) final private var at: UInt64 = 0
  @exclusivity(unchecked) final private var cycle: UInt64 = 0
  /// The instruction that a trap's callback is about.
  @exclusivity(unchecked) final private var trapPC: UInt64?
  /// How it sleeps; nil: it does not. One that was woken is awake from its next turn on.
  @exclusivity(unchecked) final var sleep: Sleep?
  /// Since when.
  @exclusivity(unchecked) final var asleepSince: Tick = 0

  @exclusivity(unchecked) final var lookout: Unmanaged<Lookout>?

  /// Each instruction is looked at: turns are of one.
  @exclusivity(unchecked) final var watchesInstructions = false

  /// Interrupts entered in this life that the engine does not count itself, and a hash over them.
  @exclusivity(unchecked) final private(set) var interruptsEntered: UInt64 = 0
  @exclusivity(unchecked) final private(set) var flow: UInt64 = 0

  enum Sleep: UInt8, Sendable, Codable {
    case interrupt
    /// WFE.
    case event
    /// It waits for another hart to start it: HSM's STOPPED.
    case stopped
    /// A Cortex-M's lockup, which an NMI can end.
    case lockup
    /// A function of the emulator's that waits for something: whoever acts next may have brought it.
    case call

    /// By an instruction for that, which the rest of a chip may take part in.
    var isOfTheChip: Bool { self == .interrupt || self == .event }
  }

  init(core: OpaquePointer, number: UInt8, bus: Bus) {
    self.core = core
    self.number = number
    self.bus = bus
    mask = bus.recorder.mask
    if case .rv64 = bus.board.core {
      generalRegisters = UnsafeRawPointer(core_rv64_words(core))
    } else {
      generalRegisters = UnsafeRawPointer(core_m4_r(core))
    }
  }

  // MARK: What a kind of core says

  /// Power-on, and again after every guest reset: `core_reset` is done, memory is loaded.
  func start(at now: Tick) { fatalError("abstract") }
  /// A load or store that no memory answered. A Cortex-M first looks at its private peripherals.
  func access(_ access: UnsafeMutablePointer<CoreAccess>) -> CoreAccessVerdict {
    // Not counted: this is the way of every device access.
    Unmanaged.passUnretained(bus)._withUnsafeGuaranteedRef {
      $0.access(access, now: now, index: index, hart: number)
    }
  }
  /// One that was refused for its alignment. A Cortex-M first looks at its private peripherals.
  func misaligned(_ access: UnsafePointer<CoreAccess>) {
    bus.misaligned(access, now: now, index: index, hart: number)
  }
  func trap(_ trap: CoreTrap) -> CoreTrapVerdict { fatalError("abstract") }
  /// Cortex-M: enter the pending exception if its priority allows.
  func interrupt() {}
  /// Of one that is locked up.
  var lastWords: String { "" }
  /// Cortex-M: the non-maskable interrupt.
  func setNMI(_ level: Bool) {}
  /// `Bus.protection` is another.
  func protectionChanged() {}
  /// Around a turn of one instruction, while `watchesInstructions`.
  func beginStep() {}
  func endStep(_ attempts: UInt64) {}
  /// The level of an interrupt input. RV64: a bit of `mip`; Cortex-M: an IRQ.
  func setLine(_ line: Int, _ level: Bool) { fatalError("abstract") }
  /// A turn, or a part of one.
  func run(_ attempts: UInt64, _ ticks: Tick, _ onCommit: ((Commit) -> Void)?) -> CoreExit {
    core_run_cycles(core, attempts, ticks)
  }
  /// Called exactly at the deadline last given to `schedule`.
  func advance(now: Tick) {}
  /// Does what is pending end this sleep?
  func wakes(from sleep: Sleep) -> Bool { fatalError("abstract") }
  /// It goes on.
  func wakeUp() {}
  /// Cortex-M: SCR.SLEEPDEEP.
  var sleepsDeeply: Bool { false }
  /// `mtime` was written: it shows something else from here on.
  func timeMoved() {}
  /// Trap causes whose fetch failed: they are no attempts.
  func isFetchFault(_ cause: UInt64) -> Bool { fatalError("abstract") }
  /// What the engine's counts by cause mean.
  func traps(_ counts: UnsafePointer<UInt64>) -> TrapCounts { fatalError("abstract") }
  /// Of its next instruction.
  public var pc: UInt64 { fatalError("abstract") }
  /// As people read them.
  public var registers: [Register] { fatalError("abstract") }
  /// nil: this kind of core has no such register.
  public func value(of register: RegisterName) -> UInt64? { fatalError("abstract") }
  /// Between two instructions; false: there is no such register, or it does not take that.
  @discardableResult
  public func set(_ register: RegisterName, to value: UInt64) -> Bool { fatalError("abstract") }
  /// Where an address of its next instruction is; nil: nowhere.
  func physical(_ address: UInt64) -> UInt64? { address }
  /// Everything that a guest can see and that is not in memory, for the state digest and snapshots.
  func encode(into encoder: inout CanonicalBytes) { fatalError("abstract") }

  /// What this kind of core keeps beside the engine's state, and takes back once the engine has its
  /// own.
  func saveModel() -> any Codable & Sendable { fatalError("abstract") }
  func restoreModel(_ saved: any Codable & Sendable) { fatalError("abstract") }

  struct Saved: Sendable {
    var counts: Counts
    var model: any Codable & Sendable
  }

  struct Counts: Sendable, Codable {
    var indexOffset: UInt64
    var tickOffset: UInt64
    var sleep: Sleep?
    var asleepSince: Tick
    var interruptsEntered: UInt64
    var flow: UInt64
  }

  final func save() -> Saved {
    Saved(
      counts: Counts(
        indexOffset: indexOffset, tickOffset: tickOffset, sleep: sleep, asleepSince: asleepSince,
        interruptsEntered: interruptsEntered, flow: flow),
      model: saveModel())
  }

  final func restore(_ saved: Saved) {
    let counts = saved.counts
    indexOffset = counts.indexOffset
    tickOffset = counts.tickOffset
    sleep = counts.sleep
    asleepSince = counts.asleepSince
    interruptsEntered = counts.interruptsEntered
    flow = counts.flow
    settle()
    restoreModel(saved.model)
  }

  // MARK: What it may ask

  /// Instructions begun since its latest reset, by this hart alone.
  public final var attempts: UInt64 { core_index(core) }
  public final var isAsleep: Bool { sleep != nil }

  final var now: Tick { cycle &+ tickOffset }
  final var index: UInt64 { at &+ indexOffset }
  package final var memory: Memory {
    let memory = bus.memory
    memory.user = Event.core
    return memory
  }

  /// When this core itself next wants to act (SysTick, an SBI timer); `Tick.max`: never.
  final func schedule(at tick: Tick) {
    Unmanaged.passUnretained(bus)._withUnsafeGuaranteedRef {
      $0.schedule($0.slot(of: self), at: tick)
    }
  }

  final func record(_ kind: Event.Kind, detail: UInt64 = 0, value: UInt64 = 0) {
    if !mask.contains(kind) { return }
    let event = Event(
      tick: now, index: index, source: Event.core, rawKind: kind.rawValue, hart: number,
      detail: UInt32(truncatingIfNeeded: detail), value: value)
    Unmanaged.passUnretained(bus)._withUnsafeGuaranteedRef { $0.record(event) }
  }

  /// An interrupt was entered that the engine knows nothing of: Cortex-M.
  final func countInterrupt(_ number: UInt64, pc: UInt64) {
    interruptsEntered += 1
    flow = Flow.fold(Flow.fold(Flow.fold(Flow.fold(flow, index), number), pc), 0)
    record(.interrupt, detail: number, value: pc)
  }

  final func forgetCounts() {
    interruptsEntered = 0
    flow = 0
  }

  /// Bytes of console text in one call at most: one instruction is not to write for minutes. Calls
  /// of whatever interface say how much they wrote.
  static let mostText = 65_536

  /// Console text that no device sent.
  final func write(_ byte: UInt8, from source: ConsoleSource) {
    record(.console, detail: UInt64(source.rawValue), value: UInt64(byte))
    bus.write(byte)
  }

  /// Takes a byte of the console's input, as SBI and semihosting do.
  final func readInput() -> UInt8? {
    guard let byte = bus.console.nextInput else { return nil }
    bus.console.takeInput()
    record(.uartInput, value: UInt64(byte))
    return byte
  }

  /// - Parameter access: what it is about; nil: the instruction that traps.
  final func notModelled(
    _ name: String, value: UInt64 = 0, _ access: UnsafePointer<CoreAccess>? = nil,
    kind: Finding.Kind = .notModelled
  ) {
    let port = bus.corePort(now: now, index: index, hart: number, access, pc: trapPC)
    bus.find(name, value: value, port: port, kind: kind)
  }

  final func end(_ reason: StopReason, code: UInt32 = 0, detail: String = "") {
    bus.end(Stop(reason, code: code, detail: detail))
  }

  /// - Parameter local: of the core alone; devices go on.
  final func requestReset(local: Bool = false) {
    bus.requestReset(by: Event.core, local: local)
  }

  // MARK: Time

  /// Between two instructions.
  final func settle() {
    at = core_index(core)
    cycle = core_cycle(core)
  }

  /// The machine is at this tick and index, and this hart's next instruction is of there.
  final func align(now: Tick, index: UInt64) {
    settle()
    indexOffset = index &- at
    tickOffset = now &- cycle
    setClock()
  }

  /// For whoever looks at it while it is another's turn.
  final func align() {
    let current = bus.harts[bus.turns.hart]
    if current !== self { align(now: current.now, index: current.index) }
  }

  /// The engine's count and the guest's counters, brought in line with machine time.
  final func setClock() {
    guard case .rv64(let timebase) = bus.board.core else { return }
    core_set_clock(
      core, tickOffset, timebase.numerator, timebase.denominator, bus.timeOffset)
  }

  final func cut(at tick: Tick) {
    core_cut_cycles(core, tick > tickOffset ? tick - tickOffset : 0)
  }
  final func cut(atIndex index: UInt64) { core_cut(core, index &- indexOffset) }
  final func halt() { core_stop(core) }

  /// Ends its turn, and sleeps unless what it would wait for is there.
  final func fallAsleep(_ sleep: Sleep) {
    settle()
    bus.turns.finish()
    if wakes(from: sleep) { return }
    self.sleep = sleep
    asleepSince = now
    bus.turns.fallAsleep(Int(number))
    record(.sleep)
    bus.slept(self)
  }

  // MARK: Callbacks

  /// The engine's back to power-on, with this hart as its host.
  final func resetCore() {
    let host = CoreHost(
      access: { context, access in
        guard let context, let access else { return CORE_ACCESS_FAULT }
        return Unmanaged<Hart>.fromOpaque(context)._withUnsafeGuaranteedRef {
          $0.at = access.pointee.index
          $0.cycle = access.pointee.cycle
          return $0.access(access)
        }
      },
      trap: { context, trap in
        guard let context, let trap else { return CORE_TRAP_DELIVER }
        return Unmanaged<Hart>.fromOpaque(context)._withUnsafeGuaranteedRef {
          let isAttempt = trap.pointee.cause >> 63 == 0 && !$0.isFetchFault(trap.pointee.cause)
          $0.at = trap.pointee.index - (isAttempt ? 1 : 0)
          // The last cycle of an instruction that traps.
          $0.cycle = trap.pointee.cycle - (isAttempt ? 1 : 0)
          $0.trapPC = trap.pointee.pc
          return $0.trap(trap.pointee)
        }
      },
      interrupt: { context in
        guard let context else { return }
        Unmanaged<Hart>.fromOpaque(context)._withUnsafeGuaranteedRef {
          $0.settle()
          $0.interrupt()
        }
      },
      stored: { context, store in
        guard let context, let store else { return }
        Unmanaged<Hart>.fromOpaque(context)._withUnsafeGuaranteedRef {
          $0.at = store.pointee.index
          $0.cycle = store.pointee.index
          $0.memory.stored(
            store.pointee,
            by: .instruction(hart: Int($0.number), pc: store.pointee.pc, index: $0.index))
        }
      },
      misaligned: { context, access in
        guard let context, let access else { return }
        Unmanaged<Hart>.fromOpaque(context)._withUnsafeGuaranteedRef {
          $0.at = access.pointee.index
          $0.cycle = access.pointee.cycle
          $0.misaligned(access)
        }
      })
    core_reset(core, host, Unmanaged.passUnretained(self).toOpaque())
  }
}

/// A register as people read it.
public struct Register: Sendable, Hashable {
  public var name: String
  public var value: UInt64
  /// In bits: 32 or 64.
  public var width: Int

  public init(_ name: String, _ value: UInt64, width: Int) {
    self.name = name
    self.value = value
    self.width = width
  }
}

/// How often a guest was interrupted, by what people ask for.
public struct TrapCounts: Sendable, Hashable, Codable {
  public var ecall: UInt64 = 0
  /// And BKPT.
  public var ebreak: UInt64 = 0
  public var svc: UInt64 = 0
  public var interrupts: UInt64 = 0
  public var faults: UInt64 = 0
  public init() {}

  static func + (a: TrapCounts, b: TrapCounts) -> TrapCounts {
    var sum = a
    sum.ecall += b.ecall
    sum.ebreak += b.ebreak
    sum.svc += b.svc
    sum.interrupts += b.interrupts
    sum.faults += b.faults
    return sum
  }
}

/// A running hash over 64-bit words, as the engine has one over traps: part of the digest, see
/// docs/digest.md.
enum Flow {
  static func fold(_ flow: UInt64, _ word: UInt64) -> UInt64 {
    let mixed = (flow ^ word) &* 0x9E37_79B9_7F4A_7C15
    return mixed ^ mixed >> 32
  }
  static func fold(_ flow: UInt64, _ one: UInt64, _ two: UInt64) -> UInt64 {
    fold(fold(flow, one), two)
  }
}
