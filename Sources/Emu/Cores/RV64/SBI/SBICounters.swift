import CoreShim

/// Performance monitoring, chapter 11. Counters 0 and 1 are the hart's own `cycle` and `instret`,
/// which `mcountinhibit` stops; the rest count what this firmware does, one event each.
extension SBI {
  struct FirmwareEvents: Sendable, Hashable, Codable {
    /// By event.
    fileprivate var counts = [UInt64](repeating: 0, count: Event.allCases.count)
    /// Counters: what to subtract, or, of one that is stopped, what it shows.
    fileprivate var counters = [Counter](repeating: Counter(), count: Event.allCases.count)

    fileprivate struct Counter: Sendable, Hashable, Codable {
      var isRunning = false
      var value: UInt64 = 0
    }

    /// Event codes of the specification, "SBI PMU Firmware Events".
    enum Event: UInt64, CaseIterable {
      case setTimer = 5
      case interruptSent, interruptReceived
      case fenceInstructionsSent, fenceInstructionsReceived
      case fenceAddressesSent, fenceAddressesReceived
      case fenceSpaceSent, fenceSpaceReceived

      fileprivate var number: Int { Int(rawValue - Event.setTimer.rawValue) }
    }

    var isSound: Bool {
      counts.count == Event.allCases.count && counters.count == Event.allCases.count
    }

    mutating func count(_ event: Event) { counts[event.number] &+= 1 }

    fileprivate func value(_ counter: Int) -> UInt64 {
      let value = counters[counter].value
      return counters[counter].isRunning ? counts[counter] &- value : value
    }

    fileprivate mutating func set(_ counter: Int, _ value: UInt64, isRunning: Bool) {
      counters[counter] = Counter(
        isRunning: isRunning, value: isRunning ? counts[counter] &- value : value)
    }
  }
}

extension RV64 {
  private enum Counter {
    static let hardware = 2
    static let all = hardware + SBI.FirmwareEvents.Event.allCases.count
    /// The CSRs that a guest reads them by, those that set them, and their bits in mcountinhibit.
    static let readers: [UInt64] = [0xC00, 0xC02]
    static let writers: [UInt32] = [0xB00, 0xB02]
    static let inhibits: [UInt64] = [1 << 0, 1 << 2]
    static let inhibit: UInt32 = 0x320
  }

  private enum Flag {
    // counter_config_matching
    static let skipMatch: UInt64 = 1
    static let clearValue: UInt64 = 2
    static let autoStart: UInt64 = 4
    // counter_start
    static let setValue: UInt64 = 1
    static let snapshotValue: UInt64 = 2
    // counter_stop
    static let reset: UInt64 = 1
    static let snapshot: UInt64 = 2
  }

  func counters(_ function: UInt64) -> SBI.Answer {
    switch function {
    case 0: .value(UInt64(Counter.all))
    case 1: counterInfo(x(10))
    case 2: configure(flags: x(12), event: x(13))
    case 3: startCounters(flags: x(12), value: x(13))
    case 4: stopCounters(flags: x(12))
    case 5: readFirmwareCounter(x(10))
    // "always returns zero in sbiret.value for RV64"
    case 6: readFirmwareCounter(x(10)).status == .success ? .success : .error(.invalidParameter)
    default: .error(.notSupported)
    }
  }

  /// CSR number, width less one from bit 12 on; bit 63: a firmware counter.
  private func counterInfo(_ counter: UInt64) -> SBI.Answer {
    if counter >= UInt64(Counter.all) { return .error(.invalidParameter) }
    if counter >= UInt64(Counter.hardware) { return .value(1 << 63) }
    return .value(Counter.readers[Int(counter)] | 63 << 12)
  }

  /// The counters that a0 (base) and a1 (mask) name; nil: one is not there.
  private func namedCounters() -> [Int]? {
    let (base, mask) = (x(10), x(11))
    if base >= UInt64(Counter.all) { return nil }
    let named = (0..<64).filter { mask >> UInt64($0) & 1 == 1 }.map { Int(base) + $0 }
    return named.allSatisfy { $0 < Counter.all } ? named : nil
  }

  /// Which counter counts an event: type in bits 19 to 16, code below.
  private func counter(for event: UInt64) -> Int? {
    let code = event & 0xFFFF
    switch event >> 16 {
    case 0: return code == 1 ? 0 : code == 2 ? 1 : nil
    case 15: return SBI.FirmwareEvents.Event(rawValue: code).map { Counter.hardware + $0.number }
    default: return nil
    }
  }

  private func configure(flags: UInt64, event: UInt64) -> SBI.Answer {
    guard let named = namedCounters() else { return .error(.invalidParameter) }
    let match = flags & Flag.skipMatch != 0 ? named.first : counter(for: event)
    guard let match, named.contains(match) else { return .error(.notSupported) }
    if flags & Flag.clearValue != 0 { set(match, 0, isRunning: isRunning(match)) }
    if flags & Flag.autoStart != 0 { set(match, value(match), isRunning: true) }
    return .value(UInt64(match))
  }

  private func startCounters(flags: UInt64, value: UInt64) -> SBI.Answer {
    guard let named = namedCounters() else { return .error(.invalidParameter) }
    if flags & Flag.snapshotValue != 0 { return .error(.noSharedMemory) }
    if named.contains(where: isRunning) { return .error(.alreadyStarted) }
    for counter in named {
      set(counter, flags & Flag.setValue != 0 ? value : self.value(counter), isRunning: true)
    }
    return .success
  }

  private func stopCounters(flags: UInt64) -> SBI.Answer {
    guard let named = namedCounters() else { return .error(.invalidParameter) }
    if flags & Flag.snapshot != 0 { return .error(.noSharedMemory) }
    if !named.allSatisfy(isRunning) { return .error(.alreadyStopped) }
    for counter in named {
      set(counter, flags & Flag.reset != 0 ? 0 : value(counter), isRunning: false)
    }
    return .success
  }

  private func readFirmwareCounter(_ counter: UInt64) -> SBI.Answer {
    guard counter >= UInt64(Counter.hardware), counter < UInt64(Counter.all) else {
      return .error(.invalidParameter)
    }
    return .value(value(Int(counter)))
  }

  // MARK: One counter

  private func isRunning(_ counter: Int) -> Bool {
    if counter < Counter.hardware { return csr(Counter.inhibit) & Counter.inhibits[counter] == 0 }
    return sbi?.firmwareEvents.counters[counter - Counter.hardware].isRunning ?? false
  }

  private func value(_ counter: Int) -> UInt64 {
    if counter < Counter.hardware { return csr(Counter.writers[counter]) }
    return sbi?.firmwareEvents.value(counter - Counter.hardware) ?? 0
  }

  private func set(_ counter: Int, _ value: UInt64, isRunning: Bool) {
    if counter >= Counter.hardware {
      sbi?.firmwareEvents.set(counter - Counter.hardware, value, isRunning: isRunning)
      return
    }
    let bit = Counter.inhibits[counter]
    let inhibit = csr(Counter.inhibit)
    core_rv64_set_csr(core, Counter.inhibit, isRunning ? inhibit & ~bit : inhibit | bit)
    core_rv64_set_csr(core, Counter.writers[counter], value)
  }
}
