import CoreShim

/// Floating-point contexts: ARM DDI 0403E.e, B1.4.7, B1.5.6 and B1.5.7 (`UpdateFPCCR()`,
/// `PreserveFPState()`, `TakePreserveFPException()`), B3.2.20 to B3.2.22.
///
/// With FPCCR.LSPEN an exception only reserves the room for S0 to S15 and FPSCR. The engine stops
/// before the first FP instruction behind that (`ExecuteFPCheck()`), and they are stored then, with
/// the rights and the priorities of the code that they belong to.
extension CortexM {
  typealias FPCCR = SystemControl.FPCCR

  /// When an FP instruction traps.
  func setFP() {
    core_m4_set_fp(
      core, system.coprocessorAccess, system.fpccr & FPCCR.automatic != 0,
      system.fpccr & FPCCR.lazyActive != 0, system.fpdscr)
  }

  /// `CheckVFPEnabled()`, for the mode that the registers say.
  func isFPEnabled(privileged: Bool) -> Bool {
    let access = system.coprocessorAccess
    return access == 3 || access == 1 && privileged
  }

  /// `UpdateFPCCR()`: where the state goes, and what could have been made pending.
  func reserveFP(_ frame: UInt32, _ state: CoreM4) {
    let priority = executionPriority(state.masks)
    let inHandler = state.xpsr & 0x1FF != 0
    let isUser = !inHandler && state.control & Control.npriv != 0
    func ready(_ number: Int) -> Bool {
      exceptions.isEnabled(number) && group(exceptions.priority(number)) < priority
    }
    system.fpcar = (frame &+ 0x20) & ~7
    var fpccr = system.fpccr & (FPCCR.automatic | FPCCR.lazy) | FPCCR.lazyActive
    if isUser { fpccr |= FPCCR.user }
    if !inHandler { fpccr |= FPCCR.thread }
    if priority > -1 { fpccr |= FPCCR.hardFaultReady }
    if ready(Exception.memManage) { fpccr |= FPCCR.memManageReady }
    if ready(Exception.busFault) { fpccr |= FPCCR.busFaultReady }
    if hasMonitor && ready(Exception.debugMonitor) { fpccr |= FPCCR.monitorReady }
    system.fpccr = fpccr
    setFP()
  }

  /// The state is in memory, or the registers are its only place again.
  func releaseFP() {
    system.fpccr &= ~FPCCR.lazyActive
    setFP()
  }

  func storeFP(to words: UnsafeMutablePointer<UInt32>) {
    words.update(from: core_m4_s(core), count: 16)
    words[16] = core_m4_fpscr(core)
  }

  /// `PreserveFPState()`; then the instruction is tried again.
  func preserveFP(_ state: inout CoreM4) -> CoreTrapVerdict {
    storeFP(to: words)
    core_m4_take_cycles(core, ExceptionCycles.floatingPoint)
    let fpccr = system.fpccr
    var failure: (number: Int, bit: UInt32, ready: UInt32)?
    if !allows(
      system.fpcar, words: 17, isStore: true, privileged: fpccr & FPCCR.user == 0,
      negative: fpccr & FPCCR.hardFaultReady == 0)
    {
      failure = (
        Exception.memManage, SystemControl.CFSR.memManageLazy, FPCCR.memManageReady
      )
    } else if !memory32.store(words, count: 17, at: system.fpcar) {
      failure = (Exception.busFault, SystemControl.CFSR.busLazy, FPCCR.busFaultReady)
    }
    releaseFP()
    guard let failure else { return CORE_TRAP_RETRY }
    // `TakePreserveFPException()`: what could be made pending then is what counts.
    system.cfsr |= failure.bit
    if fpccr & failure.ready != 0 {
      exceptions.setPending(failure.number, true)
    } else if fpccr & FPCCR.hardFaultReady != 0 {
      system.hfsr |= SystemControl.HFSR.forced
      exceptions.setPending(Exception.hardFault, true)
    } else {
      let cause = system.cause(failure.bit, excReturn: nil)
      lockUp(
        "\(Exception.name(failure.number)): \(cause),", priority: executionPriority(state.masks),
        state)
      return CORE_TRAP_DELIVER
    }
    reconsider(state.masks)
    if preempting(state.masks) == 0 { return CORE_TRAP_RETRY }
    enterException(&state, returnAddress: state.r.15)
    return CORE_TRAP_DELIVER
  }
}
