import Emu

/// The ROM's functions for SSI and I2C: TI's ROM user's guide SPMU367, the chapters of these names.
extension TM4CROM {
  // MARK: SSI

  private enum SSI {
    static let control0: UInt32 = 0x00
    static let control1: UInt32 = 0x04
    static let data: UInt32 = 0x08
    static let status: UInt32 = 0x0C
    static let prescale: UInt32 = 0x10
    static let mask: UInt32 = 0x14
    static let raw: UInt32 = 0x18
    static let masked: UInt32 = 0x1C
    static let clear: UInt32 = 0x20
    static let dma: UInt32 = 0x24
    static let clockSource: UInt32 = 0xFC8

    static let enable: UInt32 = 2
    static let hasRoom: UInt32 = 2
    static let hasData: UInt32 = 4
    static let isBusy: UInt32 = 16
  }

  static func ssi(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let base = call[0]
    let status = call.load(base &+ SSI.status)
    switch name {
    case "SSIDataPut", "SSIDataPutNonBlocking":
      let hasRoom = status & SSI.hasRoom != 0
      if hasRoom { call.store(call[1], base &+ SSI.data) }
      if name == "SSIDataPutNonBlocking" { call.give(hasRoom) } else if !hasRoom { call.again() }
    case "SSIDataGet", "SSIDataGetNonBlocking":
      let hasData = status & SSI.hasData != 0
      if hasData {
        let frame = call.load(base &+ SSI.data)
        call.store(frame, call[1])
      }
      if name == "SSIDataGetNonBlocking" { call.give(hasData) } else if !hasData { call.again() }
    case "SSIConfigSetExpClk": configureSSI(base, &call)
    case "SSIEnable": call.change(base &+ SSI.control1, set: SSI.enable)
    case "SSIDisable": call.change(base &+ SSI.control1, clear: SSI.enable)
    case "SSIIntEnable": call.change(base &+ SSI.mask, set: call[1])
    case "SSIIntDisable": call.change(base &+ SSI.mask, clear: call[1])
    case "SSIIntStatus":
      call.give(call.load(base &+ (call[1] & 1 == 1 ? SSI.masked : SSI.raw)))
    case "SSIIntClear": call.store(call[1], base &+ SSI.clear)
    case "SSIDMAEnable": call.change(base &+ SSI.dma, set: call[1])
    case "SSIDMADisable": call.change(base &+ SSI.dma, clear: call[1])
    case "SSIBusy": call.give(status & SSI.isBusy != 0)
    case "SSIClockSourceGet": call.give(call.load(base &+ SSI.clockSource))
    case "SSIClockSourceSet": call.store(call[1], base &+ SSI.clockSource)
    default: return false
    }
    return true
  }

  /// (base, clock, protocol, mode, bit rate, width): the least prescaler with which SCR has eight bits. Protocol: SPH and SPO in
  /// bits 0 and 1, the frame format from bit 4 on; mode: 0 is a master, 2 a slave whose output is off.
  private static func configureSSI(_ base: UInt32, _ call: inout FirmwareCall) {
    let (rate, width) = (call[4], call[5])
    let (format, mode) = (call[2], call[3])
    let ratio = rate == 0 ? 0 : call[1] / rate
    call.store((mode == 0 ? 0 : 4) | (mode == 2 ? 8 : 0), base &+ SSI.control1)
    var prescale: UInt32 = 2
    while prescale < 254 && ratio / prescale > 256 { prescale += 2 }
    let divisor = max(ratio / prescale, 1) - 1
    call.store(prescale, base &+ SSI.prescale)
    let frame: UInt32 = (format & 3) << 6 | format & 0x30 | (width &- 1) & 0xF
    call.store(divisor << 8 & 0xFF00 | frame, base &+ SSI.control0)
  }

  // MARK: I2C

  private enum I2C {
    static let address: UInt32 = 0x00
    static let control: UInt32 = 0x04
    static let data: UInt32 = 0x08
    static let period: UInt32 = 0x0C
    static let mask: UInt32 = 0x10
    static let raw: UInt32 = 0x14
    static let masked: UInt32 = 0x18
    static let clear: UInt32 = 0x1C
    static let configuration: UInt32 = 0x20

    static let isBusy: UInt32 = 1 << 0
    static let error: UInt32 = 1 << 1
    /// ADRACK, DATACK and ARBLST.
    static let errors: UInt32 = 0x1C
    static let lost: UInt32 = 1 << 4
    static let isBusBusy: UInt32 = 1 << 6
    static let master: UInt32 = 1 << 4
  }

  static func i2c(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let base = call[0]
    switch name {
    case "I2CMasterDataPut": call.store(call[1] & 0xFF, base &+ I2C.data)
    case "I2CMasterDataGet": call.give(call.load(base &+ I2C.data))
    case "I2CMasterInitExpClk":
      call.change(base &+ I2C.configuration, set: I2C.master)
      let step: UInt32 = 20 * (call[2] & 0xFF != 0 ? 400_000 : 100_000)
      call.store((call[1] &+ step &- 1) / step &- 1, base &+ I2C.period)
    case "I2CMasterEnable": call.change(base &+ I2C.configuration, set: I2C.master)
    case "I2CMasterDisable": call.change(base &+ I2C.configuration, clear: I2C.master)
    case "I2CMasterIntEnable": call.store(1, base &+ I2C.mask)
    case "I2CMasterIntDisable": call.store(0, base &+ I2C.mask)
    case "I2CMasterIntStatus":
      call.give(call.load(base &+ (call[1] & 1 == 1 ? I2C.masked : I2C.raw)) != 0)
    case "I2CMasterIntClear": call.store(1, base &+ I2C.clear)
    case "I2CMasterIntEnableEx": call.change(base &+ I2C.mask, set: call[1])
    case "I2CMasterIntDisableEx": call.change(base &+ I2C.mask, clear: call[1])
    case "I2CMasterIntStatusEx":
      call.give(call.load(base &+ (call[1] & 1 == 1 ? I2C.masked : I2C.raw)))
    case "I2CMasterIntClearEx": call.store(call[1], base &+ I2C.clear)
    case "I2CMasterSlaveAddrSet":
      call.store((call[1] & 0x7F) << 1 | call[2] & 1, base &+ I2C.address)
    case "I2CMasterBusy": call.give(call.load(base &+ I2C.control) & I2C.isBusy != 0)
    case "I2CMasterBusBusy": call.give(call.load(base &+ I2C.control) & I2C.isBusBusy != 0)
    case "I2CMasterControl": call.store(call[1], base &+ I2C.control)
    case "I2CMasterErr":
      let status = call.load(base &+ I2C.control)
      let isError = status & I2C.isBusy == 0 && status & (I2C.error | I2C.lost) != 0
      call.give(isError ? status & I2C.errors : 0)
    default: return false
    }
    return true
  }
}
