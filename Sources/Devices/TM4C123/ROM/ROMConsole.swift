import Emu

/// The ROM's functions for UARTs and GPIO ports: TI's ROM user's guide SPMU367, chapters "UART" and "GPIO".
extension TM4CROM {
  // MARK: UART

  private enum UART {
    static let data: UInt32 = 0x00
    static let errors: UInt32 = 0x04
    static let flags: UInt32 = 0x18
    static let integerDivisor: UInt32 = 0x24
    static let fractionalDivisor: UInt32 = 0x28
    static let lineControl: UInt32 = 0x2C
    static let control: UInt32 = 0x30
    static let levels: UInt32 = 0x34
    static let mask: UInt32 = 0x38
    static let raw: UInt32 = 0x3C
    static let masked: UInt32 = 0x40
    static let clear: UInt32 = 0x44
    static let dma: UInt32 = 0x48
    static let ownAddress: UInt32 = 0xA4
    static let addressMask: UInt32 = 0xA8
    static let clockSource: UInt32 = 0xFC8

    static let busy: UInt32 = 1 << 3
    static let receiveEmpty: UInt32 = 1 << 4
    static let transmitFull: UInt32 = 1 << 5
    static let fifo: UInt32 = 1 << 4
    static let highSpeed: UInt32 = 1 << 5
    /// UARTEN, TXE and RXE.
    static let enable: UInt32 = 0x301
    static let endOfTransmission: UInt32 = 1 << 4
    static let infrared: UInt32 = 1 << 1
    static let lowPower: UInt32 = 1 << 2
    static let nineBits: UInt32 = 1 << 15
    static let parity: UInt32 = 0x86
    static let noCharacter: UInt32 = 0xFFFF_FFFF
  }

  static func uart(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let base = call[0]
    switch name {
    case "UARTCharPut":
      if call.load(base + UART.flags) & UART.transmitFull != 0 {
        call.again()
      } else {
        call.store(call[1] & 0xFF, base + UART.data)
      }
    case "UARTCharPutNonBlocking":
      let hasRoom = call.load(base + UART.flags) & UART.transmitFull == 0
      if hasRoom { call.store(call[1] & 0xFF, base + UART.data) }
      call.give(hasRoom)
    case "UARTCharGet":
      // A loop, which looks more than once.
      if call.load(base + UART.flags) & UART.receiveEmpty != 0,
        call.load(base + UART.flags) & UART.receiveEmpty != 0
      {
        call.again()
      } else {
        call.give(call.load(base + UART.data))
      }
    case "UARTCharGetNonBlocking":
      let isEmpty = call.load(base + UART.flags) & UART.receiveEmpty != 0
      call.give(isEmpty ? UART.noCharacter : call.load(base + UART.data))
    case "UARTCharsAvail": call.give(call.load(base + UART.flags) & UART.receiveEmpty == 0)
    case "UARTSpaceAvail": call.give(call.load(base + UART.flags) & UART.transmitFull == 0)
    case "UARTBusy": call.give(call.load(base + UART.flags) & UART.busy != 0)
    case "UARTConfigSetExpClk": configure(base, &call)
    case "UARTConfigGetExpClk": showConfiguration(base, &call)
    case "UARTParityModeSet":
      call.change(base + UART.lineControl, clear: UART.parity, set: call[1])
    case "UARTParityModeGet": call.give(call.load(base + UART.lineControl) & UART.parity)
    case "UARTFIFOLevelSet": call.store(call[1] | call[2], base + UART.levels)
    case "UARTFIFOLevelGet":
      let levels = call.load(base + UART.levels)
      call.store(levels & 7, call[1])
      call.store(levels & 0x38, call[2])
    case "UARTEnable":
      call.change(base + UART.lineControl, set: UART.fifo)
      call.change(base + UART.control, set: UART.enable)
    case "UARTDisable": return disable(base, &call)
    case "UARTIntEnable": call.change(base + UART.mask, set: call[1])
    case "UARTIntDisable": call.change(base + UART.mask, clear: call[1])
    case "UARTIntStatus":
      call.give(call.load(base + (call[1] & 1 == 1 ? UART.masked : UART.raw)))
    case "UARTIntClear": call.store(call[1], base + UART.clear)
    case "UARTDMAEnable": call.change(base + UART.dma, set: call[1])
    case "UARTDMADisable": call.change(base + UART.dma, clear: call[1])
    case "UARTFIFOEnable": call.change(base + UART.lineControl, set: UART.fifo)
    case "UARTFIFODisable": call.change(base + UART.lineControl, clear: UART.fifo)
    case "UARTTxIntModeSet":
      call.change(base + UART.control, clear: UART.endOfTransmission, set: call[1])
    case "UARTTxIntModeGet": call.give(call.load(base + UART.control) & UART.endOfTransmission)
    case "UARTRxErrorGet": call.give(call.load(base + UART.errors) & 0xF)
    case "UARTRxErrorClear": call.store(0, base + UART.errors)
    case "UARTClockSourceSet": call.store(call[1], base + UART.clockSource)
    case "UARTClockSourceGet": call.give(call.load(base + UART.clockSource))
    case "UARTBreakCtl": call.change(base + UART.lineControl, clear: 1, set: call[1] & 1)
    case "UARTEnableSIR":
      let isLow = call[1] & 0xFF != 0
      call.change(base + UART.control, set: UART.infrared | (isLow ? UART.lowPower : 0))
    case "UARTDisableSIR":
      call.change(base + UART.control, clear: UART.infrared | UART.lowPower)
    case "UART9BitEnable": call.change(base + UART.ownAddress, set: UART.nineBits)
    case "UART9BitDisable": call.change(base + UART.ownAddress, clear: UART.nineBits)
    case "UART9BitAddrSet":
      call.store(call[1] & 0xFF, base + UART.ownAddress)
      call.store(call[2] & 0xFF, base + UART.addressMask)
    default: return false
    }
    return true
  }

  /// Waits for what is on its way, then closes the FIFOs and switches off.
  private static func disable(_ base: UInt32, _ call: inout FirmwareCall) -> Bool {
    if call.load(base + UART.flags) & UART.busy != 0 {
      call.again()
    } else {
      call.change(base + UART.lineControl, clear: UART.fifo)
      call.change(base + UART.control, clear: UART.enable)
    }
    return true
  }

  /// (base, clock, baud rate, format): BRD is clock / (16 · rate) in 1/64, rounded; where that is below 1 the UART divides by 8.
  private static func configure(_ base: UInt32, _ call: inout FirmwareCall) {
    if !disableNow(base, &call) { return call.again() }
    var rate = call[2]
    if UInt64(rate) * 16 > UInt64(call[1]) {
      call.change(base + UART.control, set: UART.highSpeed)
      rate /= 2
    } else {
      call.change(base + UART.control, clear: UART.highSpeed)
    }
    let divisor = rate == 0 ? 0 : (UInt64(call[1]) * 8 / UInt64(rate) + 1) / 2
    call.store(UInt32(truncatingIfNeeded: divisor / 64), base + UART.integerDivisor)
    call.store(UInt32(divisor % 64), base + UART.fractionalDivisor)
    call.store(call[3], base + UART.lineControl)
    call.change(base + UART.lineControl, set: UART.fifo)
    call.change(base + UART.control, set: UART.enable)
  }

  private static func disableNow(_ base: UInt32, _ call: inout FirmwareCall) -> Bool {
    if call.load(base + UART.flags) & UART.busy != 0 { return false }
    _ = disable(base, &call)
    return true
  }

  private static func showConfiguration(_ base: UInt32, _ call: inout FirmwareCall) {
    let divisor =
      UInt64(call.load(base + UART.integerDivisor)) * 64
      + UInt64(call.load(base + UART.fractionalDivisor))
    var rate = divisor == 0 ? 0 : UInt64(call[1]) * 4 / divisor
    if call.load(base + UART.control) & UART.highSpeed != 0 { rate *= 2 }
    call.store(UInt32(truncatingIfNeeded: rate), call[2])
    call.store(call.load(base + UART.lineControl) & (0x60 | 0x8 | UART.parity), call[3])
  }

  // MARK: GPIO

  private enum GPIO {
    static let direction: UInt32 = 0x400
    static let sense: UInt32 = 0x404
    static let bothEdges: UInt32 = 0x408
    static let event: UInt32 = 0x40C
    static let alternate: UInt32 = 0x420
    static let drive2: UInt32 = 0x500
    static let drive4: UInt32 = 0x504
    static let drive8: UInt32 = 0x508
    static let openDrain: UInt32 = 0x50C
    static let pullUp: UInt32 = 0x510
    static let pullDown: UInt32 = 0x514
    static let slewRate: UInt32 = 0x518
    static let digitalEnable: UInt32 = 0x51C
    static let analogue: UInt32 = 0x528
    static let functions: UInt32 = 0x52C

    static let advancedBus: UInt32 = 0x400F_E06C
    static let ports: [(apb: UInt32, ahb: UInt32)] = [
      (0x4000_4000, 0x4005_8000), (0x4000_5000, 0x4005_9000), (0x4000_6000, 0x4005_A000),
      (0x4000_7000, 0x4005_B000), (0x4002_4000, 0x4005_C000), (0x4002_5000, 0x4005_D000),
    ]
  }

  /// Values of the guide's pad types and strengths: bits for the registers below.
  private enum Pad {
    static let analogue: UInt32 = 0
    static let standard: UInt32 = 8
    static let openDrain: UInt32 = 9
    static let milliamperes2: UInt32 = 1
  }

  private enum Direction {
    static let input: UInt32 = 0
    static let output: UInt32 = 1
    static let hardware: UInt32 = 2
  }

  static func gpio(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let (base, pins) = (call[0], call[1] & 0xFF)
    switch name {
    case "GPIODirModeSet": setDirection(base, pins, call[2], &call)
    case "GPIODirModeGet":
      let pin: UInt32 = 1 << (call[1] & 7)
      let direction = call.load(base + GPIO.direction) & pin != 0 ? Direction.output : 0
      call.give(direction | (call.load(base + GPIO.alternate) & pin != 0 ? Direction.hardware : 0))
    case "GPIOIntTypeSet":
      set(base + GPIO.bothEdges, pins, call[2] & 1 != 0, &call)
      set(base + GPIO.sense, pins, call[2] & 2 != 0, &call)
      set(base + GPIO.event, pins, call[2] & 4 != 0, &call)
    case "GPIOIntTypeGet":
      let pin: UInt32 = 1 << (call[1] & 7)
      let bits = [GPIO.bothEdges, GPIO.sense, GPIO.event].map { call.load(base + $0) & pin != 0 }
      let type: UInt32 = (bits[0] ? 1 : 0) | (bits[1] ? 2 : 0) | (bits[2] ? 4 : 0)
      call.give(type)
    case "GPIOPadConfigSet": setPad(base, pins, call[2], call[3], &call)
    case "GPIOPinTypeGPIOInput": setUp(base, pins, Direction.input, Pad.standard, &call)
    case "GPIOPinTypeGPIOOutput":
      setPad(base, pins, Pad.milliamperes2, Pad.standard, &call)
      setDirection(base, pins, Direction.output, &call)
    case "GPIOPinTypeGPIOOutputOD":
      setPad(base, pins, Pad.milliamperes2, Pad.openDrain, &call)
      setDirection(base, pins, Direction.output, &call)
    case "GPIOPinTypeUART", "GPIOPinTypeTimer", "GPIOPinTypeSSI", "GPIOPinTypePWM",
      "GPIOPinTypeQEI", "GPIOPinTypeCAN", "GPIOPinTypeI2CSCL", "GPIOPinTypeUSBDigital":
      setUp(base, pins, Direction.hardware, Pad.standard, &call)
    case "GPIOPinTypeI2C": setUp(base, pins, Direction.hardware, Pad.openDrain, &call)
    case "GPIOPinTypeADC", "GPIOPinTypeComparator", "GPIOPinTypeUSBAnalog":
      setUp(base, pins, Direction.input, Pad.analogue, &call)
    case "GPIOPinConfigure":
      let port = Int(base >> 16 & 0xFF)
      guard GPIO.ports.indices.contains(port) else { return true }
      let isAdvanced = call.load(GPIO.advancedBus) >> UInt32(port) & 1 == 1
      let address = isAdvanced ? GPIO.ports[port].ahb : GPIO.ports[port].apb
      let shift = base >> 8 & 0x1F
      call.change(address + GPIO.functions, clear: 0xF << shift, set: (base & 0xF) << shift)
    default: return false
    }
    return true
  }

  private static func set(
    _ register: UInt32, _ pins: UInt32, _ isSet: Bool, _ call: inout FirmwareCall
  ) { call.change(register, clear: pins, set: isSet ? pins : 0) }

  private static func setUp(
    _ base: UInt32, _ pins: UInt32, _ direction: UInt32, _ type: UInt32, _ call: inout FirmwareCall
  ) {
    setDirection(base, pins, direction, &call)
    setPad(base, pins, Pad.milliamperes2, type, &call)
  }

  private static func setDirection(
    _ base: UInt32, _ pins: UInt32, _ mode: UInt32, _ call: inout FirmwareCall
  ) {
    set(base + GPIO.direction, pins, mode & 1 != 0, &call)
    set(base + GPIO.alternate, pins, mode & 2 != 0, &call)
  }

  private static func setPad(
    _ base: UInt32, _ pins: UInt32, _ strength: UInt32, _ type: UInt32, _ call: inout FirmwareCall
  ) {
    set(base + GPIO.drive2, pins, strength & 1 != 0, &call)
    set(base + GPIO.drive4, pins, strength & 2 != 0, &call)
    set(base + GPIO.drive8, pins, strength & 4 != 0, &call)
    set(base + GPIO.slewRate, pins, strength & 8 != 0, &call)
    set(base + GPIO.openDrain, pins, type & 1 != 0, &call)
    set(base + GPIO.pullUp, pins, type & 2 != 0, &call)
    set(base + GPIO.pullDown, pins, type & 4 != 0, &call)
    set(base + GPIO.digitalEnable, pins, type & 8 != 0, &call)
    set(base + GPIO.analogue, pins, type == Pad.analogue, &call)
  }
}
