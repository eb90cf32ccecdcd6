import Emu

/// Arm's PrimeCell UART, as TI's TM4C123GH6PM has it: datasheet SPMS376E, chapter 14, "Universal Asynchronous
/// Receivers/Transmitters", and Arm DDI 0183.
///
/// A line is one of two kinds. At the rate of its divisors (`Line.timed`), each character takes its start, data, parity and stop
/// bits in time, both FIFOs fill and drain, and the receive time-out comes 32 bit periods after the last character. With no rate
/// (`Line.instant`) a byte is sent, and the transmitter empty again, within the store that writes it, and a byte that waits
/// raises the time-out at once; a UART that is not enabled sends all the same, as QEMU's does, and that is a finding.
///
/// What comes from outside has no framing, parity or break error. Input waits outside until the guest shows that it can take it without loss, as
/// with the 16550: UARTEN and RXE are set, and it has enabled a receive interrupt or µDMA, or polls: it reads FR, RIS or MIS twice
/// running, or UARTDR with nothing there, which nobody does who only wants to send, with a transmitter that is empty (on a timed
/// line one that sends polls while it is not). Emptying the FIFOs or switching the UART off ends a polling guest's readiness: a
/// system that sets its UART up twice loses nothing. One that polls an instant line is given one byte at a time. Clocked by the precision oscillator (UARTCC), a character that is under way when the
/// core clock changes keeps its length in core clocks.
///
/// A timed line is TI's. A break goes out behind the character that is under way and for as long as BRK is set; in loopback it comes
/// in after the time of one, as a zero with its error bits. In the 9-bit mode (section 14.3.9) the place of the parity says whether
/// a character is an address: stick parity that is a one makes it one, and a receiver takes data only behind an address that is
/// its own, which itself is an interrupt and not data. What comes from outside is data. Infrared changes the form of the bits and
/// not what they are. UART1 alone has RTS and CTS, each of them low where it is given.
///
/// Line 0 is the interrupt; on a timed line 1 and 2 are the single and the burst request for µDMA of the receiver, 3 and 4 those of the
/// transmitter; 5 is the level of RTS. Input 0 is the level of CTS. Smart cards are declared, not modelled.
public struct PL011: Device {
  public enum Line: String, Sendable, CaseIterable {
    case instant
    case timed
  }

  public struct State: Codable, Hashable, Sendable {
    /// As UARTDR shows them: characters, and above them their errors.
    var received: [UInt16] = []
    /// A character came and there was no room: shown with the data until there is room again.
    var hasOverrun = false
    /// RSR.
    var errors: UInt8 = 0
    var integerDivisor: UInt16 = 0
    var fractionalDivisor: UInt8 = 0
    var lineControl: UInt8 = 0
    var control: UInt16 = Control.transmit | Control.receive
    var fifoLevels: UInt8 = 0x12
    var interruptMask: UInt16 = 0
    var rawInterrupts: UInt16 = 0
    var clockSource: UInt8 = 0
    var dmaControl: UInt8 = 0
    var lastReadStatus = false
    var isPolled = false
    /// Timed: what waits to be sent, and what is on its way out and in.
    var waiting: [UInt8] = []
    var leaving: Character?
    var arriving: Character?
    /// When the receive time-out comes.
    var timeout: Tick?
    /// UARTILPR, UART9BITADDR and UART9BITAMASK.
    var lowPowerDivisor: UInt8 = 0
    var ownAddress: UInt16 = 0
    var addressMask: UInt8 = 0xFF
    /// 9-bit mode: the last address was its own.
    var isAddressed = false
    /// The break has been on the line for the time of a character.
    var hasBroken = false
    /// CTS is low.
    var isClearToSend = true
  }

  struct Character: Codable, Hashable, Sendable {
    var byte: UInt8
    var isAddress = false
    var isBreak = false
    /// The end of its last stop bit, in 1/64 ticks: the next one begins exactly there.
    var end: UInt64

    var tick: Tick { (end + 63) / 64 }
  }
  public var state = State()
  let line: Line
  let hasModem: Bool

  /// - Parameter hasModem: it has RTS and CTS.
  public init(_ line: Line = .instant, hasModem: Bool = false) {
    self.line = line
    self.hasModem = hasModem
    map = Self.map(line, hasModem: hasModem)
  }

  private enum Offset {
    static let data: UInt64 = 0x000
    static let errors: UInt64 = 0x004
    static let flags: UInt64 = 0x018
    static let lowPowerDivisor: UInt64 = 0x020
    static let integerDivisor: UInt64 = 0x024
    static let fractionalDivisor: UInt64 = 0x028
    static let lineControl: UInt64 = 0x02C
    static let control: UInt64 = 0x030
    static let fifoLevels: UInt64 = 0x034
    static let interruptMask: UInt64 = 0x038
    static let rawInterrupts: UInt64 = 0x03C
    static let maskedInterrupts: UInt64 = 0x040
    static let interruptClear: UInt64 = 0x044
    static let dmaControl: UInt64 = 0x048
    static let ownAddress: UInt64 = 0x0A4
    static let addressMask: UInt64 = 0x0A8
    static let properties: UInt64 = 0xFC0
    static let clockSource: UInt64 = 0xFC8
  }

  private enum Control {
    static let enable: UInt16 = 1 << 0
    static let endOfTransmission: UInt16 = 1 << 4
    static let highSpeed: UInt16 = 1 << 5
    static let loopback: UInt16 = 1 << 7
    static let transmit: UInt16 = 1 << 8
    static let receive: UInt16 = 1 << 9
    static let requestToSend: UInt16 = 1 << 11
    static let requestsByItself: UInt16 = 1 << 14
    static let waitsForClear: UInt16 = 1 << 15
  }

  private enum Frame {
    static let isBroken: UInt8 = 1 << 0
    static let hasParity: UInt8 = 1 << 1
    static let isEven: UInt8 = 1 << 2
    static let parityStays: UInt8 = 1 << 7
  }

  /// In UARTDR.
  private enum Failure {
    static let framing: UInt16 = 1 << 8
    static let parity: UInt16 = 1 << 9
    static let broken: UInt16 = 1 << 10
  }

  private enum Interrupt {
    static let clearToSend: UInt16 = 1 << 1
    static let receive: UInt16 = 1 << 4
    static let transmit: UInt16 = 1 << 5
    static let timeout: UInt16 = 1 << 6
    static let overrun: UInt16 = 1 << 10
    static let address: UInt16 = 1 << 12
    /// Framing, parity, break, overrun.
    static let errors: UInt16 = 0xF << 7
    static let all: UInt16 = 0x17F2
  }

  private static let identity = PrimeCellIdentity([0x11, 0x00, 0x18, 0x01], upper: 0x60)
  /// UARTPP: smart card and 9-bit mode.
  private static let properties: UInt64 = 3

  private enum DMA {
    static let receive: UInt8 = 1 << 0
    static let transmit: UInt8 = 1 << 1
    static let stopsAtErrors: UInt8 = 1 << 2
  }

  public let map: RegisterMap

  private static func map(_ line: Line, hasModem: Bool) -> RegisterMap {
    let isTI = line == .timed
    let own: [RegisterMap.Register] =
      isTI
      ? [
        register(
          "UARTDMACTL", Offset.dmaControl,
          fields: [.init("RXDMAE", 0), .init("TXDMAE", 1), .init("DMAERR", 2)]),
        register("UARTILPR", Offset.lowPowerDivisor, fields: [.init("ILPDVSR", 0...7)]),
        register(
          "UART9BITADDR", Offset.ownAddress, fields: [.init("ADDR", 0...7), .init("9BITEN", 15)]),
        register(
          "UART9BITAMASK", Offset.addressMask, reset: 0xFF, fields: [.init("MASK", 0...7)]),
      ]
      : [
        .notModelled("UARTDMACTL", Offset.dmaControl),
        .notModelled("UARTILPR", Offset.lowPowerDivisor),
        .notModelled("UART9BITADDR", Offset.ownAddress),
        .notModelled("UART9BITAMASK", Offset.addressMask, reset: 0xFF),
      ]
    return RegisterMap(
      registers(isTI: isTI, hasModem: hasModem) + own + identity.registers("UART"))
  }

  private static func registers(isTI: Bool, hasModem: Bool) -> [RegisterMap.Register] {
    [
      register(
        "UARTDR", Offset.data,
        fields: [
          .init("DATA", 0...7), .init("FE", 8, .readOnly), .init("PE", 9, .readOnly),
          .init("BE", 10, .readOnly), .init("OE", 11, .readOnly),
        ]),
      register(
        "UARTRSR/UARTECR", Offset.errors,
        fields: [.init("FE", 0), .init("PE", 1), .init("BE", 2), .init("OE", 3)]),
      // Not `.readOnly`: TI's own driver stores 0 there each time that it sets a UART up, which nobody who reads a finding can change.
      register(
        "UARTFR", Offset.flags, reset: hasModem ? 0x91 : 0x90,
        fields: [
          .init("CTS", 0, .readOnly), .init("BUSY", 3, .readOnly), .init("RXFE", 4, .readOnly),
          .init("TXFF", 5, .readOnly), .init("RXFF", 6, .readOnly), .init("TXFE", 7, .readOnly),
        ]),
      register("UARTIBRD", Offset.integerDivisor, fields: [.init("DIVINT", 0...15)]),
      register("UARTFBRD", Offset.fractionalDivisor, fields: [.init("DIVFRAC", 0...5)]),
      register(
        "UARTLCRH", Offset.lineControl,
        fields: [
          .init("BRK", 0, modelled: isTI), .init("PEN", 1), .init("EPS", 2), .init("STP2", 3),
          .init("FEN", 4), .init("WLEN", 5...6), .init("SPS", 7),
        ]),
      register(
        "UARTCTL", Offset.control, reset: 0x300,
        fields: [
          .init("UARTEN", 0), .init("SIREN", 1, modelled: isTI),
          .init("SIRLP", 2, modelled: isTI), .init("SMART", 3, modelled: false), .init("EOT", 4),
          .init("HSE", 5), .init("LBE", 7), .init("TXE", 8), .init("RXE", 9), .init("RTS", 11),
          .init("RTSEN", 14, modelled: hasModem), .init("CTSEN", 15, modelled: hasModem),
        ]),
      register(
        "UARTIFLS", Offset.fifoLevels, reset: 0x12,
        fields: [.init("TXIFLSEL", 0...2), .init("RXIFLSEL", 3...5)]),
      register("UARTIM", Offset.interruptMask, fields: interruptFields("IM")),
      register("UARTRIS", Offset.rawInterrupts, .readOnly, fields: interruptFields("RIS")),
      register("UARTMIS", Offset.maskedInterrupts, .readOnly, fields: interruptFields("MIS")),
      register("UARTICR", Offset.interruptClear, .writeOnly, fields: interruptFields("IC")),
      register(
        "UARTPP", Offset.properties, .readOnly, reset: properties,
        fields: [.init("SC", 0, .readOnly), .init("NB", 1, .readOnly)]),
      register("UARTCC", Offset.clockSource, fields: [.init("CS", 0...3)]),
    ]
  }

  /// Registers are words; software reaches the low bytes of some with narrower accesses.
  private static func register(
    _ name: String, _ offset: UInt64, _ permission: RegisterMap.Permission = .readWrite,
    reset: UInt64 = 0, fields: [RegisterMap.Field] = []
  ) -> RegisterMap.Register {
    .init(name, offset, widths: [.byte, .half, .word], permission, reset: reset, fields: fields)
  }

  private static func interruptFields(_ suffix: String) -> [RegisterMap.Field] {
    [
      .init("CTS" + suffix, 1), .init("RX" + suffix, 4), .init("TX" + suffix, 5),
      .init("RT" + suffix, 6), .init("FE" + suffix, 7), .init("PE" + suffix, 8),
      .init("BE" + suffix, 9), .init("OE" + suffix, 10), .init("9BIT" + suffix, 12),
    ]
  }

  // MARK: Accesses

  public func accepts(_ state: State, now: Tick) -> Bool {
    let transfers = [state.leaving, state.arriving]
    return state.received.count <= 16 && state.waiting.count <= 16
      && transfers.allSatisfy { $0?.end ?? 0 < 1 << 63 }
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    let register = access.register()
    noteStatus(register)
    // The byte at the register's own address takes the character, the others do not.
    if register == Offset.data && access.offset == register {
      return access.part(of: takeData(port))
    }
    return access.part(of: value(of: register))
  }

  /// What a read shows without doing anything.
  private func value(of register: UInt64) -> UInt64 {
    switch register {
    case Offset.data: data
    case Offset.errors: UInt64(state.errors)
    case Offset.flags: flags
    case Offset.integerDivisor: UInt64(state.integerDivisor)
    case Offset.fractionalDivisor: UInt64(state.fractionalDivisor)
    case Offset.lineControl: UInt64(state.lineControl)
    case Offset.control: UInt64(state.control)
    case Offset.fifoLevels: UInt64(state.fifoLevels)
    case Offset.interruptMask: UInt64(state.interruptMask)
    case Offset.rawInterrupts: UInt64(state.rawInterrupts)
    case Offset.maskedInterrupts: UInt64(state.rawInterrupts & state.interruptMask)
    case Offset.interruptClear: 0
    case Offset.properties: Self.properties
    case Offset.clockSource: UInt64(state.clockSource)
    case Offset.dmaControl: UInt64(state.dmaControl)
    case Offset.lowPowerDivisor: UInt64(state.lowPowerDivisor)
    case Offset.ownAddress: UInt64(state.ownAddress)
    case Offset.addressMask: UInt64(state.addressMask)
    default: Self.identity.value(at: register) ?? 0
    }
  }

  private mutating func noteStatus(_ register: UInt64) {
    let isStatus =
      register == Offset.flags || register == Offset.rawInterrupts
      || register == Offset.maskedInterrupts
    let isIdle = state.leaving == nil && state.waiting.isEmpty
    if isStatus && state.lastReadStatus && isIdle { state.isPolled = true }
    state.lastReadStatus = isStatus && isIdle
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    state.lastReadStatus = false
    let register = access.register()
    switch register {
    case Offset.data:
      if access.offset == register { transmit(UInt8(truncatingIfNeeded: value), &port) }
      return
    // "A write of any value to the UARTECR register clears the framing, parity, break, and overrun flags."
    case Offset.errors:
      state.errors = 0
      return
    case Offset.interruptClear:
      state.rawInterrupts &= ~UInt16(truncatingIfNeeded: access.merge(value, into: 0))
      if line == .timed { startTimeout(port) }
      return
    default: break
    }
    let value = access.merge(value, into: self.value(of: register))
    switch register {
    case Offset.integerDivisor: state.integerDivisor = UInt16(truncatingIfNeeded: value)
    case Offset.fractionalDivisor: state.fractionalDivisor = UInt8(value & 0x3F)
    case Offset.lineControl: controlLine(UInt8(value & 0xFF), &port)
    case Offset.control:
      state.control = UInt16(value & 0xCBBF)
      if !isOn(Control.enable) { state.isPolled = false }
      sendNext(at: port.now * 64, &port)
    case Offset.fifoLevels: state.fifoLevels = UInt8(value & 0x3F)
    case Offset.interruptMask: state.interruptMask = UInt16(value & 0xFFFF) & Interrupt.all
    case Offset.clockSource: state.clockSource = UInt8(value & 0xF)
    case Offset.dmaControl: state.dmaControl = UInt8(value & 7)
    case Offset.lowPowerDivisor: state.lowPowerDivisor = UInt8(value & 0xFF)
    case Offset.ownAddress:
      state.ownAddress = UInt16(value & 0x80FF)
      state.isAddressed = false
    case Offset.addressMask: state.addressMask = UInt8(value & 0xFF)
    default: break
    }
  }

  // MARK: Data

  private var hasFIFO: Bool { state.lineControl & 1 << 4 != 0 }
  private var capacity: Int { hasFIFO ? 16 : 1 }
  private func isOn(_ bits: UInt16) -> Bool { state.control & bits == bits }

  private var flags: UInt64 {
    var flags: UInt64 = state.waiting.isEmpty ? 1 << 7 : 0  // TXFE
    if state.waiting.count >= capacity { flags |= 1 << 5 }  // TXFF
    if state.leaving != nil || !state.waiting.isEmpty { flags |= 1 << 3 }  // BUSY
    if state.received.isEmpty { flags |= 1 << 4 }  // RXFE
    if state.received.count >= capacity { flags |= 1 << 6 }  // RXFF
    if hasModem && state.isClearToSend { flags |= 1 }  // CTS
    return flags
  }

  private var data: UInt64 {
    UInt64(state.received.first ?? 0) | (state.hasOverrun ? 1 << 11 : 0)
  }

  private mutating func transmit(_ byte: UInt8, _ port: inout DevicePort) {
    if line == .timed { return enqueue(byte, &port) }
    if !isOn(Control.enable | Control.transmit) {
      port.notModelled("UARTDR written while UARTCTL.UARTEN or TXE is 0", value: UInt64(byte))
    }
    send(byte, &port)
    // The FIFO was filled past its level and ran empty again, both within this store.
    state.rawInterrupts |= Interrupt.transmit
  }

  private mutating func send(_ byte: UInt8, _ port: inout DevicePort) {
    if isOn(Control.loopback) { receive(UInt16(byte), port) } else { port.uart(byte) }
  }

  // MARK: At the line's rate

  private mutating func enqueue(_ byte: UInt8, _ port: inout DevicePort) {
    if state.waiting.count >= capacity {
      return port.guestError("UARTDR written while UARTFR.TXFF is 1", value: UInt64(byte))
    }
    if !isOn(Control.enable | Control.transmit) {
      port.guestError("UARTDR written while UARTCTL.UARTEN or TXE is 0", value: UInt64(byte))
    }
    state.waiting.append(byte)
    if state.waiting.count > transmitLevel { state.rawInterrupts &= ~Interrupt.transmit }
    sendNext(at: port.now * 64, &port)
  }

  /// The next character goes from the FIFO to the line, if that is free.
  private mutating func sendNext(at start: UInt64, _ port: inout DevicePort) {
    guard line == .timed, state.leaving == nil, isOn(Control.enable | Control.transmit) else {
      return
    }
    if state.lineControl & Frame.isBroken != 0 { return sendBreak(at: start, port) }
    guard let byte = state.waiting.first,
      state.isClearToSend || !isOn(Control.waitsForClear)
    else { return }
    if state.integerDivisor == 0 {
      return port.guestError("a character to be sent while UARTIBRD is 0", value: UInt64(byte))
    }
    state.waiting.removeFirst()
    let marks = Frame.hasParity | Frame.isEven | Frame.parityStays
    let isAddress =
      is9Bit && state.lineControl & marks == Frame.hasParity | Frame.parityStays
    state.leaving = Character(
      byte: byte, isAddress: isAddress, end: start + characterLength(port))
    // "The transmit interrupt is based on a transition through level, rather than on the level itself."
    if !isOn(Control.endOfTransmission) && state.waiting.count == transmitLevel {
      state.rawInterrupts |= Interrupt.transmit
    }
  }

  private mutating func sendBreak(at start: UInt64, _ port: DevicePort) {
    if state.hasBroken || state.integerDivisor == 0 { return }
    state.leaving = Character(byte: 0, isBreak: true, end: start + characterLength(port))
  }

  private var is9Bit: Bool { state.ownAddress >> 15 == 1 }

  /// In 1/64 ticks: "BRD = UARTSysClk / (ClkDiv * Baud Rate)", where BRD has 6 bits of fraction and ClkDiv is 16, or 8 with HSE.
  private func bitLength(_ port: DevicePort) -> UInt64 {
    let divisor = UInt64(state.integerDivisor) * 64 + UInt64(state.fractionalDivisor)
    let cycles = divisor * (isOn(Control.highSpeed) ? 8 : 16)
    if state.clockSource != Self.pioscSource { return max(cycles, 64) }
    let core = port.frequency
    let length =
      UInt128(cycles) * UInt128(core.numerator)
      / (UInt128(Self.piosc) * UInt128(core.denominator))
    return max(UInt64(clamping: length), 64)
  }

  private static let pioscSource: UInt8 = 5
  private static let piosc: UInt64 = 16_000_000

  /// A start bit, 5 to 8 of data, parity if there is any, and one or two stop bits.
  private func characterLength(_ port: DevicePort) -> UInt64 {
    let control = UInt64(state.lineControl)
    let ninth = is9Bit ? 1 : control >> 1 & 1
    return (7 + (control >> 5 & 3) + ninth + (control >> 3 & 1)) * bitLength(port)
  }

  /// The FIFO has room for more at so many characters, or fewer.
  private var transmitLevel: Int {
    hasFIFO ? [2, 4, 8, 12, 14, 14, 14, 14][Int(state.fifoLevels & 7)] : 0
  }

  public var deadline: Tick? {
    // Asked behind every access: no array.
    let transfer = min(state.leaving?.tick ?? .max, state.arriving?.tick ?? .max)
    let next = min(transfer, state.timeout ?? .max)
    return next == .max ? nil : next
  }

  public mutating func advance(_ port: inout DevicePort) {
    if let character = state.leaving, character.tick <= port.now {
      state.leaving = nil
      leave(character, &port)
      sendNext(at: character.end, &port)
      // "... all the transmitted data, including the stop bits, have left the serializer."
      if isOn(Control.endOfTransmission) && state.leaving == nil {
        state.rawInterrupts |= Interrupt.transmit
      }
    }
    if let character = state.arriving, character.tick <= port.now {
      state.arriving = nil
      if isOn(Control.enable | Control.receive) { arrive(character, port) }
    }
    if let timeout = state.timeout, timeout <= port.now {
      state.timeout = nil
      state.rawInterrupts |= Interrupt.timeout
    }
  }

  private mutating func leave(_ character: Character, _ port: inout DevicePort) {
    if character.isBreak { state.hasBroken = true }
    if isOn(Control.loopback) {
      arrive(character, port)
    } else if !character.isBreak {
      port.uart(character.byte)
    }
  }

  private mutating func arrive(_ character: Character, _ port: DevicePort) {
    if character.isBreak {
      // A line that is low all the time has no stop bit, and odd parity is not zero.
      var failures = Failure.broken | Failure.framing
      let parity = state.lineControl & (Frame.hasParity | Frame.isEven)
      if parity == Frame.hasParity { failures |= Failure.parity }
      state.rawInterrupts |= failures >> 1
      return receive(failures, port)
    }
    if is9Bit {
      if character.isAddress {
        let difference = (UInt8(state.ownAddress & 0xFF) ^ character.byte) & state.addressMask
        state.isAddressed = difference == 0
        if state.isAddressed { state.rawInterrupts |= Interrupt.address }
        return
      }
      if !state.isAddressed { return }
    }
    receive(UInt16(character.byte), port)
  }

  /// "... no further data is received over a 32-bit period".
  private mutating func startTimeout(_ port: DevicePort) {
    let isPending = state.rawInterrupts & Interrupt.timeout != 0
    state.timeout =
      state.received.isEmpty || isPending ? nil : port.now + (32 * bitLength(port) + 63) / 64
  }

  // MARK: What came in

  private mutating func takeData(_ port: DevicePort) -> UInt64 {
    let value = data
    // "The receive status can also be read from the UARTRSR register", where the overrun stays until it is cleared.
    if !state.received.isEmpty {
      state.errors = state.errors & 1 << 3 | UInt8(state.received.removeFirst() >> 8)
      // A receiver that is read has to wait for the time-out again.
      settleReceiver(cameIn: false, port)
    } else if line == .timed {
      state.isPolled = true
    }
    return value
  }

  private mutating func receive(_ character: UInt16, _ port: DevicePort) {
    if state.received.count >= capacity {
      state.hasOverrun = true
      state.errors |= 1 << 3
      state.rawInterrupts |= Interrupt.overrun
      return
    }
    // "Cleared to 0 once there is an empty space in the FIFO and a new character may be written to it."
    state.hasOverrun = false
    state.received.append(character)
    settleReceiver(cameIn: true, port)
  }

  /// The receive interrupts, after the number of characters that wait has changed by one.
  private mutating func settleReceiver(cameIn: Bool, _ port: DevicePort) {
    let count = state.received.count
    if count < receiveLevel {
      state.rawInterrupts &= ~Interrupt.receive
    } else if cameIn {
      state.rawInterrupts |= Interrupt.receive
    }
    if count == 0 { state.rawInterrupts &= ~Interrupt.timeout }
    if line == .timed {
      startTimeout(port)
    } else if count > 0 {
      state.rawInterrupts |= Interrupt.timeout
    }
  }

  /// How many characters raise the receive interrupt.
  private var receiveLevel: Int {
    guard hasFIFO else { return 1 }
    switch state.fifoLevels >> 3 & 7 {
    case 0: return 2
    case 1: return 4
    case 2: return 8
    case 3: return 12
    default: return 14
    }
  }

  /// Clearing FEN flushes the FIFOs (DDI 0183). Setting it does not: what the holding registers have is the first of them.
  private mutating func controlLine(_ value: UInt8, _ port: inout DevicePort) {
    let hadFIFO = hasFIFO
    state.lineControl = value
    if value & Frame.isBroken == 0 {
      state.hasBroken = false
      if state.leaving?.isBreak == true { state.leaving = nil }
    }
    sendNext(at: port.now * 64, &port)
    if hasFIFO && !hadFIFO && !state.received.isEmpty { settleReceiver(cameIn: false, port) }
    guard hadFIFO && !hasFIFO else { return }
    state.received = []
    state.isPolled = false
    state.waiting = []
    state.timeout = nil
    state.hasOverrun = false
    state.rawInterrupts &= ~(Interrupt.receive | Interrupt.timeout)
  }

  public mutating func offer(_ byte: UInt8, _ port: inout DevicePort) -> Bool {
    let isAwaited =
      state.interruptMask & (Interrupt.receive | Interrupt.timeout) != 0
      || state.dmaControl & DMA.receive != 0
    let room = isAwaited ? capacity : !state.isPolled ? 0 : line == .timed ? capacity : 1
    guard isOn(Control.enable | Control.receive), !isOn(Control.loopback),
      state.received.count < room
    else { return false }
    if line == .instant {
      receive(UInt16(byte), port)
      return true
    }
    if isOn(Control.requestsByItself) && !requestsToSend { return false }
    guard state.arriving == nil, state.integerDivisor > 0 else { return false }
    state.arriving = Character(byte: byte, end: port.now * 64 + characterLength(port))
    return true
  }

  // MARK: RTS and CTS

  private var requestsToSend: Bool {
    isOn(Control.requestsByItself)
      ? state.received.count < receiveLevel : isOn(Control.requestToSend)
  }

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    guard hasModem, line == 0, state.isClearToSend == level else { return }
    state.isClearToSend = !level
    if port.isStill { return }
    state.rawInterrupts |= Interrupt.clearToSend
    sendNext(at: port.now * 64, &port)
  }

  public mutating func clockChanged(_ port: inout DevicePort) {
    sendNext(at: port.now * 64, &port)
  }

  /// What is on CTS does not hear of a reset.
  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let isClearToSend = state.isClearToSend
    state = initial
    state.isClearToSend = isClearToSend
  }

  public var lines: LineSet {
    hasModem && !requestsToSend ? requests.union(.line(5)) : requests
  }

  /// The interrupt, and what µDMA is asked for.
  private var requests: LineSet {
    let interrupts = state.rawInterrupts & state.interruptMask
    if state.dmaControl == 0 { return LineSet(level: interrupts != 0) }
    // "... stops the normal transfer interrupts for a peripheral from reaching the interrupt controller".
    var transfers: UInt16 = 0
    var lines: LineSet = []
    if state.dmaControl & DMA.receive != 0 {
      transfers |= Interrupt.receive
      let isStopped =
        state.dmaControl & DMA.stopsAtErrors != 0 && state.rawInterrupts & Interrupt.errors != 0
      if !isStopped && !state.received.isEmpty { lines.insert(.line(1)) }
      if !isStopped && state.received.count >= receiveLevel { lines.insert(.line(2)) }
    }
    if state.dmaControl & DMA.transmit != 0 {
      transfers |= Interrupt.transmit
      if state.waiting.count < capacity { lines.insert(.line(3)) }
      if state.waiting.count <= transmitLevel { lines.insert(.line(4)) }
    }
    if interrupts & ~transfers != 0 { lines.insert(.line(0)) }
    return lines
  }
}
