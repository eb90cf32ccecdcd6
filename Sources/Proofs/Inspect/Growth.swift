/// Two builds of a program: what grew, what shrank, what is new and what is gone.
public struct Growth: Sendable {
  public struct Change: Sendable, Hashable {
    public let name: String
    /// nil: it is not there.
    public let before: UInt64?
    public let after: UInt64?
    public var delta: Int64 { Int64(clamping: after ?? 0) &- Int64(clamping: before ?? 0) }
  }

  public let sections: [Change]
  /// Only what changed; the largest change first.
  public let symbols: [Change]
  public let stored: Change
  public let staticRAM: Change

  public init(from old: Inspection, to new: Inspection) {
    func named(_ inspection: Inspection) -> [(String, UInt64)] {
      (inspection.elf?.sections ?? []).filter(\.isAllocated).map { ($0.name, $0.size) }
    }
    func symbols(_ inspection: Inspection) -> [(String, UInt64)] {
      inspection.symbolsBySize.map { ($0.name, $0.size) }
    }
    sections = Self.changes(named(old), named(new))
    self.symbols = Self.changes(symbols(old), symbols(new)).filter { $0.delta != 0 }.sorted {
      ($1.delta.magnitude, $0.name) < ($0.delta.magnitude, $1.name)
    }
    stored = Change(name: "stored", before: old.storedSize, after: new.storedSize)
    staticRAM = Change(name: "static RAM", before: old.staticRAM, after: new.staticRAM)
  }

  /// In the order of the new one, then what is gone. Two of one name (static functions) count as
  /// one.
  private static func changes(
    _ old: [(String, UInt64)], _ new: [(String, UInt64)]
  ) -> [Change] {
    let before = Dictionary(old, uniquingKeysWith: &+)
    let after = Dictionary(new, uniquingKeysWith: &+)
    var seen: Set<String> = []
    return (new + old).compactMap { name, _ in
      seen.insert(name).inserted
        ? Change(name: name, before: before[name], after: after[name]) : nil
    }
  }
}
