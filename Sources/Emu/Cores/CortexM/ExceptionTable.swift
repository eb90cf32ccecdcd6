/// The exceptions of ARMv7-M by number (ARM DDI 0403E.e, B1.5.2). From 16 up: IRQ 0, 1, ...
enum Exception {
  static let reset = 1
  static let nmi = 2
  static let hardFault = 3
  static let memManage = 4
  static let busFault = 5
  static let usageFault = 6
  static let svCall = 11
  static let debugMonitor = 12
  static let pendSV = 14
  static let sysTick = 15
  static let firstIRQ = 16

  static func name(_ number: Int) -> String {
    switch number {
    case 0: "Thread mode"
    case reset: "Reset"
    case nmi: "NMI"
    case hardFault: "HardFault"
    case memManage: "MemManage"
    case busFault: "BusFault"
    case usageFault: "UsageFault"
    case svCall: "SVCall"
    case debugMonitor: "DebugMonitor"
    case pendSV: "PendSV"
    case sysTick: "SysTick"
    case firstIRQ...: "IRQ \(number - firstIRQ)"
    default: "exception \(number)"
    }
  }
}

/// Which exceptions are pending, enabled and active, and their priorities: B1.5.3 (states) and B1.5.4 (priorities).
///
/// Sets are bits in 64-bit words behind pointers: nothing here allocates or counts references, and a debug build is as quick
/// as it needs to be. `state` is the same as a value.
struct ExceptionTable {
  struct State: Codable, Hashable, Sendable {
    var pending: [UInt64]
    var enabled: [UInt64]
    var active: [UInt64]
    /// Of the interrupt inputs: asserted now.
    var levels: [UInt64]
    var priority: [Int16]

    /// No bits behind the last exception.
    func isSound(count: Int) -> Bool {
      [pending, enabled, active, levels].allSatisfy { set in
        count % 64 == 0 || (set.last ?? 0) >> UInt64(count % 64) == 0
      }
    }
  }

  /// 16 and as many as there are interrupts.
  let count: Int
  private let words: Int
  private let pending: UnsafeMutablePointer<UInt64>
  private let enabled: UnsafeMutablePointer<UInt64>
  private let active: UnsafeMutablePointer<UInt64>
  private let levels: UnsafeMutablePointer<UInt64>
  private let priorities: UnsafeMutablePointer<Int16>

  /// A priority that everything precedes: that of Thread mode with nothing masked.
  static let lowest = 256

  init(interrupts: Int) {
    precondition((1...240).contains(interrupts), "a Cortex-M4 has 1 to 240 interrupts")
    count = Exception.firstIRQ + interrupts
    words = (count + 63) / 64
    func bits(_ words: Int) -> UnsafeMutablePointer<UInt64> {
      let set = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
      set.initialize(repeating: 0, count: words)
      return set
    }
    pending = bits(words)
    enabled = bits(words)
    active = bits(words)
    levels = bits(words)
    priorities = .allocate(capacity: count)
    priorities.initialize(repeating: 0, count: count)
    reset()
  }

  func deallocate() {
    pending.deallocate()
    enabled.deallocate()
    active.deallocate()
    levels.deallocate()
    priorities.deallocate()
  }

  /// As after a reset of the core; the levels of its inputs are not its own, and those that are high are pending.
  func reset() {
    pending.update(repeating: 0, count: words)
    active.update(repeating: 0, count: words)
    enabled.update(repeating: 0, count: words)
    priorities.update(repeating: 0, count: count)
    // Fixed priorities, B1.5.4: "Reset, NMI, and HardFault execute at fixed priorities of -3, -2, and -1 respectively".
    priorities[Exception.reset] = -3
    priorities[Exception.nmi] = -2
    priorities[Exception.hardFault] = -1
    for number in [
      Exception.nmi, Exception.hardFault, Exception.svCall, Exception.debugMonitor,
      Exception.pendSV, Exception.sysTick,
    ] { setEnabled(number, true) }
    var word = 0
    while word < words {
      pending[word] = levels[word]
      word += 1
    }
  }

  var state: State {
    get {
      func copy(_ set: UnsafeMutablePointer<UInt64>) -> [UInt64] {
        Array(UnsafeBufferPointer(start: set, count: words))
      }
      return State(
        pending: copy(pending), enabled: copy(enabled), active: copy(active), levels: copy(levels),
        priority: Array(UnsafeBufferPointer(start: priorities, count: count)))
    }
    nonmutating set {
      precondition(newValue.priority.count == count, "a state of a core with other interrupts")
      for word in 0..<words {
        pending[word] = newValue.pending[word]
        enabled[word] = newValue.enabled[word]
        active[word] = newValue.active[word]
        levels[word] = newValue.levels[word]
      }
      for number in 0..<count { priorities[number] = newValue.priority[number] }
    }
  }

  // MARK: One exception

  @inline(__always) private func has(_ set: UnsafeMutablePointer<UInt64>, _ number: Int) -> Bool {
    set[number >> 6] >> UInt64(truncatingIfNeeded: number & 63) & 1 == 1
  }
  @inline(__always) private func put(
    _ set: UnsafeMutablePointer<UInt64>, _ number: Int, _ value: Bool
  ) {
    let bit = 1 as UInt64 &<< UInt64(truncatingIfNeeded: number & 63)
    set[number >> 6] = value ? set[number >> 6] | bit : set[number >> 6] & ~bit
  }

  func exists(_ number: Int) -> Bool { number >= 0 && number < count }
  func isPending(_ number: Int) -> Bool { exists(number) && has(pending, number) }
  func setPending(_ number: Int, _ value: Bool) { put(pending, number, value) }
  func isEnabled(_ number: Int) -> Bool { exists(number) && has(enabled, number) }
  func setEnabled(_ number: Int, _ value: Bool) { put(enabled, number, value) }
  func isActive(_ number: Int) -> Bool { exists(number) && has(active, number) }
  func setActive(_ number: Int, _ value: Bool) { put(active, number, value) }
  func isHigh(_ number: Int) -> Bool { exists(number) && has(levels, number) }
  func setHigh(_ number: Int, _ value: Bool) { put(levels, number, value) }

  func priority(_ number: Int) -> Int { Int(priorities[number]) }
  func setPriority(_ number: Int, _ value: UInt8) { priorities[number] = Int16(value) }

  // MARK: All of them

  /// The pending and enabled exception of the highest priority, the lowest number first among equals (B1.5.4); 0: none.
  func highestPending() -> Int {
    var best = 0
    var lowest = Self.lowest
    var word = 0
    while word < words {
      var rest = pending[word] & enabled[word]
      while rest != 0 {
        let number = word << 6 | rest.trailingZeroBitCount
        rest &= rest &- 1
        let priority = Int(priorities[number])
        if priority < lowest {
          lowest = priority
          best = number
        }
      }
      word += 1
    }
    return best
  }

  /// The highest priority among the active ones, as it is: without the effect of PRIGROUP.
  func highestActive() -> Int {
    var lowest = Self.lowest
    var word = 0
    while word < words {
      var rest = active[word]
      while rest != 0 {
        let priority = Int(priorities[word << 6 | rest.trailingZeroBitCount])
        rest &= rest &- 1
        if priority < lowest { lowest = priority }
      }
      word += 1
    }
    return lowest
  }

  /// Is any active, but for that one (`ExceptionActiveBitCount()`)? 0: there is no such exception.
  func isAnyActive(but number: Int = 0) -> Bool {
    var word = 0
    while word < words {
      var set = active[word]
      if number >> 6 == word { set &= ~(1 &<< UInt64(truncatingIfNeeded: number & 63)) }
      if set != 0 { return true }
      word += 1
    }
    return false
  }

  /// Does any interrupt pend, enabled or not?
  var isInterruptPending: Bool {
    if pending[0] >> UInt64(Exception.firstIRQ) != 0 { return true }
    var word = 1
    while word < words {
      if pending[word] != 0 { return true }
      word += 1
    }
    return false
  }

  // MARK: 32 interrupts, as the NVIC's registers show them

  private func irqs(_ set: UnsafeMutablePointer<UInt64>, _ first: Int) -> UInt32 {
    var value: UInt32 = 0
    for bit in 0..<32 where exists(first + bit) && has(set, first + bit) { value |= 1 << bit }
    return value
  }
  func pendingIRQs(_ register: Int) -> UInt32 { irqs(pending, Exception.firstIRQ + 32 * register) }
  func enabledIRQs(_ register: Int) -> UInt32 { irqs(enabled, Exception.firstIRQ + 32 * register) }
  func activeIRQs(_ register: Int) -> UInt32 { irqs(active, Exception.firstIRQ + 32 * register) }
}
