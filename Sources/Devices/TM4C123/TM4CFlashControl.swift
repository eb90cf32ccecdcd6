import Emu

/// The flash memory controller of the TM4C123GH6PM: datasheet SPMS376E, section 8.2.3, "Flash Memory", and the registers of
/// section 8.4.
///
/// A store to FMC or FMC2 with the key 0xA442 erases a page of 1 KiB or everything, or clears bits of a word or of up to 32
/// buffered ones: "programming ... can only change bits from 1 to 0". It is done within that store; the chip takes up to 50 us
/// for a word and 15 ms for a page. An address beyond the flash is refused with ARIS. The EEPROM's interrupt is this one's ERIS: each change
/// of input 0. What FMPPEn, which are system control's, protect is neither erased nor programmed, which is ARIS as well.
///
/// COMT makes what those registers have now outlast a power cycle. A run has none, so there is nothing that it changes; user words
/// and the boot configuration are committed once.
public struct TM4CFlashControl: Device {
  public static var reachesMemory: Bool { true }

  public struct State: Codable, Hashable, Sendable {
    var address: UInt32 = 0
    var data: UInt32 = 0
    var raw: UInt16 = 0
    var mask: UInt16 = 0
    var buffer = [UInt32](repeating: 0, count: 32)
    /// FWBVAL: which words of the buffer were written.
    var valid: UInt32 = 0
    var eepromInput = false
    /// Of `once`.
    var committed: UInt8 = 0
  }
  public var state = State()
  let size: UInt32
  public let map: RegisterMap

  /// - Parameter size: bytes of flash, at 0.
  public init(size: UInt32) {
    self.size = size
    map = RegisterMap(Self.registers(size))
  }

  private enum Offset {
    static let address: UInt64 = 0x000
    static let data: UInt64 = 0x004
    static let control: UInt64 = 0x008
    static let raw: UInt64 = 0x00C
    static let mask: UInt64 = 0x010
    static let maskedAndClear: UInt64 = 0x014
    static let control2: UInt64 = 0x020
    static let valid: UInt64 = 0x030
    static let buffer: UInt64 = 0x100
    static let bufferEnd: UInt64 = 0x180
    static let flashSize: UInt64 = 0xFC0
    static let memorySize: UInt64 = 0xFC4
  }

  private enum Command {
    static let write: UInt32 = 1 << 0
    static let erase: UInt32 = 1 << 1
    static let massErase: UInt32 = 1 << 2
    static let commit: UInt32 = 1 << 3
    static let all: UInt32 = 0xF
  }

  private enum Interrupt {
    static let access: UInt16 = 1 << 0
    static let done: UInt16 = 1 << 1
    static let eeprom: UInt16 = 1 << 2
    static let all: UInt16 = 0x2E07
  }

  private static let key: UInt32 = 0xA442
  static let pageSize: UInt32 = 1024

  private static func registers(_ size: UInt32) -> [RegisterMap.Register] {
    let commands: [RegisterMap.Field] = [
      .init("WRITE", 0), .init("ERASE", 1), .init("MERASE", 2),
      .init("COMT", 3), .init("WRKEY", 16...31),
    ]
    let interrupts: [RegisterMap.Field] = [
      .init("A", 0), .init("P", 1), .init("E", 2), .init("VOLT", 9), .init("INVD", 10),
      .init("ER", 11), .init("PROG", 13),
    ]
    return [
      .init("FMA", Offset.address), .init("FMD", Offset.data),
      .init("FMC", Offset.control, fields: commands),
      .init("FCRIS", Offset.raw, .readOnly, fields: interrupts),
      .init("FCIM", Offset.mask, fields: interrupts),
      .init("FCMISC", Offset.maskedAndClear, fields: interrupts),
      .init("FMC2", Offset.control2, fields: [.init("WRBUF", 0), .init("WRKEY", 16...31)]),
      .init("FWBVAL", Offset.valid),
      .init("FWB", Offset.buffer, count: 32),
      .init("FSIZE", Offset.flashSize, .readOnly, reset: UInt64(size / 2048 - 1)),
      .init("SSIZE", Offset.memorySize, .readOnly, reset: 0x7F),
      .init("ROMSWMAP", 0xFCC, .readOnly),
    ]
  }

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.buffer.count == 32
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.address: UInt64(state.address & Self.addressMask)
    case Offset.data: UInt64(state.data)
    case Offset.raw: UInt64(state.raw)
    case Offset.mask: UInt64(state.mask)
    case Offset.maskedAndClear: UInt64(state.raw & state.mask)
    case Offset.valid: UInt64(state.valid)
    case Offset.buffer..<Offset.bufferEnd:
      UInt64(state.buffer[Int(access.offset - Offset.buffer) / 4])
    case Offset.flashSize: UInt64(size / 2048 - 1)
    case Offset.memorySize: 0x7F
    // "... reads as zero when the previous access has completed."
    default: 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let word = UInt32(truncatingIfNeeded: value)
    switch access.offset {
    case Offset.address: state.address = word
    case Offset.data: state.data = word
    case Offset.control: run(word, port)
    case Offset.mask: state.mask = UInt16(truncatingIfNeeded: word) & Interrupt.all
    case Offset.maskedAndClear: state.raw &= ~UInt16(truncatingIfNeeded: word)
    case Offset.control2: if word & 1 == 1 && isKeyed(word, port) { programBuffer(port) }
    case Offset.valid: state.valid = word
    case Offset.buffer..<Offset.bufferEnd:
      let place = Int(access.offset - Offset.buffer) / 4
      state.buffer[place] = word
      state.valid |= 1 << UInt32(place)
    default: break
    }
  }

  private func isKeyed(_ word: UInt32, _ port: DevicePort) -> Bool {
    if word >> 16 == Self.key { return true }
    port.guestError("FMC or FMC2 written without its key")
    return false
  }

  private mutating func run(_ word: UInt32, _ port: DevicePort) {
    guard word & Command.all != 0, isKeyed(word, port) else { return }
    if word & Command.write != 0 {
      program(state.data, at: place & ~3, port)
    } else if word & Command.erase != 0 {
      erase(from: place & ~(Self.pageSize - 1), count: Self.pageSize, port)
    } else if word & Command.massErase != 0 {
      erase(from: 0, count: size, port)
    } else if word & Command.commit != 0 {
      commit(port)
    }
    state.raw |= Interrupt.done
  }

  /// Of FMA, in flash.
  private var place: UInt32 { state.address & Self.addressMask }
  private static let addressMask: UInt32 = 0x3_FFFF

  /// What FMA calls the registers that can be committed once: USER_REG0 to 3, BOOTCFG.
  private static let once: [UInt32] = [
    0x8000_0000, 0x8000_0001, 0x8000_0002, 0x8000_0003, 0x7510_0000,
  ]

  private mutating func commit(_ port: DevicePort) {
    if let number = Self.once.firstIndex(of: state.address) {
      if state.committed >> UInt8(number) & 1 == 1 {
        port.guestError("a second commit of what is committed once", value: UInt64(state.address))
      }
      state.committed |= 1 << UInt8(number)
    } else if state.address >= 8 {
      // FMPRE0, FMPPE0, FMPRE1 ... are 0 to 7.
      state.raw |= Interrupt.access
      port.guestError("a commit of no register", value: UInt64(state.address))
    }
  }

  private mutating func erase(from address: UInt32, count: UInt32, _ port: DevicePort) {
    let pages = stride(from: address, to: min(address + count, size), by: Int(Self.pageSize))
    guard address < size, pages.allSatisfy({ port.mayProgram(UInt64($0)) }) else {
      state.raw |= Interrupt.access
      return
    }
    port.memory.write([UInt8](repeating: 0xFF, count: Int(count)), at: UInt64(address))
  }

  private mutating func program(_ word: UInt32, at address: UInt32, _ port: DevicePort) {
    guard address < size, port.mayProgram(UInt64(address)),
      let old = port.memory.load(UInt64(address), as: UInt32.self)
    else {
      state.raw |= Interrupt.access
      return
    }
    port.memory.store(old & word, at: UInt64(address))
  }

  /// "FMA ... the base address of a 32-word block".
  private mutating func programBuffer(_ port: DevicePort) {
    let base = place & ~0x7F
    for place in 0..<32 as Range<UInt32> where state.valid >> place & 1 == 1 {
      program(state.buffer[Int(place)], at: base + 4 * place, port)
    }
    state.valid = 0
    state.raw |= Interrupt.done
  }

  public mutating func input(_ line: Int, _ level: Bool, _ port: inout DevicePort) {
    if line != 0 || state.eepromInput == level { return }
    state.eepromInput = level
    state.raw |= Interrupt.eeprom
  }

  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let input = state.eepromInput
    state = initial
    state.eepromInput = input
  }

  public var lines: LineSet { LineSet(level: state.raw & state.mask != 0) }
}
