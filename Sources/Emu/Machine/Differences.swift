import Glibc

extension Machine {
  /// What differs between the states of two machines of one board, in words: for who looks for a bug of the emulator, where
  /// digests say only that something does.
  public func differences(from other: Machine) -> [String] {
    var all: [String] = []
    if (index, now, retired) != (other.index, other.now, other.retired) {
      all.append(
        "index, tick, retired: \(index), \(now), \(retired) and \(other.index), \(other.now), "
          + "\(other.retired)")
    }
    if traps != other.traps || flow != other.flow {
      all.append("traps: \(traps) and \(other.traps)")
    }
    for (hart, twin) in zip(harts, other.harts) {
      for (one, two) in zip(hart.registers, twin.registers) where one.value != two.value {
        all.append("hart \(hart.number) \(one.name): \(hex(one.value)) and \(hex(two.value))")
      }
      if hart.sleep != twin.sleep { all.append("hart \(hart.number): awake and not") }
      var (bytes, others) = (CanonicalBytes(), CanonicalBytes())
      hart.encode(into: &bytes)
      twin.encode(into: &others)
      if bytes.bytes != others.bytes { all.append("hart \(hart.number): its state") }
    }
    for (slot, twin) in zip(bus.slots, other.bus.slots) {
      if AnyHashable(slot.state) != AnyHashable(twin.state) {
        all.append("\(slot.name): \(slot.state) and \(twin.state)")
      }
    }
    return all + memory.differences(from: other.memory)
  }
}

extension Memory {
  /// The first of each run of pages.
  fileprivate func differences(from other: Memory) -> [String] {
    collectDirty()
    other.collectDirty()
    let size = Int(Self.pageSize)
    var all: [String] = []
    for (block, twin) in zip(blocks, other.blocks) {
      for page in Set(block.touchedPages + twin.touchedPages).sorted() {
        let (one, two) = (block.bytes + page * size, twin.bytes + page * size)
        if memcmp(one, two, size) == 0 { continue }
        let place = (0..<size).first { one[$0] != two[$0] } ?? 0
        let address = hex(block.region.address + UInt64(page * size + place))
        all.append(
          "\(block.region.name) at \(address): \(hex(UInt64(one[place]))) and \(hex(UInt64(two[place])))"
        )
      }
    }
    return all
  }
}
