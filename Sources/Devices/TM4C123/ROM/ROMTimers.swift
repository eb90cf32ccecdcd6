import Emu

/// The ROM's functions for SysTick, timers and watchdogs: TI's ROM user's guide SPMU367, the chapters of these names.
extension TM4CROM {
  // MARK: SysTick

  private enum SysTickRegister {
    static let control: UInt32 = 0xE000_E010
    static let reload: UInt32 = 0xE000_E014
  }

  static func sysTick(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    switch name {
    // ENABLE, and the core clock.
    case "SysTickEnable": call.change(SysTickRegister.control, set: 5)
    case "SysTickDisable": call.change(SysTickRegister.control, clear: 1)
    case "SysTickIntEnable": call.change(SysTickRegister.control, set: 2)
    case "SysTickIntDisable": call.change(SysTickRegister.control, clear: 2)
    case "SysTickPeriodSet": call.store(call[0] &- 1, SysTickRegister.reload)
    case "SysTickPeriodGet": call.give(call.load(SysTickRegister.reload) &+ 1)
    default: return false
    }
    return true
  }

  // MARK: Timers

  private enum Timer {
    static let configuration: UInt32 = 0x00
    static let modeA: UInt32 = 0x04
    static let modeB: UInt32 = 0x08
    static let control: UInt32 = 0x0C
    static let mask: UInt32 = 0x18
    static let raw: UInt32 = 0x1C
    static let masked: UInt32 = 0x20
    static let clear: UInt32 = 0x24
    static let loadA: UInt32 = 0x28
    static let matchA: UInt32 = 0x30
    static let prescaleA: UInt32 = 0x38
    static let prescaleMatchA: UInt32 = 0x40
    static let shownA: UInt32 = 0x48
    /// From a register of timer A to that of B.
    static let b: UInt32 = 4
    static let pwmInterrupt: UInt32 = 1 << 9
    /// TAEN and TBEN, and so on.
    static let enable: UInt32 = 0x101
    static let stall: UInt32 = 0x202
    static let event: UInt32 = 0xC0C
    static let rtc: UInt32 = 0x10
    static let trigger: UInt32 = 0x2020
    static let level: UInt32 = 0x4040
    static let waits: UInt32 = 0x40
  }

  static func timer(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let (base, which) = (call[0], call[1])
    switch name {
    case "TimerIntClear": call.store(which, base + Timer.clear)
    case "TimerIntEnable": call.change(base + Timer.mask, set: which)
    case "TimerIntDisable": call.change(base + Timer.mask, clear: which)
    case "TimerIntStatus": call.give(call.load(base + (which & 1 == 1 ? Timer.masked : Timer.raw)))
    case "TimerEnable": call.change(base + Timer.control, set: which & Timer.enable)
    case "TimerDisable": call.change(base + Timer.control, clear: which & Timer.enable)
    case "TimerConfigure":
      call.change(base + Timer.control, clear: Timer.enable)
      call.store(which >> 24, base + Timer.configuration)
      call.store(which & 0xFF | Timer.pwmInterrupt, base + Timer.modeA)
      call.store(which >> 8 & 0xFF | Timer.pwmInterrupt, base + Timer.modeB)
    case "TimerControlLevel": switchBits(Timer.level & which, &call)
    case "TimerControlTrigger": switchBits(Timer.trigger & which, &call)
    case "TimerControlStall": switchBits(Timer.stall & which, &call)
    case "TimerControlEvent":
      let mask = which & Timer.event
      call.change(base + Timer.control, clear: mask, set: mask & call[2])
    case "TimerRTCEnable": call.change(base + Timer.control, set: Timer.rtc)
    case "TimerRTCDisable": call.change(base + Timer.control, clear: Timer.rtc)
    case "TimerControlWaitOnTrigger":
      for address in halves(Timer.modeA, base, which) {
        call.change(address, clear: Timer.waits, set: call[2] & 1 == 1 ? Timer.waits : 0)
      }
    case "TimerPrescaleSet": setHalves(Timer.prescaleA, &call)
    case "TimerPrescaleMatchSet": setHalves(Timer.prescaleMatchA, &call)
    case "TimerLoadSet": setHalves(Timer.loadA, &call)
    case "TimerMatchSet": setHalves(Timer.matchA, &call)
    case "TimerPrescaleGet": giveHalf(Timer.prescaleA, &call)
    case "TimerPrescaleMatchGet": giveHalf(Timer.prescaleMatchA, &call)
    case "TimerLoadGet": giveHalf(Timer.loadA, &call)
    case "TimerMatchGet": giveHalf(Timer.matchA, &call)
    case "TimerValueGet": giveHalf(Timer.shownA, &call)
    // A 64-bit argument goes into r2 and r3.
    case "TimerLoadSet64":
      call.store(call[3], base + Timer.loadA + Timer.b)
      call.store(call[2], base + Timer.loadA)
    case "TimerMatchSet64":
      call.store(call[3], base + Timer.matchA + Timer.b)
      call.store(call[2], base + Timer.matchA)
    case "TimerLoadGet64": giveBoth(Timer.loadA, &call)
    case "TimerMatchGet64": giveBoth(Timer.matchA, &call)
    case "TimerValueGet64": giveBoth(Timer.shownA, &call)
    default: return false
    }
    return true
  }

  private static func switchBits(_ bits: UInt32, _ call: inout FirmwareCall) {
    call.change(call[0] + Timer.control, clear: bits, set: call[2] & 1 == 1 ? bits : 0)
  }

  /// The registers of timer A (0xFF), B (0xFF00) or both.
  private static func halves(_ register: UInt32, _ base: UInt32, _ which: UInt32) -> [UInt32] {
    [(UInt32(0xFF), UInt32(0)), (0xFF00, Timer.b)].compactMap { mask, offset in
      which & mask == 0 ? nil : base + register + offset
    }
  }

  private static func setHalves(_ register: UInt32, _ call: inout FirmwareCall) {
    for address in halves(register, call[0], call[1]) { call.store(call[2], address) }
  }

  private static func giveHalf(_ register: UInt32, _ call: inout FirmwareCall) {
    guard let address = halves(register, call[0], call[1]).first else { return }
    call.give(call.load(address))
  }

  private static func giveBoth(_ register: UInt32, _ call: inout FirmwareCall) {
    let base = call[0]
    let low = call.load(base + register)
    call.give(UInt64(low) | UInt64(call.load(base + register + Timer.b)) << 32)
  }

  // MARK: Watchdogs

  private enum Watchdog {
    static let load: UInt32 = 0x00
    static let value: UInt32 = 0x04
    static let control: UInt32 = 0x08
    static let clear: UInt32 = 0x0C
    static let raw: UInt32 = 0x10
    static let masked: UInt32 = 0x14
    static let test: UInt32 = 0x418
    static let lock: UInt32 = 0xC00
    static let key: UInt32 = 0x1ACC_E551
    static let stall: UInt32 = 1 << 8
  }

  static func watchdog(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let base = call[0]
    switch name {
    case "WatchdogIntClear": call.store(1, base + Watchdog.clear)
    case "WatchdogRunning": call.give(call.load(base + Watchdog.control) & 1)
    case "WatchdogEnable", "WatchdogIntEnable": call.change(base + Watchdog.control, set: 1)
    case "WatchdogResetEnable": call.change(base + Watchdog.control, set: 2)
    case "WatchdogResetDisable": call.change(base + Watchdog.control, clear: 2)
    case "WatchdogLock": call.store(0, base + Watchdog.lock)
    case "WatchdogUnlock": call.store(Watchdog.key, base + Watchdog.lock)
    case "WatchdogLockState": call.give(call.load(base + Watchdog.lock) == 1)
    case "WatchdogReloadSet": call.store(call[1], base + Watchdog.load)
    case "WatchdogReloadGet": call.give(call.load(base + Watchdog.load))
    case "WatchdogValueGet": call.give(call.load(base + Watchdog.value))
    case "WatchdogIntStatus":
      call.give(call.load(base + (call[1] & 1 == 1 ? Watchdog.masked : Watchdog.raw)))
    case "WatchdogStallEnable": call.change(base + Watchdog.test, set: Watchdog.stall)
    case "WatchdogIntTypeSet":
      call.change(base + Watchdog.control, clear: 4, set: call[1] & 4)
    case "WatchdogStallDisable": call.change(base + Watchdog.test, clear: Watchdog.stall)
    default: return false
    }
    return true
  }
}
