import CoreShim

/// One device on a bus of its own with no core: for tests of devices. Accesses go the way that a
/// guest's take, register map, slot and port included.
public final class DeviceBench<D: Device> {
  public private(set) var now: Tick = 0
  private let bus: Bus
  private let slot: AnySlot
  private static var address: UInt64 { 0x1000_0000 }

  /// - Parameters:
  ///   - memory: 64 KiB at this address, for DMA.
  ///   - activeLow: pins with an LED that is lit when they are low.
  public init(
    _ device: D, size: UInt64 = 0x1000, clock: Clock = Clock(hertz: 1_000_000_000),
    memory: UInt64 = 0x8000_0000, activeLow: [Int] = []
  ) {
    let region = Board.Region("ram", at: memory, size: 0x1_0000, writable: true)
    let board = Board(
      name: "bench", revision: 0, summary: "", core: .rv64(timebase: Ratio(1, 100)), clock: clock,
      regions: [region], devices: [Placement("device", device, at: Self.address, size: size)],
      leds: activeLow.map {
        Board.LED("\($0)", .red, device: "device", pin: $0, activeHigh: false)
      },
      console: "device")
    guard let memory = Memory(board.regions) else {
      preconditionFailure("the host has no memory for a bench")
    }
    bus = Bus(board: board, memory: memory, recorder: Recorder(mask: .all))
    slot = bus.slots[0]
    bus.reset(now: 0, index: 0)
  }

  /// nil: a guest fault.
  public func read(_ offset: UInt64, width: UInt8 = 4, privileged: Bool = true) -> UInt64? {
    access(offset, 0, width, isStore: false, privileged)
  }

  /// False: a guest fault.
  @discardableResult
  public func write(
    _ offset: UInt64, _ value: UInt64, width: UInt8 = 4, privileged: Bool = true
  ) -> Bool {
    access(offset, value, width, isStore: true, privileged) != nil
  }

  private func access(
    _ offset: UInt64, _ value: UInt64, _ width: UInt8, isStore: Bool, _ privileged: Bool
  ) -> UInt64? {
    var access = CoreAccess()
    access.address = Self.address + offset
    access.value = value
    access.size = width
    access.is_store = isStore
    access.privileged = privileged
    let verdict = bus.access(&access, now: now, index: now, hart: 0)
    return verdict == CORE_ACCESS_DONE ? access.value : nil
  }

  /// Lets time go by; the device acts at each of its deadlines on the way, the last tick included.
  public func advance(to tick: Tick) {
    while bus.deadlines.next <= tick {
      now = max(now + 1, bus.deadlines.next)
      if now > tick { break }
      bus.act(now: now, index: now)
    }
    now = max(now, tick)
  }

  public func input(_ line: Int, _ level: Bool) {
    bus.fromOutside(slot, now: now, index: now) { $0.input(line, level) }
  }
  public func letGo(_ line: Int) {
    bus.fromOutside(slot, now: now, index: now) { $0.letGo(line) }
  }
  public func send(_ bytes: some Sequence<UInt8>) { bus.send(bytes, now: now, index: now) }
  public func reset() { bus.reset(now: now, index: now) }

  public var state: D.State {
    get {
      guard let state = slot.state as? D.State else { preconditionFailure("another device") }
      return state
    }
    set { slot.restore(newValue) }
  }
  /// The state as it comes back from the file of a snapshot.
  public func stateByFile() throws -> D.State? {
    var bytes = CanonicalBytes()
    bytes.append(naming: state)
    var reader = CanonicalReader(bytes.bytes)
    return try bus.board.devices[0].readState(&reader, now).0 as? D.State
  }
  public var clock: Clock {
    get { bus.clock }
    set { bus.clock = newValue }
  }
  public var lines: LineSet { slot.lines }
  public var deadline: Tick? { slot.deadline == .max ? nil : slot.deadline }
  public var memory: Memory { bus.memory }
  /// Everything it said, accesses included.
  public var events: Trace { bus.recorder.trace }
  public var console: Console { bus.console }
  public var findings: [Finding] { bus.findings.list }
  public var stop: Stop? { bus.stop }
  public var isResetRequested: Bool { bus.resetSource != nil }
  public var timeOffset: UInt64 { bus.timeOffset }
}
