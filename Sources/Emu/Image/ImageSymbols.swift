extension Image {
  public struct Symbol: Sendable, Hashable {
    public let name: String
    /// As the program sees it: virtual, and without the Thumb bit.
    public let address: UInt64
    /// 0 for a label, which says only where something begins.
    public let size: UInt64
    /// A function, or a label among code.
    public let isFunction: Bool
  }

  /// The ELF symbol table in its own order (local symbols first), read at every call; empty for
  /// a stripped file and for every other format.
  public func symbols() -> [Symbol] {
    guard format == .elf else { return [] }
    return ELFHandle(contents)?.symbols() ?? []
  }
}
