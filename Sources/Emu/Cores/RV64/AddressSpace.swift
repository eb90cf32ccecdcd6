/// Memory as a mode sees it: Sv39, Sv48, Sv57 or bare, without permissions, for whoever knows that an access was made.
struct AddressSpace {
  private let memory: Memory
  private let root: UInt64
  /// 0: bare.
  private let levels: UInt64

  init(_ memory: Memory, satp: UInt64, privilege: UInt64) {
    self.memory = memory
    root = (satp & (1 << 44 - 1)) << 12
    let mode = satp >> 60
    levels = privilege == 3 || mode < 8 ? 0 : mode - 5
  }

  func physical(_ address: UInt64) -> UInt64? {
    if levels == 0 { return address }
    var table = root
    for level in (0..<levels).reversed() {
      let shift = 12 + 9 * level
      guard let entry: UInt64 = memory.load(table + (address >> shift & 511) * 8), entry & 1 == 1
      else { return nil }
      let page = (entry >> 10 & (1 << 44 - 1)) << 12
      if entry & 0xE != 0 {
        let inside: UInt64 = 1 << shift - 1
        return page & ~inside | address & inside
      }
      table = page
    }
    return nil
  }

  private func halfword(_ address: UInt64) -> UInt32? {
    physical(address).flatMap { memory.load($0, as: UInt16.self) }.map(UInt32.init)
  }

  func instruction(at pc: UInt64) -> UInt32? {
    guard let low = halfword(pc) else { return nil }
    if low & 3 != 3 { return low }
    return halfword(pc &+ 2).map { low | $0 << 16 }
  }

  /// Naturally aligned; zeros where there is no memory.
  func load(_ address: UInt64, size: UInt8) -> UInt64 {
    guard let at = physical(address) else { return 0 }
    return size == 4
      ? memory.load(at, as: UInt32.self).map(UInt64.init) ?? 0 : memory.load(at) ?? 0
  }
}
