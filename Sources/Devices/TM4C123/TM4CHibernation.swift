import Emu

/// The hibernation module of the TM4C123GH6PM: datasheet SPMS376E, chapter 7: its real-time clock, its interrupts and its memory.
///
/// The crystal of 32,768 Hz is exact, whatever the core clock does. The counter runs while CLK32EN and RTCEN are set; RTCC are its
/// seconds, RTCSS the 1/32,768 of one and the sub-seconds to match. A store is there at once, so HIBCTL.WRC is always set, and sets
/// HIBRIS.WC. What is in HIBDATA, and the time, outlast a reset. The battery is good. Hibernation itself, wake-up, the battery and the
/// trim are declared or can be read back, not modelled.
public struct TM4CHibernation: Device {
  public struct State: Codable, Hashable, Sendable {
    var control: UInt32 = 0x8000_0000
    var mask: UInt8 = 0
    var raw: UInt8 = 0
    var match: UInt32 = .max
    var matchFraction: UInt16 = 0
    var load: UInt32 = 0
    var trim: UInt32 = 0x7FFF
    var data = [UInt32](repeating: 0, count: 16)
    /// What the counter is ahead of the crystal's cycles since power-on while it runs; what it shows while it stands still.
    var ahead: UInt64 = 0
    var standing: UInt64 = 0
    /// When RTCC and RTCSS are as RTCM0 has them: by the crystal, and as a tick.
    var matchCycle: UInt64?
    var matchTick: Tick = 0
  }
  public var state = State()

  public init() {}

  private enum Offset {
    static let counter: UInt64 = 0x000
    static let match: UInt64 = 0x004
    static let load: UInt64 = 0x00C
    static let control: UInt64 = 0x010
    static let mask: UInt64 = 0x014
    static let raw: UInt64 = 0x018
    static let masked: UInt64 = 0x01C
    static let clear: UInt64 = 0x020
    static let trim: UInt64 = 0x024
    static let fraction: UInt64 = 0x028
    static let data: UInt64 = 0x030
    static let dataEnd: UInt64 = 0x070
  }

  private enum Control {
    static let runs: UInt32 = 1 << 0
    static let clock: UInt32 = 1 << 6
    static let writeComplete: UInt32 = 1 << 31
  }

  private static let crystal: UInt64 = 32_768
  private static let matched: UInt8 = 1
  private static let writeComplete: UInt8 = 1 << 4

  public let map: RegisterMap = {
    let control: [RegisterMap.Field] = [
      .init("RTCEN", 0), .init("HIBREQ", 1, modelled: false), .init("RTCWEN", 3),
      .init("PINWEN", 4), .init("CLK32EN", 6), .init("VABORT", 7), .init("VDD3ON", 8),
      .init("BATWKEN", 9), .init("BATCHK", 10), .init("VBATSEL", 13...14),
      .init("OSCBYP", 16), .init("OSCDRV", 17), .init("WRC", 31, .readOnly),
    ]
    return RegisterMap([
      .init("HIBRTCC", Offset.counter, .readOnly),
      .init("HIBRTCM0", Offset.match, reset: 0xFFFF_FFFF),
      .init("HIBRTCLD", Offset.load),
      .init("HIBCTL", Offset.control, reset: 0x8000_0000, fields: control),
      .init("HIBIM", Offset.mask), .init("HIBRIS", Offset.raw, .readOnly),
      .init("HIBMIS", Offset.masked, .readOnly), .init("HIBIC", Offset.clear),
      .init("HIBRTCT", Offset.trim, reset: 0x7FFF), .init("HIBRTCSS", Offset.fraction),
      .init("HIBDATA", Offset.data, count: 16),
    ])
  }()

  public static var goesOnWithoutGate: Bool { true }

  // MARK: The counter, in cycles of the crystal

  private var isRunning: Bool {
    state.control & (Control.runs | Control.clock) == Control.runs | Control.clock
  }

  private func counter(_ port: DevicePort) -> UInt64 {
    isRunning
      ? port.cycles(of: Self.crystal) &+ state.ahead : state.standing
  }

  private mutating func set(_ counter: UInt64, _ port: DevicePort) {
    state.standing = counter
    state.ahead = counter &- port.cycles(of: Self.crystal)
    findMatch(port)
  }

  private mutating func findMatch(_ port: DevicePort) {
    state.matchCycle = nil
    let goal = UInt64(state.match) * Self.crystal + UInt64(state.matchFraction)
    let now = counter(port)
    guard isRunning, goal > now else { return }
    state.matchCycle = port.cycles(of: Self.crystal) &+ (goal - now)
    setMatchTick(port)
  }

  private mutating func setMatchTick(_ port: DevicePort) {
    guard let cycle = state.matchCycle else { return }
    state.matchTick = max(port.now + 1, port.tick(reaching: cycle, of: Self.crystal))
  }

  public mutating func clockChanged(_ port: inout DevicePort) { setMatchTick(port) }

  /// A tick beyond all others never comes.
  public var deadline: Tick? {
    state.matchCycle == nil || state.matchTick == .max ? nil : state.matchTick
  }

  public mutating func advance(_ port: inout DevicePort) {
    state.matchCycle = nil
    state.raw |= Self.matched
  }

  // MARK: Accesses

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.data.count == 16 && state.matchCycle ?? 0 < 1 << 62
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.counter: counter(port) / Self.crystal & 0xFFFF_FFFF
    case Offset.match: UInt64(state.match)
    case Offset.load: UInt64(state.load)
    case Offset.control: UInt64(state.control)
    case Offset.mask: UInt64(state.mask)
    case Offset.raw: UInt64(state.raw)
    case Offset.masked: UInt64(state.raw & state.mask)
    case Offset.trim: UInt64(state.trim)
    case Offset.fraction: counter(port) % Self.crystal | UInt64(state.matchFraction) << 16
    case Offset.data..<Offset.dataEnd: UInt64(state.data[Int(access.offset - Offset.data) / 4])
    default: 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let word = UInt32(truncatingIfNeeded: value)
    if access.offset != Offset.mask && access.offset != Offset.clear {
      state.raw |= Self.writeComplete
    }
    switch access.offset {
    case Offset.match:
      state.match = word
      findMatch(port)
    case Offset.load:
      state.load = word
      set(UInt64(word) * Self.crystal, port)
    case Offset.control:
      let now = counter(port)
      // BATCHK is done with at once.
      state.control = word & 0x0003_63FF | Control.writeComplete
      set(now, port)
    case Offset.mask: state.mask = UInt8(word & 0x1F)
    case Offset.clear: state.raw &= ~UInt8(word & 0x1F)
    case Offset.trim: state.trim = word & 0xFFFF
    case Offset.fraction:
      state.matchFraction = UInt16(word >> 16 & 0x7FFF)
      findMatch(port)
    case Offset.data..<Offset.dataEnd: state.data[Int(access.offset - Offset.data) / 4] = word
    default: break
    }
  }

  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    if case .powerOn = port.resetCause {
      state = initial
      return
    }
    state.mask = 0
  }

  public var lines: LineSet { LineSet(level: state.raw & state.mask != 0) }
}
