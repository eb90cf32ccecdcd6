/// What a slot is given when its board becomes a machine.
struct SlotPlace {
  var number: Int
  var placement: Placement
  unowned(unsafe) var bus: Bus
  var port: UnsafeMutablePointer<DevicePort>
  var takesInput: Bool
}

/// A device in its place on the bus, whatever its type is.
///
/// Calls go down in a subclass that knows the type (`Slot`); everything that follows from a call is
/// here, in `settle`.
class AnySlot {
  typealias State = any Hashable & Codable & Sendable

  final let number: Int
  final let name: String
  final let address: UInt64
  private let others: [UInt64]
  private let size: UInt64
  final let table: RegisterTable
  final let wires: [Int: [Board.Wire]]
  final let port: UnsafeMutablePointer<DevicePort>
  final let takesInput: Bool
  final let gate: String?
  final let goesOnWithoutGate: Bool
  final let followsSleep: Bool
  /// High while nobody drives them.
  final let idlePins: UInt32
  /// Ticks that it was not clocked, for want of an open gate.
  @exclusivity(unchecked) final private(set) var missed: Tick = 0
  /// Its gate is closed: it stands still at this tick of its own.
  @exclusivity(unchecked) final private(set) var stillAt: Tick?
  final var isStill: Bool { stillAt != nil }
  final unowned(unsafe) let bus: Bus
  /// As they were when last read from the device.
  @exclusivity(unchecked) final private(set) var lines: LineSet = []
  /// In its own ticks.
  @exclusivity(unchecked) final private(set) var deadline: Tick = .max

  init(_ place: SlotPlace) {
    number = place.number
    name = place.placement.name
    address = place.placement.address
    others = place.placement.others
    size = place.placement.size
    table = place.placement.table
    wires = place.placement.wires
    port = place.port
    takesInput = place.takesInput
    gate = place.placement.gate
    goesOnWithoutGate = place.placement.goesOnWithoutGate
    followsSleep = type(of: place.placement.device).followsSleep
    bus = place.bus
    idlePins = place.bus.board.idlePins(of: name)
  }

  /// What is at an address of one of its apertures; nil: it is in none.
  final func register(at address: UInt64) -> String? {
    ([self.address] + others).first { address &- $0 < size }.map { table.name(at: address - $0) }
  }

  func read(_ access: Access) -> UInt64 { fatalError("abstract") }
  func write(_ access: Access, _ value: UInt64) { fatalError("abstract") }
  func advance() { fatalError("abstract") }
  func input(_ line: Int, _ level: Bool) { fatalError("abstract") }
  /// Offers console input for as long as there is some and the device takes it.
  func offer() { fatalError("abstract") }
  func letGo(_ line: Int) { fatalError("abstract") }
  func clockChanged() { fatalError("abstract") }
  func sleepChanged(to sleep: CoreSleep) { fatalError("abstract") }
  /// To the state of power-on.
  func reset() { fatalError("abstract") }
  var state: State { fatalError("abstract") }
  var armed: LineSet { fatalError("abstract") }
  /// Takes a state back quietly: everybody that its outputs lead to has been, or will be, restored
  /// as well.
  func restore(_ state: State) { fatalError("abstract") }

  final func restore(_ lines: LineSet, _ deadline: Tick?) {
    self.lines = lines
    self.deadline = deadline ?? .max
    schedule()
  }

  // MARK: Its gate

  /// It is clocked from now on, or not; its windows are the bus's business.
  final func obey(_ gate: Windows.Gate) {
    if goesOnWithoutGate { return }
    missed = gate.missed.ticks
    stillAt = gate.isOpen ? nil : gate.closed - missed
    schedule()
  }

  private final func schedule() {
    let (tick, isLater) = deadline.addingReportingOverflow(missed)
    bus.schedule(number, at: isStill || isLater ? .max : tick)
  }

  /// The one place where a device's outputs take effect. Called after every call of the device.
  @inline(__always) final func settle(_ lines: LineSet, _ deadline: Tick?) {
    let deadline = deadline ?? .max
    if deadline != self.deadline { changeDeadline(to: deadline) }
    if lines != self.lines { changeLines(to: lines) }
  }

  // Out of line: what they do takes reference counts, which the way past them should not.
  @inline(never) private final func changeDeadline(to new: Tick) {
    deadline = new
    schedule()
  }

  @inline(never) private final func changeLines(to new: LineSet) {
    let changed = lines.symmetricDifference(new)
    lines = new
    var rest = changed.rawValue
    while rest != 0 {
      let line = rest.trailingZeroBitCount
      rest &= rest - 1
      guard let targets = wires[line] else { continue }
      for wire in targets { bus.drive(wire, new.contains(.line(line)), from: self) }
    }
  }
}

/// A device of one type. The device lives behind a pointer: a call costs two dispatches and no
/// reference count, no exclusivity check and no copy.
final class Slot<D: Device>: AnySlot {
  private let device: UnsafeMutablePointer<D>
  private let initial: D.State

  init(_ device: D, at place: SlotPlace) {
    self.device = .allocate(capacity: 1)
    self.device.initialize(to: device)
    initial = device.state
    super.init(place)
  }

  deinit {
    device.deinitialize(count: 1)
    device.deallocate()
  }

  override func read(_ access: Access) -> UInt64 {
    let value = device.pointee.read(access, &port.pointee)
    settle()
    return value
  }

  override func write(_ access: Access, _ value: UInt64) {
    device.pointee.write(access, value, &port.pointee)
    settle()
  }

  override func advance() {
    device.pointee.advance(&port.pointee)
    settle()
  }

  override func input(_ line: Int, _ level: Bool) {
    device.pointee.input(line, level, &port.pointee)
    settle()
  }

  override func offer() { settle() }

  override func letGo(_ line: Int) {
    device.pointee.letGo(line, &port.pointee)
    settle()
  }

  override func clockChanged() {
    device.pointee.clockChanged(&port.pointee)
    settle()
  }

  override func sleepChanged(to sleep: CoreSleep) {
    device.pointee.sleepChanged(to: sleep, &port.pointee)
    settle()
  }

  override func reset() {
    device.pointee.reset(to: initial, &port.pointee)
    settle()
  }

  override var state: AnySlot.State { device.pointee.state }
  override var armed: LineSet { device.pointee.armed }

  override func restore(_ state: AnySlot.State) {
    guard let state = state as? D.State else {
      preconditionFailure("\(name): a state of another device")
    }
    device.pointee.state = state
    let (lines, deadline) = device.pointee.outputs()
    restore(lines, deadline)
  }

  @inline(__always) private func settle() {
    if takesInput && !isStill { topUp() }
    let (lines, deadline) = device.pointee.outputs()
    settle(lines, deadline)
  }

  @inline(never) private func topUp() {
    while let byte = bus.console.nextInput, device.pointee.offer(byte, &port.pointee) {
      bus.console.takeInput()
      port.pointee.emit(.uartInput, value: UInt64(byte))
    }
  }
}

extension Device {
  /// Mutating, though it changes nothing: getters called through a pointer get a copy of the whole
  /// device, calls on an inout do not.
  @inline(__always) fileprivate mutating func outputs() -> (LineSet, Tick?) { (lines, deadline) }
}
