/// The registers of the Nested Vectored Interrupt Controller: ARM DDI 0403E.e, B3.4. Bits of interrupts that are not there read
/// as zero and ignore writes.
extension CortexM {
  func readNVIC(_ register: UInt32) -> UInt32 {
    let number = Int(register >> 2 & 7)
    return switch register {
    case At.iser..<At.iser + 32, At.icer..<At.icer + 32: exceptions.enabledIRQs(number)
    case At.ispr..<At.ispr + 32, At.icpr..<At.icpr + 32: exceptions.pendingIRQs(number)
    case At.iabr..<At.iabr + 32: exceptions.activeIRQs(number)
    case At.ipr...: readPriorities(from: Exception.firstIRQ + Int(register - At.ipr))
    default: 0
    }
  }

  func writeNVIC(_ register: UInt32, _ value: UInt32, _ mask: UInt32) {
    if register >= At.ipr {
      return writePriorities(from: Exception.firstIRQ + Int(register - At.ipr), value, mask)
    }
    let first = Exception.firstIRQ + 32 * Int(register >> 2 & 7)
    var rest = value
    while rest != 0 {
      let number = first + rest.trailingZeroBitCount
      rest &= rest - 1
      if !exceptions.exists(number) { return }
      switch register & ~31 {
      case At.iser: exceptions.setEnabled(number, true)
      case At.icer: exceptions.setEnabled(number, false)
      case At.ispr: pend(number)
      case At.icpr:
        // An input that is still asserted holds its interrupt pending.
        if !exceptions.isHigh(number) || exceptions.isActive(number) {
          exceptions.setPending(number, false)
        }
      default: break
      }
    }
  }

  /// STIR, B3.4.10: "writing ... has the same effect as setting the NVIC_ISPR bit".
  func trigger(_ interrupt: UInt32) {
    let number = Exception.firstIRQ + Int(interrupt & 0x1FF)
    if exceptions.exists(number) { pend(number) }
  }

  // MARK: Priorities, four of them a word; of the system handlers too

  func readPriorities(from first: Int) -> UInt32 {
    var value: UInt32 = 0
    for byte in 0..<4 where exceptions.exists(first + byte) {
      value |= UInt32(exceptions.priority(first + byte) & 0xFF) << (8 * byte)
    }
    return value
  }

  func writePriorities(from first: Int, _ value: UInt32, _ mask: UInt32) {
    for byte in 0..<4 where exceptions.exists(first + byte) && mask >> (8 * byte) & 0xFF != 0 {
      exceptions.setPriority(first + byte, UInt8(value >> (8 * byte) & UInt32(priorityMask)))
    }
  }
}
