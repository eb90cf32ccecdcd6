import CoreShim

/// Exception entry: ARM DDI 0403E.e, B1.5.6 (behaviour), B1.5.7 (stack alignment), B1.5.11 (derived exceptions), B1.5.13
/// (late arrival).
///
/// Entry takes no time here, unless cycles are counted (`ExceptionCycles`): it happens between two instructions, at one index. So there is no stacking during which a more
/// urgent exception could arrive late. What late arrival means for software holds nevertheless: of all exceptions that are
/// pending at that index, those derived from the stacking itself included, the most urgent is entered, with one frame.
extension CortexM {
  /// `ExceptionEntry()`: something pending is urgent enough, and `returnAddress` is what it says it is (`ReturnAddress()`).
  func enterException(_ state: inout CoreM4, returnAddress: UInt32) {
    if let (number, bit) = pushStack(&state, returnAddress: returnAddress) {
      system.cfsr |= bit
      if !pendFault(number, bit, above: executionPriority(state.masks), state) { return }
    }
    takeException(&state, struck: returnAddress)
    core_m4_take_cycles(core, ExceptionCycles.entry)
  }

  /// `PushStack()`, and what went wrong on the way: an exception and its bit in CFSR. The stack
  /// pointer has moved nevertheless.
  private func pushStack(
    _ state: inout CoreM4, returnAddress: UInt32
  ) -> (number: Int, bit: UInt32)? {
    let inHandler = state.xpsr & 0x1FF != 0
    let hasFP = state.control & Control.fpca != 0
    let size: UInt32 = hasFP ? 0x68 : 0x20
    let aligns = hasFP || system.ccr & SystemControl.CCR.stackAlign != 0
    let usesPSP = !inHandler && state.control & Control.spsel != 0
    let sp = usesPSP ? state.psp : state.msp
    let padding: UInt32 = aligns ? sp >> 2 & 1 : 0
    let frame = (sp &- size) & (aligns ? ~7 : ~3)
    if usesPSP { state.psp = frame } else { state.msp = frame }
    words[0] = state.r.0
    words[1] = state.r.1
    words[2] = state.r.2
    words[3] = state.r.3
    words[4] = state.r.12
    words[5] = state.r.14
    words[6] = returnAddress & ~1
    words[7] = state.xpsr & ~0x200 | padding << 9
    let privileged = inHandler || state.control & Control.npriv == 0
    var count = 8
    var lacksFP = false
    if hasFP {
      if system.fpccr & FPCCR.lazy != 0 {
        reserveFP(frame, state)
      } else if isFPEnabled(privileged: privileged) {
        storeFP(to: words + 8)
        core_m4_take_cycles(core, ExceptionCycles.floatingPoint)
        count = 25
      } else {
        lacksFP = true
      }
    }
    state.r.14 =
      0xFFFF_FFE1 | (hasFP ? 0 : 0x10) | (inHandler ? 0 : 8) | (usesPSP ? 4 : 0)
    if !allows(
      frame, words: count, isStore: true, privileged: privileged,
      negative: executionPriority(state.masks) < 0)
    {
      return (Exception.memManage, SystemControl.CFSR.memManageStacking)
    }
    if !memory32.store(words, count: count, at: frame) {
      return (Exception.busFault, SystemControl.CFSR.stacking)
    }
    return lacksFP ? (Exception.usageFault, SystemControl.CFSR.noCoprocessor) : nil
  }

  /// `ExceptionTaken()` for the most urgent exception that pends. LR and the frame are in place. `struck` is for the trace.
  func takeException(_ state: inout CoreM4, struck: UInt32) {
    while true {
      let number = exceptions.highestPending()
      let slot = system.vtor &+ UInt32(truncatingIfNeeded: 4 &* number)
      guard let vector = memory32.word(at: slot) else {
        // "a BusFault on a vector table read ... HFSR.VECTTBL": the exception that was to be entered stays pending.
        system.hfsr |= SystemControl.HFSR.vectorTable
        if number <= Exception.hardFault {
          return lockUp(
            "the vector of \(Exception.name(number)) at \(hex(UInt64(slot))) cannot be read",
            priority: exceptions.priority(number), state)
        }
        exceptions.setPending(Exception.hardFault, true)
        continue
      }
      exceptions.setPending(number, false)
      exceptions.setActive(number, true)
      if number <= Exception.hardFault { setNegative() }
      state.r.15 = vector & ~1
      // A vector without bit 0: EPSR.T is clear, and the first instruction is a UsageFault INVSTATE.
      state.xpsr =
        state.xpsr & XPSR.flags | UInt32(truncatingIfNeeded: number) | (vector & 1) << 24
      state.control &= ~(Control.fpca | Control.spsel)
      core_m4_set(core, &state)
      core_m4_set_event(core, true)
      core_m4_clear_exclusive(core)
      note(number, struck: struck)
      return reconsider(state.masks)
    }
  }

  private func note(_ number: Int, struck: UInt32) {
    // The engine counts what it traps itself.
    if number == Exception.nmi || number >= Exception.pendSV {
      countInterrupt(UInt64(number), pc: UInt64(struck))
    } else {
      record(.interrupt, detail: UInt64(number), value: UInt64(struck))
    }
  }
}
