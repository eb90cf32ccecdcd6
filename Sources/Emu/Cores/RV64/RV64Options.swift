/// What an RV64 core does where the Privileged Architecture leaves it to the platform. None: as
/// QEMU's `virt` by default.
public struct RV64Options: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Misaligned loads and stores trap (the core is without Zicclsm); they are done otherwise.
  public static let trapsMisaligned = RV64Options(rawValue: 1)
  /// A page whose A or D bit is clear where it would have to be set is a page fault (Svade);
  /// page table walks set the bits otherwise.
  public static let svade = RV64Options(rawValue: 2)
}
