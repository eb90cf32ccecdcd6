import CoreShim

extension SBI {
  static let lastLegacyCall: UInt64 = 8
}

/// Legacy extensions, chapter 5: they answer in a0 alone, and name harts by a bit-vector in memory,
/// at a virtual address.
extension RV64 {
  func legacy(_ identifier: UInt64) -> Int64 {
    switch identifier {
    case 0: _ = setTimer(x(10))
    case 1: write(UInt8(truncatingIfNeeded: x(10)), from: .sbi)
    case 2: return readInput().map(Int64.init) ?? -1
    case 3: core_rv64_set_mip(core, Pending.software, 0)
    case 4: return withHartsInMemory { interrupt($0) }
    case 5: return withHartsInMemory { fenceInstructions($0) }
    case 6: return withHartsInMemory { fenceAddresses($0, ofSpace: false) }
    case 7: return withHartsInMemory { fenceAddresses($0, ofSpace: true) }
    default: end(.sbiReset)
    }
    return 0
  }

  /// No address: all harts, as every implementation has it. Bits of harts that are not there name
  /// nobody.
  private func withHartsInMemory(_ body: ([RV64]) -> Void) -> Int64 {
    var mask: UInt64 = .max
    if x(10) != 0 && !core_rv64_load(core, x(10), &mask) {
      return SBI.Status.invalidAddress.rawValue
    }
    let there = (1 as UInt64) << UInt64(bus.harts.count) - 1
    body(harts(mask: mask & there, base: 0) ?? [])
    return 0
  }
}
