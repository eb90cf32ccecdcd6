import CoreShim

/// What of the debug architecture firmware sees (ARM DDI 0403E.e, C1): the DWT's comparators and
/// counters (C1.8), the FPB (C1.11), the ITM (C1.7), and the processor's own debug registers as
/// software finds them (C1.6). There is no halting debug: only a debugger may set C_DEBUGEN.
struct DebugUnits: Codable, Hashable, Sendable {
  // MARK: DWT

  struct Comparator: Codable, Hashable, Sendable {
    var value: UInt32 = 0
    /// Low bits of an address that are not compared.
    var mask: UInt32 = 0
    var function: UInt32 = 0
    /// CYCMATCH, DATAVMATCH, DATAVSIZE, DATAVADDR0 and DATAVADDR1, as DWT_FUNCTION has them.
    var qualifier: UInt32 = 0
    /// Since DWT_FUNCTION was read.
    var matched = false

    enum Function {
      static let pc: UInt32 = 4
      static let load: UInt32 = 5
      static let store: UInt32 = 6
      static let access: UInt32 = 7
    }

    enum Qualifier {
      static let cycles: UInt32 = 1 << 7
      static let value: UInt32 = 1 << 8
      /// DATAVSIZE and the numbers of two comparators of addresses.
      static let values: UInt32 = 0xFFC00
    }

    var watchesData: Bool { function >= Function.load }
    var comparesValues: Bool { watchesData && qualifier & Qualifier.value != 0 }
    var watchesPC: Bool { function == Function.pc && qualifier & Qualifier.cycles == 0 }
    var watchesCycles: Bool { function == Function.pc && qualifier & Qualifier.cycles != 0 }
    /// The comparators whose addresses count where values are compared.
    var linked: [Int] { [Int(qualifier >> 12 & 15), Int(qualifier >> 16 & 15)] }

    /// The value of an access is the one waited for, and its size that of DATAVSIZE.
    func equals(_ accessed: UInt64, size: UInt8) -> Bool {
      UInt32(size) == 1 << (qualifier >> 10 & 3)
        && (UInt32(truncatingIfNeeded: accessed) ^ value) << (32 - 8 * UInt32(size)) == 0
    }

    var address: UInt32 { value & ~(size - 1) }
    var size: UInt32 { 1 << mask }

    func covers(_ address: UInt32, _ count: UInt32 = 1) -> Bool {
      address &- self.address < size || self.address &- address < count
    }
  }

  var comparators = [Comparator](repeating: Comparator(), count: 4)
  /// When DWT_CYCCNT next is what comparator 0 waits for.
  var cycleMatch: Tick = .max
  /// DWT_CTRL's bits that enable the event counters.
  var counterEvents: UInt32 = 0
  /// CPICNT, EXCCNT, SLEEPCNT, LSUCNT, FOLDCNT as they were set; of these only SLEEPCNT counts.
  var counters = [UInt8](repeating: 0, count: 5)
  /// Ticks that the core had slept when SLEEPCNT was set.
  var sleepBase: Tick = 0

  static let sleepCounter = 2

  func isSound(_ now: Tick) -> Bool {
    comparators.count == 4 && comparators.allSatisfy { $0.mask < 32 } && counters.count == 5
      && breakpoints.count == Self.comparatorCount && sleepBase <= now
  }

  /// Comparator 1 compares values at its address: "FUNCTION is overridden" then (Cortex-M4 TRM, DWT_FUNCTION).
  func isLinked(_ number: Int) -> Bool {
    comparators[1].comparesValues && comparators[1].linked.contains(number)
  }
  func watchesPC(_ number: Int) -> Bool { comparators[number].watchesPC && !isLinked(number) }
  var hasPCWatch: Bool { comparators.indices.contains(where: watchesPC) }

  // MARK: FPB

  static let codeComparators = 6
  static let comparatorCount = 8
  var breakpointsEnabled = false
  var breakpoints = [UInt32](repeating: 0, count: comparatorCount)
  var remap: UInt32 = 0

  /// REPLACE 01: the lower halfword of a word; 10: the upper one; 11: both.
  func breaks(at pc: UInt32) -> Bool {
    guard breakpointsEnabled else { return false }
    return breakpoints.prefix(Self.codeComparators).contains {
      $0 & 1 == 1 && $0 & 0x1FFF_FFFC == pc & ~3 && $0 >> 30 & (pc & 2 == 0 ? 1 : 2) != 0
    }
  }
  var hasBreakpoint: Bool {
    breakpointsEnabled
      && breakpoints.prefix(Self.codeComparators).contains { $0 & 1 == 1 && $0 >> 30 != 0 }
  }

  // MARK: ITM

  static let key: UInt32 = 0xC5AC_CE55
  /// ITM_TCR, ITM_TER, ITM_TPR.
  var traceControl: UInt32 = 0
  var portEnables: UInt32 = 0
  var portPrivileges: UInt32 = 0
  /// ITM_LSR: the control registers take no writes until ITM_LAR has got the key.
  var isLocked = true

  func sends(_ port: UInt32, privileged: Bool) -> Bool {
    traceControl & 1 == 1 && portEnables >> port & 1 == 1
      && (privileged || portPrivileges >> (port / 8) & 1 == 0)
  }

  // MARK: The processor's own

  /// DCRDR is for whoever debugs; software only finds what was put there.
  var transfer: UInt32 = 0
  /// DHCSR.S_RESET_ST: "cleared to zero on a read".
  var wasReset = true
}
