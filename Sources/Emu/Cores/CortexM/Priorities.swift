import CoreShim

/// The execution priority and what may preempt it: ARM DDI 0403E.e, B1.5.4.
extension CoreM4 {
  var masks: CoreM4Masks {
    CoreM4Masks(primask: primask, faultmask: faultmask, basepri: basepri)
  }
}

extension CortexM {
  /// What masks exceptions now.
  var masks: CoreM4Masks { core_m4_masks(core) }

  /// A priority with its subpriority cleared. The fixed ones are below zero and have none.
  @inline(__always) func group(_ priority: Int) -> Int {
    priority < 0 ? priority : priority & ~((2 << Int(system.priorityGroup)) - 1)
  }

  /// Of what is active, masks aside.
  func activePriority() -> Int {
    let highest = exceptions.highestActive()
    return highest == ExceptionTable.lowest ? highest : group(highest)
  }

  /// `ExecutionPriority()`.
  func executionPriority(_ masks: CoreM4Masks, ignoringPRIMASK: Bool = false) -> Int {
    var boosted = ExceptionTable.lowest
    let basepri = Int(masks.basepri) & priorityMask
    if basepri != 0 { boosted = group(basepri) }
    if masks.primask & 1 == 1 && !ignoringPRIMASK { boosted = 0 }
    if masks.faultmask & 1 == 1 { boosted = -1 }
    return min(boosted, activePriority())
  }

  /// The exception that preempts now; 0: none does.
  func preempting(_ masks: CoreM4Masks, ignoringPRIMASK: Bool = false) -> Int {
    let number = exceptions.highestPending()
    if number == 0 { return 0 }
    let current = executionPriority(masks, ignoringPRIMASK: ignoringPRIMASK)
    return group(exceptions.priority(number)) < current ? number : 0
  }

  /// Tells the engine where it must ask: called after everything that can change what is pending, active, enabled or how
  /// urgent it is. What only the masks hold back is asked about again where they change; what an active exception holds back,
  /// at its return.
  func reconsider(_ masks: CoreM4Masks) {
    let number = exceptions.highestPending()
    if number == 0 { return core_m4_set_pending(core, false, false) }
    let priority = group(exceptions.priority(number))
    if priority >= activePriority() { return core_m4_set_pending(core, false, false) }
    core_m4_set_pending(core, true, priority < executionPriority(masks))
  }

  func reconsider() { reconsider(masks) }

  /// An exception becomes pending by itself or by software; faults and SVC come through `raise`.
  ///
  /// With SCR.SEVONPEND, "interrupt transition from inactive to pending state is a wakeup event" (B3.2.7), enabled or not.
  func pend(_ number: Int) {
    if system.scr & SystemControl.SCR.eventOnPend != 0 && !exceptions.isPending(number) {
      core_m4_set_event(core, true)
    }
    exceptions.setPending(number, true)
  }
}
