extension Memory {
  /// How much of a region was ever used, in whole pages: filled from an image, or written since.
  public func highWaterBytes(of region: Board.Region) -> UInt64 {
    collectDirty()
    guard let block = blocks.first(where: { $0.region == region }) else { return 0 }
    return UInt64(block.touchedPages.count) * Self.pageSize
  }
}
