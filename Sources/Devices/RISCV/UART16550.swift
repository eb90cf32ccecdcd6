import Emu

/// National Semiconductor's (now TI's) 16550 UART: datasheet PC16550D, section 8, "Registers", as it stands on QEMU's
/// `virt`: registers a byte apart, a terminal at the other end that is always ready (CTS, DSR and DCD on).
///
/// The line has no rate. A byte is sent, and the transmitter empty again, within the store that writes it; and the four
/// character times after which a lone received byte raises a time-out are over at once.
///
/// Input waits outside until the guest shows that it can take it without loss, since firmware, boot loader and kernel each
/// throw away in turn what they find in the receiver when they set it up. It can when it has enabled the receive interrupt,
/// or when it polls: when it reads LSR twice running, which nobody does who only wants to send, with a transmitter that is
/// always empty. Clearing the receive FIFO ends a polling guest's readiness. One that polls is given one byte at a time.
public struct UART16550: Device {
  public struct State: Codable, Hashable, Sendable {
    var interruptEnable: UInt8 = 0
    /// FCR's lasting bits: FIFO enable, DMA mode, trigger level.
    var fifoControl: UInt8 = 0
    var lineControl: UInt8 = 0
    var modemControl: UInt8 = 0
    var modemChanges: UInt8 = 0
    var scratch: UInt8 = 0
    /// 9,600 baud from 1.8432 MHz; the datasheet leaves it open.
    var divisor: UInt16 = 12
    var received: [UInt8] = []
    var hasOverrun = false
    /// The transmitter holding register ran empty, and nobody has been told.
    var hasEmptied = false
    var lastReadLineStatus = false
    var isPolled = false
  }
  public var state = State()

  public init() {}

  private enum Offset {
    static let data: UInt64 = 0
    static let interruptEnable: UInt64 = 1
    static let identification: UInt64 = 2
    static let lineControl: UInt64 = 3
    static let modemControl: UInt64 = 4
    static let lineStatus: UInt64 = 5
    static let modemStatus: UInt64 = 6
    static let scratch: UInt64 = 7
  }

  private static func register(
    _ name: String, _ offset: UInt64, _ permission: RegisterMap.Permission = .readWrite,
    reset: UInt64 = 0, fields: [RegisterMap.Field] = []
  ) -> RegisterMap.Register {
    // A wider access reaches the register at its address and no other, as QEMU has it: there is software that stores words.
    .init(
      name, offset, size: 1, widths: [.byte, .half, .word, .double], permission, reset: reset,
      fields: fields)
  }

  public let map = RegisterMap([
    register("RBR/THR/DLL", Offset.data),
    register(
      "IER/DLM", Offset.interruptEnable,
      fields: [.init("ERBFI", 0), .init("ETBEI", 1), .init("ELSI", 2), .init("EDSSI", 3)]),
    register(
      "IIR/FCR", Offset.identification, reset: 0x01,
      fields: [
        .init("FIFO_ENABLE", 0), .init("RCVR_FIFO_RESET", 1), .init("XMIT_FIFO_RESET", 2),
        .init("DMA_MODE", 3), .init("RCVR_TRIGGER", 6...7),
      ]),
    register(
      "LCR", Offset.lineControl,
      fields: [
        .init("WLS", 0...1), .init("STB", 2), .init("PEN", 3), .init("EPS", 4),
        .init("STICK_PARITY", 5), .init("SET_BREAK", 6, modelled: false), .init("DLAB", 7),
      ]),
    register(
      "MCR", Offset.modemControl,
      fields: [
        .init("DTR", 0), .init("RTS", 1), .init("OUT1", 2), .init("OUT2", 3), .init("LOOP", 4),
      ]),
    register(
      "LSR", Offset.lineStatus, .readOnly, reset: 0x60,
      fields: [
        .init("DR", 0), .init("OE", 1), .init("PE", 2), .init("FE", 3), .init("BI", 4),
        .init("THRE", 5), .init("TEMT", 6), .init("RCVR_FIFO_ERROR", 7),
      ]),
    register(
      "MSR", Offset.modemStatus, .readOnly, reset: 0xB0,
      fields: [
        .init("DCTS", 0), .init("DDSR", 1), .init("TERI", 2), .init("DDCD", 3), .init("CTS", 4),
        .init("DSR", 5), .init("RI", 6), .init("DCD", 7),
      ]),
    register("SCR", Offset.scratch),
  ])

  // MARK: Accesses

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.received.count <= 16
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    let readLineStatusBefore = state.lastReadLineStatus
    state.lastReadLineStatus = false
    switch access.offset {
    case Offset.data:
      if isDivisorShown { return UInt64(state.divisor & 0xFF) }
      return state.received.isEmpty ? 0 : UInt64(state.received.removeFirst())
    case Offset.interruptEnable:
      return UInt64(isDivisorShown ? UInt8(state.divisor >> 8) : state.interruptEnable)
    case Offset.identification:
      let value = identification
      // "Reading the IIR Register (if source of interrupt)" resets the transmitter's interrupt.
      if value & 0x0F == Interrupt.transmitterEmpty { state.hasEmptied = false }
      return UInt64(value)
    case Offset.lineControl: return UInt64(state.lineControl)
    case Offset.modemControl: return UInt64(state.modemControl)
    case Offset.lineStatus:
      state.lastReadLineStatus = true
      if readLineStatusBefore { state.isPolled = true }
      let value = lineStatus
      state.hasOverrun = false
      return UInt64(value)
    case Offset.modemStatus:
      let value = modemLevels | state.modemChanges
      state.modemChanges = 0
      return UInt64(value)
    default: return UInt64(state.scratch)
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    state.lastReadLineStatus = false
    let value = UInt8(truncatingIfNeeded: value)
    switch access.offset {
    case Offset.data:
      if isDivisorShown {
        state.divisor = state.divisor & 0xFF00 | UInt16(value)
      } else {
        transmit(value, &port)
      }
    case Offset.interruptEnable:
      if isDivisorShown {
        state.divisor = state.divisor & 0xFF | UInt16(value) << 8
      } else {
        enableInterrupts(value & 0x0F)
      }
    case Offset.identification: controlFIFOs(value)
    case Offset.lineControl: state.lineControl = value
    case Offset.modemControl: controlModem(value & 0x1F)
    // "The Line Status Register is intended for read operations only."
    case Offset.lineStatus, Offset.modemStatus: break
    default: state.scratch = value
    }
  }

  // MARK: Data

  private var isDivisorShown: Bool { state.lineControl & 0x80 != 0 }
  private var isLoopback: Bool { state.modemControl & 0x10 != 0 }
  private var hasFIFO: Bool { state.fifoControl & 1 != 0 }
  private var capacity: Int { hasFIFO ? 16 : 1 }

  private mutating func transmit(_ byte: UInt8, _ port: inout DevicePort) {
    if isLoopback { receive(byte) } else { port.uart(byte) }
    state.hasEmptied = true
  }

  private mutating func receive(_ byte: UInt8) {
    if state.received.count < capacity {
      state.received.append(byte)
      return
    }
    state.hasOverrun = true
    // With FIFOs, "the character in the shift register is overwritten, but it is not transferred to the FIFO"; without,
    // the next one goes to the receiver buffer, "thereby destroying the previous character".
    if !hasFIFO { state.received = [byte] }
  }

  public mutating func offer(_ byte: UInt8, _ port: inout DevicePort) -> Bool {
    let isInterruptDriven = state.interruptEnable & 1 != 0
    let room = isInterruptDriven ? capacity : state.isPolled ? 1 : 0
    guard !isLoopback && state.received.count < room else { return false }
    receive(byte)
    return true
  }

  private mutating func controlFIFOs(_ value: UInt8) {
    let changesMode = (value ^ state.fifoControl) & 1 != 0
    // "This bit must be a 1 when other FCR bits are written to or they will not be programmed."
    state.fifoControl = value & 1 != 0 ? value & 0b1100_1001 : 0
    if changesMode || value & 0b11 == 0b11 {
      state.received = []
      state.isPolled = false
    }
  }

  private var lineStatus: UInt8 {
    let transmitterEmpty: UInt8 = 0x60
    return transmitterEmpty | (state.hasOverrun ? 0x02 : 0) | (state.received.isEmpty ? 0 : 0x01)
  }

  // MARK: Modem

  /// CTS, DSR, RI and DCD, in the upper half. In loopback they are RTS, DTR, OUT1 and OUT2.
  private var modemLevels: UInt8 {
    guard isLoopback else { return 0xB0 }
    let outputs = state.modemControl
    return outputs << 3 & 0x10 | outputs << 5 & 0x20 | (outputs << 4 & 0xC0)
  }

  private mutating func controlModem(_ value: UInt8) {
    let old = modemLevels
    state.modemControl = value
    let new = modemLevels
    state.modemChanges |= (old ^ new) >> 4 & 0b1011
    // TERI, the ring indicator's, sees the trailing edge only.
    state.modemChanges |= (old & ~new) >> 4 & 0b0100
  }

  // MARK: Interrupts

  private enum Interrupt {
    static let none: UInt8 = 0x01
    static let lineStatus: UInt8 = 0x06
    static let dataAvailable: UInt8 = 0x04
    static let timeout: UInt8 = 0x0C
    static let transmitterEmpty: UInt8 = 0x02
    static let modemStatus: UInt8 = 0x00
  }

  private mutating func enableInterrupts(_ value: UInt8) {
    // Enabling the transmitter's interrupt while it is empty raises it, even if it had been acknowledged: not in the
    // datasheet, but drivers count on it, and so does Linux's probe for chips that do not do so.
    if (value ^ state.interruptEnable) & 0x02 != 0 { state.hasEmptied = value & 0x02 != 0 }
    state.interruptEnable = value
  }

  private var triggerLevel: Int {
    switch state.fifoControl >> 6 {
    case 0: 1
    case 1: 4
    case 2: 8
    default: 14
    }
  }

  /// IIR: the enabled interrupt of the highest priority (table IV), and whether there are FIFOs.
  private var identification: UInt8 {
    pendingInterrupt | (hasFIFO ? 0xC0 : 0)
  }

  private var pendingInterrupt: UInt8 {
    let enabled = state.interruptEnable
    if enabled & 0x04 != 0 && state.hasOverrun { return Interrupt.lineStatus }
    if enabled & 0x01 != 0 && !state.received.isEmpty {
      return hasFIFO && state.received.count < triggerLevel
        ? Interrupt.timeout : Interrupt.dataAvailable
    }
    if enabled & 0x02 != 0 && state.hasEmptied { return Interrupt.transmitterEmpty }
    if enabled & 0x08 != 0 && state.modemChanges != 0 { return Interrupt.modemStatus }
    return Interrupt.none
  }

  public var lines: LineSet { LineSet(level: pendingInterrupt != Interrupt.none) }
}

extension UART16550: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    var node = DeviceTreeNode("serial", at: place.address, size: place.size, label: place.name)
    node.set("compatible", "ns16550a")
    node.set("clock-frequency", 3_686_400)
    node.setInterrupts(place)
    tree.addToBus(node)
  }
}
