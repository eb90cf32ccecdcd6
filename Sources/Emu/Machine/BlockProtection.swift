/// What a chip keeps its software from doing with memory, in blocks of one size: loading from it as data, and programming it. System
/// control says it, cores and a flash controller obey.
struct BlockProtection: Codable, Hashable, Sendable {
  /// A multiple of 1 KiB, as `blockSize`.
  var start: UInt64 = 0
  /// 0: nothing is protected.
  var blockSize: UInt64 = 0
  /// A bit a block.
  var unreadable: [UInt32] = []
  var fixed: [UInt32] = []

  /// What an engine has room for.
  static let mostWords = 4

  var isSound: Bool {
    unreadable.count <= Self.mostWords && fixed.count <= Self.mostWords && start % 1024 == 0
      && blockSize % 1024 == 0 && start < 1 << 32 && blockSize < 1 << 32
  }

  func isUnreadable(_ address: UInt64) -> Bool { has(address, unreadable) }
  func isFixed(_ address: UInt64) -> Bool { has(address, fixed) }

  private func has(_ address: UInt64, _ blocks: [UInt32]) -> Bool {
    if blockSize == 0 || address < start { return false }
    let number = (address - start) / blockSize
    return number / 32 < UInt64(blocks.count) && blocks[Int(number / 32)] >> (number % 32) & 1 == 1
  }
}
