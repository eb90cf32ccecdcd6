import Emu

/// Part of a register: how an access that is narrower than the register reads and writes it.
extension Access {
  /// The first byte of the register of `size` bytes, a power of two, that this access falls in.
  func register(of size: UInt64 = 4) -> UInt64 { offset & ~(size - 1) }

  /// The accessed bytes of a register's value.
  func part(of value: UInt64, size: UInt64 = 4) -> UInt64 { value >> shift(size) & mask }

  /// A register's value with the accessed bytes replaced.
  func merge(_ part: UInt64, into value: UInt64, size: UInt64 = 4) -> UInt64 {
    value & ~(mask << shift(size)) | (part & mask) << shift(size)
  }

  private func shift(_ size: UInt64) -> UInt64 { (offset & (size - 1)) * 8 }
  private var mask: UInt64 { width >= 8 ? .max : 1 << (UInt64(width) * 8) - 1 }
}

/// The two words of a double word, for registers that come in halves.
extension UInt64 {
  var lowWord: UInt64 {
    get { self & 0xFFFF_FFFF }
    set { self = self & ~0xFFFF_FFFF | newValue & 0xFFFF_FFFF }
  }
  var highWord: UInt64 {
    get { self >> 32 }
    set { self = self & 0xFFFF_FFFF | newValue << 32 }
  }
}
