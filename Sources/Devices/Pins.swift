import Emu

/// What a port drives its pins with.
struct PinLevels {
  /// The pins that it drives.
  var outputs: UInt32
  /// Their levels; 0 for all others.
  var driven: UInt32

  @inline(__always) init(outputs: some FixedWidthInteger, driven: some FixedWidthInteger) {
    self.outputs = UInt32(truncatingIfNeeded: outputs)
    self.driven = UInt32(truncatingIfNeeded: driven)
  }
}

extension DevicePort {
  /// Says which pins of a port changed their level, the lowest first. One that is not driven is low, or high by what hangs on it.
  @inline(__always) func pins(_ old: PinLevels, become new: PinLevels) {
    var (before, now) = (old.driven, new.driven)
    if old.outputs != new.outputs {
      let idle = idlePins
      before |= idle & ~old.outputs
      now |= idle & ~new.outputs
    }
    var changed = before ^ now
    while changed != 0 {
      let pin = changed.trailingZeroBitCount
      changed &= changed - 1
      self.pin(pin, now >> UInt32(pin) & 1 == 1)
    }
  }
}
