import CoreShim

/// The registers of the Memory Protection Unit (ARM DDI 0403E.e, B3.5): eight regions, of a data
/// and instruction side in one. The engine checks what instructions access (`mpu.c`); exceptions
/// ask for themselves.
struct MemoryProtection: Codable, Hashable, Sendable {
  static let regions = 8
  /// MPU_TYPE: DREGION, and not SEPARATE.
  static let type = UInt32(regions) << 8

  /// ENABLE, HFNMIENA, PRIVDEFENA.
  private(set) var control: UInt32 = 0
  private(set) var number: UInt32 = 0
  private(set) var bases = [UInt32](repeating: 0, count: regions)
  private(set) var attributes = [UInt32](repeating: 0, count: regions)

  var isEnabled: Bool { control & 1 == 1 }

  var isSound: Bool {
    control <= 7 && number < Self.regions && bases.count == Self.regions
      && attributes.count == Self.regions
  }

  mutating func writeControl(_ bits: UInt32) { control = bits & 7 }

  /// "The processor must write to this register before accessing" the others; a region that is not
  /// there is UNPREDICTABLE, here the upper bits are ignored.
  mutating func select(_ region: UInt32) { number = region & UInt32(Self.regions - 1) }

  var base: UInt32 { bases[Int(number)] | number }

  /// VALID: the region is the one in bits 3:0, which MPU_RNR takes over.
  mutating func writeBase(_ bits: UInt32) {
    if bits & 0x10 != 0 { select(bits & 0xF) }
    bases[Int(number)] = bits & ~0x1F
  }

  var selectedAttributes: UInt32 { attributes[Int(number)] }

  mutating func writeAttributes(_ bits: UInt32, _ mask: UInt32) {
    let old = attributes[Int(number)]
    attributes[Int(number)] = (old & ~mask | bits & mask) & 0x173F_FF3F
  }
}

extension CortexM {
  func readMPU(_ register: UInt32) -> UInt32 {
    switch register {
    case At.mpuTYPE: MemoryProtection.type
    case At.mpuCTRL: mpu.control
    case At.mpuRNR: mpu.number
    // The aliases MPU_RBAR_A1 to A3 and MPU_RASR_A1 to A3 are the same registers.
    case _ where register & 7 == At.mpuRBAR & 7: mpu.base
    default: mpu.selectedAttributes
    }
  }

  func writeMPU(_ register: UInt32, _ value: UInt32, _ mask: UInt32) {
    switch register {
    case At.mpuTYPE: return
    case At.mpuCTRL: mpu.writeControl(value)
    case At.mpuRNR: return mpu.select(value)
    case _ where register & 7 == At.mpuRBAR & 7: mpu.writeBase(value)
    default: mpu.writeAttributes(value, mask)
    }
    setMPU()
    cut(at: now + 1)
  }

  func setMPU() {
    var registers = CoreM4MPU()
    registers.control = mpu.control
    withUnsafeMutableBytes(of: &registers.base) { to in
      mpu.bases.withUnsafeBytes { to.copyMemory(from: $0) }
    }
    withUnsafeMutableBytes(of: &registers.attributes) { to in
      mpu.attributes.withUnsafeBytes { to.copyMemory(from: $0) }
    }
    core_m4_set_mpu(core, &registers)
  }

  /// Blocks of memory that the chip around the core keeps data loads from.
  func setUnreadable() {
    let protection = bus.protection
    var unreadable = CoreM4Unreadable()
    unreadable.start = UInt32(protection.start)
    unreadable.block = UInt32(protection.blockSize)
    withUnsafeMutableBytes(of: &unreadable.blocks) { to in
      protection.unreadable.withUnsafeBytes { to.copyMemory(from: $0) }
    }
    core_m4_set_unreadable(core, &unreadable)
  }

  /// `ValidateAddress()` for what an exception stacks or unstacks. Vectors are not checked.
  func allows(
    _ address: UInt32, words: Int, isStore: Bool, privileged: Bool,
    negative: @autoclosure () -> Bool
  ) -> Bool {
    if !mpu.isEnabled { return true }
    return core_m4_allows(
      core, address, UInt32(truncatingIfNeeded: words &* 4), isStore, privileged, negative())
  }
}
