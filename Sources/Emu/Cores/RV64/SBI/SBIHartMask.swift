/// Chapter 3.1: "hart_mask is a scalar bit-vector containing hartids", of which `hart_mask_base` is
/// "the starting hartid from which the bit-vector must be computed".
extension RV64 {
  /// The harts named in a0 and a1 that run; nil: "at least one hartid from hart_mask is not valid".
  func namedHarts() -> [RV64]? { harts(mask: x(10), base: x(11)) }

  func harts(mask: UInt64, base: UInt64) -> [RV64]? {
    let all = bus.harts.count
    if base == .max { return (0..<all).compactMap(listener) }
    guard base < UInt64(all), mask >> (UInt64(all) - base) == 0 else { return nil }
    return (Int(base)..<all).filter { mask >> (UInt64($0) - base) & 1 == 1 }.compactMap(listener)
  }

  /// A hart that is stopped hears nothing: it begins anew.
  private func listener(_ number: Int) -> RV64? {
    let hart = sibling(number)
    return hart.sbi?.state == .stopped ? nil : hart
  }

  func sibling(_ number: Int) -> RV64 {
    guard let hart = bus.harts[number] as? RV64 else {
      preconditionFailure("hart \(number) is no RV64")
    }
    return hart
  }
}
