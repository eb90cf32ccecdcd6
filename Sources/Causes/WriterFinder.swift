import Emu

/// Finds who wrote a value last.
public struct WriterFinder {
  public let history: History
  /// As far as the run went.
  let end: Instant

  public init(_ history: History, end: Instant) {
    self.history = history
    self.end = end
  }

  /// Nobody has since history begins.
  private var beginning: Cause.Writer {
    history.begin == 0 ? .start : .earlier(index: history.begin)
  }

  /// - Parameter instant: who wrote it before that.
  public func writer(
    of place: ValuePlace, at instant: Instant
  ) throws(MachineError) -> Cause.Writer {
    let writer: Cause.Writer
    switch place {
    case .memory(let bytes):
      guard let machine = try history.machine(at: instant) else { return beginning }
      writer =
        machine.memory.contains(bytes.physical, count: UInt64(bytes.size))
        ? try self.writer(ofMemory: bytes, at: instant)
        : try self.writer(ofDevice: bytes, at: instant, machine)
    case .register(let register, let hart):
      writer = try self.writer(of: register, hart: hart, before: instant.index)
    case .pin(let pin, let device):
      writer = try self.writer(ofPin: pin, device: device, at: instant)
    }
    guard let input = latestInput(to: place, at: instant), writer.isBefore(input.index) else {
      return writer
    }
    return .input(index: input.index, tick: input.tick)
  }

  private func latestInput(to place: ValuePlace, at instant: Instant) -> Machine.Input? {
    history.inputs.last { input in
      if input.index > instant.index { return false }
      switch place {
      case .memory(let bytes):
        return input.writes(bytes.address..<bytes.address + UInt64(bytes.size))
      case .register(let register, let hart): return input.writes(register, hart: hart)
      case .pin: return false
      }
    }
  }

  private func site(_ index: UInt64, hart: Int, pc: UInt64) throws(MachineError) -> Cause.Site {
    let tick = try history.machine(at: index)?.now ?? 0
    return Cause.Site(index: index, tick: tick, hart: hart, pc: pc)
  }

  // MARK: Memory

  private func writer(
    ofMemory bytes: ValuePlace.Bytes, at instant: Instant
  ) throws(MachineError) -> Cause.Writer {
    let latest = try history.latestStore(to: bytes.range, before: instant.limit)
    guard let (storer, end, tick) = latest else { return beginning }
    switch storer {
    case .instruction(let hart, let pc, let index):
      return .instruction(try site(index, hart: hart, pc: pc))
    case .device(let device):
      let index = try step(of: storer, to: bytes.range, over: end)
      return .transfer(device: device, index: index, tick: tick)
    case .core:
      let index = try step(of: storer, to: bytes.range, over: end)
      guard let machine = try history.machine(at: index) else { return beginning }
      return .core(try site(index, hart: Int(machine.hart.number), pc: machine.pc))
    }
  }

  /// In whose step a store happened that no instruction made: what devices do before an instruction belongs to it, and what a
  /// core does behind it.
  private func step(
    of storer: Storer, to range: Range<UInt64>, over index: UInt64
  ) throws(MachineError) -> UInt64 {
    guard index > history.begin, let machine = try history.machine(at: index - 1) else {
      return index
    }
    var limit = RunLimit(index: index)
    limit.store = range
    var isThere = false
    while history.run(machine, until: limit) == .event {
      if machine.index == index && machine.storer == storer { isThere = true }
    }
    return isThere ? index - 1 : index
  }

  // MARK: Registers of devices, and pins

  /// Stores to a device to look at, for what one of its registers holds.
  private static let mostStores = 8

  /// A store to the device that would have left something else there, had it stored something else.
  private func writer(
    ofDevice bytes: ValuePlace.Bytes, at instant: Instant, _ machine: Machine
  ) throws(MachineError) -> Cause.Writer {
    let device = machine.device(at: bytes.physical)
    let itself = Cause.Writer.device(device, index: machine.index, tick: machine.now)
    let place = ValuePlace.memory(bytes)
    guard let value = machine.value(of: place) else { return itself }
    var watch = Breakpoints()
    // As instructions address it.
    let shift = bytes.address &- bytes.physical
    if let device {
      let board = machine.board.devices[device]
      watch.watches = ([board.address] + board.others).map {
        Breakpoints.Watch($0 &+ shift..<$0 &+ shift + board.size, loads: false)
      }
    } else {
      watch.watches = [
        Breakpoints.Watch(bytes.address..<bytes.address + UInt64(bytes.size), loads: false)
      ]
    }
    var end = instant.index
    for _ in 0..<Self.mostStores {
      guard let (after, pause) = try history.latestStop(before: end, watch),
        case .watchpoint(let touch) = pause, after.value(of: place) == value
      else { return itself }
      end = after.index - 1
      if try keeps(place, value, touch, after) {
        return .instruction(try site(end, hart: touch.hart, pc: touch.pc))
      }
    }
    return itself
  }

  /// Would it be another value behind another store?
  private func keeps(
    _ place: ValuePlace, _ value: UInt64, _ touch: Touch, _ after: Machine
  ) throws(MachineError) -> Bool {
    let snapshot = after.snapshot()
    for pattern in [0xFF, 0, 0x55] as [UInt8] {
      let machine = try Machine(snapshot)
      let bytes = [UInt8](repeating: pattern, count: touch.size)
      if machine.poke(touch.address, bytes, hart: touch.hart), machine.value(of: place) != value {
        return true
      }
    }
    return false
  }

  private func writer(
    ofPin pin: Int, device: Int, at instant: Instant
  ) throws(MachineError) -> Cause.Writer {
    guard let edge = try history.machine(at: instant)?.latestEdge(pin, device),
      edge.index >= history.begin, let machine = try history.machine(at: edge.index)
    else { return beginning }
    let itself = Cause.Writer.device(device, index: edge.index, tick: edge.tick)
    var limit = RunLimit(tick: end.tick, index: edge.index + 1)
    limit.breakpoints.watches = [Breakpoints.Watch(0..<1 << 62, loads: false)]
    guard case .watchpoint(let touch) = history.run(machine, until: limit),
      machine.latestEdge(pin, device) != edge
    else { return itself }
    return .instruction(try site(edge.index, hart: touch.hart, pc: touch.pc))
  }

  // MARK: Registers

  /// Instructions to look back over, as long as nothing is found.
  private static let windows: [UInt64] = [64, 1024, 16_384, 1 << 18, 1 << 22]
  /// From here on code is asked first which of its instructions it may be.
  private static let farWindow: UInt64 = 1 << 18

  private func writer(
    of register: RegisterName, hart: Int, before index: UInt64
  ) throws(MachineError) -> Cause.Writer {
    if register.isCounter {
      let tick = try history.machine(at: index)?.now ?? 0
      return .device(nil, index: index, tick: tick)
    }
    var end = index
    for window in Self.windows {
      let start = max(history.begin, index > window ? index - window : 0)
      guard start < end, let machine = try history.machine(at: start) else { continue }
      if window == Self.farWindow,
        let writer = try distantWriter(of: register, hart: hart, before: end)
      {
        return writer
      }
      for site in candidates(register, hart, machine, until: end).reversed() {
        if let writer = try Influences.writer(of: register, site, self) { return writer }
      }
      end = start
      if start == history.begin { break }
    }
    return end == history.begin ? beginning : .earlier(index: end)
  }

  /// Stops to look at, for the latest instruction that wrote a register long ago.
  private static let mostVisits = 256

  /// By breakpoints at everything in the image that may write a register, which costs little where that is seldom run. nil: not
  /// found so; code that is not in the image, or an exception that changes what it comes back to, may have written it.
  private func distantWriter(
    of register: RegisterName, hart: Int, before index: UInt64
  ) throws(MachineError) -> Cause.Writer? {
    let place = ValuePlace.register(register, hart: hart)
    guard let now = try history.machine(at: index),
      let code = CodeOfWriters(now.image).addresses(register)
    else { return nil }
    let (value, handler) = (now.value(of: place), now.handler)
    var end = index
    for _ in 0..<Self.mostVisits {
      guard let stop = try history.latestStop(before: end, Breakpoints(code)) else {
        let isSo = try history.machine(at: history.begin)?.value(of: place) == value
        return isSo ? beginning : nil
      }
      let before = stop.machine
      end = before.index
      if Int(before.hart.number) != hart { continue }
      if register.isRestoredByCore, ![0, handler].contains(before.handler) { continue }
      let site = Cause.Site(index: end, tick: before.now, hart: hart, pc: before.pc)
      guard let writer = try Influences.writer(of: register, site, self) else { continue }
      return try history.machine(at: end + 1)?.value(of: place) == value ? writer : nil
    }
    return nil
  }

  /// Steps that may write a register: it is another one behind them, or the instruction says so. What an exception did to it
  /// that left it as it found it is none.
  private func candidates(
    _ register: RegisterName, _ hart: Int, _ machine: Machine, until end: UInt64
  ) -> [Cause.Site] {
    var found: [Cause.Site] = []
    var code = WriteDecoder(register)
    let place = ValuePlace.register(register, hart: hart)
    var handler = machine.handler
    // Those that were left for another exception, with how many had been found.
    var contexts: [(handler: UInt64, value: UInt64?, found: Int)] = []
    while machine.index < end {
      let site = Cause.Site(
        index: machine.index, tick: machine.now, hart: hart, pc: machine.harts[hart].pc)
      let (attempts, old) = (machine.harts[hart].attempts, machine.value(of: place))
      guard history.run(machine, until: RunLimit(index: machine.index + 1)) == .limit else {
        break
      }
      if machine.harts[hart].attempts == attempts { continue }
      let (new, count) = (machine.value(of: place), found.count)
      if new != old || code.writes(at: site.pc, machine) { found.append(site) }
      if machine.pc &- site.pc <= 4 || machine.handler == handler { continue }
      if let back = contexts.lastIndex(where: { $0.handler == machine.handler }) {
        if contexts[back].value == new { found.removeSubrange(contexts[back].found...) }
        contexts.removeSubrange(back...)
      } else if register.isRestoredByCore {
        // The entry itself is no write, if the end of the exception takes it back.
        contexts.append(
          register.isChangedByEntry ? (handler, old, count) : (handler, new, found.count))
      }
      handler = machine.handler
    }
    return found
  }
}

extension Cause.Writer {
  /// Behind so many instructions, or in the beginning.
  public var index: UInt64? {
    switch self {
    case .instruction(let site), .core(let site): site.index
    case .transfer(_, let index, _), .device(_, let index, _), .input(let index, _),
      .earlier(let index):
      index
    case .start: nil
    }
  }

  public var tick: Tick? {
    switch self {
    case .instruction(let site), .core(let site): site.tick
    case .transfer(_, _, let tick), .device(_, _, let tick), .input(_, let tick): tick
    case .start, .earlier: nil
    }
  }

  /// What comes from outside at an index comes before its instruction.
  fileprivate func isBefore(_ index: UInt64) -> Bool { self.index.map { $0 < index } ?? true }
}

extension RegisterName {
  /// Cortex-M: it comes back with the end of an exception (ARM DDI 0403E.e, B1.5.8).
  fileprivate var isRestoredByCore: Bool {
    switch self {
    case .r(let number): number < 4 || number > 11
    case .xpsr: true
    default: false
    }
  }

  /// And is another one in it.
  fileprivate var isChangedByEntry: Bool { [.r(13), .r(14)].contains(self) }

  /// RV64: one that counts time, cycles or instructions (Privileged ISA 20211203, 3.1.10 and 3.1.11).
  var isCounter: Bool {
    if case .csr(let number) = self {
      [0xB00, 0xB02].contains(number) || number >> 5 == 0x60
    } else {
      false
    }
  }
}
