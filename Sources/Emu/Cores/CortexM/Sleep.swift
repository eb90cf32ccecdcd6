import CoreShim

/// Sleep: ARM DDI 0403E.e, B1.5.17 (sleep on exit), B1.5.18 (WFE and the event register), B1.5.19 (WFI). The engine executes
/// the instructions and SEV; what ends a sleep is here.
extension CortexM {
  func ends(_ sleep: Hart.Sleep) -> Bool {
    switch sleep {
    case .interrupt:
      // "an asynchronous exception at a priority that, if PRIMASK was set to 0, would preempt any currently active exceptions"
      return preempting(masks, ignoringPRIMASK: true) != 0
    case .event:
      // The event that ends a WFE is consumed by it.
      if core_m4_event(core) {
        core_m4_set_event(core, false)
        return true
      }
      return preempting(masks) != 0
    case .stopped, .call: return false
    case .lockup: return exceptions.isPending(Exception.nmi)
    }
  }

  /// SCR.SLEEPONEXIT, at a return to Thread mode with nothing active: as if the next instruction were a WFI, but it is none.
  func sleepOnExit() {
    fallAsleep(.interrupt)
    if sleep != nil { halt() }
  }
}
