import Emu

/// The real-time clock of Android's Goldfish board, as QEMU's `virt` has it: GOLDFISH-VIRTUAL-HARDWARE, "Goldfish real-time
/// clock", with the registers that Linux's rtc-goldfish and QEMU's hw/rtc/goldfish_rtc.c add to it.
///
/// It counts nanoseconds since 1970. Here they are virtual ones: power-on is always at the same moment, `epoch`.
public struct GoldfishRTC: Device {
  /// 2026-01-01T00:00:00Z, in nanoseconds since 1970.
  public static let epoch: UInt64 = 1_767_225_600_000_000_000

  public struct State: Codable, Hashable, Sendable {
    /// What the clock is ahead of the time since power-on, modulo 2^64.
    var offset = GoldfishRTC.epoch
    /// The upper half as it was when the lower half was read.
    var timeHigh = UInt32(GoldfishRTC.epoch >> 32)
    var alarm: UInt64 = 0
    var isArmed = false
    var isPending = false
    var isEnabled = false
    /// When the alarm goes off.
    var alarmTick: Tick?
  }
  public var state = State()
  let clock: Clock

  /// - Parameter clock: how long a tick is.
  public init(clock: Clock) { self.clock = clock }

  private enum Offset {
    static let timeLow: UInt64 = 0x00
    static let timeHigh: UInt64 = 0x04
    static let alarmLow: UInt64 = 0x08
    static let alarmHigh: UInt64 = 0x0C
    static let irqEnabled: UInt64 = 0x10
    static let clearAlarm: UInt64 = 0x14
    static let alarmStatus: UInt64 = 0x18
    static let clearInterrupt: UInt64 = 0x1C
  }

  public let map = RegisterMap([
    .init("TIME_LOW", Offset.timeLow, reset: epoch.lowWord),
    .init("TIME_HIGH", Offset.timeHigh, reset: epoch.highWord),
    .init("ALARM_LOW", Offset.alarmLow),
    .init("ALARM_HIGH", Offset.alarmHigh),
    .init("IRQ_ENABLED", Offset.irqEnabled, fields: [.init("ENABLED", 0)]),
    .init("CLEAR_ALARM", Offset.clearAlarm, .writeOnly),
    .init("ALARM_STATUS", Offset.alarmStatus, .readOnly),
    .init("CLEAR_INTERRUPT", Offset.clearInterrupt, .writeOnly),
  ])

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    // "Get current time, then return low-order 32 bits", and TIME_HIGH "high 32 bits, from previous TIME_LOW read".
    case Offset.timeLow:
      let time = time(at: port.now)
      state.timeHigh = UInt32(time >> 32)
      return time.lowWord
    case Offset.timeHigh: return UInt64(state.timeHigh)
    case Offset.alarmLow: return state.alarm.lowWord
    case Offset.alarmHigh: return state.alarm.highWord
    case Offset.irqEnabled: return state.isEnabled ? 1 : 0
    case Offset.alarmStatus: return state.isArmed ? 1 : 0
    default: return 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    switch access.offset {
    case Offset.timeLow: setTime(port.now) { $0.lowWord = value }
    case Offset.timeHigh: setTime(port.now) { $0.highWord = value }
    // "Set low 32-bit value of alarm, then arm it."
    case Offset.alarmLow:
      state.alarm.lowWord = value
      state.isArmed = true
      update(port.now)
    case Offset.alarmHigh: state.alarm.highWord = value
    case Offset.irqEnabled: state.isEnabled = value & 1 == 1
    case Offset.clearAlarm:
      state.isArmed = false
      update(port.now)
    case Offset.clearInterrupt: state.isPending = false
    default: break
    }
  }

  public mutating func advance(_ port: inout DevicePort) { update(port.now) }
  public var deadline: Tick? { state.alarmTick }
  public var lines: LineSet { LineSet(level: state.isPending && state.isEnabled) }

  private func time(at now: Tick) -> UInt64 { clock.nanoseconds(at: now) &+ state.offset }

  private mutating func setTime(_ now: Tick, _ change: (inout UInt64) -> Void) {
    var time = time(at: now)
    change(&time)
    state.offset = time &- clock.nanoseconds(at: now)
    update(now)
  }

  /// An alarm that has come raises the interrupt and is armed no more.
  private mutating func update(_ now: Tick) {
    state.alarmTick = nil
    if !state.isArmed { return }
    if time(at: now) >= state.alarm {
      state.isArmed = false
      state.isPending = true
      return
    }
    // Later than 2^64 nanoseconds after power-on: never.
    let (rest, isTooFar) = clock.nanoseconds(at: now).addingReportingOverflow(
      state.alarm - time(at: now))
    let tick = clock.ticks(nanoseconds: rest)
    if !isTooFar && tick != .max { state.alarmTick = tick }
  }
}

extension GoldfishRTC: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    var node = DeviceTreeNode("rtc", at: place.address, size: place.size, label: place.name)
    node.set("compatible", "google,goldfish-rtc")
    node.setInterrupts(place)
    tree.addToBus(node)
  }
}
