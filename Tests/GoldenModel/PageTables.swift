/// Two trees: code at its physical address for S mode and 1 GiB higher for U mode, and pages of the data under random entries.
///
/// Page 0 and 1 hold the roots of Sv39, 2 the level below for U mode's code, 3 that for the random pages, 4 to 7 random leaves; 8 and 9 the
/// roots of Sv48, above those of Sv39, and 10 and 11 those of Sv57.
enum PageTables {
  static let randomSpaces: [UInt64] = [
    0x1_0000_0000, 0x1_0020_0000, 0x1_0040_0000, 0x1_0060_0000, 0x1_0080_0000,
  ]
  private static let pages = 12
  /// `satp.MODE` with the page of the first tree's root.
  static let modes = [Mode(mode: 8, page: 0), Mode(mode: 9, page: 8), Mode(mode: 10, page: 10)]

  struct Mode {
    let mode: UInt64
    fileprivate let page: Int

    /// `satp.PPN`.
    func root(_ tree: Int) -> UInt64 {
      (Guest.base + UInt64(Guest.tables)) >> 12 + UInt64(page + tree)
    }
  }

  private static func frame(_ physical: UInt64) -> UInt64 { (physical >> 12) << 10 }

  private static func pointer(_ page: Int) -> UInt64 {
    frame(Guest.base + UInt64(Guest.tables + page * 4096)) | 1
  }

  /// Permissions as they come, on a page of the data; now and then on none, or with a bit that is reserved.
  static func leaf(_ random: inout Random) -> UInt64 {
    var flags = UInt64(
      random.pick([0xF, 0x7, 0x3, 0xB, 0x9, 0x5, 0xD, 0x1, 0x17, 0x1F, 0x13, 0x1B, 0x19, 0x0, 0xE]))
    if random.oneIn(3) { flags ^= 0x10 }
    if random.oneIn(8) { flags |= 0x20 }
    flags |= 0x300 & random.next()
    flags |= random.pick([0xC0, 0xC0, 0xC0, 0x40, 0x80, 0])
    let physical: UInt64 =
      random.oneIn(12)
      ? random.pick([0x9000_0000, 0x1_0000_0000_0000, 0xA000_0000])
      : Guest.base + UInt64(Guest.data + random.below(Guest.dataSize / 4096) * 4096)
    var entry = frame(physical) | flags
    if random.oneIn(24) { entry |= 1 << (54 + random.next() % 10) }
    return entry
  }

  /// The offset of some entry of theirs.
  static func randomEntry(_ random: inout Random) -> Int {
    switch random.below(16) {
    case 0, 1: return 3 * 4096 + random.below(6) * 8
    case 2: return (8 + random.below(4)) * 4096 + (1 + random.below(511)) * 8
    default: return (4 + random.below(4)) * 4096 + random.below(16) * 8
    }
  }

  static func random(_ random: inout Random) -> [UInt8] {
    var words = [UInt64](repeating: 0, count: pages * 512)
    let full: UInt64 = 0xCF
    for root in [0, 1] {
      words[root * 512] = leaf(&random)
      words[root * 512 + 3] = pointer(2)
      words[root * 512 + 2] = frame(Guest.base) | full
      // A gigapage that is not aligned, and one with nothing behind it.
      words[root * 512 + 1] = frame(Guest.base + 0x1000) | full
      words[root * 512 + 4] = pointer(3)
    }
    words[512 + 5] = pointer(4)
    words[2 * 512] = frame(Guest.base) | full | 0x10
    for number in 0..<4 {
      words[3 * 512 + number] = random.oneIn(6) ? leaf(&random) : pointer(4 + number)
    }
    // A superpage over code and data, without permission to write.
    words[3 * 512 + 4] = frame(Guest.base) | 0xC3 | UInt64(random.bits(1)) << 4
    for number in 4 * 512..<pages * 512 { words[number] = leaf(&random) }
    for root in [0, 1] {
      words[(8 + root) * 512] = pointer(root)
      words[(10 + root) * 512] = pointer(8 + root)
    }
    return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
  }
}
