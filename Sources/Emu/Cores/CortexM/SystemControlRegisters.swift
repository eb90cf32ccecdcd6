import CoreShim

/// The registers of the System Control Block: ARM DDI 0403E.e, B3.2; and DEMCR, C1.6.5.
extension CortexM {
  func readControl(_ register: UInt32) -> UInt32 {
    switch register {
    case At.ictr: UInt32((interrupts + 31) / 32 - 1)
    case At.actlr: system.actlr
    case At.cpuid: 0x410F_C241
    case At.icsr: readInterruptControl()
    case At.vtor: system.vtor
    case At.aircr: 0xFA05_0000 | system.priorityGroup << 8
    case At.scr: system.scr
    case At.ccr: system.ccr
    case At.shpr1...At.shpr3: readHandlerPriorities(register)
    case At.shcsr: readHandlerStates()
    case At.cfsr: system.cfsr
    case At.hfsr: system.hfsr
    case At.dfsr: system.dfsr
    case At.mmfar: system.mmfar
    case At.bfar: system.bfar
    case At.cpacr: system.cpacr
    case At.demcr:
      system.demcr
        | (exceptions.isPending(Exception.debugMonitor) ? SystemControl.DEMCR.monitorPending : 0)
    case At.fpccr: system.fpccr
    case At.fpcar: system.fpcar
    case At.fpdscr: system.fpdscr
    default: Self.identifier(register) ?? 0
    }
  }

  func writeControl(_ register: UInt32, _ value: UInt32, _ mask: UInt32) {
    switch register {
    case At.actlr: system.actlr = value & SystemControl.auxiliaryBits
    case At.icsr: writeInterruptControl(value)
    case At.vtor: system.vtor = value & ~0x7F
    case At.aircr: writeApplicationControl(value)
    case At.scr: system.scr = value & SystemControl.SCR.all
    case At.ccr:
      system.ccr = (system.ccr & ~mask | value & mask) & SystemControl.CCR.all
      setTraps()
      cut(at: now + 1)
    case At.shpr1...At.shpr3: writeHandlerPriorities(register, value, mask)
    case At.shcsr: writeHandlerStates(value)
    // Write one to clear.
    case At.cfsr: system.cfsr &= ~(value & mask)
    case At.hfsr: system.hfsr &= ~value
    case At.dfsr: system.dfsr &= ~value
    case At.mmfar: system.mmfar = value
    case At.bfar: system.bfar = value
    case At.cpacr:
      system.cpacr = value & 0x00F0_0000
      changeFP()
    case At.demcr: writeMonitorControl(value)
    case At.stir: trigger(value)
    case At.fpccr:
      system.fpccr = value & SystemControl.FPCCR.all
      changeFP()
    case At.fpcar: system.fpcar = value & ~7
    case At.fpdscr:
      system.fpdscr = value & 0x07C0_0000
      changeFP()
    default: break
    }
  }

  /// The instructions behind this one in its block were translated for what was: it ends here.
  private func changeFP() {
    setFP()
    cut(at: now + 1)
  }

  // MARK: ICSR, B3.2.4

  private func readInterruptControl() -> UInt32 {
    var state = CoreM4()
    core_m4_get(core, &state)
    let running = Int(state.xpsr & 0x1FF)
    var value = UInt32(running)
    if !exceptions.isAnyActive(but: running) { value |= 1 << 11 }
    // "VECTPENDING: includes the effect of BASEPRI and FAULTMASK, but not of PRIMASK"
    value |= UInt32(truncatingIfNeeded: unmaskedPending(state)) << 12
    if exceptions.isInterruptPending { value |= 1 << 22 }
    if exceptions.isPending(Exception.sysTick) { value |= 1 << 26 }
    if exceptions.isPending(Exception.pendSV) { value |= 1 << 28 }
    if exceptions.isPending(Exception.nmi) { value |= 1 << 31 }
    return value
  }

  private func unmaskedPending(_ state: CoreM4) -> Int {
    let number = exceptions.highestPending()
    if number == 0 { return 0 }
    let priority = group(exceptions.priority(number))
    let basepri = Int(state.basepri) & priorityMask
    if state.faultmask & 1 == 1 && priority >= -1 { return 0 }
    if basepri != 0 && priority >= group(basepri) { return 0 }
    return number
  }

  private func writeInterruptControl(_ value: UInt32) {
    if value >> 31 & 1 == 1 { pend(Exception.nmi) }
    if value >> 28 & 1 == 1 { pend(Exception.pendSV) }
    if value >> 27 & 1 == 1 { exceptions.setPending(Exception.pendSV, false) }
    if value >> 26 & 1 == 1 { pend(Exception.sysTick) }
    if value >> 25 & 1 == 1 { exceptions.setPending(Exception.sysTick, false) }
  }

  // MARK: AIRCR, B3.2.6

  /// VECTRESET and VECTCLRACTIVE are a debugger's: outside of Debug state they are UNPREDICTABLE.
  /// Here as on the silicon VECTRESET resets the core alone; VECTCLRACTIVE is a finding.
  private func writeApplicationControl(_ value: UInt32) {
    if value >> 16 != 0x05FA { return }
    system.priorityGroup = value >> 8 & 7
    if value & 5 != 0 { requestReset(local: value & 4 == 0) }
  }

  // MARK: System handlers: SHPR1 to SHPR3, B3.2.10 to B3.2.12, and SHCSR, B3.2.13

  private static let adjustable = [4, 5, 6, 11, 12, 14, 15]

  private func readHandlerPriorities(_ register: UInt32) -> UInt32 {
    readPriorities(from: 4 + Int(register - At.shpr1))
  }

  private func writeHandlerPriorities(_ register: UInt32, _ value: UInt32, _ mask: UInt32) {
    let first = 4 + Int(register - At.shpr1)
    var writable: UInt32 = 0
    for number in Self.adjustable where number >= first && number < first + 4 {
      writable |= 0xFF << UInt32(8 * (number - first))
    }
    writePriorities(from: first, value, mask & writable)
  }

  /// By bit of SHCSR.
  private static let activeBits = [
    (0, Exception.memManage), (1, Exception.busFault), (3, Exception.usageFault),
    (7, Exception.svCall), (8, Exception.debugMonitor), (10, Exception.pendSV),
    (11, Exception.sysTick),
  ]
  private static let pendingBits = [
    (12, Exception.usageFault), (13, Exception.memManage), (14, Exception.busFault),
    (15, Exception.svCall),
  ]
  private static let enableBits = [
    (16, Exception.memManage), (17, Exception.busFault), (18, Exception.usageFault),
  ]

  private func readHandlerStates() -> UInt32 {
    var value: UInt32 = 0
    for (bit, number) in Self.activeBits where exceptions.isActive(number) { value |= 1 << bit }
    for (bit, number) in Self.pendingBits where exceptions.isPending(number) { value |= 1 << bit }
    for (bit, number) in Self.enableBits where exceptions.isEnabled(number) { value |= 1 << bit }
    return value
  }

  /// Software may write them all: "must be used with great care".
  private func writeHandlerStates(_ value: UInt32) {
    for (bit, number) in Self.activeBits { exceptions.setActive(number, value >> bit & 1 == 1) }
    for (bit, number) in Self.pendingBits { exceptions.setPending(number, value >> bit & 1 == 1) }
    for (bit, number) in Self.enableBits { exceptions.setEnabled(number, value >> bit & 1 == 1) }
  }

  // MARK: DEMCR

  private func writeMonitorControl(_ value: UInt32) {
    system.demcr = value & SystemControl.DEMCR.stored
    exceptions.setPending(
      Exception.debugMonitor, value & SystemControl.DEMCR.monitorPending != 0)
    cycles.trace(value & SystemControl.DEMCR.trace != 0, now)
    setWatch()
    waitForCycle()
  }
}
