import CoreShim

/// Debug events without a debugger: ARM DDI 0403E.e, C1.4 (watchpoints, breakpoints, stepping), C1.6.1
/// (DFSR) and C1.6.5 (DEMCR).
///
/// With DEMCR.MON_EN they are DebugMonitor exceptions, if its priority allows; else a watchpoint or a
/// step is ignored, and a breakpoint is a HardFault. A watchpoint is taken directly behind the
/// instruction that it is about, a breakpoint before it.
///
/// Loads and stores that a comparator may be about come here instead of going to memory directly.
/// While instructions are watched (a PC comparator, the FPB, MON_STEP) turns are of one instruction.
extension CortexM {
  private typealias DEMCR = SystemControl.DEMCR

  /// MON_EN: debug events are exceptions. One that MON_PEND makes pending needs it not (C1.6.5).
  var hasMonitor: Bool {
    system.demcr & DEMCR.monitor != 0
  }
  private var hasWatchpoints: Bool { hasMonitor && system.demcr & DEMCR.trace != 0 }
  private var isStepping: Bool { hasMonitor && system.demcr & DEMCR.step != 0 }

  /// After whatever decides what is watched.
  func setWatch() {
    var ranges = CoreM4Watch()
    isWatchingData = false
    if hasWatchpoints {
      withUnsafeMutableBytes(of: &ranges) { bytes in
        let words = bytes.bindMemory(to: UInt32.self)
        for (number, comparator) in debug.comparators.enumerated()
        where comparator.watchesData && !debug.isLinked(number) {
          for place in comparator.comparesValues ? comparator.linked : [number] {
            words[2 * place] = debug.comparators[place].address
            words[2 * place + 1] = debug.comparators[place].size
          }
          isWatchingData = true
        }
      }
    }
    core_m4_set_watch(core, &ranges)
    watchesInstructions =
      isStepping || debug.hasBreakpoint || (hasWatchpoints && debug.hasPCWatch)
    cut(at: now + 1)
  }

  /// Behind an access: is it one that a comparator waits for?
  func watch(_ access: CoreAccess) {
    typealias Function = DebugUnits.Comparator.Function
    let address = UInt32(truncatingIfNeeded: access.address)
    var hit = false
    for (number, comparator) in debug.comparators.enumerated() {
      let kind = access.is_store ? Function.store : Function.load
      guard comparator.function == kind || comparator.function == Function.access,
        !debug.isLinked(number)
      else { continue }
      let size = UInt32(access.size)
      let isHit =
        comparator.comparesValues
        ? comparator.equals(access.value, size: access.size)
          && comparator.linked.contains { debug.comparators[$0].covers(address, size) }
        : comparator.covers(address, size)
      if isHit {
        debug.comparators[number].matched = true
        hit = true
      }
    }
    if hit { pendMonitor(SystemControl.watchEvent) }
  }

  /// A debug event that is ignored where it cannot be taken.
  private func pendMonitor(_ event: UInt32) {
    system.dfsr |= event
    let number = Exception.debugMonitor
    if group(exceptions.priority(number)) < executionPriority(masks) {
      exceptions.setPending(number, true)
      reconsider()
    }
  }

  // MARK: CYCCNT

  /// After whatever moves DWT_CYCCNT or the value that comparator 0 waits for.
  func waitForCycle() {
    let comparator = debug.comparators[0]
    let waits = hasWatchpoints && comparator.watchesCycles && !debug.isLinked(0)
    debug.cycleMatch = waits ? cycles.next(comparator.value, after: now) : .max
    reschedule()
  }

  func cycleHasCome(_ now: Tick) {
    debug.comparators[0].matched = true
    debug.cycleMatch = cycles.next(debug.comparators[0].value, after: now)
    pendMonitor(SystemControl.watchEvent)
  }

  // MARK: A turn of one instruction

  /// What is pending is entered first, so that it is known which instruction this turn is about.
  func stepBegins() {
    var state = CoreM4()
    core_m4_get(core, &state)
    settle()
    if preempting(state.masks) != 0 {
      enterException(&state, returnAddress: state.r.15)
      core_m4_get(core, &state)
    }
    if debug.breaks(at: state.r.15) {
      breakpoint(&state)
      core_m4_get(core, &state)
    }
    steppedPC = state.r.15
    // "MON_STEP ... when the processor returns from the handler": only what the monitor could preempt.
    stepsNow =
      isStepping
      && group(exceptions.priority(Exception.debugMonitor)) < executionPriority(state.masks)
  }

  func stepEnds(_ attempts: UInt64) {
    if attempts == 0 { return }
    settle()
    if hasWatchpoints {
      var hit = false
      for (number, comparator) in debug.comparators.enumerated()
      where debug.watchesPC(number) && comparator.covers(steppedPC) {
        debug.comparators[number].matched = true
        hit = true
      }
      if hit { pendMonitor(SystemControl.watchEvent) }
    }
    if stepsNow && !exceptions.isActive(Exception.debugMonitor) {
      pendMonitor(SystemControl.haltEvent)
    }
  }
}
