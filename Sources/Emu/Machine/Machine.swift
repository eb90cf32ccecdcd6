import CoreShim

/// What a machine is told beside its board and its image.
public struct MachineOptions: Sendable {
  public enum Mode: String, Sendable, CaseIterable {
    case machine = "m"
    case supervisor = "s"
  }

  /// What an instruction takes on a Cortex-M4.
  public enum Timing: String, Sendable, CaseIterable {
    /// One tick.
    case unit
    /// What the Cortex-M4's manual says: an estimate, see docs/cortex-m4.md.
    case m4
  }

  public enum SBIProvider: String, Sendable, CaseIterable {
    case host
    case firmware
  }

  /// Where the engine comes from. Never a difference that a run can show.
  public enum Engine: Sendable, Hashable {
    /// From the pool, with the code that it translated for the same flash.
    case pooled
    /// From the pool, with no code.
    case cold
    /// A new one.
    case fresh
  }

  /// Recorded beside `Event.Mask.visible`, which always is.
  public var trace: Event.Mask = .visible
  /// Kinds of which only the latest events are kept, for `Machine.recent`.
  public var recent: Event.Mask = []
  /// Of a long run only the latest events are kept in `Machine.trace`: so many at least, and at most
  /// an eighth more, 32 bytes each. The digest knows them all.
  public var keptEvents = Self.usualEvents
  public static let usualEvents = 1 << 23
  /// And so many bytes of the console's text.
  public var keptText = 1 << 26
  /// RV64: the mode of the first instruction; nil: the image decides.
  public var mode: Mode?
  /// Where a raw image goes; nil: where its kind goes.
  public var base: UInt64?
  /// RV64: what starts in M mode, with the image as its payload in S mode; `address`: where a raw
  /// one goes, nil: to the start of RAM.
  public var firmware: (image: Image, address: UInt64?)?
  /// RV64: who answers the calls of S mode; nil: the emulator where it starts the image in S mode,
  /// else whatever runs in M mode.
  public var sbi: SBIProvider?
  /// RV64: where the core differs from QEMU's `virt`.
  public var rv64: RV64Options = []
  /// RV64: an initial RAM disk for a kernel.
  public var initialDisk: [UInt8]?
  /// RV64: a kernel's command line.
  public var commandLine = ""
  /// Replaces the board's; `path` is for messages.
  public var deviceTree: (bytes: [UInt8], path: String)?
  /// More memory content, laid over the image's.
  public var loads: [(address: UInt64, bytes: [UInt8])] = []
  /// nil: off.
  public var semihosting: SemihostingOptions?
  /// Waits at the console from the start.
  public var input: [UInt8] = []
  /// A guest reset ends the run.
  public var stopsAtReset = false
  /// Several harts: attempts in a turn. The guest can see it, so it is part of the digest.
  public var quantum: UInt64 = 5000
  /// Cortex-M4 only.
  public var timing = Timing.unit
  public var engine = Engine.pooled
  /// For `Machine.executedCode`. Never a difference that a run can show.
  public var keepsExecutedCode = false

  public init() {}
}

/// A board that runs.
///
/// A machine belongs to one thread at a time. It moves only in `run`, always to an exact
/// instruction, and what it does there depends on nothing but its board, its image and what was
/// sent to it at which tick.
public final class Machine {
  public let board: Board
  public let options: MachineOptions
  let bus: Bus
  let rig: Rig
  /// By number.
  public let harts: [Hart]
  /// Whose turn it is.
  @exclusivity(unchecked) public unowned(unsafe) private(set) var hart: Hart
  let boot: Boot
  private let semihosting: Semihosting?
  let htif: HTIF?
  private let tellsExecutedCode: Bool
  /// Those that the engines have.
  @exclusivity(unchecked) private var breakpoints = Breakpoints()
  @exclusivity(unchecked) var past = Past()

  /// RV64: told every instruction that retires, when it has. Never a difference that a run can show.
  @exclusivity(unchecked) public var onCommit: ((Commit) -> Void)?

  /// Who looks at it while it runs. Never a difference that a run can show.
  @exclusivity(unchecked) public var lookout: Lookout? {
    didSet { for hart in harts { hart.set(lookout) } }
  }

  /// What whoever runs it keeps of its past. Never a difference that a run can show.
  @exclusivity(unchecked) package var keptPast: History?

  /// What the machine itself knows of its run; the rest is in its parts.
  struct Past: Sendable, Codable {
    /// Sums over the lives that guest resets ended.
    var retired: UInt64 = 0
    var traps = TrapCounts()
    var flow: UInt64 = 0
    var resets = 0
    var inputs: [Input] = []
    /// Ticks that went by without an attempt.
    var asleep: Tick = 0
    var stop: Stop?
  }

  /// A board with this in its memory, not started; `boot` is what a guest reset goes back to.
  init(
    board: Board, content: Content, boot: Boot, recorder: Recorder, options: MachineOptions
  ) throws(MachineError) {
    self.board = board
    self.options = options
    self.boot = boot
    rig = try Rig.take(for: board, engine: options.engine)
    tellsExecutedCode = Self.hasExecutedCodeReader
    for core in rig.cores { core_cover(core, options.keepsExecutedCode || tellsExecutedCode) }
    rig.bring(to: content)
    bus = Bus(
      board: board, memory: rig.memory, recorder: recorder,
      console: Console(keeping: options.keptText))
    let semihosting = options.semihosting.map { Semihosting($0) }
    self.semihosting = semihosting
    harts = Self.harts(of: board, rig.cores, bus, boot.start, semihosting, options.timing)
    if case .rv64 = board.core {
      for core in rig.cores { core_rv64_set_options(core, options.rv64.rawValue) }
    }
    hart = harts[0]
    bus.harts = harts
    bus.turns = Turns(harts: harts.count, quantum: options.quantum)
    htif = boot.hostInterface.map { [bus] in HTIF($0, bus: bus) }
  }

  private static func harts(
    of board: Board, _ cores: [OpaquePointer], _ bus: Bus, _ start: RV64.Start,
    _ semihosting: Semihosting?, _ timing: MachineOptions.Timing
  ) -> [Hart] {
    cores.enumerated().map { number, core in
      switch board.core {
      case .rv64(let timebase):
        RV64(
          core: core, number: UInt8(number), bus: bus, start: start, timebase: timebase,
          semihosting: semihosting)
      case .cortexM4(let priorityBits, let interrupts):
        CortexM(
          core: core, bus: bus, priorityBits: priorityBits, interrupts: interrupts,
          timing: timing, semihosting: semihosting)
      }
    }
  }

  convenience init(board: Board, boot: Boot, options: MachineOptions) throws(MachineError) {
    try self.init(
      board: board, content: Content(boot.content), boot: boot,
      recorder: Recorder(
        mask: options.trace, recent: options.recent, keeping: options.keptEvents),
      options: options)
    bus.recorder.begin(traceHeading)
    powerOn()
    bus.send(options.input, now: now, index: index)
  }

  deinit {
    if tellsExecutedCode { Self.tell(boot.image, ExecutedCode(rig.cores)) }
    htif?.close()
    memory.listener = nil
    if !breakpoints.isEmpty { Breakpoints().set(in: rig.cores) }
    if lookout != nil { for hart in harts { hart.set(nil) } }
    rig.giveBack()
  }

  // MARK: Where it is

  /// Ticks since power-on.
  public var now: Tick { core_cycle(hart.core) + hart.tickOffset }
  /// Instructions begun since power-on, by all harts.
  public var index: UInt64 { core_index(hart.core) + hart.indexOffset }
  /// Instructions retired since power-on, by all harts.
  public var retired: UInt64 {
    var sum = past.retired
    for core in rig.cores { sum += core_retired(core) }
    return sum
  }
  public var nanoseconds: UInt64 { clock.nanoseconds(at: now) }
  /// How long ticks are and were: the board's clock, with what software has made of it.
  public var clock: Clock { bus.clock }
  /// Ticks that went by without an attempt: nobody was awake.
  public var asleep: Tick { past.asleep }
  /// Guest resets so far.
  public var resets: Int { past.resets }
  /// How the run ended.
  public var stop: Stop? { past.stop }

  /// Of the machine's next instruction.
  public var pc: UInt64 { hart.pc }
  /// Of the hart whose turn it is.
  public var registers: [Register] { hart.registers }
  public var memory: Memory { bus.memory }
  /// What happened so far, as far as it is kept.
  public var trace: Trace { bus.recorder.trace }
  /// The last few events, those included that the options want only here.
  public var recent: [Event] { bus.recorder.recent }
  /// What software asked for and did not get, in the order in which it came up first.
  public var findings: [Finding] { bus.findings.list }
  /// The text so far, and what of it was not drained yet.
  public var console: Console {
    get { bus.console }
    set { bus.console = newValue }
  }

  public var traps: TrapCounts {
    harts.reduce(past.traps) { $0 + $1.traps(core_trap_counts($1.core)) }
  }

  /// A hash over every trap and interrupt so far, with its index: docs/digest.md.
  public var flow: UInt64 {
    harts.reduce(past.flow) { Flow.fold($0, core_flow($1.core), $1.flow) }
  }

  /// What a device of this type holds; nil: there is none of that name and type.
  public func state<D: Device>(of device: String, as type: D.Type) -> D.State? {
    board.slot(of: device).flatMap { bus.slots[$0].state as? D.State }
  }

  /// Who made the store that a run with `RunLimit.store` paused behind last.
  public var storer: Storer? { bus.storer }

  /// Told of what no instruction does: DMA, the stacking of exceptions, answers to calls. Never a difference that a run can show.
  public var onTransfer: ((Transfer) -> Void)?

  // MARK: From outside

  /// Console input: offered to the guest from this tick on.
  public func send(_ bytes: some Sequence<UInt8>) {
    hart.settle()
    let bytes = Array(bytes)
    note(.console(bytes))
    bus.send(bytes, now: now, index: index)
    htif?.look()
  }

  /// Ends the run with that reason when the console shows that text.
  public func stop(_ reason: StopReason, onText text: some Sequence<UInt8>) {
    let text = Array(text)
    bus.watch.add(
      text, reason: reason, behind: console.bytes(from: console.count - max(0, text.count - 1)))
  }

  /// Ends the run here: its host has reached what it wanted, or has lost its patience.
  public func end(_ reason: StopReason, code: UInt32 = 0, detail: String = "") {
    if stop == nil { finish(Stop(reason, code: code, detail: detail)) }
  }

  // MARK: Start and end

  private func powerOn(now: Tick = 0, index: UInt64 = 0, local: Bool = false) {
    bus.turns = Turns(harts: harts.count, quantum: options.quantum, index: index)
    hart = harts[0]
    for hart in harts {
      hart.sleep = nil
      hart.resetCore()
      hart.align(now: now, index: index)
    }
    if !local {
      semihosting?.reset()
      htif?.state = HTIF.State()
      bus.reset(now: now, index: index)
    }
    for hart in harts { hart.start(at: now) }
  }

  /// Cores and devices start again; RAM stays, but for what `boot` puts there again; time and index
  /// run on.
  private func reset(by source: UInt16, local: Bool) {
    record(.reset, detail: UInt32(source))
    past.resets += 1
    if options.stopsAtReset { return finish(Stop(.reset)) }
    lookout?.forget()
    let (index, now) = (index, now)
    past.retired = retired
    past.traps = traps
    past.flow = flow
    for hart in harts { hart.forgetCounts() }
    bus.resetCause =
      Int(source) < bus.slots.count ? .device(bus.slots[Int(source)].name) : .core
    for extent in local ? [] : boot.reloaded { memory.write(extent.bytes, at: extent.address) }
    powerOn(now: now, index: index, local: local)
  }

  private func finish(_ reason: Stop) {
    var stop = reason
    stop.hart = Int(hart.number)
    stop.pc = hart.pc
    record(.stop, detail: stop.reason.number, value: UInt64(stop.code))
    past.stop = stop
  }

  private func record(_ kind: Event.Kind, detail: UInt32 = 0, value: UInt64 = 0) {
    hart.settle()
    hart.record(kind, detail: UInt64(detail), value: value)
  }

  // MARK: Running

  /// Runs until a limit, or to the end. See docs/time.md for what happens in which order at one
  /// tick.
  public func run(until wanted: RunLimit = RunLimit()) -> Pause {
    var clockChanges = bus.clockChanges
    var limit = wanted.resolved(bus.clock)
    bus.recorder.observer = limit.event
    bus.recorder.pauseAt = limit.events.map { bus.recorder.count + $0 } ?? .max
    defer { bus.recorder.observer = nil }
    if let store = limit.store {
      memory.watch(store.lowerBound, count: UInt64(store.count)) { [unowned bus] storer in
        bus.storer = storer
        bus.pause()
      }
    }
    defer {
      if let store = limit.store { memory.unwatch(store.lowerBound, count: UInt64(store.count)) }
    }
    if limit.breakpoints != breakpoints {
      breakpoints = limit.breakpoints
      breakpoints.set(in: rig.cores)
    }
    listen()
    if let passing = limit.passing { core_pass(rig.cores[passing]) }
    let stepped = limit.step.map { core_index(rig.cores[$0]) }
    bus.paused = false
    while true {
      if let stop { return .stopped(stop) }
      if bus.isInterrupted {
        if let stop = bus.stop {
          finish(stop)
        } else if let reset = bus.takeReset() {
          self.reset(by: reset.source, local: reset.local)
        } else {
          guard var touch = bus.touch else { return .event }
          (touch.hart, touch.pc) = (Int(hart.number), hart.pc)
          return .watchpoint(touch)
        }
        continue
      }
      if bus.clockChanges != clockChanges {
        clockChanges = bus.clockChanges
        limit = wanted.resolved(bus.clock)
      }
      let (now, index) = Unmanaged.passUnretained(hart)._withUnsafeGuaranteedRef {
        $0.settle()
        return ($0.now, $0.index)
      }
      if let pause = reached(limit, now, index) { return pause }
      if let step = limit.step, core_index(rig.cores[step]) != stepped { return .limit }
      bus.act(now: now, index: index)
      if bus.isInterrupted || bus.clockChanges != clockChanges { continue }
      if takeTurn(now, index) {
        // Not counted: a turn may be a few hundred instructions.
        let halt = Unmanaged.passUnretained(hart)._withUnsafeGuaranteedRef {
          runTurn(of: $0, limit, now, index)
        }
        if let halt { return halt }
      } else if !jump(limit) {
        guard hart.sleep == .lockup else { return .asleep }
        finish(Stop(.lockup, detail: hart.lastWords))
      }
    }
  }

  /// For stores that no instruction makes, of which the engine knows nothing.
  private func listen() {
    bus.touch = nil
    // Where the beginning of each is now, the rest is taken to be behind it.
    let places = breakpoints.watches.filter(\.stores).map {
      (hart.physical($0.range.lowerBound) ?? $0.range.lowerBound, $0.range)
    }
    if places.isEmpty {
      memory.listener = onTransfer
      return
    }
    memory.listener = { [unowned self] transfer in
      onTransfer?(transfer)
      if transfer.isStore { stop(behind: transfer.range, places) }
    }
  }

  private func stop(
    behind written: Range<UInt64>, _ places: [(start: UInt64, watch: Range<UInt64>)]
  ) {
    for (start, watch) in places where bus.touch == nil {
      let offset = written.lowerBound &- start
      let isInside = offset < watch.upperBound - watch.lowerBound
      guard isInside || start &- written.lowerBound < written.count else { continue }
      bus.touch = Touch(
        hart: Int(hart.number), pc: hart.pc, address: watch.lowerBound &+ (isInside ? offset : 0),
        size: written.count, isStore: true, isDone: true)
      bus.pause()
    }
  }

  private func reached(_ limit: RunLimit, _ now: Tick, _ index: UInt64) -> Pause? {
    if let tick = limit.tick, now >= tick { return .limit }
    if let end = limit.index, index >= end { return .limit }
    if let end = limit.retired, retired >= end { return .instructions }
    return nil
  }

  /// Whoever has the turn keeps it to its end, and then the next one has it; false: all sleep.
  private func takeTurn(_ now: Tick, _ index: UInt64) -> Bool {
    if bus.turns.goesOn(at: index) { return true }
    if !bus.turns.pass(at: index) { return false }
    giveTurn(to: bus.turns.hart)
    hart.align(now: now, index: index)
    if hart.sleep != nil { wake() }
    return true
  }

  func giveTurn(to number: Int) { hart = harts[number] }

  /// Attempts until something else is due. A hart retires at most one instruction an attempt, so
  /// the limit of retired ones is not passed, and is reached in as many turns as it takes.
  private func runTurn(
    of hart: Hart, _ limit: RunLimit, _ now: Tick, _ index: UInt64
  ) -> Pause? {
    var attempts = min(bus.turns.left(at: index), 1 << 40)
    var ticks = attempts
    // A deadline that is not in the future has had its call at this tick.
    let next = bus.deadlines.next
    if next != .max { ticks = min(ticks, next > now ? next - now : 1) }
    if let tick = limit.tick { ticks = min(ticks, tick - now) }
    if let end = limit.index { attempts = min(attempts, end - index) }
    if let end = limit.retired { attempts = min(attempts, end - retired) }
    if limit.step == Int(hart.number) { attempts = min(attempts, 1) }
    let steps = hart.watchesInstructions
    if steps { attempts = min(attempts, 1) }
    // No instruction takes less than a tick.
    attempts = min(attempts, ticks)
    bus.horizon = now &+ (options.timing == .unit ? attempts : ticks)
    bus.running = hart
    if steps { hart.beginStep() }
    // What begins the step may end the run.
    let exit =
      steps && bus.isInterrupted ? CORE_BUDGET : hart.run(attempts, ticks, onCommit)
    bus.running = nil
    bus.horizon = 0
    if steps { hart.endStep(self.index - index) }
    switch exit {
    case CORE_SLEEP: hart.fallAsleep(.interrupt)
    case CORE_SLEEP_EVENT: hart.fallAsleep(.event)
    case CORE_TRAP_LOOP:
      bus.end(Stop(.trapLoop, detail: "the trap handler at \(hex(hart.pc)) traps into itself"))
    case CORE_FAILED:
      let what = core_failure(hart.core).map { String(cString: $0) } ?? ""
      bus.end(Stop(.fault, detail: "emulator bug: \(what)"))
    case CORE_BREAKPOINT: return .breakpoint
    case CORE_WATCHPOINT: return .watchpoint(hart.touch)
    default: break
    }
    return nil
  }

  // MARK: Sleep

  /// Nobody sleeps until then: a deadline there or later never comes, so that no sum of ticks overflows. 292 years at 1 GHz.
  private static let endOfTime: Tick = 1 << 63

  private func wake() {
    hart.sleep = nil
    hart.wakeUp()
    hart.record(.wake, value: now - hart.asleepSince)
  }

  /// On to the next tick at which anything can happen; false: there is none.
  private func jump(_ limit: RunLimit) -> Bool {
    let next = bus.deadlines.next
    if next < Self.endOfTime {
      pass(to: min(next > now ? next : now + 1, limit.tick ?? .max))
    } else if limit.sleepsOn, let tick = limit.tick, tick < Self.endOfTime {
      pass(to: tick)
    } else {
      return false
    }
    return true
  }

  private func pass(to goal: Tick) {
    past.asleep += goal - now
    hart.tickOffset += goal - now
    hart.setClock()
  }
}

func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
