import Emu

/// The EEPROM of the TM4C123GH6PM: datasheet SPMS376E, section 8.2.4, "EEPROM". 2 KiB in 32 blocks of 16 words, all ones when new.
///
/// A word is read and programmed through EERDWR at block and offset; EERDWRINC goes on to the next of the 16. It is done within the
/// store. What is in it outlasts every reset. Passwords, hiding and protection of blocks are declared, not modelled.
///
/// Line 0 changes its level with each end of programming while EEINT says so: the interrupt is the flash controller's.
public struct TM4CEEPROM: Device {
  public struct State: Codable, Hashable, Sendable {
    var block: UInt16 = 0
    var offset: UInt8 = 0
    var mask: UInt8 = 0
    var isDone = false
    var words = [UInt32](repeating: .max, count: TM4CEEPROM.count)
  }
  public var state = State()

  static let count = 512
  private static let wordsPerBlock = 16

  public init() {}

  private enum Offset {
    static let size: UInt64 = 0x000
    static let block: UInt64 = 0x004
    static let offset: UInt64 = 0x008
    static let data: UInt64 = 0x010
    static let dataAndNext: UInt64 = 0x014
    static let done: UInt64 = 0x018
    static let support: UInt64 = 0x01C
    static let interrupt: UInt64 = 0x040
    static let massErase: UInt64 = 0x080
    static let properties: UInt64 = 0xFC0
  }

  /// 32 blocks, 512 words.
  private static let size: UInt64 = 0x0020_0200
  private static let properties: UInt64 = 0x1F
  private static let massEraseKey: UInt64 = 0xE37B

  public let map = RegisterMap([
    .init("EESIZE", Offset.size, .readOnly, reset: size),
    .init("EEBLOCK", Offset.block), .init("EEOFFSET", Offset.offset),
    .init("EERDWR", Offset.data, reset: 0xFFFF_FFFF),
    .init("EERDWRINC", Offset.dataAndNext, reset: 0xFFFF_FFFF),
    .init("EEDONE", Offset.done, .readOnly), .init("EESUPP", Offset.support),
    .notModelled("EEUNLOCK", 0x020), .notModelled("EEPROT", 0x030),
    .notModelled("EEPASS0", 0x034), .notModelled("EEPASS1", 0x038),
    .notModelled("EEPASS2", 0x03C), .init("EEINT", Offset.interrupt),
    .notModelled("EEHIDE", 0x050), .init("EEDBGME", Offset.massErase),
    .init("EEPROMPP", Offset.properties, .readOnly, reset: properties),
  ])

  private var place: Int {
    (Int(state.block) * Self.wordsPerBlock + Int(state.offset)) % Self.count
  }

  /// "... the offset is incremented by 1; the value wraps around within the block".
  private mutating func goOn() { state.offset = (state.offset + 1) & 0xF }

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.words.count == Self.count && state.offset < 16
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.size: return Self.size
    case Offset.block: return UInt64(state.block)
    case Offset.offset: return UInt64(state.offset)
    case Offset.data: return UInt64(state.words[place])
    case Offset.dataAndNext:
      defer { goOn() }
      return UInt64(state.words[place])
    case Offset.interrupt: return UInt64(state.mask)
    case Offset.properties: return Self.properties
    default: return 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    switch access.offset {
    case Offset.block: state.block = UInt16(value & 0x1F)
    case Offset.offset: state.offset = UInt8(value & 0xF)
    case Offset.data, Offset.dataAndNext:
      state.words[place] = UInt32(truncatingIfNeeded: value)
      if access.offset == Offset.dataAndNext { goOn() }
      if state.mask == 1 { state.isDone.toggle() }
    case Offset.interrupt: state.mask = UInt8(value & 1)
    case Offset.massErase:
      if value >> 16 & 0xFFFF == Self.massEraseKey && value & 1 == 1 {
        state.words = [UInt32](repeating: .max, count: Self.count)
        if state.mask == 1 { state.isDone.toggle() }
      }
    default: break
    }
  }

  public var lines: LineSet { LineSet(level: state.isDone) }

  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    let before = state
    state = initial
    state.words = before.words
    state.isDone = before.isDone
  }
}
