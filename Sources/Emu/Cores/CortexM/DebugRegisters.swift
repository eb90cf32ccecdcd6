import CoreShim

/// The registers of the debug units: ARM DDI 0403E.e, C1.6 (DHCSR, DCRSR, DCRDR), C1.7 (ITM), C1.8
/// (DWT), C1.11 (FPB); what they do is in `DebugEvents`.
extension CortexM {
  private var sleptTicks: Tick { now &- index }
  private var isTracing: Bool { system.demcr & SystemControl.DEMCR.trace != 0 }

  func readDebug(_ register: UInt32, pc: UInt64) -> UInt32 {
    switch register {
    case At.itmSTIM..<At.itmTER:
      // FIFOREADY: the port is enabled, and the stream takes everything.
      isTracing && debug.sends((register - At.itmSTIM) / 4, privileged: true) ? 1 : 0
    case At.itmTER: debug.portEnables
    case At.itmTPR: debug.portPrivileges
    case At.itmTCR: debug.traceControl
    case At.itmLSR: debug.isLocked ? 3 : 1
    case At.dwtCTRL:
      // Four comparators; no trace packets, no external match signals.
      0x4C00_0000 | debug.counterEvents | (cycles.isEnabled ? 1 : 0)
    case At.cyccnt: cycles.read(now)
    case At.dwtCounters..<At.dwtPCSR: readCounter(Int(register - At.dwtCounters) / 4)
    case At.dwtPCSR: UInt32(truncatingIfNeeded: pc)
    case At.dwtCOMP..<At.dwtEnd: readComparator(register)
    case At.fpbCTRL:
      UInt32(DebugUnits.codeComparators) << 4 | 2 << 8 | (debug.breakpointsEnabled ? 1 : 0)
    case At.fpbREMAP: debug.remap | 1 << 29
    case At.fpbCOMP..<At.fpbEnd: debug.breakpoints[Int(register - At.fpbCOMP) / 4]
    case At.dhcsr: readHaltingControl()
    case At.dcrdr: debug.transfer
    default: Self.identifier(register) ?? 0
    }
  }

  func writeDebug(_ register: UInt32, _ value: UInt32) {
    switch register {
    case At.itmTER, At.itmTPR, At.itmTCR: writeTraceControl(register, value)
    case At.itmLAR: debug.isLocked = value != DebugUnits.key
    case At.dwtCTRL:
      cycles.enable(value & 1 == 1, now)
      enableCounters(value & 0x7F_0000)
      waitForCycle()
    case At.cyccnt:
      cycles.write(value, now)
      waitForCycle()
    case At.dwtCounters..<At.dwtPCSR: setCounter(Int(register - At.dwtCounters) / 4, value)
    case At.dwtCOMP..<At.dwtEnd:
      writeComparator(register, value)
      setWatch()
      waitForCycle()
    case At.fpbCTRL:
      // KEY: "writes are ignored unless this bit is set".
      if value & 2 != 0 { debug.breakpointsEnabled = value & 1 == 1 }
      setWatch()
    case At.fpbREMAP: debug.remap = value & 0x1FFF_FFE0
    case At.fpbCOMP..<At.fpbEnd:
      debug.breakpoints[Int(register - At.fpbCOMP) / 4] = value & 0xDFFF_FFFD
      setWatch()
    case At.dcrdr: debug.transfer = value
    default: break
    }
  }

  // MARK: ITM

  /// A stimulus port is what an unprivileged program may write to, where ITM_TPR lets it.
  func writeStimulus(_ port: UInt32, _ value: UInt64, width: UInt8, privileged: Bool) {
    if !isTracing || !debug.sends(port, privileged: privileged) { return }
    record(.itm, detail: UInt64(port) | UInt64(width) << 24, value: value)
  }

  private func writeTraceControl(_ register: UInt32, _ value: UInt32) {
    if debug.isLocked {
      notModelled("ITM write while it is locked (ITM_LAR takes 0xC5ACCE55)", value: UInt64(value))
      return
    }
    switch register {
    case At.itmTER: debug.portEnables = value
    case At.itmTPR: debug.portPrivileges = value & 0xF
    default: debug.traceControl = value & 0x007F_0F1F
    }
  }

  // MARK: DWT

  /// CPICNT, EXCCNT, LSUCNT and FOLDCNT count cycles that this model does not have.
  private func readCounter(_ number: Int) -> UInt32 {
    var value = debug.counters[number]
    if number == DebugUnits.sleepCounter && isTracing && debug.counterEvents >> 19 & 1 == 1 {
      value &+= UInt8(truncatingIfNeeded: sleptTicks &- debug.sleepBase)
    }
    return UInt32(value)
  }

  private func setCounter(_ number: Int, _ value: UInt32) {
    debug.counters[number] = UInt8(truncatingIfNeeded: value)
    if number == DebugUnits.sleepCounter { debug.sleepBase = sleptTicks }
  }

  /// "The counter initializes to 0 when software enables its overflow event".
  private func enableCounters(_ events: UInt32) {
    for number in 0..<5 {
      let bit = 17 + UInt32(number)
      if events >> bit & 1 == 1 {
        if debug.counterEvents >> bit & 1 == 0 { setCounter(number, 0) }
      } else {
        debug.counters[number] = UInt8(readCounter(number))
      }
    }
    debug.counterEvents = events
  }

  /// COMP, MASK, FUNCTION, and nothing.
  private func readComparator(_ register: UInt32) -> UInt32 {
    let number = Int(register - At.dwtCOMP) / 16
    let comparator = debug.comparators[number]
    switch register & 0xF {
    case 0: return comparator.value
    case 4: return comparator.mask
    case 8:
      debug.comparators[number].matched = false
      // LNK1ENA: comparator 1 has a second one to link to.
      return comparator.function | comparator.qualifier | (number == 1 ? 1 << 9 : 0)
        | (comparator.matched ? 1 << 24 : 0)
    default: return 0
    }
  }

  private func writeComparator(_ register: UInt32, _ value: UInt32) {
    let number = Int(register - At.dwtCOMP) / 16
    switch register & 0xF {
    case 0: debug.comparators[number].value = value
    case 4: debug.comparators[number].mask = value & 0xF
    case 8: writeFunction(number, value)
    default: break
    }
  }

  /// FUNCTION 4 to 7; the others make trace packets, as does EMITRANGE (bit 5). Comparator 0 may compare cycles, and
  /// comparator 1 values at the addresses of others.
  private func writeFunction(_ number: Int, _ value: UInt32) {
    typealias Qualifier = DebugUnits.Comparator.Qualifier
    var comparator = debug.comparators[number]
    comparator.function = value & 0xF
    comparator.qualifier = 0
    if number == 0 { comparator.qualifier = value & Qualifier.cycles }
    if number == 1 { comparator.qualifier = value & (Qualifier.value | Qualifier.values) }
    var isModelled = value & 1 << 5 == 0 && (4...7).contains(comparator.function)
    if comparator.comparesValues {
      isModelled =
        isModelled && comparator.linked.allSatisfy { $0 < 4 && $0 != number }
        && value >> 10 & 3 != 3
    }
    if comparator.function == 0 || !isModelled {
      if comparator.function != 0 { notModelled("DWT_FUNCTION\(number)", value: UInt64(value)) }
      comparator.function = 0
    }
    debug.comparators[number] = comparator
  }

  // MARK: DHCSR

  /// S_RESET_ST and S_RETIRE_ST; the rest is a debugger's.
  private func readHaltingControl() -> UInt32 {
    defer { debug.wasReset = false }
    return 1 << 24 | (debug.wasReset ? 1 << 25 : 0)
  }
}
