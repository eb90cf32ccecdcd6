import CoreShim

/// Interrupts and fences from hart to hart: chapters 7 and 8. Both take effect before the other
/// hart's next instruction.
extension RV64 {
  func sendInterrupt() -> SBI.Answer {
    guard let harts = namedHarts() else { return .error(.invalidParameter) }
    interrupt(harts)
    return .success
  }

  func interrupt(_ harts: [RV64]) {
    for hart in harts {
      sbi?.firmwareEvents.count(.interruptSent)
      hart.sbi?.firmwareEvents.count(.interruptReceived)
      core_rv64_set_mip(hart.core, Pending.software, Pending.software)
      bus.stir(hart)
    }
  }

  private enum Fence {
    static let instructions: UInt64 = 0
    static let addresses: UInt64 = 1
    static let addressesOfSpace: UInt64 = 2
  }

  func fence(_ function: UInt64) -> SBI.Answer {
    // Behind these are fences of guests: there is no hypervisor extension.
    if function > Fence.addressesOfSpace { return .error(.notSupported) }
    guard let harts = namedHarts() else { return .error(.invalidParameter) }
    if function == Fence.instructions {
      fenceInstructions(harts)
      return .success
    }
    let (start, size) = (x(12), x(13))
    if size != .max && start.addingReportingOverflow(size).overflow {
      return .error(.invalidAddress)
    }
    fenceAddresses(harts, ofSpace: function == Fence.addressesOfSpace)
    return .success
  }

  /// A hart sees new code at once anyway.
  func fenceInstructions(_ harts: [RV64]) {
    for hart in harts {
      sbi?.firmwareEvents.count(.fenceInstructionsSent)
      hart.sbi?.firmwareEvents.count(.fenceInstructionsReceived)
    }
  }

  /// More addresses than were asked for: "the remote fence" may always do that.
  func fenceAddresses(_ harts: [RV64], ofSpace: Bool) {
    for hart in harts {
      sbi?.firmwareEvents.count(ofSpace ? .fenceSpaceSent : .fenceAddressesSent)
      hart.sbi?.firmwareEvents.count(ofSpace ? .fenceSpaceReceived : .fenceAddressesReceived)
      core_rv64_fence(hart.core)
    }
  }
}
