import CoreShim

/// What a device may say to its machine, and all that it may know of it. Handed to every call of a
/// device.
public struct DevicePort {
  /// When this call is, in ticks that the device was clocked: since power-on, but for a device on a clock gate only those at
  /// which it was open. In an access: of the accessing instruction, before it counts.
  public internal(set) var now: Tick = 0
  /// The same in machine time.
  var time: Tick = 0
  /// Instructions begun before the one that makes this access; for `advance`, before the next one.
  public internal(set) var index: UInt64 = 0
  /// The hart that makes this access.
  public internal(set) var hart: UInt8 = 0
  var faulted = false
  var source: UInt16 = 0
  /// What this call is about; nil: no access. Valid as long as the call is.
  var access: UnsafePointer<CoreAccess>?
  /// Of an instruction that is no access.
  var pc: UInt64?
  /// Not counted: a port is handed out millions of times a second and never outlives its bus.
  private let owner: Unmanaged<Bus>
  private var bus: Bus { owner._withUnsafeGuaranteedRef { $0 } }

  init(bus: Bus) { owner = .passUnretained(bus) }

  /// This access is refused: a precise guest fault, and nothing happened. Only in `read` and
  /// `write`, with `state` untouched.
  public mutating func fault() { faulted = true }

  /// An output pin has a new level. Say it only when it changes.
  public func pin(_ number: Int, _ level: Bool) {
    emit(.pin, detail: UInt32(truncatingIfNeeded: number), value: level ? 1 : 0)
  }

  /// Pins of this device that are high while nobody drives them: an LED leads from the supply to them.
  public var idlePins: UInt32 { bus.slots[Int(source)].idlePins }

  /// A byte leaves on the wire.
  public func uart(_ byte: UInt8) {
    emit(.uart, value: UInt64(byte))
    bus.sent(byte, by: source)
  }

  /// Any other event, with this device as its source.
  public func emit(_ kind: Event.Kind, detail: UInt32 = 0, value: UInt64 = 0) {
    let event = Event(
      tick: time, index: index, source: source, rawKind: kind.rawValue, hart: hart,
      detail: detail, value: value)
    owner._withUnsafeGuaranteedRef { $0.record(event) }
  }

  /// Something was asked that this model does not do: a finding with that name, not silence.
  public func notModelled(_ name: String, value: UInt64 = 0) {
    bus.find(name, value: value, port: self)
  }

  /// Software did what the device's manual forbids; the device answered as the manual says. A finding with that name.
  public func guestError(_ what: String, value: UInt64 = 0) {
    bus.find(what, value: value, port: self, kind: .guestError)
  }

  /// RAM and flash by physical address, for DMA. What it writes, code translated from it included,
  /// is at once what every hart sees.
  public var memory: Memory {
    let memory = bus.memory
    memory.user = source
    return memory
  }

  /// What a bus master reads there: memory, or a device as if a hart had asked it. nil: nobody answers. Only in `advance`, and
  /// naturally aligned; what it does to inputs of the master itself reaches that behind the call.
  public func load(_ address: UInt64, width: UInt8) -> UInt64? {
    bus.transfer(address, width, nil, port: self)
  }

  /// The same, written; false: nobody takes it.
  public func store(_ value: UInt64, at address: UInt64, width: UInt8) -> Bool {
    bus.transfer(address, width, value, port: self) != nil
  }

  /// The run ends directly behind this instruction.
  public func stop(_ reason: StopReason, code: UInt32 = 0, detail: String = "") {
    bus.end(Stop(reason, code: code, detail: detail))
  }

  /// A guest reset directly behind this instruction: harts and devices start again, RAM is kept,
  /// time runs on.
  public func reset() { bus.requestReset(by: source) }

  // MARK: Time that is not the core's

  /// Ticks a second from now on.
  public var frequency: Ratio { bus.clock.frequency }
  /// Since power-on, whether the device was clocked or not: the time of the world outside. Rounded down.
  public var nanoseconds: UInt64 { bus.clock.nanoseconds(at: time) }
  /// Cycles of another clock that the device has, while it is clocked.
  public func cycles(of hertz: UInt64) -> UInt64 {
    bus.clock.cycles(of: hertz, at: time, without: bus.missed(by: source))
  }
  /// The first `now` at which there are at least that many, as long as frequencies and gates stay what they are: see
  /// `Device.clockChanged`. Saturates.
  public func tick(reaching cycles: UInt64, of hertz: UInt64) -> Tick {
    let missed = bus.missed(by: source)
    let tick = bus.clock.tick(reaching: cycles, of: hertz, without: missed)
    return tick == .max ? tick : max(tick, missed.ticks) - missed.ticks
  }
  /// The gate of the device is closed: it sees levels of its inputs, and does nothing with them before it is clocked again.
  public var isStill: Bool { bus.slots[Int(source)].isStill }

  // MARK: The core

  /// A Cortex-M4's FPSCR.
  public var floatingPointStatus: UInt32 {
    UInt32(truncatingIfNeeded: bus.harts.first?.value(of: .fpscr) ?? 0)
  }

  // MARK: System control

  /// The core clock has this frequency from now on.
  public func setClock(_ hertz: Ratio) { bus.setClock(hertz, port: self) }

  /// The peripherals on this clock gate answer and are clocked, or neither.
  public func setGate(_ name: String, isOpen: Bool) {
    bus.setGate(name, isOpen: isOpen, port: self)
  }

  /// Which of its apertures the peripheral on this gate answers at: 0 is its address, 1 the first of the others.
  public func setAperture(_ gate: String, _ number: Int) { bus.setAperture(gate, number) }

  /// The peripherals on this gate go to their state of power-on.
  public func resetPeripheral(_ gate: String) { bus.resetSlots(on: gate, port: self) }

  /// From now on data cannot be loaded from those blocks of memory, where code still runs, and those that are `fixed` are not to be
  /// programmed: a bit a block from `start` on, of at most 128. Both sizes are multiples of 1 KiB.
  public func protect(
    from start: UInt64, blocksOf blockSize: UInt64, unreadable: [UInt32], fixed: [UInt32]
  ) {
    bus.protect(
      BlockProtection(
        start: start, blockSize: blockSize, unreadable: unreadable, fixed: fixed))
  }

  /// May a flash controller erase or program what is there?
  public func mayProgram(_ address: UInt64) -> Bool { !bus.protection.isFixed(address) }

  /// Why the devices are being reset; in `reset` only.
  public var resetCause: ResetCause { bus.resetCause }

  /// What the `time` CSR shows is the board's count of ticks plus this: the CLINT's `mtime` was
  /// written.
  public func setTimeOffset(_ offset: UInt64) { bus.timeOffset = offset }
}
