import Emu

/// Arm's PrimeCell SSI (DDI 0194) as the LM3S6965 has it: datasheet, chapter 13, "Synchronous Serial Interface".
///
/// A frame takes no time: what is written to SSIDR is sent at once, and what the other side answered waits in the receive FIFO.
/// On the LM3S6965 evaluation board the other sides are a display, which says nothing (so every answer is 0) and is not drawn,
/// and an SD card, which is not there. Loopback is modelled; slave mode, µDMA and the frame formats are not, which
/// as formats make no difference here.
public struct PL022: Device {
  public struct State: Codable, Hashable, Sendable {
    var control0: UInt16 = 0
    var control1: UInt8 = 0
    var prescale: UInt8 = 0
    var interruptMask: UInt8 = 0
    var hasOverrun = false
    var timedOut = false
    var received: [UInt16] = []
  }
  public var state = State()

  /// - Parameter isTM4C: with the registers that a TM4C123GH6PM (SPMS376E, chapter 15) has more.
  public init(isTM4C: Bool = false) { map = Self.map(isTM4C) }

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
          .init("SOD", 3, modelled: false),
        ]),
      register("DR", Offset.data), register("SR", Offset.status, .readOnly, reset: 3),
      register("CPSR", Offset.prescale), register("IM", Offset.interruptMask),
      register("RIS", Offset.rawInterrupts, .readOnly, reset: 8),
      register("MIS", Offset.maskedInterrupts, .readOnly),
      register("ICR", Offset.interruptClear, .writeOnly),
    ]
    let more: [RegisterMap.Register] =
      isTM4C ? [.notModelled("SSIDMACTL", 0x024), .notModelled("SSICC", 0xFC8)] : []
    return RegisterMap(common + more + identity.registers("SSI"))
  }

  private static func register(
    _ name: String, _ offset: UInt64, _ permission: RegisterMap.Permission = .readWrite,
    reset: UInt64 = 0, fields: [RegisterMap.Field] = []
  ) -> RegisterMap.Register {
    .init(
      "SSI" + name, offset, widths: [.byte, .half, .word], permission, reset: reset, fields: fields)
  }

  /// TNF and TFE always: nothing waits to be sent. RNE and RFF.
  private var status: UInt64 {
    3 | (state.received.isEmpty ? 0 : 4) | (state.received.count == Self.depth ? 8 : 0)
  }

  /// ROR, RT, RX ("half full or more"), TX ("half empty or less").
  private var rawInterrupts: UInt64 {
    8 | (state.received.count >= Self.depth / 2 ? 4 : 0) | (state.timedOut ? 2 : 0)
      | (state.hasOverrun ? 1 : 0)
  }

  private var frameMask: UInt16 { UInt16.max >> (15 - (state.control0 & 0xF)) }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    let register = access.register()
    if register == Offset.data && access.offset == register {
      let value = state.received.isEmpty ? 0 : state.received.removeFirst()
      if state.received.isEmpty { state.timedOut = false }
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
    default: Self.identity.value(at: register) ?? 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let register = access.register()
    switch register {
    case Offset.data:
      if access.offset == register { exchange(UInt16(truncatingIfNeeded: value)) }
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
    case Offset.control1: state.control1 = UInt8(value & 0xF)
    // "The least significant bit of the programmed number is hard-coded to zero."
    case Offset.prescale: state.prescale = UInt8(value & 0xFE)
    case Offset.interruptMask: state.interruptMask = UInt8(value & 0xF)
    default: break
    }
  }

  /// One frame, out and in.
  private mutating func exchange(_ frame: UInt16) {
    if state.control1 & 2 == 0 { return }
    let answer = state.control1 & 1 == 1 ? frame & frameMask : 0
    if state.received.count == Self.depth {
      state.hasOverrun = true
    } else {
      state.received.append(answer)
      state.timedOut = true
    }
  }

  public var lines: LineSet {
    LineSet(level: rawInterrupts & UInt64(state.interruptMask) != 0)
  }
}
