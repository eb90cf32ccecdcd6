import Emu

/// The EEPROM of the TM4C123GH6PM: datasheet SPMS376E, section 8.2.4, "EEPROM". 2 KiB in 32 blocks of 16 words, all ones when new.
///
/// A word is read and programmed through EERDWR at block and offset; EERDWRINC goes on to the next of the 16. It is done within the
/// store. What is in it outlasts every reset.
///
/// A block may have a password of one to three words, and EEPROT says what a locked one still allows: 0 loads, 1 nothing; 2 loads
/// alone, with a password only while it is unlocked. A load that is not allowed is all ones, a store sets EEDONE.NOPERM. Each reset
/// locks what has a password, and while block 0 is locked no other can be chosen. EEHIDE hides blocks until the next reset.
/// EEPASSn are written once, word for word from EEPASS0 on; EEUNLOCK takes the words in the other order, as the vendor's library
/// gives them.
///
/// Line 0 changes its level with each end of programming while EEINT says so: the interrupt is the flash controller's.
public struct TM4CEEPROM: Device {
  public struct State: Codable, Hashable, Sendable {
    var block: UInt16 = 0
    var offset: UInt8 = 0
    var mask: UInt8 = 0
    var isDone = false
    var words = [UInt32](repeating: .max, count: TM4CEEPROM.count)
    /// By block: what outlasts a reset, and its password.
    var locks = [Lock](repeating: Lock(), count: TM4CEEPROM.blocks)
    /// A bit a block.
    var unlocked: UInt32 = .max
    var hidden: UInt32 = 0
    /// The words that EEUNLOCK had last, the latest first.
    var tried: [UInt32] = []
    var isRefused = false
  }

  struct Lock: Codable, Hashable, Sendable {
    var protection: UInt8 = 0
    var password: [UInt32] = []
  }
  public var state = State()

  static let count = 512
  static let blocks = 32
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
    static let unlock: UInt64 = 0x020
    static let protection: UInt64 = 0x030
    static let password: UInt64 = 0x034
    static let passwordEnd: UInt64 = 0x040
    static let interrupt: UInt64 = 0x040
    static let hide: UInt64 = 0x050
    static let massErase: UInt64 = 0x080
    static let properties: UInt64 = 0xFC0
  }

  /// 32 blocks, 512 words.
  private static let size: UInt64 = 0x0020_0200
  private static let properties: UInt64 = 0x1F
  private static let massEraseKey: UInt64 = 0xE37B
  /// EEDONE.NOPERM.
  private static let refused: UInt64 = 1 << 4
  /// EEPROT.ACC.
  private static let supervisorOnly: UInt8 = 1 << 3

  public let map = RegisterMap([
    .init("EESIZE", Offset.size, .readOnly, reset: size),
    .init("EEBLOCK", Offset.block), .init("EEOFFSET", Offset.offset),
    .init("EERDWR", Offset.data, reset: 0xFFFF_FFFF),
    .init("EERDWRINC", Offset.dataAndNext, reset: 0xFFFF_FFFF),
    .init(
      "EEDONE", Offset.done, .readOnly,
      fields: [
        .init("WORKING", 0), .init("WKERASE", 2), .init("WKCOPY", 3), .init("NOPERM", 4),
        .init("WRBUSY", 5),
      ]),
    .init("EESUPP", Offset.support), .init("EEUNLOCK", Offset.unlock, reset: 1),
    .init("EEPROT", Offset.protection, fields: [.init("PROT", 0...2), .init("ACC", 3)]),
    .init("EEPASS", Offset.password, count: 3), .init("EEINT", Offset.interrupt),
    .init("EEHIDE", Offset.hide), .init("EEDBGME", Offset.massErase),
    .init("EEPROMPP", Offset.properties, .readOnly, reset: properties),
  ])

  private var place: Int {
    (Int(state.block) * Self.wordsPerBlock + Int(state.offset)) % Self.count
  }

  /// "... the offset is incremented by 1; the value wraps around within the block".
  private mutating func goOn() { state.offset = (state.offset + 1) & 0xF }

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.words.count == Self.count && state.offset < 16 && state.block < Self.blocks
      && state.tried.count <= 3 && state.locks.count == Self.blocks
      && state.locks.allSatisfy { $0.password.count <= 3 }
  }

  // MARK: Locks

  private var lock: Lock { state.locks[Int(state.block)] }
  private var isUnlocked: Bool { state.unlocked >> UInt32(state.block) & 1 == 1 }

  /// May the chosen block be loaded from, or stored to?
  private func allows(store: Bool, _ access: Access) -> Bool {
    let isForSupervisors =
      (lock.protection | state.locks[0].protection) & Self.supervisorOnly != 0
    if isForSupervisors && !access.privileged { return false }
    return switch lock.protection & 7 {
    case 1: isUnlocked
    case 2: !store && isUnlocked
    default: !store || isUnlocked
    }
  }

  private mutating func select(_ block: UInt64) {
    state.tried = []
    // While block 0 is locked it stays chosen, and what is hidden or not there is block 0 as well.
    let isThere = block < UInt64(Self.blocks) && state.hidden >> UInt32(block & 31) & 1 == 0
    state.block = isThere && state.unlocked & 1 == 1 ? UInt16(block) : 0
  }

  private mutating func unlock(_ word: UInt32) {
    let bit: UInt32 = 1 << UInt32(state.block)
    if lock.password.isEmpty { return }
    if word == .max {
      state.tried = []
      state.unlocked &= ~bit
      return
    }
    state.tried = Array(([word] + state.tried).prefix(3))
    if state.tried.starts(with: lock.password) { state.unlocked |= bit }
  }

  private mutating func setPassword(_ number: Int, _ word: UInt32) {
    let isNext = lock.password.count == number && word != .max
    state.isRefused = !isNext || !isUnlocked
    if !state.isRefused { state.locks[Int(state.block)].password.append(word) }
  }

  private mutating func program(_ word: UInt32, _ access: Access) {
    state.isRefused = !allows(store: true, access)
    if !state.isRefused { state.words[place] = word }
    finish()
  }

  private mutating func finish() { if state.mask == 1 { state.isDone.toggle() } }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case Offset.size: return Self.size
    case Offset.block: return UInt64(state.block)
    case Offset.offset: return UInt64(state.offset)
    case Offset.data, Offset.dataAndNext:
      defer { if access.offset == Offset.dataAndNext { goOn() } }
      return UInt64(allows(store: false, access) ? state.words[place] : .max)
    case Offset.done: return state.isRefused ? Self.refused : 0
    case Offset.unlock: return isUnlocked ? 1 : 0
    case Offset.protection: return UInt64(lock.protection)
    // Is there one? Not which.
    case Offset.password..<Offset.passwordEnd:
      return lock.password.count > Int(access.offset - Offset.password) / 4 ? 1 : 0
    case Offset.hide: return UInt64(state.hidden)
    case Offset.interrupt: return UInt64(state.mask)
    case Offset.properties: return Self.properties
    default: return 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let word = UInt32(truncatingIfNeeded: value)
    switch access.offset {
    case Offset.block: select(value & 0xFFFF)
    case Offset.offset: state.offset = UInt8(value & 0xF)
    case Offset.data, Offset.dataAndNext:
      program(word, access)
      if access.offset == Offset.dataAndNext { goOn() }
    case Offset.unlock: unlock(word)
    case Offset.protection:
      state.isRefused = !isUnlocked
      if isUnlocked { state.locks[Int(state.block)].protection = UInt8(value & 0xF) }
      finish()
    case Offset.password..<Offset.passwordEnd:
      setPassword(Int(access.offset - Offset.password) / 4, word)
      finish()
    // Block 0 cannot be hidden, and nothing but a reset shows one again.
    case Offset.hide: state.hidden |= word & ~1
    case Offset.interrupt: state.mask = UInt8(value & 1)
    case Offset.massErase:
      if value >> 16 & 0xFFFF == Self.massEraseKey && value & 1 == 1 {
        let initial = State()
        (state.words, state.locks) = (initial.words, initial.locks)
        (state.unlocked, state.isRefused) = (initial.unlocked, false)
        finish()
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
    state.locks = before.locks
    state.unlocked = 0
    for (block, lock) in state.locks.enumerated() where lock.password.isEmpty {
      state.unlocked |= 1 << UInt32(block)
    }
  }
}
