import CoreShim

/// The bit-band aliases (ARM DDI 0403E.e, A3.7 with B3.1; Cortex-M4 TRM 3.7): a word of
/// 0x22000000 to 0x23FFFFFF is a bit of the first MiB of SRAM, one of 0x42000000 to 0x43FFFFFF of
/// the first MiB of peripherals.
///
/// A load reads the bit. A store reads, changes and writes with the width of the access, at an
/// aligned address: so a word access to a device's alias is a word access to the device. The MPU
/// checks the alias and not what it leads to; and a bus error is one of the alias.
extension CortexM {
  static func isBitBand(_ address: UInt64) -> Bool {
    address >> 25 == 0x2200_0000 >> 25 || address >> 25 == 0x4200_0000 >> 25
  }

  func accessBit(_ access: UnsafeMutablePointer<CoreAccess>) -> CoreAccessVerdict {
    let alias = access.pointee.address
    let width = UInt64(access.pointee.size)
    let target = (alias & 0xE000_0000 | alias >> 5 & 0xF_FFFF) & ~(width - 1)
    let bit = alias >> 2 & (width * 8 - 1)
    var inner = access.pointee
    inner.address = target
    inner.is_store = false
    if accessTarget(&inner) != CORE_ACCESS_DONE { return CORE_ACCESS_FAULT }
    if !access.pointee.is_store {
      access.pointee.value = inner.value >> bit & 1
      return CORE_ACCESS_DONE
    }
    inner.value = inner.value & ~(1 << bit) | (access.pointee.value & 1) << bit
    inner.is_store = true
    return accessTarget(&inner)
  }

  private func accessTarget(_ access: UnsafeMutablePointer<CoreAccess>) -> CoreAccessVerdict {
    guard memory32.access(access, index: index) else { return accessDevice(access) }
    if access.pointee.is_store {
      memory.storedByAlias(access.pointee.address, UInt64(access.pointee.size))
    }
    return CORE_ACCESS_DONE
  }
}
