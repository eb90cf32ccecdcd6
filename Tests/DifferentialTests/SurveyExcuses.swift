/// Why two outcomes may differ with neither core at fault, or with QEMU at fault. There is no catch-all: a difference that none of
/// these covers fails the survey.
struct Excuse {
  enum Kind: String {
    /// The manual leaves it open.
    case unpredictable = "UNPREDICTABLE"
    /// The manual does not: docs/errata.md.
    case erratum = "QEMU erratum"
    /// What `mps2-an386` has where the test's board has nothing.
    case board = "board"
  }
  var kind: Kind
  /// What, and where ARM DDI 0403E.e says so.
  var text: String
  var covers: @Sendable (SurveyCase, _ ours: SurveyRecord, _ theirs: SurveyRecord) -> Bool

  /// The first that covers a difference.
  static func of(
    _ one: SurveyCase, _ ours: SurveyRecord, _ theirs: SurveyRecord
  ) -> Excuse? {
    all.first { $0.covers(one, ours, theirs) }
  }

  static let all: [Excuse] = [
    // MARK: The board: faults here, where mps2-an386 answers
    Excuse(
      .board,
      "load or store where mps2-an386 has a device or memory that reads as zero, or on QEMU's private bus"
    ) { _, ours, theirs in
      ours.isFault && ours["cfsr"] == CFSR.preciseBus | CFSR.addressValid
        && theirs["bfar"] != ours["bfar"]
        && (isTheirs(ours["bfar"]) || isPrivate(ours["bfar"]))
    },
    Excuse(.board, "jump to where mps2-an386 has memory that reads as zero") { _, ours, theirs in
      ours.isFault && ours["cfsr"] == CFSR.instructionBus
        && !(theirs["cfsr"] == CFSR.instructionBus && theirs["stacked pc"] == ours["stacked pc"])
        && isTheirs(ours["stacked pc"])
    },
    Excuse(
      .board, "stack pointer moved to where mps2-an386, or QEMU's private bus, takes every store"
    ) { _, ours, theirs in
      ours["cfsr"] & CFSR.stacking != 0 && theirs["cfsr"] & CFSR.stacking == 0
        && (isTheirs(ours.frame &+ 4) || isPrivate(ours.frame &+ 4))
    },
    Excuse(
      .board, "stack pointer moved to a mirror, which is memory of its own on the test's board"
    ) { _, ours, theirs in
      ours.frame == theirs.frame && (isMirror(ours.frame) || isMirror(ours.frame &+ 0x67))
    },

    Excuse(
      .board, "store to a mirror, which is memory of its own on the test's board"
    ) { one, ours, theirs in
      one.singleAddress(ours).map(isMirror) ?? false
        && ours.differences(from: theirs).allSatisfy { $0.hasPrefix("changed") }
    },

    // MARK: UNPREDICTABLE
    Excuse(
      .unpredictable, "A3.2.1, B3.1.1: unaligned access to Device or Strongly-ordered memory"
    ) { one, ours, theirs in
      ours.isFault && ours["cfsr"] == CFSR.unaligned
        && isDeviceSpace(theirs.hasBFAR ? theirs["bfar"] : one.singleAddress(ours) ?? 0)
    },
    Excuse(
      .unpredictable, "A7.7.44 to A7.7.66, A7.7.162 to A7.7.170: SP or PC as the offset register"
    ) { one, _, _ in
      one.matches(0xFE80_0FCD, 0xF800_000D) && !one.matches(0x000F_0000, 0x000F_0000)
    },
    Excuse(.unpredictable, "A7.7.41, A7.7.42: LDM of SP") { one, _, _ in
      one.matches(0xFFD0_2000, 0xE890_2000) || one.matches(0xFFD0_2000, 0xE910_2000)
    },
    Excuse(.unpredictable, "A7.7.166: STRD based on the PC") { one, _, _ in
      one.matches(0xFE5F_0000, 0xE84F_0000) && !one.matches(0x0120_0000, 0)
    },
    Excuse(.unpredictable, "A7.7.19: BLX PC") { one, _, _ in one.matches(0xFFF8_0000, 0x47F8_0000)
    },
    Excuse(
      .unpredictable, "A5.3.17: SP or PC as a destination of a long multiply"
    ) { one, ours, theirs in
      let (low, high) = (one.encoding >> 12 & 15, one.encoding >> 8 & 15)
      return one.matches(0xFF80_0000, 0xFB80_0000) && (low & 13 == 13 || high & 13 == 13)
        && (ours.differences(from: theirs) == ["cfsr"] || ours["exception"] == Self.watchdog)
    },
    Excuse(
      .unpredictable, "A5.3.11: the PC as the destination of an operation with a shifted register"
    ) { one, _, _ in
      let comparisons: [UInt32] = [0, 4, 8, 13]  // TST, TEQ, CMN, CMP
      let compares =
        one.encoding >> 20 & 1 == 1 && comparisons.contains(one.encoding >> 21 & 15)
      return one.matches(0xFE00_0F00, 0xEA00_0F00) && !compares
    },
    Excuse(
      .unpredictable, "A7.7.244: VMOV of two singles into SP or PC"
    ) { one, _, _ in
      let (low, high) = (one.encoding >> 12 & 15, one.encoding >> 16 & 15)
      return one.matches(0xFFF0_0FD0, 0xEC50_0A10) && (low & 13 == 13 || high & 13 == 13)
    },
    Excuse(.unpredictable, "A7.7.258: VSTR based on the PC") { one, _, _ in
      one.matches(0xFF3F_0E00, 0xED0F_0A00)
    },
    Excuse(.unpredictable, "A7.7.257: VSTM based on the PC") { one, _, _ in
      one.matches(0xFFBF_0E00, 0xEC8F_0A00) || one.matches(0xFFBF_0E00, 0xECAF_0A00)
        || one.matches(0xFFBF_0E00, 0xED2F_0A00)
    },

    // MARK: Errata of QEMU
    Excuse(.erratum, "LDREXD and STREXD are executed (A5.3.6)") { one, ours, _ in
      one.matches(0xFFE0_00F0, 0xE8C0_0070) && ours["cfsr"] & CFSR.undefined != 0
    },
    Excuse(
      .erratum, "BKPT is a HardFault with HFSR.FORCED, and DFSR 0 (C1.6.1)"
    ) { _, ours, theirs in
      ours["dfsr"] == 2 && theirs["dfsr"] == 0
        && theirs["exception"] == 3
        && ours.differences(from: theirs).allSatisfy {
          ["exception", "hfsr", "dfsr", "shcsr"].contains($0)
        }
    },
    Excuse(
      .erratum,
      "UNALIGNED instead of INVSTATE or IBUSERR where the PC is not a multiple of 4 and EPSR.T clear (B1.4.2)"
    ) { _, ours, theirs in
      theirs["cfsr"] == CFSR.unaligned && theirs["stacked xpsr"] & 1 << 24 == 0
        && theirs["stacked pc"] & 2 != 0 && ours["stacked pc"] == theirs["stacked pc"]
    },
    Excuse(
      .erratum, "BFAR of an unaligned access rounded down to its size (B3.2.18)"
    ) { _, ours, theirs in
      ours.hasBFAR && [1, 3, 7].contains { theirs["bfar"] == ours["bfar"] & ~$0 }
        && ours.differences(from: theirs) == ["bfar"]
    },
    Excuse(
      .erratum, "HardFault in place of an SVC returns behind the SVC (B1.5.6, ReturnAddress())"
    ) { one, ours, theirs in
      one.encoding >> 24 == 0xDF && ours["exception"] == 3
        && ours["stacked pc"] &+ 2 == theirs["stacked pc"]
        && ours.differences(from: theirs).allSatisfy {
          ["stacked pc", "stacked xpsr", "changed words", "changed hash"].contains($0)
        }
    },
    Excuse(
      .erratum, "an extended frame is not aligned where CCR.STKALIGN is clear (B1.5.7)"
    ) { one, ours, theirs in
      one.control & SurveyCase.unpadded != 0 && ours["exc_return"] & 0x10 == 0
        && theirs["exc_return"] == ours["exc_return"] && ours.frame == theirs.frame & ~7
        && ours.frame != theirs.frame
    },
  ]

  private init(
    _ kind: Kind, _ text: String,
    _ covers: @escaping @Sendable (SurveyCase, SurveyRecord, SurveyRecord) -> Bool
  ) {
    (self.kind, self.text, self.covers) = (kind, text, covers)
  }

  private enum CFSR {
    static let instructionBus: UInt32 = 1 << 8
    static let preciseBus: UInt32 = 1 << 9
    static let stacking: UInt32 = 1 << 12
    static let addressValid: UInt32 = 1 << 15
    static let undefined: UInt32 = 1 << 16
    static let unaligned: UInt32 = 1 << 24
  }

  /// SysTick: it jumped to somewhere, and was caught at some time.
  private static let watchdog: UInt32 = 15

  /// Reserved blocks, block RAM, VGA, devices and bit-band aliases of `mps2-an386`.
  private static func isTheirs(_ address: UInt32) -> Bool {
    switch address {
    case 0x0080_0000..<0x2000_0000, 0x2080_0000..<0x2100_0000: true
    case 0x2200_0000..<0x2400_0000, 0x4000_0000..<0x4400_0000: true
    default: false
    }
  }

  private static func isPrivate(_ address: UInt32) -> Bool { address >> 20 == 0xE00 }

  /// The second appearance of a 4 MiB block on `mps2-an386`.
  private static func isMirror(_ address: UInt32) -> Bool {
    address >> 22 == 1 || address >> 22 == 0x81
  }

  /// B3.1.1, table B3-1.
  private static func isDeviceSpace(_ address: UInt32) -> Bool {
    address >> 29 == 2 || address >= 0xA000_0000
  }
}

extension SurveyCase {
  fileprivate func matches(_ mask: UInt32, _ value: UInt32) -> Bool { encoding & mask == value }

  /// Where a load or store of one word or halfword goes that need not be aligned: LDR, STR, LDRH and STRH with an offset.
  fileprivate func singleAddress(_ record: SurveyRecord) -> UInt32? {
    func register(_ number: UInt32) -> UInt32 { record.words[Int(number)] }
    let (first, second) = (encoding >> 16, encoding & 0xFFFF)
    switch first >> 12 {
    case 5: return register(first >> 3 & 7) &+ register(first >> 6 & 7)
    case 6: return register(first >> 3 & 7) &+ (first >> 6 & 31) << 2
    case 8: return register(first >> 3 & 7) &+ (first >> 6 & 31) << 1
    default: break
    }
    if first >> 9 != 0x7C { return nil }
    let base = register(first & 15)
    if first & 0x80 != 0 { return base &+ second & 0xFFF }
    if second & 0x800 == 0 { return base &+ register(second & 15) << (second >> 4 & 3) }
    if second & 0x400 == 0 { return base }
    return second & 0x200 == 0 ? base &- second & 0xFF : base &+ second & 0xFF
  }
}

extension SurveyRecord {
  fileprivate var hasBFAR: Bool { self["cfsr"] & 1 << 15 != 0 }
  /// Of the exception that ended it: HardFault, BusFault or UsageFault.
  fileprivate var isFault: Bool { [3, 5, 6].contains(self["exception"]) }
  fileprivate var frame: UInt32 { self["exc_return"] & 4 != 0 ? self["psp"] : self["msp"] }
}
