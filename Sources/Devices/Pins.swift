import Emu

extension DevicePort {
  /// Says which pins of a port changed their level, the lowest first.
  @inline(__always) func pins(_ old: UInt32, become new: UInt32) {
    var changed = old ^ new
    while changed != 0 {
      let pin = changed.trailingZeroBitCount
      changed &= changed - 1
      self.pin(pin, new >> UInt32(pin) & 1 == 1)
    }
  }
}
