import CoreShim

/// Exception return: ARM DDI 0403E.e, B1.5.8 (behaviour and integrity checks), B1.5.12 (tail-chaining), B1.5.11 (derived
/// exceptions). As entry does, it takes no time of its own: it is part of the instruction that loads the PC.
extension CortexM {
  private enum Goal {
    static let handler: UInt32 = 0x1
    static let threadMain: UInt32 = 0x9
    static let threadProcess: UInt32 = 0xD
  }

  /// `ExceptionReturn()`.
  func returnFromException(_ state: inout CoreM4, _ excReturn: UInt32) {
    let returning = Int(state.xpsr & 0x1FF)
    let wasActive = exceptions.isActive(returning)
    deactivate(returning, &state)
    let isLast = !exceptions.isAnyActive()
    let goal = excReturn & 0xF
    let isLegal =
      switch goal {
      case Goal.handler: true
      case Goal.threadMain, Goal.threadProcess:
        isLast || system.ccr & SystemControl.CCR.nonBaseThread != 0
      default: false
      }
    if !wasActive || !isLegal || excReturn & 0x0FFF_FFE0 != 0x0FFF_FFE0 {
      return refuse(&state, excReturn, from: returning)
    }
    if preempting(state.masks) != 0 {
      // Tail-chaining: the frame stays where it is, for whoever returns last.
      return chain(&state, excReturn, from: returning)
    }
    pop(&state, excReturn, from: returning)
  }

  /// `DeActivate()`; and the NVIC looks at its inputs again: one that is still asserted pends again (B3.4).
  private func deactivate(_ number: Int, _ state: inout CoreM4) {
    if number != Exception.nmi { state.faultmask = 0 }
    if !exceptions.exists(number) { return }
    exceptions.setActive(number, false)
    if number <= Exception.hardFault { setNegative() }
    if exceptions.isHigh(number) { pend(number) }
  }

  /// `PopStack()`, with its checks before anything is changed: what fails them is as it was after "PushStack() to negate
  /// PopStack()".
  private func pop(_ state: inout CoreM4, _ excReturn: UInt32, from returning: Int) {
    let goal = excReturn & 0xF
    let hasFP = excReturn & 0x10 == 0
    let usesPSP = goal == Goal.threadProcess
    let frame = usesPSP ? state.psp : state.msp
    // State that was never stored is still where it belongs.
    let loadsFP = hasFP && system.fpccr & FPCCR.lazyActive == 0
    let count = loadsFP ? 25 : 8
    let privileged = goal == Goal.handler || state.control & Control.npriv == 0
    guard
      allows(
        frame, words: count, isStore: false, privileged: privileged,
        negative: executionPriority(state.masks) < 0)
    else {
      return fault(
        &state, excReturn, from: returning, Exception.memManage,
        SystemControl.CFSR.memManageUnstacking)
    }
    guard memory32.load(words, count: count, at: frame) else {
      return fault(
        &state, excReturn, from: returning, Exception.busFault, SystemControl.CFSR.unstacking)
    }
    if loadsFP && !isFPEnabled(privileged: privileged) {
      return fault(
        &state, excReturn, from: returning, Exception.usageFault, SystemControl.CFSR.noCoprocessor)
    }
    let psr = words[7]
    if (goal == Goal.handler) != (psr & 0x1FF != 0) {
      return refuse(&state, excReturn, from: returning)
    }
    let aligns = hasFP || system.ccr & SystemControl.CCR.stackAlign != 0
    let padding: UInt32 = aligns ? psr >> 9 & 1 : 0
    let sp = frame &+ (hasFP ? 0x68 : 0x20) | padding << 2
    if usesPSP { state.psp = sp } else { state.msp = sp }
    state.r.0 = words[0]
    state.r.1 = words[1]
    state.r.2 = words[2]
    state.r.3 = words[3]
    state.r.12 = words[4]
    state.r.14 = words[5]
    state.r.15 = words[6] & ~1
    state.xpsr = psr & XPSR.stacked
    state.control =
      state.control & Control.npriv | (usesPSP ? Control.spsel : 0) | (hasFP ? Control.fpca : 0)
    if loadsFP {
      core_m4_s(core).update(from: words + 8, count: 16)
      core_m4_set_fpscr(core, words[24])
      core_m4_take_cycles(core, ExceptionCycles.floatingPoint)
    } else if hasFP {
      releaseFP()
    }
    core_m4_set(core, &state)
    core_m4_take_cycles(core, ExceptionCycles.leaving)
    record(.interruptReturn, detail: UInt64(returning), value: UInt64(state.r.15))
    core_m4_set_event(core, true)
    core_m4_clear_exclusive(core)
    reconsider(state.masks)
    if goal != Goal.handler && !exceptions.isAnyActive()
      && system.scr & SystemControl.SCR.sleepOnExit != 0
    {
      sleepOnExit()
    }
  }

  /// An integrity check failed: UsageFault INVPC, chained, with the EXC_RETURN that did not do in LR.
  private func refuse(_ state: inout CoreM4, _ excReturn: UInt32, from returning: Int) {
    fault(
      &state, excReturn, from: returning, Exception.usageFault, SystemControl.CFSR.invalidPC)
  }

  private func fault(
    _ state: inout CoreM4, _ excReturn: UInt32, from returning: Int, _ number: Int, _ bit: UInt32
  ) {
    system.cfsr |= bit
    system.refusedReturn = excReturn
    let current = executionPriority(state.masks)
    if !pendFault(number, bit, above: current, state, excReturn: excReturn) { return }
    chain(&state, excReturn, from: returning)
  }

  /// In the trace the PC that a chained exception strikes is the EXC_RETURN.
  private func chain(_ state: inout CoreM4, _ excReturn: UInt32, from returning: Int) {
    record(.interruptReturn, detail: UInt64(returning), value: UInt64(excReturn))
    state.r.14 = excReturn
    takeException(&state, struck: excReturn)
    core_m4_take_cycles(core, ExceptionCycles.chaining)
  }
}
