/// A small serial EEPROM on a bus that a board has: Microchip's 24LC32A and its like on I2C (DS20001713), 25LC320A and its like on
/// SPI (DS20002131). Addresses have a byte up to 256 bytes of content, two above. What is written stays within its page, and the
/// write cycle begins with the stop or the end of the selection; until it is over an I2C part does not acknowledge, and an SPI part shows
/// WIP. Block protection and WP are not modelled.
public struct SerialEEPROM: Codable, Hashable, Sendable {
  public private(set) var bytes: [UInt8]
  private let page: Int
  private let writeCycle: UInt64
  /// When the write cycle is over, in nanoseconds.
  private var readyAt: UInt64 = 0
  private var address = 0
  /// Bytes that wait for the write cycle, and their addresses.
  private var written: [UInt8] = []
  private var places: [Int] = []
  /// What came since the selection, up to the address: SPI's instruction, then address bytes.
  private var head: [UInt8] = []
  /// SPI: WREN.
  private var isUnlocked = false
  private var isSelected = false

  /// - Parameters:
  ///   - bytes: what is in it: a power of two of them, at most 64 KiB.
  ///   - page: bytes of a page, a power of two.
  ///   - writeCycle: in nanoseconds.
  public init(_ bytes: [UInt8], page: Int = 32, writeCycle: UInt64 = 5_000_000) {
    precondition(
      bytes.count & (bytes.count - 1) == 0 && 1...65_536 ~= bytes.count,
      "an EEPROM of \(bytes.count) bytes")
    precondition(page > 0 && page & (page - 1) == 0, "pages of \(page) bytes")
    self.bytes = bytes
    self.page = page
    self.writeCycle = writeCycle
  }

  /// Could the one on a bus be so? None where none is.
  static func isSound(_ one: SerialEEPROM?, like other: SerialEEPROM?) -> Bool {
    guard let one, let other else { return one == nil && other == nil }
    let places = [one.address] + one.places
    return one.bytes.count == other.bytes.count && one.page == other.page
      && one.writeCycle == other.writeCycle && one.readyAt < 1 << 62
      && places.allSatisfy(one.bytes.indices.contains) && one.written.count == one.places.count
      && one.head.count <= 8
  }

  private var addressBytes: Int { bytes.count > 256 ? 2 : 1 }
  private func isBusy(_ now: UInt64) -> Bool { now < readyAt }

  private mutating func put(_ byte: UInt8) {
    written.append(byte)
    places.append(address)
    address = address & ~(page - 1) | (address + 1) & (page - 1)
  }

  private mutating func get() -> UInt8 {
    defer { address = (address + 1) & (bytes.count - 1) }
    return bytes[address]
  }

  private mutating func setAddress(_ head: ArraySlice<UInt8>) {
    address = head.reduce(0) { $0 << 8 | Int($1) } & (bytes.count - 1)
  }

  private mutating func commit(_ now: UInt64) {
    if written.isEmpty { return }
    for (place, byte) in zip(places, written) { bytes[place] = byte }
    written = []
    places = []
    readyAt = now + writeCycle
    isUnlocked = false
  }

  // MARK: I2C

  /// A start condition and the control byte; `isWrite` is its last bit, inverted. True: acknowledged.
  mutating func start(isWrite: Bool, _ now: UInt64) -> Bool {
    written = []
    places = []
    isSelected = !isBusy(now)
    if isWrite { head = [] }
    return isSelected
  }

  mutating func write(_ byte: UInt8) -> Bool {
    if !isSelected { return false }
    if head.count < addressBytes {
      head.append(byte)
      if head.count == addressBytes { setAddress(head[...]) }
    } else {
      put(byte)
    }
    return true
  }

  mutating func read() -> UInt8 { isSelected ? get() : 0xFF }

  mutating func stop(_ now: UInt64) {
    if isSelected { commit(now) }
    isSelected = false
  }

  // MARK: SPI

  private enum Instruction {
    static let writeStatus: UInt8 = 0x01
    static let write: UInt8 = 0x02
    static let read: UInt8 = 0x03
    static let disableWrite: UInt8 = 0x04
    static let readStatus: UInt8 = 0x05
    static let enableWrite: UInt8 = 0x06
  }

  mutating func select() { head = [] }

  /// A byte each way.
  mutating func exchange(_ byte: UInt8, _ now: UInt64) -> UInt8 {
    guard let instruction = head.first else {
      head = [byte]
      if isBusy(now) { return 0xFF }
      if byte == Instruction.enableWrite { isUnlocked = true }
      if byte == Instruction.disableWrite { isUnlocked = false }
      return 0xFF
    }
    // WIP and WEL.
    if instruction == Instruction.readStatus {
      return (isBusy(now) ? 1 : 0) | (isUnlocked ? 2 : 0)
    }
    if isBusy(now) || instruction != Instruction.read && instruction != Instruction.write {
      return 0xFF
    }
    if head.count <= addressBytes {
      head.append(byte)
      if head.count > addressBytes { setAddress(head[1...]) }
      return 0xFF
    }
    if instruction == Instruction.read { return get() }
    if isUnlocked { put(byte) }
    return 0xFF
  }

  mutating func deselect(_ now: UInt64) {
    commit(now)
    head = []
  }
}
