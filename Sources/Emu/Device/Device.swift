/// One access to a device, as the guest made it: naturally aligned, of a width that the register
/// allows.
public struct Access: Sendable, Hashable {
  /// From the start of the device's window.
  public var offset: UInt64
  /// 1, 2, 4 or 8 bytes.
  public var width: UInt8
  /// Cortex-M: privileged; RV64: S or M mode.
  public var privileged: Bool
  /// Which hart asks.
  public var hart: UInt8

  public init(offset: UInt64, width: UInt8, privileged: Bool = true, hart: UInt8 = 0) {
    self.offset = offset
    self.width = width
    self.privileged = privileged
    self.hart = hart
  }
}

/// The levels of a device's output lines, one bit a line. Line 0 is the interrupt of a device with
/// one.
public struct LineSet: OptionSet, Sendable, Hashable, Codable {
  public var rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static func line(_ number: Int) -> LineSet { LineSet(rawValue: 1 << UInt64(number)) }
  /// Line 0 at that level and no other: all that a device with one interrupt has to say.
  public init(level: Bool) { self.init(rawValue: level ? 1 : 0) }
}

/// A model of one peripheral: a value whose whole mutable part is `state`.
///
/// A device never calls anybody. It changes its state, speaks through the port it is handed, and
/// says in `lines` and `deadline` what its outputs are and when it next wants to act; its slot reads
/// both again after every call. So a snapshot, a restore, a difference and a digest need no code in
/// the device.
public protocol Device: Sendable {
  associatedtype State: Codable & Hashable & Sendable
  var state: State { get set }
  /// Could this device get into that state by `now`? Asked about what a file says, which anybody may have written: sizes of
  /// arrays, numbers that something is found by, ticks that differences are taken of.
  func accepts(_ state: State, now: Tick) -> Bool
  /// Read once, when a board is described.
  var map: RegisterMap { get }

  mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64
  /// `value` holds `access.width` bytes, the rest is zero.
  mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort)
  /// Called exactly at `deadline`: `port.now` is that tick, or the next one if the deadline had
  /// already passed when it was set. It must move `deadline` on, else it is called again one tick
  /// later.
  mutating func advance(_ port: inout DevicePort)
  /// When the device next wants to act by itself; nil: only when it is accessed.
  var deadline: Tick? { get }
  var lines: LineSet { get }

  /// Lines that may still go high before software runs again: a core that only an NMI can help waits for it as long as one of these
  /// is.
  var armed: LineSet { get }

  /// An input pin or line of the device changes: how an interrupt controller takes the lines of
  /// others.
  mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort)
  /// Nobody drives that pin any more.
  mutating func letGo(_ line: Int, _ port: inout DevicePort)
  /// From `port.now` on the core clock has another frequency, or the device is clocked again: for devices that also follow a
  /// clock of their own, by `port.cycles`.
  mutating func clockChanged(_ port: inout DevicePort)
  /// A guest reset: back to what `state` was at power-on. A device whose pins jump with it says so.
  mutating func reset(to initial: State, _ port: inout DevicePort)
  /// The core begins to sleep, or wakes: told to a device whose `followsSleep` says so.
  mutating func sleepChanged(to sleep: CoreSleep, _ port: inout DevicePort)
  static var followsSleep: Bool { get }
  /// It has a clock of its own: the gate keeps software from it, and it goes on.
  static var goesOnWithoutGate: Bool { get }
  /// A store to it may change what memory holds, or who can read it: it moves data by itself, programs flash, or protects. What
  /// an audit shows of memory does not hold behind such a store.
  static var reachesMemory: Bool { get }
  /// A byte of console input is waiting. False: no room now. It is offered again after every access
  /// and every advance, so that input arrives as fast as the guest takes it and at the same
  /// instruction in every run.
  mutating func offer(_ byte: UInt8, _ port: inout DevicePort) -> Bool
}

extension Device {
  public func accepts(_ state: State, now: Tick) -> Bool { true }
  public mutating func advance(_ port: inout DevicePort) {}
  public var deadline: Tick? { nil }
  public var lines: LineSet { [] }
  public var armed: LineSet { LineSet(rawValue: .max) }
  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {}
  public mutating func letGo(_ line: Int, _ port: inout DevicePort) {}
  public mutating func clockChanged(_ port: inout DevicePort) {}
  public mutating func reset(to initial: State, _ port: inout DevicePort) { state = initial }
  public mutating func offer(_ byte: UInt8, _ port: inout DevicePort) -> Bool { false }
  public mutating func sleepChanged(to sleep: CoreSleep, _ port: inout DevicePort) {}
  public static var followsSleep: Bool { false }
  public static var goesOnWithoutGate: Bool { false }
  public static var reachesMemory: Bool { false }
}

/// What a core says to the rest of its chip.
public enum CoreSleep: UInt8, Sendable, Hashable, Codable {
  case awake
  case asleep
  /// Cortex-M: with SCR.SLEEPDEEP.
  case deeplyAsleep
}
