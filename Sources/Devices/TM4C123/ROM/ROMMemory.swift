import Emu

/// The ROM's functions for flash, the EEPROM and the hibernation module: TI's ROM user's guide SPMU367, chapters "Flash", "EEPROM" and
/// "Hibernation".
extension TM4CROM {
  // MARK: Flash

  private enum Flash {
    static let address: UInt32 = 0x400F_D000
    static let data: UInt32 = 0x400F_D004
    static let control: UInt32 = 0x400F_D008
    static let raw: UInt32 = 0x400F_D00C
    static let mask: UInt32 = 0x400F_D010
    static let status: UInt32 = 0x400F_D014
    static let userWords: UInt32 = 0x400F_E1E0
    static let readable: UInt32 = 0x400F_E200
    static let writable: UInt32 = 0x400F_E400

    static let write: UInt32 = 0xA442_0001
    static let erase: UInt32 = 0xA442_0002
    static let commit: UInt32 = 0xA442_0008
    /// What FMA calls USER_REG0.
    static let firstUserWord: UInt32 = 0x8000_0000
    /// ARIS, VOLTRIS, INVDRIS, ERRIS, PROGRIS.
    static let failures: UInt32 = 0x2E01
    static let eepromDone: UInt32 = 1 << 2
  }

  static func flash(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    switch name {
    case "FlashErase":
      call.store(Flash.failures, Flash.status)
      call.store(call[0], Flash.address)
      call.store(Flash.erase, Flash.control)
      giveFlashResult(&call)
    case "FlashProgram":
      call.store(Flash.failures, Flash.status)
      let (data, address) = (call[0], call[1])
      // More than flash has would be refused at its end.
      for offset in stride(from: 0, to: min(call[2], 1 << 20), by: 4) {
        let word = call.load(data &+ offset)
        call.store(address &+ offset, Flash.address)
        call.store(word, Flash.data)
        call.store(Flash.write, Flash.control)
      }
      giveFlashResult(&call)
    case "FlashProtectGet":
      // A bit for each 2 KiB. 0: read and write; 1: read only; 2: execute only.
      let block = call[0] / 2048
      let (register, bit) = (block / 32 % 4 * 4, block % 32)
      let isReadable = call.load(Flash.readable &+ register) >> bit & 1 == 1
      let isWritable = call.load(Flash.writable &+ register) >> bit & 1 == 1
      call.give(UInt32(!isReadable ? 2 : isWritable ? 0 : 1))
    case "FlashProtectSet": protectFlash(&call)
    case "FlashProtectSave":
      for register in 0..<8 as Range<UInt32> { commit(register, &call) }
      call.give(0 as UInt32)
    case "FlashUserSet":
      for number in 0..<2 as Range<UInt32> {
        call.store(call[Int(number)], Flash.userWords + 4 * number)
      }
      call.give(0 as UInt32)
    case "FlashUserSave":
      for number in 0..<2 as Range<UInt32> { commit(Flash.firstUserWord + number, &call) }
      call.give(0 as UInt32)
    case "FlashUserGet":
      for number in 0..<2 as Range<UInt32> {
        let word = call.load(Flash.userWords + 4 * number)
        call.store(word, call[Int(number)])
      }
      call.give(0 as UInt32)
    case "FlashIntEnable": call.change(Flash.mask, set: call[0])
    case "FlashIntDisable": call.change(Flash.mask, clear: call[0])
    case "FlashIntStatus": call.give(call.load(call[0] & 0xFF == 0 ? Flash.raw : Flash.status))
    case "FlashIntClear": call.store(call[0], Flash.status)
    default: return false
    }
    return true
  }

  private static func commit(_ register: UInt32, _ call: inout FirmwareCall) {
    call.store(register, Flash.address)
    call.store(Flash.commit, Flash.control)
  }

  /// 1 is read only, 2 execute only; no protection can be taken back.
  private static func protectFlash(_ call: inout FirmwareCall) {
    let block = call[0] / 2048
    let (register, bit) = (block / 32 % 4 * 4, UInt32(1) << (block % 32))
    let isReadable = call.load(Flash.readable &+ register) & bit != 0
    let isWritable = call.load(Flash.writable &+ register) & bit != 0
    switch call[1] {
    case 0 where isReadable && isWritable, 1 where isReadable, 2: break
    default: return call.give(UInt32.max)
    }
    if call[1] >= 1 { call.change(Flash.writable &+ register, clear: bit) }
    if call[1] == 2 { call.change(Flash.readable &+ register, clear: bit) }
    call.give(0 as UInt32)
  }

  /// 0, or -1.
  private static func giveFlashResult(_ call: inout FirmwareCall) {
    call.give(call.load(Flash.raw) & Flash.failures == 0 ? 0 : UInt32.max)
  }

  // MARK: EEPROM

  private enum EEPROM {
    static let size: UInt32 = 0x400A_F000
    static let block: UInt32 = 0x400A_F004
    static let offset: UInt32 = 0x400A_F008
    static let data: UInt32 = 0x400A_F010
    static let done: UInt32 = 0x400A_F018
    static let interrupt: UInt32 = 0x400A_F040
    static let unlock: UInt32 = 0x400A_F020
    static let protection: UInt32 = 0x400A_F030
    static let password: UInt32 = 0x400A_F034
    static let hide: UInt32 = 0x400A_F050
    static let massErase: UInt32 = 0x400A_F080
    static let bytesPerBlock: UInt32 = 64
    static let massEraseKey: UInt32 = 0xE37B_0001
  }

  static func eeprom(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    switch name {
    // 0: no error, neither by EESUPP.
    case "EEPROMInit", "EEPROMStatusGet": call.give(call.load(EEPROM.done))
    case "EEPROMSizeGet": call.give((call.load(EEPROM.size) & 0xFFFF) * 4)
    case "EEPROMBlockCountGet": call.give(call.load(EEPROM.size) >> 16 & 0x7FF)
    case "EEPROMRead":
      let (data, address) = (call[0], call[1])
      for offset in stride(from: 0, to: min(call[2] & ~3, 1 << 16), by: 4) {
        select(address &+ offset, &call)
        let word = call.load(EEPROM.data)
        call.store(word, data &+ offset)
      }
    case "EEPROMProgram":
      let (data, address) = (call[0], call[1])
      for offset in stride(from: 0, to: min(call[2] & ~3, 1 << 16), by: 4) {
        let word = call.load(data &+ offset)
        select(address &+ offset, &call)
        call.store(word, EEPROM.data)
      }
      call.give(call.load(EEPROM.done))
    case "EEPROMProgramNonBlocking":
      let word = call[0]
      select(call[1], &call)
      call.store(word, EEPROM.data)
      call.give(call.load(EEPROM.done))
    case "EEPROMMassErase":
      call.store(EEPROM.massEraseKey, EEPROM.massErase)
      call.give(call.load(EEPROM.done))
    case "EEPROMBlockProtectGet":
      call.store(call[0], EEPROM.block)
      call.give(call.load(EEPROM.protection))
    case "EEPROMBlockProtectSet":
      call.store(call[0], EEPROM.block)
      call.store(call[1], EEPROM.protection)
      call.give(call.load(EEPROM.done))
    case "EEPROMBlockPasswordSet":
      let (password, count) = (call[1], min(call[2], 3))
      call.store(call[0], EEPROM.block)
      for number in 0..<count {
        let word = call.load(password &+ 4 * number)
        call.store(word, EEPROM.password + 4 * number)
      }
      call.give(call.load(EEPROM.done))
    case "EEPROMBlockLock":
      call.store(call[0], EEPROM.block)
      call.store(.max, EEPROM.unlock)
      call.give(call.load(EEPROM.unlock))
    case "EEPROMBlockUnlock":
      let (password, count) = (call[1], min(call[2], 3))
      call.store(call[0], EEPROM.block)
      call.store(.max, EEPROM.unlock)
      for number in (0..<count).reversed() {
        let word = call.load(password &+ 4 * number)
        call.store(word, EEPROM.unlock)
      }
      call.give(call.load(EEPROM.unlock))
    case "EEPROMBlockHide": call.store(1 << (call[0] & 31), EEPROM.hide)
    // The interrupt is the flash controller's.
    case "EEPROMIntEnable":
      call.change(Flash.mask, set: Flash.eepromDone)
      call.change(EEPROM.interrupt, set: 1)
    case "EEPROMIntDisable":
      call.change(EEPROM.interrupt, clear: 1)
      call.change(Flash.mask, clear: Flash.eepromDone)
    case "EEPROMIntStatus":
      let status = call.load(call[0] & 0xFF == 0 ? Flash.raw : Flash.status)
      call.give(status & Flash.eepromDone)
    case "EEPROMIntClear": call.store(Flash.eepromDone, Flash.status)
    default: return false
    }
    return true
  }

  /// By its address in bytes.
  private static func select(_ address: UInt32, _ call: inout FirmwareCall) {
    call.store(address / EEPROM.bytesPerBlock, EEPROM.block)
    call.store(address % EEPROM.bytesPerBlock / 4, EEPROM.offset)
  }

  // MARK: Hibernation

  private enum Hibernation {
    static let counter: UInt32 = 0x400F_C000
    static let load: UInt32 = 0x400F_C00C
    static let control: UInt32 = 0x400F_C010
    static let mask: UInt32 = 0x400F_C014
    static let raw: UInt32 = 0x400F_C018
    static let masked: UInt32 = 0x400F_C01C
    static let clear: UInt32 = 0x400F_C020
    static let trim: UInt32 = 0x400F_C024
    static let fraction: UInt32 = 0x400F_C028
    static let data: UInt32 = 0x400F_C030
    // Of HIBCTL.
    static let rtc: UInt32 = 1 << 0
    static let request: UInt32 = 1 << 1
    static let clock: UInt32 = 1 << 6
    static let batteryCheck: UInt32 = 1 << 10
    static let wake: UInt32 = 0x218
    static let lowBattery: UInt32 = 0x60A0
    static let oscillator: UInt32 = 0x3_0000
  }

  static func hibernation(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    typealias H = Hibernation
    switch name {
    case "HibernateIntClear": call.store(call[0], H.clear)
    case "HibernateEnableExpClk": call.change(H.control, set: H.clock)
    case "HibernateDisable": call.change(H.control, clear: H.clock)
    case "HibernateRTCEnable": call.change(H.control, set: H.rtc)
    case "HibernateRTCDisable": call.change(H.control, clear: H.rtc)
    case "HibernateWakeSet": call.change(H.control, clear: H.wake, set: call[0] & H.wake)
    case "HibernateWakeGet": call.give(call.load(H.control) & H.wake)
    case "HibernateLowBatSet":
      call.change(H.control, clear: H.lowBattery, set: call[0] & H.lowBattery)
    case "HibernateLowBatGet": call.give(call.load(H.control) & H.lowBattery)
    case "HibernateRTCSet": call.store(call[0], H.load)
    case "HibernateRTCGet": call.give(call.load(H.counter))
    case "HibernateRTCTrimSet": call.store(call[0], H.trim)
    case "HibernateRTCTrimGet": call.give(call.load(H.trim))
    case "HibernateRTCSSGet": call.give(call.load(H.fraction) & 0x7FFF)
    case "HibernateDataSet", "HibernateDataGet":
      for number in 0..<min(call[1], 16) {
        let (word, register) = (call[0] &+ 4 * number, H.data + 4 * number)
        let value = call.load(name == "HibernateDataSet" ? word : register)
        call.store(value, name == "HibernateDataSet" ? register : word)
      }
    case "HibernateRequest": call.change(H.control, set: H.request)
    case "HibernateIntEnable": call.change(H.mask, set: call[0])
    case "HibernateIntDisable": call.change(H.mask, clear: call[0])
    case "HibernateIntStatus": call.give(call.load(call[0] & 0xFF == 0 ? H.raw : H.masked))
    case "HibernateIsActive": call.give(call.load(H.control) & H.clock != 0)
    case "HibernateClockConfig":
      call.change(H.control, clear: H.oscillator, set: call[0] & H.oscillator)
    case "HibernateBatCheckStart": call.change(H.control, set: H.batteryCheck)
    case "HibernateBatCheckDone": call.give(call.load(H.control) & H.batteryCheck)
    default: return false
    }
    return true
  }
}
