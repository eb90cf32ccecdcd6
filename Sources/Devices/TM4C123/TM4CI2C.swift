import Emu

/// An I2C module of the TM4C123GH6PM: datasheet SPMS376E, chapter 16, "Inter-Integrated Circuit (I2C) Interface".
///
/// The master, at the rate of I2CMTPR, with an EEPROM on its bus if the board has one there; the slave, which its own master reaches
/// in loopback and nobody else. Arbitration is never lost, there are no glitches to filter, and the clock is never held but by a slave
/// whose software is due. Clock low time-outs and the high-speed mode's own start are declared, not modelled.
public struct TM4CI2C: Device {
  public struct State: Codable, Hashable, Sendable {
    var address: UInt8 = 0
    var data: UInt8 = 0
    var period: UInt8 = 1
    var mask: UInt8 = 0
    var raw: UInt8 = 0
    var configuration: UInt8 = 0
    /// I2CMCR2.
    var glitchFilter: UInt8 = 0
    /// ERROR, ADRACK and DATACK of I2CMCS.
    var errors: UInt8 = 0
    /// The bus is this master's: a start, and no stop yet.
    var isOpen = false
    var isReading = false
    var operation: Operation?
    var slave = Slave()
    var eeprom: SerialEEPROM?
  }

  struct Operation: Codable, Hashable, Sendable {
    enum Phase: Codable, Hashable, Sendable { case address, data, stretched }
    var command: UInt8
    var phase: Phase
    /// nil while it is stretched.
    var end: Tick?
  }

  /// The slave that the module is itself.
  struct Slave: Codable, Hashable, Sendable {
    var address: UInt8 = 0
    var second: UInt8 = 0
    var isActive = false
    var mask: UInt8 = 0
    var raw: UInt8 = 0
    /// RREQ, TREQ, FBR and OAR2SEL of I2CSCSR.
    var status: UInt8 = 0
    var data: UInt8 = 0
    var acknowledge: UInt8 = 0
  }
  public var state = State()
  let busAddress: UInt8

  /// - Parameters:
  ///   - eeprom: one that is on the bus.
  ///   - address: its seven bits.
  public init(eeprom: SerialEEPROM? = nil, at address: UInt8 = 0x50) {
    busAddress = address
    state.eeprom = eeprom
  }

  // MARK: Registers

  private enum Offset {
    static let address: UInt64 = 0x000
    static let control: UInt64 = 0x004
    static let data: UInt64 = 0x008
    static let period: UInt64 = 0x00C
    static let mask: UInt64 = 0x010
    static let raw: UInt64 = 0x014
    static let masked: UInt64 = 0x018
    static let clear: UInt64 = 0x01C
    static let configuration: UInt64 = 0x020
    static let monitor: UInt64 = 0x02C
    static let configuration2: UInt64 = 0x038
    static let ownAddress: UInt64 = 0x800
    static let slaveControl: UInt64 = 0x804
    static let slaveData: UInt64 = 0x808
    static let slaveMask: UInt64 = 0x80C
    static let slaveRaw: UInt64 = 0x810
    static let slaveMasked: UInt64 = 0x814
    static let slaveClear: UInt64 = 0x818
    static let secondAddress: UInt64 = 0x81C
    static let acknowledge: UInt64 = 0x820
    static let properties: UInt64 = 0xFC0
  }

  private enum Command {
    static let run: UInt8 = 1 << 0
    static let start: UInt8 = 1 << 1
    static let stop: UInt8 = 1 << 2
  }

  private enum Status {
    static let busy: UInt8 = 1 << 0
    static let error: UInt8 = 1 << 1
    static let noAddressAcknowledge: UInt8 = 1 << 2
    static let noDataAcknowledge: UInt8 = 1 << 3
    static let idle: UInt8 = 1 << 5
    static let busBusy: UInt8 = 1 << 6
  }

  private enum Configuration {
    static let loopback: UInt8 = 1 << 0
    static let master: UInt8 = 1 << 4
    static let slave: UInt8 = 1 << 5
  }

  private enum SlaveStatus {
    static let receive: UInt8 = 1 << 0
    static let transmit: UInt8 = 1 << 1
    static let firstByte: UInt8 = 1 << 2
    static let second: UInt8 = 1 << 3
  }

  private enum SlaveInterrupt {
    static let data: UInt8 = 1 << 0
    static let start: UInt8 = 1 << 1
    static let stop: UInt8 = 1 << 2
  }

  public let map = RegisterMap([
    .init("I2CMSA", Offset.address, fields: [.init("RS", 0), .init("SA", 1...7)]),
    .init(
      "I2CMCS", Offset.control, reset: 0x20,
      fields: [
        .init("RUN/BUSY", 0), .init("START/ERROR", 1), .init("STOP/ADRACK", 2),
        .init("ACK/DATACK", 3), .init("HS/ARBLST", 4, modelled: false), .init("IDLE", 5),
        .init("BUSBSY", 6), .init("CLKTO", 7),
      ]),
    .init("I2CMDR", Offset.data), .init("I2CMTPR", Offset.period, reset: 1),
    .init(
      "I2CMIMR", Offset.mask, fields: [.init("IM", 0), .init("CLKIM", 1, modelled: false)]),
    .init("I2CMRIS", Offset.raw, .readOnly), .init("I2CMMIS", Offset.masked, .readOnly),
    .init("I2CMICR", Offset.clear, .writeOnly),
    .init(
      "I2CMCR", Offset.configuration,
      fields: [
        .init("LPBK", 0), .init("MFE", 4), .init("SFE", 5), .init("GFE", 6),
      ]),
    .notModelled("I2CMCLKOCNT", 0x024),
    .init("I2CMBMON", Offset.monitor, .readOnly, reset: 3),
    .init("I2CMCR2", Offset.configuration2, fields: [.init("GFPW", 4...6)]),
    .init("I2CSOAR", Offset.ownAddress),
    .init("I2CSCSR", Offset.slaveControl, fields: [.init("DA/RREQ", 0)]),
    .init("I2CSDR", Offset.slaveData), .init("I2CSIMR", Offset.slaveMask),
    .init("I2CSRIS", Offset.slaveRaw, .readOnly), .init("I2CSMIS", Offset.slaveMasked, .readOnly),
    .init("I2CSICR", Offset.slaveClear, .writeOnly),
    .init("I2CSOAR2", Offset.secondAddress),
    .init(
      "I2CSACKCTL", Offset.acknowledge, fields: [.init("ACKOEN", 0), .init("ACKOVAL", 1)]),
    .init("I2CPP", Offset.properties, .readOnly, reset: 1), .notModelled("I2CPC", 0xFC4),
  ])

  public func accepts(_ state: State, now: Tick) -> Bool {
    SerialEEPROM.isSound(state.eeprom, like: self.state.eeprom)
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    if access.offset == Offset.slaveData { takeSlaveData(port) }
    return UInt64(value(of: access.offset))
  }

  private func value(of offset: UInt64) -> UInt8 {
    switch offset {
    case Offset.address: state.address
    // "If BUSY is set, the other status bits are not valid."
    case Offset.control:
      state.operation != nil
        ? Status.busy | Status.busBusy
        : state.errors | (state.isOpen ? Status.busBusy : Status.idle)
    case Offset.data: state.data
    case Offset.period: state.period
    case Offset.mask: state.mask
    case Offset.raw: state.raw
    case Offset.masked: state.raw & state.mask
    case Offset.configuration: state.configuration
    case Offset.monitor: 3
    case Offset.ownAddress: state.slave.address
    case Offset.slaveControl: state.slave.status
    case Offset.slaveData: state.slave.data
    case Offset.slaveMask: state.slave.mask
    case Offset.slaveRaw: state.slave.raw
    case Offset.slaveMasked: state.slave.raw & state.slave.mask
    case Offset.configuration2: state.glitchFilter
    case Offset.secondAddress: state.slave.second
    case Offset.acknowledge: state.slave.acknowledge
    case Offset.properties: 1
    default: 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let byte = UInt8(truncatingIfNeeded: value)
    switch access.offset {
    case Offset.address: state.address = byte
    case Offset.control: run(byte, port)
    case Offset.data: state.data = byte
    case Offset.period: state.period = byte
    case Offset.mask: state.mask = byte & 3
    case Offset.clear: state.raw &= ~byte
    case Offset.configuration: state.configuration = byte & 0x71
    case Offset.ownAddress: state.slave.address = byte & 0x7F
    case Offset.slaveControl: state.slave.isActive = byte & 1 == 1
    case Offset.slaveData: giveSlaveData(byte, port)
    case Offset.slaveMask: state.slave.mask = byte & 7
    case Offset.slaveClear: state.slave.raw &= ~byte
    case Offset.configuration2: state.glitchFilter = byte & 0x70
    case Offset.secondAddress: state.slave.second = byte
    case Offset.acknowledge: state.slave.acknowledge = byte & 3
    default: break
    }
  }

  // MARK: The master

  /// "SCL_PERIOD = 2 * (1 + TIMER_PRD) * (SCL_LP + SCL_HP) * CLK_PRD", where the sum is 10, and 3 in high-speed mode.
  private var bit: Tick {
    2 * (1 + Tick(state.period & 0x7F)) * (state.period & 0x80 == 0 ? 10 : 3)
  }

  private mutating func run(_ command: UInt8, _ port: DevicePort) {
    if command & (Command.run | Command.start | Command.stop) == 0 { return }
    if state.configuration & Configuration.master == 0 {
      return port.guestError("I2CMCS written while I2CMCR.MFE is 0", value: UInt64(command))
    }
    if state.operation != nil {
      return port.guestError("I2CMCS written while it is busy", value: UInt64(command))
    }
    if command & Command.run == 0 {
      if command & Command.stop != 0 { stop(port) }
      return
    }
    if command & Command.start == 0 && !state.isOpen {
      return port.guestError("I2CMCS: a byte without a start", value: UInt64(command))
    }
    state.errors = 0
    if command & Command.start != 0 {
      state.isOpen = true
      state.isReading = state.address & 1 == 1
      // The condition, eight bits and their acknowledgement.
      state.operation = Operation(command: command, phase: .address, end: port.now + 10 * bit)
    } else {
      state.operation = Operation(command: command, phase: .data)
      beginData(port)
    }
  }

  public var deadline: Tick? { state.operation?.end }

  public mutating func advance(_ port: inout DevicePort) {
    guard let operation = state.operation, let end = operation.end, end <= port.now else { return }
    let nanoseconds = port.nanoseconds
    if operation.phase == .address {
      if select(nanoseconds) { return beginData(port) }
      return finish(Status.error | Status.noAddressAcknowledge, port)
    }
    if state.isReading {
      state.data = isOwn ? state.slave.data : state.eeprom?.read() ?? 0xFF
      return finish(0, port)
    }
    if isOwn { return receive(port) }
    let isAcknowledged = state.eeprom?.write(state.data) ?? false
    finish(isAcknowledged ? 0 : Status.error | Status.noDataAcknowledge, port)
  }

  /// Does anybody acknowledge the address?
  private mutating func select(_ nanoseconds: UInt64) -> Bool {
    let wanted = state.address >> 1
    if isLoopback {
      let isFirst = state.slave.address == wanted
      let isSecond = state.slave.second & 0x80 != 0 && state.slave.second & 0x7F == wanted
      guard isFirst || isSecond, state.slave.isActive,
        state.configuration & Configuration.slave != 0
      else { return false }
      state.slave.status = SlaveStatus.firstByte | (isSecond && !isFirst ? SlaveStatus.second : 0)
      state.slave.raw |= SlaveInterrupt.start
      return true
    }
    if wanted != busAddress { return false }
    return state.eeprom?.start(isWrite: !state.isReading, nanoseconds) ?? false
  }

  private var isLoopback: Bool { state.configuration & Configuration.loopback != 0 }
  /// The slave that was addressed is the module itself.
  private var isOwn: Bool { isLoopback }

  private mutating func beginData(_ port: DevicePort) {
    let end = port.now + 9 * bit
    state.operation?.phase = .data
    state.operation?.end = end
    guard isOwn, state.isReading else { return }
    // "TREQ ... the I2C controller has been addressed as a slave transmitter and is using clock stretching to delay the master".
    state.slave.status |= SlaveStatus.transmit
    state.slave.raw |= SlaveInterrupt.data
    state.operation?.phase = .stretched
    state.operation?.end = nil
  }

  private mutating func finish(_ errors: UInt8, _ port: DevicePort) {
    let command = state.operation?.command ?? 0
    state.operation = nil
    state.errors = errors
    state.raw |= 1
    if command & Command.stop != 0 { stop(port) }
  }

  private mutating func stop(_ port: DevicePort) {
    if !state.isOpen { return }
    state.isOpen = false
    if isOwn {
      if state.slave.isActive { state.slave.raw |= SlaveInterrupt.stop }
    } else {
      state.eeprom?.stop(port.nanoseconds)
    }
  }

  // MARK: The slave

  /// RREQ: "the I2C controller has outstanding receive data from the I2C master and is using clock stretching to delay the master
  /// until the data has been read".
  private mutating func receive(_ port: DevicePort) {
    state.slave.data = state.data
    state.slave.status |= SlaveStatus.receive
    state.slave.raw |= SlaveInterrupt.data
    state.operation?.phase = .stretched
    state.operation?.end = nil
  }

  private mutating func takeSlaveData(_ port: DevicePort) {
    if state.slave.status & SlaveStatus.receive == 0 { return }
    state.slave.status &= ~(SlaveStatus.receive | SlaveStatus.firstByte)
    guard state.operation?.phase == .stretched else { return }
    // ACKOVAL: "A NACK is sent indicating invalid data or command"; without ACKOEN there is an acknowledgement.
    finish(state.slave.acknowledge == 3 ? Status.error | Status.noDataAcknowledge : 0, port)
  }

  private mutating func giveSlaveData(_ byte: UInt8, _ port: DevicePort) {
    state.slave.data = byte
    if state.slave.status & SlaveStatus.transmit == 0 { return }
    state.slave.status &= ~(SlaveStatus.transmit | SlaveStatus.firstByte)
    guard state.operation?.phase == .stretched else { return }
    let end = port.now + 9 * bit
    state.operation?.phase = .data
    state.operation?.end = end
  }

  /// What is on the bus does not hear of a reset.
  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let eeprom = state.eeprom
    state = initial
    state.eeprom = eeprom
  }

  public var lines: LineSet {
    LineSet(
      level: state.raw & state.mask != 0 || state.slave.raw & state.slave.mask != 0)
  }
}
