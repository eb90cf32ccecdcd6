import CoreShim

/// Faults, supervisor calls and breakpoints: ARM DDI 0403E.e, B1.5.9 (SVC), B1.5.14 (faults), B1.5.4 (escalation), B1.5.15
/// (lockup), C1.6.1 (BKPT).
extension CortexM {
  func take(_ trap: CoreTrap) -> CoreTrapVerdict {
    var state = CoreM4()
    core_m4_get(core, &state)
    let cause = Int(trap.cause)
    if cause == CORE_M4_EXCEPTION_RETURN {
      returnFromException(&state, UInt32(truncatingIfNeeded: trap.value))
      return CORE_TRAP_DELIVER
    }
    if cause == CORE_M4_LAZY_FP { return preserveFP(&state) }
    if cause == CORE_M4_BKPT, trap.value == 0xAB, callHost(&state) {
      return CORE_TRAP_RESUME
    }
    if cause == CORE_M4_BKPT, let (after, address, waits) = callFirmware(state) {
      if let address {
        fault(CORE_M4_BUS_FAULT, address, &state)
        return CORE_TRAP_DELIVER
      }
      state = after
      core_m4_set(core, &state)
      if waits {
        fallAsleep(.call)
        if sleep != nil { halt() }
      }
      return CORE_TRAP_RESUME
    }
    record(.trap, detail: trap.cause, value: trap.pc)
    switch cause {
    case CORE_M4_SVC: callSupervisor(&state, next: UInt32(truncatingIfNeeded: trap.pc))
    case CORE_M4_BKPT: breakpoint(&state)
    default: fault(cause, UInt32(truncatingIfNeeded: trap.value), &state)
    }
    return CORE_TRAP_DELIVER
  }

  private func fault(_ cause: Int, _ value: UInt32, _ state: inout CoreM4) {
    typealias CFSR = SystemControl.CFSR
    let number: Int
    let bit: UInt32
    switch cause {
    case CORE_M4_BUS_FAULT:
      if bus.protection.isUnreadable(UInt64(value)) {
        notModelled("a load from memory that is protected from it", kind: .guestError)
      }
      (number, bit) = (Exception.busFault, CFSR.preciseBus)
      system.bfar = value
      system.cfsr |= CFSR.busAddressValid
    case CORE_M4_FETCH_FAULT: (number, bit) = (Exception.busFault, CFSR.instructionBus)
    case CORE_M4_EXECUTE_NEVER:
      (number, bit) = (Exception.memManage, CFSR.instructionViolation)
    case CORE_M4_MPU_FAULT:
      (number, bit) = (Exception.memManage, CFSR.dataViolation)
      system.mmfar = value
      system.cfsr |= CFSR.memManageAddressValid
    case CORE_M4_INVALID_STATE: (number, bit) = (Exception.usageFault, CFSR.invalidState)
    case CORE_M4_NO_COPROCESSOR: (number, bit) = (Exception.usageFault, CFSR.noCoprocessor)
    case CORE_M4_UNALIGNED: (number, bit) = (Exception.usageFault, CFSR.unaligned)
    case CORE_M4_DIVIDE_BY_ZERO: (number, bit) = (Exception.usageFault, CFSR.divideByZero)
    default: (number, bit) = (Exception.usageFault, CFSR.undefined)
    }
    system.cfsr |= bit
    if pendFault(number, bit, above: executionPriority(state.masks), state) {
      enterException(&state, returnAddress: state.r.15)
    }
  }

  /// Makes a fault pending, or HardFault in its place: "if a fault or supervisor call cannot be taken because of its priority,
  /// or because it is not enabled, it escalates to HardFault" (B1.5.4). False: at priority -1 or -2, so the core locks up.
  ///
  /// - Parameters:
  ///   - bit: its cause in CFSR, for the words of a lockup; `excReturn` as well.
  ///   - current: the priority that it must exceed.
  func pendFault(
    _ number: Int, _ bit: UInt32, above current: Int, _ state: CoreM4, excReturn: UInt32? = nil
  ) -> Bool {
    if exceptions.isEnabled(number) && group(exceptions.priority(number)) < current {
      exceptions.setPending(number, true)
      return true
    }
    if escalate(SystemControl.HFSR.forced, above: current) { return true }
    let cause = system.cause(bit, excReturn: excReturn)
    let name = Exception.name(number)
    lockUp(cause.isEmpty ? name : "\(name): \(cause),", priority: current, state)
    return false
  }

  private func escalate(_ reason: UInt32, above current: Int) -> Bool {
    if current <= -1 { return false }
    system.hfsr |= reason
    exceptions.setPending(Exception.hardFault, true)
    return true
  }

  /// The return address of an SVC is that of the next instruction; of a HardFault in its place, as of every synchronous one,
  /// that of the instruction itself (`ReturnAddress()`, B1.5.6), with the IT state that belongs to it.
  private func callSupervisor(_ state: inout CoreM4, next: UInt32) {
    let current = executionPriority(state.masks)
    if group(exceptions.priority(Exception.svCall)) < current {
      exceptions.setPending(Exception.svCall, true)
      return enterException(&state, returnAddress: next)
    }
    state.xpsr = ITState.rewound(state.xpsr)
    if !pendFault(Exception.svCall, 0, above: current, state) { return }
    enterException(&state, returnAddress: next &- 2)
  }

  /// Without halting debug a breakpoint is a DebugMonitor exception; where that is not enabled or not urgent enough, a HardFault
  /// with HFSR.DEBUGEVT.
  func breakpoint(_ state: inout CoreM4) {
    let current = executionPriority(state.masks)
    system.dfsr |= SystemControl.breakpointEvent
    if hasMonitor
      && group(exceptions.priority(Exception.debugMonitor)) < current
    {
      exceptions.setPending(Exception.debugMonitor, true)
    } else if !escalate(SystemControl.HFSR.debugEvent, above: current) {
      return lockUp("BKPT", priority: current, state)
    }
    enterException(&state, returnAddress: state.r.15)
  }

  /// BKPT 0xAB where semihosting is on: the call is made and the instruction has been executed.
  private func callHost(_ state: inout CoreM4) -> Bool {
    guard let semihosting else {
      notModelled("semihosting call, which is off (--semihosting)")
      return false
    }
    let result = semihosting.call(state.r.0, UInt64(state.r.1), wordSize: 4, hart: self)
    state.r.0 = UInt32(truncatingIfNeeded: result)
    state.r.15 &+= 2
    state.xpsr = ITState.advanced(state.xpsr)
    core_m4_set(core, &state)
    return true
  }

  /// Only a reset or, at priority -1, an NMI gets a core out of lockup (B1.5.15). Where no device could
  /// send one from now on, the run ends.
  func lockUp(_ what: String, priority: Int, _ state: CoreM4) {
    if priority == -1 && bus.mayRaiseNMI && !exceptions.isActive(Exception.nmi) {
      var state = state
      state.r.15 = Self.lockupAddress
      core_m4_set(core, &state)
      fallAsleep(.lockup)
      if sleep != nil { halt() }
      return
    }
    let mode = Exception.name(Int(state.xpsr & 0x1FF))
    let status = system.status
    end(
      .lockup,
      detail: "\(what) at \(hex(UInt64(state.r.15))) in \(mode), at priority \(priority)"
        + (status.isEmpty ? "" : "; " + status))
  }
}
