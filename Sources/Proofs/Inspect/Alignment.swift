import MachineCode

/// Each section's addresses held against one alignment: whether a layout is anchored where its
/// linker script says.
public struct Alignment: Sendable {
  public struct Row: Sendable {
    public let section: ELFContents.Section
    public let isMet: Bool
  }

  /// A power of two.
  public let required: UInt64
  /// Of the sections of code, constants and variables: what is loaded, but for notes.
  public let rows: [Row]
  public var isMet: Bool { rows.allSatisfy(\.isMet) }

  public init(of inspection: Inspection, to required: UInt64) {
    self.required = required
    rows = (inspection.elf?.sections ?? [])
      .filter { $0.isAllocated && $0.size > 0 && !$0.name.hasPrefix(".note") }
      .map { Row(section: $0, isMet: ($0.address | $0.loadAddress) % required == 0) }
  }
}
