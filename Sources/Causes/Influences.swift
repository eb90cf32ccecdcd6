import Emu

/// What one step made a value of: each register, and the memory that is read in it, is tried with other values in a copy of the
/// machine, and counts if the result is another.
struct Influences {
  var sources: [ValuePlace] = []
  /// Registers that say where is loaded or stored.
  private(set) var addresses: [Cause.Address] = []

  /// By way of the stack pointer alone, or of a core that saves and restores.
  var isOfStack: Bool {
    step.actor == .core
      || !addresses.isEmpty && addresses.allSatisfy { [.r(13), .x(2)].contains($0.register) }
  }

  struct Trial {
    var value: UInt64?
    var touches: [Touch]
    var machine: Machine

    /// The same way leads to another value: why an instruction runs at all is another question.
    func isOther(_ other: Trial) -> Bool {
      value != other.value && machine.pc == other.machine.pc
        && machine.handler == other.machine.handler
    }

    /// Other memory was meant.
    func isElsewhere(_ other: Trial) -> Bool {
      touches.map(\.address) != other.touches.map(\.address)
    }
  }

  let history: History
  let end: Tick?
  let start: Snapshot
  let place: ValuePlace
  let step: Step

  private init(_ writers: WriterFinder, _ start: Snapshot, _ place: ValuePlace, _ step: Step) {
    history = writers.history
    end = writers.end.tick
    self.start = start
    self.place = place
    self.step = step
  }

  init(of place: ValuePlace, _ step: Step, _ writers: WriterFinder) throws(MachineError) {
    guard let before = try writers.history.machine(at: step.index) else {
      preconditionFailure("no step \(step.index) in a history from \(writers.history.begin)")
    }
    self.init(writers, before.snapshot(), place, step)
    switch step.actor {
    case .instruction: try addInstruction(before)
    case .core: try addCore(before)
    case .device(let device): try addTransfers(of: device, before)
    }
  }

  // MARK: Instructions

  private mutating func addInstruction(_ before: Machine) throws(MachineError) {
    let usual = try trial()
    let code = StepCode(before, at: step.pc)
    // What a load, or a store, makes of an address is no part of the value.
    let isThrough = code.loads(place)
    for register in code.candidates(before, place) {
      guard let value = before.harts[step.hart].value(of: register) else { continue }
      var (isSource, isAddress) = (false, false)
      for other in Self.others(register, value) where !isSource {
        let changed = try trial { _ = $0.set(register, to: other, hart: step.hart) }
        if changed.isElsewhere(usual) {
          if isThrough { isAddress = true } else { isSource = changed.value != usual.value }
        } else if changed.isOther(usual) {
          isSource = true
        }
      }
      let entry = ValuePlace.register(register, hart: step.hart)
      if isSource || isAddress && code.stores(register) { sources.append(entry) }
      if isAddress && !isSource {
        addresses.append(Cause.Address(register: register, hart: step.hart, value: value))
      }
    }
    var touches = usual.touches.filter { $0.hart == step.hart }
    // Of several accesses only the first is told.
    if let first = touches.first, let extent = code.extent {
      touches[0].size = max(first.size, extent)
    }
    for touch in touches {
      for bytes in parts(of: touch, before) { try addMemory(bytes, before, usual) }
    }
    addRest(of: touches.filter(\.isStore).flatMap { parts(of: $0, before) }.map(\.range))
  }

  /// What an access is about, in pieces that a register may hold.
  private func parts(of touch: Touch, _ before: Machine) -> [ValuePlace.Bytes] {
    let most = before.board.core.machine == .arm ? 4 : 8
    return stride(from: 0, to: touch.size, by: most).compactMap { offset in
      let address = touch.address &+ UInt64(offset)
      return before.physical(address, hart: touch.hart).map {
        ValuePlace.Bytes(
          address, physical: $0, size: min(most, touch.size - offset), hart: touch.hart)
      }
    }
  }

  mutating func addMemory(
    _ bytes: ValuePlace.Bytes, _ before: Machine, _ usual: Trial
  ) throws(MachineError) {
    let memory = ValuePlace.memory(bytes)
    if sources.contains(memory) { return }
    if before.memory.contains(bytes.physical, count: UInt64(bytes.size)) {
      for pattern in Self.patterns {
        let changed = try trial { Self.change(bytes, pattern, $0) }
        if !changed.isOther(usual) { continue }
        sources.append(memory)
        return
      }
    } else if StepCode(before, at: step.pc).isLoad(of: place) {
      sources.append(memory)
    }
  }

  /// Bits of memory that are tried otherwise.
  private static let patterns: [UInt8] = [0xFF, 0x55, 0x0F]

  static func change(_ bytes: ValuePlace.Bytes, _ pattern: UInt8, _ machine: Machine) {
    let old = machine.memory.read(bytes.physical, count: bytes.size) ?? []
    _ = machine.memory.write(old.map { $0 ^ pattern }, at: bytes.physical)
  }

  /// Bytes of a place in memory that nobody wrote in this step.
  mutating func addRest(of stored: [Range<UInt64>]) {
    guard case .memory(let bytes) = place, !stored.isEmpty else { return }
    var next = bytes.range.lowerBound
    for range in stored.sorted(by: { $0.lowerBound < $1.lowerBound }) + [
      bytes.range.upperBound..<UInt64.max
    ] {
      if next < range.lowerBound {
        sources.append(.memory(bytes.part(next..<min(range.lowerBound, bytes.range.upperBound))))
      }
      next = max(next, range.upperBound)
      if next >= bytes.range.upperBound { return }
    }
  }

  // MARK: Who writes

  /// Who writes a register in a step, if anybody does.
  static func writer(
    of register: RegisterName, _ site: Cause.Site, _ writers: WriterFinder
  ) throws(MachineError) -> Cause.Writer? {
    guard let before = try writers.history.machine(at: site.index),
      let old = before.harts[site.hart].value(of: register)
    else { return nil }
    let place = ValuePlace.register(register, hart: site.hart)
    let trials = Influences(writers, before.snapshot(), place, Step(.instruction, site))
    let usual = try trials.trial()
    let isArm = before.board.core.machine == .arm
    let code = StepCode(before, at: site.pc)
    let isOfCore =
      isArm
      ? before.moved(to: usual.machine, writes: register)
      : code.isCall || register.isCSR && before.traps != usual.machine.traps
    let writer = isOfCore ? Cause.Writer.core(site) : .instruction(site)
    // It may leave the value as it was, r0 + 0; whether it is run at all is only a question there.
    if !before.isInITBlock, !code.isCall, code.writes(register), register != .x(0) { return writer }
    for other in others(register, old) {
      let changed = try trials.trial { _ = $0.set(register, to: other, hart: site.hart) }
      let mask = register == .xpsr ? Machine.flags : .max
      if changed.value != other & mask { return writer }
    }
    return nil
  }

  // MARK: Trying

  func trial(_ change: (Machine) -> Void = { _ in }) throws(MachineError) -> Trial {
    let machine = try Machine(start)
    change(machine)
    var limit = RunLimit(tick: end, index: step.index + 1)
    limit.breakpoints.watches = [Breakpoints.Watch(0..<1 << 62)]
    var touches: [Touch] = []
    while machine.index <= step.index,
      case .watchpoint(let touch) = history.run(machine, until: limit)
    {
      touches.append(touch)
    }
    return Trial(value: machine.value(of: place), touches: touches, machine: machine)
  }

  /// Other values of a register: enough that what depends on it shows it.
  private static func others(_ register: RegisterName, _ value: UInt64) -> [UInt64] {
    if register == .xpsr {
      return [0xF000_0000, 0x4000_0000, 0x2000_0000, 0x9000_0000].map { value ^ $0 }
    }
    return [~value, value ^ 0x5555_5555_5555_5554, value &+ 0x100, 0, 1].map { $0 & mask(register) }
      .filter {
        $0 != value
      }
  }

  static func mask(_ register: RegisterName) -> UInt64 {
    switch register {
    case .x, .f, .csr: .max
    // Its lowest bits are always 0.
    case .r(13), .msp, .psp: 0xFFFF_FFFC
    case .xpsr: Machine.flags
    default: 0xFFFF_FFFF
    }
  }
}

extension RegisterName {
  var isFloatingPoint: Bool {
    switch self {
    case .f, .s: true
    default: false
    }
  }

  fileprivate var isCSR: Bool { if case .csr = self { true } else { false } }
}

extension Machine {
  /// Cortex-M: the exception that it handles.
  var handler: UInt64 { (harts[0].value(of: .xpsr) ?? 0) & 0x1FF }

  /// Cortex-M: the next instruction may be skipped (ARM DDI 0403E.e, A7.3.2).
  fileprivate var isInITBlock: Bool {
    (harts[0].value(of: .xpsr) ?? 0) & 0x0600_FC00 != 0
  }

  /// Cortex-M: does what happens between here and there, an exception that is entered or left, write that register?
  fileprivate func moved(to later: Machine, writes register: RegisterName) -> Bool {
    let isEntry =
      traps.interrupts != later.traps.interrupts || traps.svc != later.traps.svc
      || traps.faults != later.traps.faults
    if isEntry { return [.r(13), .r(14), .xpsr, .msp, .psp].contains(register) }
    guard handler != later.handler else { return false }
    switch register {
    case .r(let number): return number < 4 || number > 11
    case .s(let number): return number < 16
    case .xpsr, .msp, .psp: return true
    default: return false
    }
  }
}
