import Emu

/// Arm's PrimeCell SSI (DDI 0194) as the LM3S6965 has it: datasheet, chapter 13, "Synchronous Serial Interface"; and as the
/// TM4C123GH6PM has it: SPMS376E, chapter 15.
///
/// On the LM3S6965 a frame takes no time: what is written to SSIDR is sent at once, and what the other side answered waits in the
/// receive FIFO. On its evaluation board the other sides are a display, which says nothing (so every answer is 0) and is not
/// drawn, and an SD card, which is not there. On the TM4C123 frames take the time that SSICPSR and SCR say, both FIFOs fill and drain, and
/// a board may have an EEPROM there: selected by input 0, low, where something drives that, else by SSIFss. Clocked by the precision
/// oscillator (SSICC), a frame that is under way when the core clock changes keeps its length in core clocks. Loopback is modelled; slave
/// mode is not, nor are frame formats, which make no difference here.
///
/// Line 0 is the interrupt; on a TM4C123 1 and 2 are the single and the burst request for µDMA of the receiver, 3 and 4 those of the
/// transmitter.
public struct PL022: Device {
  public struct State: Codable, Hashable, Sendable {
    var control0: UInt16 = 0
    var control1: UInt8 = 0
    var prescale: UInt8 = 0
    var interruptMask: UInt8 = 0
    var hasOverrun = false
    var timedOut = false
    var received: [UInt16] = []
    /// TM4C123: what waits to be sent, and what is on its way and until when.
    var waiting: [UInt16] = []
    var leaving: UInt16?
    var frameEnd: Tick = 0
    /// When the receive time-out comes.
    var timeout: Tick?
    var dmaControl: UInt8 = 0
    var clockSource: UInt8 = 0
    var eeprom: SerialEEPROM?
    /// SSIFss, or the pin that a board has for it, is low.
    var isSelected = false
    var hasSelectPin = false
  }
  public var state = State()
  let isTM4C: Bool

  /// - Parameters:
  ///   - isTM4C: as a TM4C123GH6PM has it.
  ///   - eeprom: TM4C123: one that is on the bus.
  public init(isTM4C: Bool = false, eeprom: SerialEEPROM? = nil) {
    self.isTM4C = isTM4C
    map = Self.map(isTM4C)
    state.eeprom = eeprom
  }

  private enum Offset {
    static let control0: UInt64 = 0x000
    static let control1: UInt64 = 0x004
    static let data: UInt64 = 0x008
    static let status: UInt64 = 0x00C
    static let prescale: UInt64 = 0x010
    static let interruptMask: UInt64 = 0x014
    static let rawInterrupts: UInt64 = 0x018
    static let maskedInterrupts: UInt64 = 0x01C
    static let interruptClear: UInt64 = 0x020
    static let dmaControl: UInt64 = 0x024
    static let clockSource: UInt64 = 0xFC8
  }

  private enum Control {
    static let loopback: UInt8 = 1 << 0
    static let enable: UInt8 = 1 << 1
    static let endOfTransmission: UInt8 = 1 << 4
  }

  private enum DMA {
    static let receive: UInt8 = 1 << 0
    static let transmit: UInt8 = 1 << 1
  }

  private static let depth = 8
  private static let identity = PrimeCellIdentity([0x22, 0x00, 0x18, 0x01])

  public let map: RegisterMap

  private static func map(_ isTM4C: Bool) -> RegisterMap {
    let common: [RegisterMap.Register] = [
      register("CR0", Offset.control0),
      register(
        "CR1", Offset.control1,
        fields: [
          .init("LBM", 0), .init("SSE", 1), .init("MS", 2, modelled: false),
          .init("SOD", 3, modelled: false), .init("EOT", 4, modelled: isTM4C),
        ]),
      register("DR", Offset.data), register("SR", Offset.status, .readOnly, reset: 3),
      register("CPSR", Offset.prescale), register("IM", Offset.interruptMask),
      register("RIS", Offset.rawInterrupts, .readOnly, reset: 8),
      register("MIS", Offset.maskedInterrupts, .readOnly),
      register("ICR", Offset.interruptClear, .writeOnly),
    ]
    let more: [RegisterMap.Register] =
      isTM4C
      ? [
        register("DMACTL", Offset.dmaControl, fields: [.init("RXDMAE", 0), .init("TXDMAE", 1)]),
        register("CC", Offset.clockSource, fields: [.init("CS", 0...3)]),
      ] : []
    return RegisterMap(common + more + identity.registers("SSI"))
  }

  private static func register(
    _ name: String, _ offset: UInt64, _ permission: RegisterMap.Permission = .readWrite,
    reset: UInt64 = 0, fields: [RegisterMap.Field] = []
  ) -> RegisterMap.Register {
    .init(
      "SSI" + name, offset, widths: [.byte, .half, .word], permission, reset: reset, fields: fields)
  }

  /// TFE, TNF, RNE, RFF, BSY. Without a rate nothing waits to be sent.
  private var status: UInt64 {
    (state.waiting.isEmpty ? 1 : 0) | (state.waiting.count < Self.depth ? 2 : 0)
      | (state.received.isEmpty ? 0 : 4) | (state.received.count == Self.depth ? 8 : 0)
      | (state.leaving == nil && state.waiting.isEmpty ? 0 : 16)
  }

  /// ROR, RT, RX ("half full or more"), TX ("half empty or less", or with EOT when everything has been sent).
  private var rawInterrupts: UInt64 {
    let isReady =
      state.control1 & Control.endOfTransmission != 0 && isTM4C
      ? state.leaving == nil && state.waiting.isEmpty : state.waiting.count <= Self.depth / 2
    return (isReady ? 8 : 0) | (state.received.count >= Self.depth / 2 ? 4 : 0)
      | (state.timedOut ? 2 : 0) | (state.hasOverrun ? 1 : 0)
  }

  private var frameMask: UInt16 { UInt16.max >> (15 - (state.control0 & 0xF)) }

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.received.count <= Self.depth && state.waiting.count <= Self.depth
      && SerialEEPROM.isSound(state.eeprom, like: self.state.eeprom)
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    let register = access.register()
    if register == Offset.data && access.offset == register {
      let value = state.received.isEmpty ? 0 : state.received.removeFirst()
      if state.received.isEmpty { state.timedOut = false }
      startTimeout(port)
      return access.part(of: UInt64(value))
    }
    return access.part(of: value(of: register))
  }

  private func value(of register: UInt64) -> UInt64 {
    switch register {
    case Offset.control0: UInt64(state.control0)
    case Offset.control1: UInt64(state.control1)
    case Offset.data: UInt64(state.received.first ?? 0)
    case Offset.status: status
    case Offset.prescale: UInt64(state.prescale)
    case Offset.interruptMask: UInt64(state.interruptMask)
    case Offset.rawInterrupts: rawInterrupts
    case Offset.maskedInterrupts: rawInterrupts & UInt64(state.interruptMask)
    case Offset.dmaControl: UInt64(state.dmaControl)
    case Offset.clockSource: UInt64(state.clockSource)
    default: Self.identity.value(at: register) ?? 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let register = access.register()
    switch register {
    case Offset.data:
      if access.offset == register { send(UInt16(truncatingIfNeeded: value), port) }
      return
    case Offset.interruptClear:
      let cleared = access.merge(value, into: 0)
      if cleared & 1 != 0 { state.hasOverrun = false }
      if cleared & 2 != 0 { state.timedOut = false }
      return
    default: break
    }
    let value = access.merge(value, into: self.value(of: register))
    switch register {
    case Offset.control0: state.control0 = UInt16(truncatingIfNeeded: value)
    case Offset.control1:
      state.control1 = UInt8(value & (isTM4C ? 0x1F : 0xF))
      sendNext(port)
    // "The least significant bit of the programmed number is hard-coded to zero."
    case Offset.prescale: state.prescale = UInt8(value & 0xFE)
    case Offset.interruptMask: state.interruptMask = UInt8(value & 0xF)
    case Offset.dmaControl: state.dmaControl = UInt8(value & 3)
    case Offset.clockSource: state.clockSource = UInt8(value & 0xF)
    default: break
    }
  }

  private var isEnabled: Bool { state.control1 & Control.enable != 0 }

  private mutating func send(_ frame: UInt16, _ port: DevicePort) {
    if !isTM4C {
      if !isEnabled { return }
      if state.received.count < Self.depth { state.timedOut = true }
      return receive(state.control1 & Control.loopback != 0 ? frame & frameMask : 0)
    }
    if state.waiting.count == Self.depth {
      return port.guestError("SSIDR written while SSISR.TNF is 0", value: UInt64(frame))
    }
    state.waiting.append(frame & frameMask)
    sendNext(port)
  }

  private mutating func receive(_ frame: UInt16) {
    if state.received.count == Self.depth {
      state.hasOverrun = true
    } else {
      state.received.append(frame)
    }
  }

  // MARK: At the line's rate

  /// "SSInClk = SysClk / (CPSDVSR * (1 + SCR))".
  private func bitLengths(_ count: Tick, _ port: DevicePort) -> Tick {
    let cycles = max(1, count * Tick(state.prescale) * (1 + Tick(state.control0 >> 8)))
    if state.clockSource != Self.pioscSource { return cycles }
    let core = port.frequency
    // 32 bits at most of 65,024 cycles, and frequencies below 2^32.
    return (cycles * core.numerator - 1) / (Self.piosc * core.denominator) + 1
  }
  private static let pioscSource: UInt8 = 5
  private static let piosc: UInt64 = 16_000_000
  private var bits: Int { Int(state.control0 & 0xF) + 1 }

  private mutating func sendNext(_ port: DevicePort) {
    guard isTM4C, isEnabled, state.leaving == nil, !state.waiting.isEmpty else { return }
    if state.prescale == 0 {
      return port.guestError(
        "a frame to be sent while SSICPSR is 0", value: UInt64(state.waiting[0]))
    }
    if !state.hasSelectPin && !state.isSelected { select(true, port) }
    state.leaving = state.waiting.removeFirst()
    state.frameEnd = port.now + bitLengths(Tick(bits), port)
  }

  private mutating func select(_ isSelected: Bool, _ port: DevicePort) {
    if state.isSelected == isSelected { return }
    state.isSelected = isSelected
    if isSelected {
      state.eeprom?.select()
    } else {
      state.eeprom?.deselect(port.nanoseconds)
    }
  }

  /// The slave's chip select, from a pin of the board.
  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    guard isTM4C, line == 0 else { return }
    state.hasSelectPin = true
    select(!level, port)
  }

  /// What is on the bus does not hear of a reset.
  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let before = state
    state = initial
    state.eeprom = before.eeprom
    state.hasSelectPin = before.hasSelectPin
    state.isSelected = before.hasSelectPin && before.isSelected
  }

  public var deadline: Tick? {
    let next = min(state.leaving == nil ? .max : state.frameEnd, state.timeout ?? .max)
    return next == .max ? nil : next
  }

  public mutating func advance(_ port: inout DevicePort) {
    if let frame = state.leaving, state.frameEnd <= port.now {
      state.leaving = nil
      receive(answer(to: frame, port))
      startTimeout(port)
      // With SPH 0 SSIFss "must be pulsed High between each data word".
      let isHeld = state.control0 & 0x80 != 0 && !state.waiting.isEmpty
      if !state.hasSelectPin && !isHeld { select(false, port) }
      sendNext(port)
    }
    if let timeout = state.timeout, timeout <= port.now {
      state.timeout = nil
      state.timedOut = true
    }
  }

  private mutating func answer(to frame: UInt16, _ port: DevicePort) -> UInt16 {
    if state.control1 & Control.loopback != 0 { return frame }
    guard state.eeprom != nil, state.isSelected, bits % 8 == 0 else { return 0 }
    let nanoseconds = port.nanoseconds
    var answer: UInt16 = 0
    for shift in stride(from: bits - 8, through: 0, by: -8) {
      let byte = UInt8(truncatingIfNeeded: frame >> UInt16(shift))
      answer = answer << 8 | UInt16(state.eeprom?.exchange(byte, nanoseconds) ?? 0)
    }
    return answer
  }

  /// "... the receive FIFO is not empty, and no further data is received" for 32 periods of the clock.
  private mutating func startTimeout(_ port: DevicePort) {
    guard isTM4C else { return }
    state.timeout =
      state.received.isEmpty || state.timedOut ? nil : port.now + bitLengths(32, port)
  }

  public var lines: LineSet {
    let interrupts = rawInterrupts & UInt64(state.interruptMask)
    if state.dmaControl == 0 { return LineSet(level: interrupts != 0) }
    var transfers: UInt64 = 0
    var lines: LineSet = []
    if state.dmaControl & DMA.receive != 0 {
      transfers |= 4
      if !state.received.isEmpty { lines.insert(.line(1)) }
      if state.received.count >= Self.depth / 2 { lines.insert(.line(2)) }
    }
    if state.dmaControl & DMA.transmit != 0 {
      transfers |= 8
      if state.waiting.count < Self.depth { lines.insert(.line(3)) }
      if state.waiting.count <= Self.depth / 2 { lines.insert(.line(4)) }
    }
    if interrupts & ~transfers != 0 { lines.insert(.line(0)) }
    return lines
  }
}
