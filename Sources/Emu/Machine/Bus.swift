import CoreShim

/// Everything of a machine but its harts: which device answers an address, when devices act, where
/// their lines lead, what they say, and what was asked of the run (stop, reset, pause).
final class Bus {
  let board: Board
  let memory: Memory
  let recorder: Recorder
  private(set) var slots: [AnySlot] = []
  /// The slots, not counted.
  private let devices: UnsafeMutablePointer<Unmanaged<AnySlot>>
  private let slotCount: Int
  @exclusivity(unchecked) private var windows: Windows
  /// In the order of their names, and where they are by name.
  @exclusivity(unchecked) private var gates: [Windows.Gate]
  private let gateNumbers: [String: Int]
  /// By gate.
  private var gated: [[AnySlot]]
  /// Those that are told when the core sleeps.
  private var sleepers: [AnySlot] = []
  private let port: UnsafeMutablePointer<DevicePort>

  /// Set once, when the machine is put together. A bench has none.
  @exclusivity(unchecked) var harts: [Hart] = []
  @exclusivity(unchecked) var turns = Turns(harts: 1, quantum: 1)
  /// Who runs instructions at the moment; nil: nobody.
  @exclusivity(unchecked) unowned(unsafe) var running: Hart?
  /// The tick at which the engine comes back.
  @exclusivity(unchecked) var horizon: Tick = 0

  @exclusivity(unchecked) var console: Console
  @exclusivity(unchecked) var watch = ConsoleWatch()
  @exclusivity(unchecked) private(set) var findings = Findings()
  /// A debugger makes the access: what it asks for, software has not.
  @exclusivity(unchecked) var isDebuggers = false
  @exclusivity(unchecked) private(set) var deadlines: Deadlines
  /// Who has acted at that tick, one bit a slot.
  @exclusivity(unchecked) private var acted: (tick: Tick, slots: UInt64) = (.max, 0)
  /// Who acts at the moment, and changes of its inputs that wait for that to end.
  @exclusivity(unchecked) private unowned(unsafe) var acting: AnySlot?
  @exclusivity(unchecked) private var heldInputs: [(line: Int, level: Bool)] = []
  private let consoleSlot: Int?

  /// What was asked and is due directly behind the running instruction.
  @exclusivity(unchecked) private(set) var stop: Stop?
  @exclusivity(unchecked) private(set) var resetSource: UInt16?
  /// The reset is of the core alone.
  @exclusivity(unchecked) private var resetIsLocal = false
  @exclusivity(unchecked) var paused = false
  /// Of the store that `RunLimit.store` paused behind last.
  @exclusivity(unchecked) var storer: Storer?
  /// One that no instruction has made, and that a debugger has waited for.
  @exclusivity(unchecked) var touch: Touch?
  /// Of the reset that is under way.
  @exclusivity(unchecked) var resetCause = ResetCause.powerOn
  /// How long ticks are and were.
  @exclusivity(unchecked) var clock: Clock
  /// How often it has changed.
  @exclusivity(unchecked) private(set) var clockChanges = 0
  @exclusivity(unchecked) private(set) var world = World()
  /// By system control; a reset leaves it.
  @exclusivity(unchecked) private(set) var protection = BlockProtection()
  @exclusivity(unchecked) var timeOffset: UInt64 = 0 {
    didSet {
      for hart in harts {
        hart.setClock()
        hart.timeMoved()
      }
    }
  }

  init(board: Board, memory: Memory, recorder: Recorder, console: Console = Console()) {
    self.board = board
    self.memory = memory
    self.recorder = recorder
    self.console = console
    clock = board.clock
    let count = board.devices.count
    // Cores come behind the devices in the order of deadlines, and the world outside is last.
    let actors = count + board.harts + 1
    deadlines = Deadlines(slots: actors)
    precondition(actors <= 64, "board \(board.name): \(count) devices")
    consoleSlot = board.slot(of: board.console)
    windows = Windows([], [], [:])
    let names = Set(board.devices.compactMap(\.gate)).sorted()
    gates = names.map { Windows.Gate(name: $0) }
    gateNumbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    gated = names.map { _ in [] }
    slotCount = count
    devices = .allocate(capacity: count)
    port = .allocate(capacity: 1)
    port.initialize(to: DevicePort(bus: self))
    for (number, placement) in board.devices.enumerated() {
      let slot = placement.makeSlot(
        SlotPlace(
          number: number, placement: placement, bus: self, port: port,
          takesInput: number == consoleSlot))
      slots.append(slot)
      (devices + number).initialize(to: .passUnretained(slot))
    }
    windows.deallocate()
    windows = Windows(board.devices, slots, gateNumbers)
    for slot in slots {
      if let gate = slot.gate, let number = gateNumbers[gate] { gated[number].append(slot) }
    }
    sleepers = slots.filter(\.followsSleep)
    windows.obey(Windows.Gate(name: "", isOpen: true), nil)
    obeyGates()
  }

  deinit {
    windows.deallocate()
    devices.deallocate()
    port.deinitialize(count: 1)
    port.deallocate()
    deadlines.deallocate()
  }

  // MARK: Accesses

  /// A load or store that no memory answered.
  func access(
    _ access: UnsafeMutablePointer<CoreAccess>, now: Tick, index: UInt64, hart: UInt8
  ) -> CoreAccessVerdict {
    let address = access.pointee.address
    guard let window = windows.find(address) else {
      return refuse(access, now: now, index: index, hart: hart)
    }
    return window.pointee.slot._withUnsafeGuaranteedRef { slot in
      enter(slot, now: now, index: index, hart: hart, access)
      return self.access(slot, address &- window.pointee.start, access)
    }
  }

  /// Nothing answers. Where that is for want of a clock, software is told so.
  @inline(never) private func refuse(
    _ access: UnsafeMutablePointer<CoreAccess>, now: Tick, index: UInt64, hart: UInt8
  ) -> CoreAccessVerdict {
    let address = access.pointee.address
    guard let window = windows.closed(at: address) else {
      let port = corePort(now: now, index: index, hart: hart, access)
      let region = board.regions.first { address &- $0.address < $0.size }
      if region == nil, let stub = board.stubs.first(where: { address &- $0.address < $0.size }) {
        return answer(for: stub, access, port)
      }
      guard access.pointee.is_store, let region else {
        find(hex(address) + ", where nothing is", port: port, kind: .reserved)
        return CORE_ACCESS_FAULT
      }
      find("a store to \(region.name)", value: access.pointee.value, port: port, kind: .readOnly)
      return region.ignoresStores ? CORE_ACCESS_DONE : CORE_ACCESS_FAULT
    }
    let slot = window.pointee.slot.takeUnretainedValue()
    enter(slot, now: now, index: index, hart: hart, access)
    findClosed(
      slot, address &- window.pointee.start, access.pointee.is_store ? access.pointee.value : 0)
    return CORE_ACCESS_FAULT
  }

  private func findClosed(_ slot: AnySlot, _ offset: UInt64, _ value: UInt64) {
    let register = slot.table.name(at: offset)
    guard let gate = slot.gate, let number = gateNumbers[gate] else { return }
    find(
      gates[number].isOpen
        ? "\(register) through an aperture that is switched off"
        : "\(register) while the clock of \(gate) is off, or is not there yet",
      value: value, port: port.pointee, kind: .clockGated)
  }

  // MARK: Bus masters

  /// A device moves data. nil: nobody answers; a store gives back its value.
  func transfer(_ address: UInt64, _ width: UInt8, _ value: UInt64?, port: DevicePort) -> UInt64? {
    precondition(acting?.number == Int(port.source), "a bus master moves data in `advance` only")
    memory.user = port.source
    if let value {
      if memory.store(value, width: width, at: address) { return value }
    } else if let value = memory.load(address, width: width) {
      return value
    }
    var access = CoreAccess()
    access.address = address
    access.value = value ?? 0
    access.size = width
    access.is_store = value != nil
    access.privileged = true
    if memory.isHeard { memory.transferred(address, UInt64(width), isStore: value != nil) }
    var isDone = false
    if let window = windows.find(address) {
      let slot = window.pointee.slot.takeUnretainedValue()
      if slot === acting { return nil }
      let offset = address &- window.pointee.start
      call(slot) { isDone = self.access($0, offset, &access) == CORE_ACCESS_DONE }
    } else if let window = windows.closed(at: address) {
      let slot = window.pointee.slot.takeUnretainedValue()
      let offset = address &- window.pointee.start
      call(slot) { self.findClosed($0, offset, value ?? 0) }
    }
    return isDone ? access.value : nil
  }

  // MARK: What nobody answers

  /// Nothing has a model there, but it has a name.
  private func answer(
    for stub: Board.Stub, _ core: UnsafeMutablePointer<CoreAccess>, _ port: DevicePort
  ) -> CoreAccessVerdict {
    let isStore = core.pointee.is_store
    let access = Access(
      offset: core.pointee.address &- stub.address, width: core.pointee.size,
      privileged: core.pointee.privileged, hart: port.hart)
    let name = stub.table.name(at: access.offset)
    switch stub.table.answer(access, isStore: isStore, core.pointee.value) {
    case .notModelled(let value, let kind):
      find(name, value: isStore ? core.pointee.value : 0, port: port, kind: kind, device: stub.name)
      if !isStore { core.pointee.value = value }
    case .fault, .device, .doubtful:
      find(stub.table.refusal(access), port: port, kind: .wrongWidth, device: stub.name)
      if !isStore { core.pointee.value = 0 }
    }
    return CORE_ACCESS_DONE
  }

  /// An access that was refused for its alignment, before anybody was asked. Only those to a device are told: elsewhere it is
  /// between the guest and its core.
  func misaligned(
    _ access: UnsafePointer<CoreAccess>, now: Tick, index: UInt64, hart: UInt8
  ) {
    let address = access.pointee.address
    guard let window = windows.find(address) ?? windows.closed(at: address) else { return }
    window.pointee.slot._withUnsafeGuaranteedRef { slot in
      enter(slot, now: now, index: index, hart: hart, access)
      let place = slot.table.name(at: address &- window.pointee.start)
      find(access.pointee.words(place), port: port.pointee, kind: .unaligned)
    }
  }

  /// A core speaks, and no device.
  func corePort(
    now: Tick, index: UInt64, hart: UInt8, _ access: UnsafePointer<CoreAccess>?, pc: UInt64? = nil
  ) -> DevicePort {
    var port = DevicePort(bus: self)
    (port.now, port.time, port.index, port.hart) = (now, now, index, hart)
    (port.source, port.access, port.pc) = (Event.core, access, pc)
    return port
  }

  @inline(__always) private func access(
    _ slot: AnySlot, _ offset: UInt64, _ core: UnsafeMutablePointer<CoreAccess>
  ) -> CoreAccessVerdict {
    let isStore = core.pointee.is_store
    let access = Access(
      offset: offset, width: core.pointee.size, privileged: core.pointee.privileged,
      hart: port.pointee.hart)
    switch slot.table.answer(access, isStore: isStore, core.pointee.value) {
    case .device:
      if isStore {
        slot.write(access, core.pointee.value)
      } else {
        core.pointee.value = slot.read(access)
      }
      if port.pointee.faulted { return CORE_ACCESS_FAULT }
    case .doubtful(let entry):
      let said = findings.total
      slot.write(access, core.pointee.value)
      if port.pointee.faulted { return CORE_ACCESS_FAULT }
      // The device may have had better words for it.
      if findings.total == said {
        let (name, kind) = slot.table.doubt(entry, access, core.pointee.value)
        find(name, value: core.pointee.value, port: port.pointee, kind: kind)
      }
    case .notModelled(let value, let kind):
      if !isStore { core.pointee.value = value }
      find(
        slot.table.name(at: offset), value: isStore ? core.pointee.value : 0, port: port.pointee,
        kind: kind)
    case .fault(let kind):
      find(slot.table.refusal(access), port: port.pointee, kind: kind)
      return CORE_ACCESS_FAULT
    }
    let kind = isStore ? Event.Kind.mmioWrite : .mmioRead
    if recorder.wants(kind) {
      port.pointee.emit(
        kind, detail: UInt32(truncatingIfNeeded: offset) & 0xFF_FFFF | UInt32(access.width) << 24,
        value: core.pointee.value)
    }
    return CORE_ACCESS_DONE
  }

  /// Makes the port that of a call of this slot.
  @inline(__always) private func enter(
    _ slot: AnySlot, now: Tick, index: UInt64, hart: UInt8,
    _ access: UnsafePointer<CoreAccess>? = nil
  ) {
    port.pointee.now = now &- slot.missed
    port.pointee.time = now
    port.pointee.index = index
    port.pointee.hart = hart
    port.pointee.faulted = false
    port.pointee.access = access
    port.pointee.source = UInt16(truncatingIfNeeded: slot.number)
  }

  /// The same of a slot that may stand still.
  private func enterAny(
    _ slot: AnySlot, now: Tick, index: UInt64, hart: UInt8 = 0,
    _ access: UnsafePointer<CoreAccess>? = nil
  ) {
    enter(slot, now: now, index: index, hart: hart, access)
    if let still = slot.stillAt { port.pointee.now = still }
  }

  // MARK: Time

  /// A slot's deadline moved. One that lies within the running turn ends the turn there.
  func schedule(_ slot: Int, at tick: Tick) {
    deadlines.set(slot, tick)
    if tick < horizon, let running {
      horizon = tick
      running.cut(at: tick)
    }
  }

  /// Lets everybody act who is due, in the order of (tick, slot), but nobody twice at one tick: a
  /// device cannot stop time, and a run that was cut here goes on as if it had not been. `now` is
  /// the tick of the next instruction.
  @inline(__always) func act(now: Tick, index: UInt64) {
    if deadlines.next <= now { actNow(now, index) }
  }

  /// Who has acted at a tick, as bits.
  func slotsActed(at tick: Tick) -> UInt64 { acted.tick == tick ? acted.slots : 0 }

  private func actNow(_ now: Tick, _ index: UInt64) {
    if acted.tick != now { acted = (now, 0) }
    if deadlines.next <= now { endCalls() }
    while deadlines.next <= now, stop == nil, let number = deadlines.due(at: now, but: acted.slots)
    {
      acted.slots |= 1 << UInt64(number)
      if number < slotCount {
        devices[number]._withUnsafeGuaranteedRef { slot in
          enter(slot, now: now, index: index, hart: 0)
          acting = slot
          slot.advance()
          acting = nil
          if !heldInputs.isEmpty { giveHeldInputs(slot) }
        }
      } else if number == worldNumber {
        changeInputs(now, index)
      } else {
        Unmanaged.passUnretained(harts[number - slotCount])._withUnsafeGuaranteedRef { hart in
          (port.pointee.time, port.pointee.index) = (now, index)
          hart.advance(now: now)
          stir(hart)
        }
      }
    }
  }

  /// What a bus master did to itself by way of others.
  private func giveHeldInputs(_ slot: AnySlot) {
    let held = heldInputs
    heldInputs = []
    for (line, level) in held { slot.input(line, level) }
  }

  private var worldNumber: Int { slotCount + board.harts }

  /// The clock has another frequency: what is due at a time, and not at a tick, is due at another tick.
  func setClock(_ hertz: Ratio, port: DevicePort) {
    let old = clock.frequency
    if clock.isLong { forgetTime(before: port.time, allBut: Clock.keptChanges) }
    clock.change(to: hertz, at: port.time)
    if clock.frequency == old { return }
    clockChanges += 1
    let new = clock.frequency
    record(
      Event(
        tick: port.time, index: port.index, source: port.source,
        rawKind: Event.Kind.clock.rawValue,
        hart: port.hart, detail: UInt32(clamping: new.denominator), value: new.numerator))
    // One that stands still hears of it when it is clocked again.
    for slot in slots where !slot.isStill { call(slot) { $0.clockChanged() } }
    schedule(worldNumber, at: world.deadline(clock))
    // Limits may be times as well.
    running?.halt()
  }

  /// What devices on closed gates have missed is exact, however long ago they were closed.
  func forgetTime(before tick: Tick, allBut count: Int) {
    for number in gates.indices where !gates[number].isOpen {
      clock.add(gates[number].closed..<tick, to: &gates[number].missed)
      gates[number].closed = tick
      for slot in gated[number] { slot.obey(gates[number]) }
    }
    clock.forget(allBut: count)
  }

  func add(_ change: World.Change) {
    world.add(change)
    schedule(worldNumber, at: world.deadline(clock))
  }

  /// What the world does to a device.
  func fromOutside(_ slot: AnySlot, now: Tick, index: UInt64, _ body: (AnySlot) -> Void) {
    enterAny(slot, now: now, index: index)
    body(slot)
  }

  private func changeInputs(_ now: Tick, _ index: UInt64) {
    for change in world.take(at: now, clock) {
      fromOutside(slots[change.slot], now: now, index: index) { slot in
        port.pointee.emit(
          .input, detail: UInt32(truncatingIfNeeded: change.pin),
          value: change.level.map { $0 ? 1 : 0 } ?? 2)
        if let level = change.level {
          slot.input(change.pin, level)
        } else {
          slot.letGo(change.pin)
        }
      }
    }
    schedule(worldNumber, at: world.deadline(clock))
  }

  // MARK: Gates

  /// Devices on a closed gate stand still: tick `port.time` is the first that they miss, or the first that they do not.
  func setGate(_ name: String, isOpen: Bool, port: DevicePort) {
    guard let number = gateNumbers[name], gates[number].isOpen != isOpen else { return }
    gates[number].isOpen = isOpen
    if isOpen {
      clock.add(gates[number].closed..<port.time, to: &gates[number].missed)
    } else {
      gates[number].closed = port.time
    }
    windows.obey(gates[number], number)
    for slot in gated[number] {
      slot.obey(gates[number])
      if isOpen && !slot.goesOnWithoutGate { call(slot) { $0.clockChanged() } }
    }
  }

  func setAperture(_ name: String, _ aperture: Int) {
    guard let number = gateNumbers[name], gates[number].aperture != aperture else { return }
    gates[number].aperture = aperture
    windows.obey(gates[number], number)
  }

  func protect(_ protection: BlockProtection) {
    precondition(protection.isSound, "board \(board.name): a protection of memory that no core has")
    self.protection = protection
    for hart in harts { hart.protectionChanged() }
    // From the next instruction on.
    running?.halt()
  }

  private func obeyGates() {
    for (number, gate) in gates.enumerated() {
      windows.obey(gate, number)
      for slot in gated[number] { slot.obey(gate) }
    }
  }

  /// By a device, or a core.
  func missed(by source: UInt16) -> Clock.Missed {
    guard Int(source) < slots.count else { return Clock.Missed() }
    let slot = slots[Int(source)]
    guard !slot.goesOnWithoutGate, let number = slot.gate.flatMap({ gateNumbers[$0] }) else {
      return Clock.Missed()
    }
    var missed = gates[number].missed
    if slot.isStill { clock.add(gates[number].closed..<port.pointee.time, to: &missed) }
    return missed
  }

  func resetSlots(on gate: String, port: DevicePort) {
    for slot in slots where slot.gate == gate { call(slot) { $0.reset() } }
  }

  /// A call of a device within the call of another.
  private func call(_ slot: AnySlot, _ body: (AnySlot) -> Void) {
    let old = port.pointee
    enterAny(slot, now: old.time, index: old.index, hart: old.hart, old.access)
    body(slot)
    port.pointee.now = old.now
    port.pointee.source = old.source
    port.pointee.faulted = old.faulted
  }

  /// Is there a device that could send an NMI yet?
  var mayRaiseNMI: Bool {
    slots.contains { slot in
      slot.wires.contains { $0.value.contains(.nmi) && slot.armed.contains(.line($0.key)) }
    }
  }

  /// Where a hart stands in the order of deadlines.
  func slot(of hart: Hart) -> Int { slotCount + Int(hart.number) }

  // MARK: Sleep

  /// A hart has fallen asleep.
  func slept(_ hart: Hart) {
    guard !sleepers.isEmpty, hart.sleep?.isOfTheChip == true else { return }
    for slot in sleepers {
      enter(slot, now: hart.now, index: hart.index, hart: hart.number)
      slot.sleepChanged(to: hart.sleepsDeeply ? .deeplyAsleep : .asleep)
    }
  }

  /// Something happened to a hart that may be what it sleeps for.
  func stir(_ hart: Hart) {
    if let sleep = hart.sleep, hart.wakes(from: sleep) { wake(hart) }
  }

  /// Somebody acts, and a call that waits looks again whether it was for that.
  private func endCalls() {
    for hart in harts where hart.sleep == .call { wake(hart) }
  }

  /// A sleeping hart may have turns again.
  func wake(_ hart: Hart) {
    if hart.sleep?.isOfTheChip == true {
      for slot in sleepers { call(slot) { $0.sleepChanged(to: .awake) } }
    }
    let number = Int(hart.number)
    guard let running else { return turns.wake(number, at: harts[turns.hart].index) }
    turns.wake(number, at: running.index + 1)
    if !turns.isAlone { running.cut(atIndex: turns.end) }
  }

  // MARK: Lines

  func drive(_ wire: Board.Wire, _ level: Bool, from slot: AnySlot) {
    switch wire {
    case .interrupt(let number, let hart):
      // Several that share it are one level.
      if !level && isHeld(wire) { return }
      if hart < harts.count {
        harts[hart].setLine(number, level)
        stir(harts[hart])
      }
    case .nmi:
      harts[0].setNMI(level)
      stir(harts[0])
    case .input(let line, let name):
      guard let number = board.slot(of: name) else {
        preconditionFailure("board \(board.name): \(slot.name) drives \(name), which is not there")
      }
      if slots[number] === acting { return heldInputs.append((line, level)) }
      call(slots[number]) { $0.input(line, level) }
    }
  }

  /// Does another line hold this wire high?
  private func isHeld(_ wire: Board.Wire) -> Bool {
    for number in 0..<slotCount {
      var rest = devices[number]._withUnsafeGuaranteedRef { $0.lines.rawValue }
      while rest != 0 {
        let line = rest.trailingZeroBitCount
        rest &= rest - 1
        if slots[number].wires[line]?.contains(wire) == true { return true }
      }
    }
    return false
  }

  struct Saved: Sendable {
    var devices: [AnySlot.State]
    var rest: Rest
    /// The host's, and in no file.
    var watch = ConsoleWatch()
  }

  struct Rest: Sendable, Codable {
    var turns: Turns
    var actedTick: Tick
    var actedSlots: UInt64
    var timeOffset: UInt64
    var clock: Clock
    /// By name.
    var gates: [Windows.Gate]
    var protection: BlockProtection
    var world: World
    var console: Console
    var findings: [Finding]
  }

  func save() -> Saved {
    let rest = Rest(
      turns: turns, actedTick: acted.tick, actedSlots: acted.slots, timeOffset: timeOffset,
      clock: clock, gates: gates, protection: protection, world: world, console: console,
      findings: findings.list)
    return Saved(devices: slots.map(\.state), rest: rest, watch: watch)
  }

  func restore(_ saved: Saved) {
    let rest = saved.rest
    gates = rest.gates
    obeyGates()
    protect(rest.protection)
    for (slot, state) in zip(slots, saved.devices) { slot.restore(state) }
    turns = rest.turns
    acted = (rest.actedTick, rest.actedSlots)
    timeOffset = rest.timeOffset
    clock = rest.clock
    world = rest.world
    schedule(worldNumber, at: world.deadline(clock))
    console = Console(rest.console, keeping: console)
    watch = saved.watch
    findings = Findings(rest.findings)
  }

  /// Everything to the state of power-on, and all lines at their levels.
  func reset(now: Tick, index: UInt64) {
    timeOffset = 0
    for slot in slots {
      enterAny(slot, now: now, index: index)
      slot.reset()
    }
  }

  // MARK: Input

  /// Input for the guest, offered to the console's device from here on.
  func send(_ bytes: some Sequence<UInt8>, now: Tick, index: UInt64) {
    console.send(bytes)
    guard let consoleSlot else { return }
    enterAny(slots[consoleSlot], now: now, index: index)
    slots[consoleSlot].offer()
  }

  // MARK: What was said

  func record(_ event: Event) {
    // Not counted: interrupts come this way.
    if Unmanaged.passUnretained(recorder)._withUnsafeGuaranteedRef({ $0.record(event) }) { pause() }
  }

  /// A device sent a byte; it is console text if that device is the console's.
  func sent(_ byte: UInt8, by source: UInt16) {
    if Int(source) == consoleSlot { write(byte) }
  }

  /// A byte of console text.
  func write(_ byte: UInt8) {
    console.append(byte)
    if let reason = watch.feed(byte) { end(Stop(reason)) }
  }

  func find(
    _ name: String, value: UInt64 = 0, port: DevicePort, kind: Finding.Kind = .notModelled,
    device: String? = nil
  ) {
    if isDebuggers { return }
    let slot = Int(port.source) < slots.count ? slots[Int(port.source)] : nil
    let access = port.access?.pointee
    let number = findings.add(
      Finding(
        kind: kind, device: device ?? slot?.name ?? "core", name: name,
        register: access.flatMap { slot?.register(at: $0.address) }, address: access?.address,
        isStore: access?.is_store ?? false, value: value, pc: access?.pc ?? port.pc,
        hart: port.hart,
        tick: port.time, index: port.index))
    if recorder.wants(.notModelled) {
      record(
        Event(
          tick: port.time, index: port.index, source: port.source,
          rawKind: Event.Kind.notModelled.rawValue, hart: port.hart, detail: UInt32(number),
          value: value))
    }
  }

  // MARK: What was asked

  /// The first reason counts.
  func end(_ stop: Stop) {
    if self.stop == nil { self.stop = stop }
    running?.halt()
  }

  func requestReset(by source: UInt16, local: Bool = false) {
    resetIsLocal = local && (resetSource == nil || resetIsLocal)
    if resetSource == nil { resetSource = source }
    running?.halt()
  }

  /// Somebody asked for something that the run loop has to see to.
  var isInterrupted: Bool { stop != nil || resetSource != nil || paused }

  func takeReset() -> (source: UInt16, local: Bool)? {
    defer { resetSource = nil }
    return resetSource.map { ($0, resetIsLocal) }
  }

  /// What somebody waited for has happened: the turn ends directly behind the running instruction.
  func pause() {
    paused = true
    running?.halt()
  }
}

/// What made devices start again.
public enum ResetCause: Sendable, Hashable {
  case powerOn
  /// Software asked its core for it.
  case core
  /// The device of this name did.
  case device(String)
}

extension CoreAccess {
  /// "UARTCTL, 4 bytes at 0x4000c032"
  func words(_ register: String) -> String { "\(register), \(size) bytes at \(hex(address))" }
}
