import Emu

/// The ROM's functions for system control and for the core: TI's ROM user's guide SPMU367, chapters "System Control", "Interrupt
/// Controller", "MPU" and "FPU".
extension TM4CROM {
  // MARK: System control

  private enum SystemControl {
    static let base: UInt32 = 0x400F_E000
    static let rawInterrupts = base + 0x050
    static let interruptMask = base + 0x054
    static let maskedInterrupts = base + 0x058
    static let resetCauses = base + 0x05C
    static let rcc = base + 0x060
    static let rcc2 = base + 0x070
    static let present = base + 0x300
    static let reset = base + 0x500
    static let run = base + 0x600
    static let sleep = base + 0x700
    static let deepSleep = base + 0x800
    static let ready = base + 0xA00
    static let deepSleepClock = base + 0x144

    static let pllLocked: UInt32 = 1 << 6
    static let gateAutomatically: UInt32 = 1 << 27
  }

  static func systemControl(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    typealias Register = SystemControl
    switch name {
    case "SysCtlSRAMSizeGet": call.give(32 << 10 as UInt32)
    case "SysCtlFlashSizeGet": call.give(256 << 10 as UInt32)
    case "SysCtlPeripheralPresent": givePeripheral(Register.present, &call)
    case "SysCtlPeripheralReady": givePeripheral(Register.ready, &call)
    case "SysCtlPeripheralEnable": setPeripheral(Register.run, true, &call)
    case "SysCtlPeripheralDisable": setPeripheral(Register.run, false, &call)
    case "SysCtlPeripheralSleepEnable": setPeripheral(Register.sleep, true, &call)
    case "SysCtlPeripheralSleepDisable": setPeripheral(Register.sleep, false, &call)
    case "SysCtlPeripheralDeepSleepEnable": setPeripheral(Register.deepSleep, true, &call)
    case "SysCtlPeripheralDeepSleepDisable": setPeripheral(Register.deepSleep, false, &call)
    case "SysCtlPeripheralReset":
      setPeripheral(Register.reset, true, &call)
      setPeripheral(Register.reset, false, &call)
    // This chip has no power control of single peripherals.
    case "SysCtlPeripheralPowerOn", "SysCtlPeripheralPowerOff": break
    case "SysCtlPeripheralClockGating":
      call.change(
        Register.rcc, clear: Register.gateAutomatically,
        set: call[0] & 1 == 1 ? Register.gateAutomatically : 0)
    case "SysCtlIntEnable": call.change(Register.interruptMask, set: call[0])
    case "SysCtlIntDisable": call.change(Register.interruptMask, clear: call[0])
    case "SysCtlIntClear": call.store(call[0], Register.maskedInterrupts)
    case "SysCtlIntStatus":
      call.give(
        call.load(call[0] & 1 == 1 ? Register.maskedInterrupts : Register.rawInterrupts))
    case "SysCtlReset": call.store(0x05FA_0004, CoreRegister.aircr)
    case "SysCtlResetCauseGet": call.give(call.load(Register.resetCauses))
    case "SysCtlResetCauseClear": call.change(Register.resetCauses, clear: call[0])
    case "SysCtlClockSet": setClock(&call)
    case "SysCtlClockGet":
      let tree = TM4CClockTree(
        rcc: call.load(Register.rcc), rcc2: call.load(Register.rcc2))
      call.give(UInt32(clamping: tree.systemClock.floor(1)))
    case "SysCtlPWMClockSet": call.change(Register.rcc, clear: 0x1E_0000, set: call[0])
    case "SysCtlPWMClockGet":
      let rcc = call.load(Register.rcc)
      call.give(rcc & 0x10_0000 == 0 ? 0 : rcc & 0x1E_0000)
    case "SysCtlDeepSleepClockSet": call.store(call[0], Register.deepSleepClock)
    default: return false
    }
    return true
  }

  /// 0xF000_OOBB: the register at O of each group, bit B. Software of older chips, RIOT's for one, says 0xNXXM_MMMM instead: legacy
  /// register N of the group, bits M shifted by X.
  private static func setPeripheral(
    _ group: UInt32, _ isSet: Bool, _ call: inout FirmwareCall
  ) {
    let peripheral = call[0]
    if peripheral >> 28 == 0xF {
      let bit: UInt32 = 1 << (peripheral & 0x1F)
      return call.change(
        group + (peripheral >> 8 & 0xFF), clear: bit, set: isSet ? bit : 0)
    }
    let bits = (peripheral & 0xFFFF) << (peripheral >> 16 & 0x1F)
    let legacy: [UInt32: UInt32] = [
      SystemControl.reset: 0x040, SystemControl.run: 0x100, SystemControl.sleep: 0x110,
      SystemControl.deepSleep: 0x120,
    ]
    guard let first = legacy[group], peripheral >> 28 < 3 else { return }
    call.change(
      SystemControl.base + first + (peripheral >> 28) * 4, clear: bits, set: isSet ? bits : 0)
  }

  private static func givePeripheral(_ group: UInt32, _ call: inout FirmwareCall) {
    call.give(call.load(group + (call[0] >> 8 & 0xFF)) >> (call[0] & 0x1F) & 1)
  }

  /// The argument has the bits of RCC and of RCC2 where they do not meet; bit 3 stands for OSCSRC2's upper one. The oscillator runs
  /// the core until the PLL has locked.
  private static func setClock(_ call: inout FirmwareCall) {
    typealias Bit = TM4CClockTree.Bit
    let wanted = call[0]
    let crystalAndSource: UInt32 = 0x7F0
    let divisors: UInt32 = 0x07C0_0000
    let divisor2: UInt32 = 0x1F80_0000
    let rccMask = crystalAndSource | divisors | Bit.powerDown | Bit.oscillatorOff | Bit.bypass
    let rcc2Mask =
      Bit.useRCC2 | 0x70 | divisor2 | Bit.powerDown | Bit.bypass | Bit.divide400 | 0x40_0000
    var rcc = call.load(SystemControl.rcc) & ~rccMask | wanted & rccMask
    var rcc2 = call.load(SystemControl.rcc2) & ~rcc2Mask
    rcc2 |= wanted & (Bit.useRCC2 | 0x30 | divisor2 | Bit.powerDown | Bit.bypass)
    rcc2 |= (wanted & 8) << 3
    if wanted & Bit.divide400 != 0 {
      rcc |= Bit.useDivisor
      rcc2 |= Bit.divide400 | wanted & 0x40_0000
    }
    if wanted & Bit.oscillatorOff == 0 {
      call.change(SystemControl.rcc, clear: Bit.oscillatorOff)
    }
    if wanted & Bit.bypass == 0 {
      if call.load(SystemControl.rcc) != rcc | Bit.bypass
        || call.load(SystemControl.rcc2) != rcc2 | Bit.bypass
      {
        call.store(SystemControl.pllLocked, SystemControl.maskedInterrupts)
        call.store(rcc2 | Bit.bypass | Bit.powerDown, SystemControl.rcc2)
        call.store(rcc | Bit.bypass | Bit.powerDown, SystemControl.rcc)
        call.store(rcc2 | Bit.bypass, SystemControl.rcc2)
        call.store(rcc | Bit.bypass, SystemControl.rcc)
      }
      if call.load(SystemControl.rawInterrupts) & SystemControl.pllLocked == 0 {
        return call.again()
      }
    }
    call.store(rcc2, SystemControl.rcc2)
    call.store(rcc, SystemControl.rcc)
  }

  // MARK: The core

  private enum CoreRegister {
    static let sysTickControl: UInt32 = 0xE000_E010
    static let enable: UInt32 = 0xE000_E100
    static let disable: UInt32 = 0xE000_E180
    static let pend: UInt32 = 0xE000_E200
    static let unpend: UInt32 = 0xE000_E280
    static let priorities: UInt32 = 0xE000_E400
    static let icsr: UInt32 = 0xE000_ED04
    static let aircr: UInt32 = 0xE000_ED0C
    static let systemPriorities: UInt32 = 0xE000_ED14
    static let shcsr: UInt32 = 0xE000_ED24
    static let cpacr: UInt32 = 0xE000_ED88
    static let mpuType: UInt32 = 0xE000_ED90
    static let mpuControl: UInt32 = 0xE000_ED94
    static let mpuNumber: UInt32 = 0xE000_ED98
    static let mpuBase: UInt32 = 0xE000_ED9C
    static let mpuAttributes: UInt32 = 0xE000_EDA0
    static let fpccr: UInt32 = 0xE000_EF34
    static let fpdscr: UInt32 = 0xE000_EF3C
    static let key: UInt32 = 0x05FA_0000
  }

  /// SHCSR's enable bits, by exception.
  private static let faultBits: [UInt32: UInt32] = [4: 1 << 16, 5: 1 << 17, 6: 1 << 18]

  static func interrupt(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let number = call[0]
    let irq = number &- 16
    switch name {
    case "IntEnable", "IntDisable":
      let isOn = name == "IntEnable"
      if let bit = faultBits[number] {
        call.change(CoreRegister.shcsr, clear: bit, set: isOn ? bit : 0)
      } else if number == 15 {
        call.change(CoreRegister.sysTickControl, clear: 2, set: isOn ? 2 : 0)
      } else if number >= 16 {
        let register = isOn ? CoreRegister.enable : CoreRegister.disable
        call.store(1 << (irq & 31), register + irq / 32 * 4)
      }
    case "IntIsEnabled":
      if let bit = faultBits[number] {
        call.give(call.load(CoreRegister.shcsr) & bit)
      } else if number == 15 {
        call.give(call.load(CoreRegister.sysTickControl) & 2)
      } else {
        call.give(
          number < 16 ? 0 : call.load(CoreRegister.enable + irq / 32 * 4) & 1 << (irq & 31))
      }
    case "IntPendSet":
      switch number {
      case 2: call.store(1 << 31, CoreRegister.icsr)
      case 14: call.store(1 << 28, CoreRegister.icsr)
      case 15: call.store(1 << 26, CoreRegister.icsr)
      default: if number >= 16 { call.store(1 << (irq & 31), CoreRegister.pend + irq / 32 * 4) }
      }
    case "IntPendClear":
      switch number {
      case 14: call.store(1 << 27, CoreRegister.icsr)
      case 15: call.store(1 << 25, CoreRegister.icsr)
      default: if number >= 16 { call.store(1 << (irq & 31), CoreRegister.unpend + irq / 32 * 4) }
      }
    case "IntPrioritySet":
      if let place = priority(number) { call.store(call[1] & 0xFF, place, width: 1) }
    case "IntPriorityGet":
      call.give(priority(number).map { call.load($0, width: 1) } ?? 0)
    case "IntPriorityGroupingSet":
      call.store(CoreRegister.key | (7 &- min(number, 7)) << 8, CoreRegister.aircr)
    case "IntPriorityGroupingGet":
      call.give(7 &- (call.load(CoreRegister.aircr) >> 8 & 7))
    case "IntPriorityMaskSet": call.basePriority = number & 0xE0
    case "IntPriorityMaskGet": call.give(call.basePriority)
    default: return false
    }
    return true
  }

  private static func priority(_ number: UInt32) -> UInt32? {
    switch number {
    case 4..<16: CoreRegister.systemPriorities + number
    case 16...: CoreRegister.priorities + number - 16
    default: nil
    }
  }

  static func mpu(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    switch name {
    case "MPUEnable": call.store(call[0] | 1, CoreRegister.mpuControl)
    case "MPUDisable": call.change(CoreRegister.mpuControl, clear: 1)
    case "MPURegionCountGet": call.give(call.load(CoreRegister.mpuType) >> 8 & 0xFF)
    case "MPURegionEnable", "MPURegionDisable":
      call.store(call[0], CoreRegister.mpuNumber)
      call.change(CoreRegister.mpuAttributes, clear: 1, set: name == "MPURegionEnable" ? 1 : 0)
    case "MPURegionSet":
      call.store(call[0], CoreRegister.mpuNumber)
      call.store(call[1] & ~0x1F | call[0] & 0xF | 0x10, CoreRegister.mpuBase)
      call.store(call[2], CoreRegister.mpuAttributes)
    case "MPURegionGet":
      call.store(call[0], CoreRegister.mpuNumber)
      call.store(call.load(CoreRegister.mpuBase) & ~0x1F, call[1])
      call.store(call.load(CoreRegister.mpuAttributes), call[2])
    default: return false
    }
    return true
  }

  static func fpu(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let (automatic, lazy): (UInt32, UInt32) = (1 << 31, 1 << 30)
    switch name {
    case "FPUEnable": call.change(CoreRegister.cpacr, set: 0xF << 20)
    case "FPUDisable": call.change(CoreRegister.cpacr, clear: 0xF << 20)
    case "FPUStackingEnable": call.change(CoreRegister.fpccr, clear: lazy, set: automatic)
    case "FPULazyStackingEnable": call.change(CoreRegister.fpccr, set: automatic | lazy)
    case "FPUStackingDisable": call.change(CoreRegister.fpccr, clear: automatic | lazy)
    case "FPUHalfPrecisionModeSet": call.change(CoreRegister.fpdscr, clear: 1 << 26, set: call[0])
    case "FPUNaNModeSet": call.change(CoreRegister.fpdscr, clear: 1 << 25, set: call[0])
    case "FPUFlushToZeroModeSet": call.change(CoreRegister.fpdscr, clear: 1 << 24, set: call[0])
    case "FPURoundingModeSet": call.change(CoreRegister.fpdscr, clear: 3 << 22, set: call[0])
    default: return false
    }
    return true
  }

  static func systemExceptions(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let (raw, mask, masked, clear): (UInt32, UInt32, UInt32, UInt32) = (
      0x400F_9000, 0x400F_9004, 0x400F_9008, 0x400F_900C
    )
    switch name {
    case "SysExcIntStatus": call.give(call.load(call[0] & 0xFF == 0 ? raw : masked))
    case "SysExcIntClear": call.store(call[0], clear)
    case "SysExcIntDisable": call.change(mask, clear: call[0])
    case "SysExcIntEnable": call.change(mask, set: call[0])
    default: return false
    }
    return true
  }
}
