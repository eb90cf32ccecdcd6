extension Memory {
  /// How much of a region is in use, in whole pages that hold anything but zeros. The same for every run of a program, on
  /// whatever engine: what was there before a machine was made does not count.
  public func highWaterBytes(of region: Board.Region) -> UInt64 {
    collectDirty()
    guard let block = blocks.first(where: { $0.region == region }) else { return 0 }
    let size = Int(Self.pageSize)
    let used = block.touchedPages.lazy.filter { page in
      UnsafeRawBufferPointer(start: block.bytes + page * size, count: size).contains { $0 != 0 }
    }
    return UInt64(used.count) * Self.pageSize
  }
}
