/// The private peripheral bus, 0xE0000000 to 0xE00FFFFF, by name (ARM DDI 0403E.e, B3.1 to B3.4 and C1; identification values
/// of the Cortex-M4 r0p1 with FPU). Offsets are from 0xE0000000.
extension CortexM {
  static let privateBase: UInt64 = 0xE000_0000
  static let privateSize: UInt64 = 0x10_0000

  typealias Map = RegisterMap

  static let registerMap = RegisterMap(
    traceRegisters + counterRegisters + controlRegisters + identification, reserved: .zero)

  /// Made once: it was 40 % of a warm boot.
  static let registerTable = RegisterTable(registerMap)

  /// Where there is something at all; the rest of the bus answers with a fault.
  static func isImplemented(_ offset: UInt64) -> Bool {
    switch offset >> 12 {
    case 0x00, 0x01, 0x02, 0x0E, 0x40, 0x41, 0xFF: true
    default: false
    }
  }

  /// By word offset.
  enum At {
    static let itmSTIM: UInt32 = 0x000
    static let itmTER: UInt32 = 0xE00
    static let itmTPR: UInt32 = 0xE40
    static let itmTCR: UInt32 = 0xE80
    static let itmLAR: UInt32 = 0xFB0
    static let itmLSR: UInt32 = 0xFB4
    static let dwtCTRL: UInt32 = 0x1000
    static let cyccnt: UInt32 = 0x1004
    static let dwtCounters: UInt32 = 0x1008
    static let dwtPCSR: UInt32 = 0x101C
    static let dwtCOMP: UInt32 = 0x1020
    static let dwtEnd: UInt32 = 0x1060
    static let fpbCTRL: UInt32 = 0x2000
    static let fpbREMAP: UInt32 = 0x2004
    static let fpbCOMP: UInt32 = 0x2008
    static let fpbEnd: UInt32 = 0x2028
    /// Of the ITM, the DWT and the FPB together.
    static let fpbLimit: UInt32 = 0x2FD0
    static let ictr: UInt32 = 0xE004
    static let actlr: UInt32 = 0xE008
    static let systCSR: UInt32 = 0xE010
    static let systRVR: UInt32 = 0xE014
    static let systCVR: UInt32 = 0xE018
    static let systCALIB: UInt32 = 0xE01C
    static let iser: UInt32 = 0xE100
    static let icer: UInt32 = 0xE180
    static let ispr: UInt32 = 0xE200
    static let icpr: UInt32 = 0xE280
    static let iabr: UInt32 = 0xE300
    static let ipr: UInt32 = 0xE400
    static let cpuid: UInt32 = 0xED00
    static let icsr: UInt32 = 0xED04
    static let vtor: UInt32 = 0xED08
    static let aircr: UInt32 = 0xED0C
    static let scr: UInt32 = 0xED10
    static let ccr: UInt32 = 0xED14
    static let shpr1: UInt32 = 0xED18
    static let shpr3: UInt32 = 0xED20
    static let shcsr: UInt32 = 0xED24
    static let cfsr: UInt32 = 0xED28
    static let hfsr: UInt32 = 0xED2C
    static let dfsr: UInt32 = 0xED30
    static let mmfar: UInt32 = 0xED34
    static let bfar: UInt32 = 0xED38
    static let cpacr: UInt32 = 0xED88
    static let mpuTYPE: UInt32 = 0xED90
    static let mpuCTRL: UInt32 = 0xED94
    static let mpuRNR: UInt32 = 0xED98
    static let mpuRBAR: UInt32 = 0xED9C
    static let mpuEnd: UInt32 = 0xEDBC
    static let dhcsr: UInt32 = 0xEDF0
    static let dcrsr: UInt32 = 0xEDF4
    static let dcrdr: UInt32 = 0xEDF8
    static let demcr: UInt32 = 0xEDFC
    static let stir: UInt32 = 0xEF00
    static let fpccr: UInt32 = 0xEF34
    static let fpcar: UInt32 = 0xEF38
    static let fpdscr: UInt32 = 0xEF3C
  }

  private static let bytes: Map.Widths = [.byte, .half, .word]

  private static func word(
    _ name: String, _ offset: UInt32, _ permission: Map.Permission = .readWrite,
    count: UInt64 = 1, widths: Map.Widths = .word, reset: UInt64 = 0, fields: [Map.Field] = []
  ) -> Map.Register {
    Map.Register(
      name, UInt64(offset), count: count, widths: widths, permission, reset: reset, fields: fields)
  }

  private static func field(
    _ name: String, _ bit: Int, modelled: Bool = true
  ) -> Map.Field { Map.Field(name, bit, modelled: modelled) }

  /// The TPIU and the ETM: not on these boards; their windows answer nevertheless.
  private static let traceRegisters: [Map.Register] = [
    word("ITM_STIM", At.itmSTIM, count: 32, widths: bytes),
    word("ITM_TER", At.itmTER),
    word("ITM_TPR", At.itmTPR),
    word("ITM_TCR", At.itmTCR),
    word("ITM_LAR", At.itmLAR, .writeOnly),
    word("ITM_LSR", At.itmLSR, .readOnly, reset: 3),
    word(
      "FP_CTRL", At.fpbCTRL, reset: 0x260, fields: [field("ENABLE", 0), field("KEY", 1)]),
    word("FP_REMAP", At.fpbREMAP, reset: 1 << 29),
    word("FP_COMP", At.fpbCOMP, count: 8),
    .notModelled("TPIU", 0x4_0000, count: 1024),
    .notModelled("ETM", 0x4_1000, count: 1024),
  ]

  /// DWT, C1.8.
  private static let counterRegisters: [Map.Register] = [
    word(
      "DWT_CTRL", At.dwtCTRL, reset: 0x4C00_0000,
      fields: [
        field("CYCCNTENA", 0),
        Map.Field("POSTPRESET", 1...4, modelled: false),
        Map.Field("POSTINIT", 5...8, modelled: false),
        Map.Field("CYCTAP", 9, modelled: false),
        Map.Field("SYNCTAP", 10...11, modelled: false),
        Map.Field("PCSAMPLENA", 12, modelled: false),
        Map.Field("EXCTRCENA", 16, modelled: false),
        Map.Field("CPIEVTENA to FOLDEVTENA", 17...21),
        Map.Field("CYCEVTENA", 22, modelled: false),
      ]),
    word("DWT_CYCCNT", At.cyccnt),
    word("DWT_CPICNT", At.dwtCounters),
    word("DWT_EXCCNT", 0x100C),
    word("DWT_SLEEPCNT", 0x1010),
    word("DWT_LSUCNT", 0x1014),
    word("DWT_FOLDCNT", 0x1018),
    word("DWT_PCSR", At.dwtPCSR, .readOnly),
    // Four times COMP, MASK, FUNCTION and nothing.
    word("DWT_COMP", At.dwtCOMP, count: 16),
    word("DWT_LAR", 0x1FB0, .writeOnly),
    word("DWT_LSR", 0x1FB4, .readOnly),
  ]

  /// The System Control Space, B3.2 to B3.4.
  private static let controlRegisters: [Map.Register] = [
    word("ICTR", At.ictr, .readOnly),
    word("ACTLR", At.actlr),
    word(
      "SYST_CSR", At.systCSR, reset: 4,
      fields: [
        field("ENABLE", 0), field("TICKINT", 1), field("CLKSOURCE", 2), field("COUNTFLAG", 16),
      ]),
    word("SYST_RVR", At.systRVR),
    word("SYST_CVR", At.systCVR),
    word("SYST_CALIB", At.systCALIB, .readOnly, reset: UInt64(SysTick.calibration)),
    word("NVIC_ISER", At.iser, count: 8),
    word("NVIC_ICER", At.icer, count: 8),
    word("NVIC_ISPR", At.ispr, count: 8),
    word("NVIC_ICPR", At.icpr, count: 8),
    word("NVIC_IABR", At.iabr, .readOnly, count: 8),
    word("NVIC_IPR", At.ipr, count: 60, widths: bytes),
    word("CPUID", At.cpuid, .readOnly, reset: 0x410F_C241),
    word("ICSR", At.icsr),
    word("VTOR", At.vtor),
    word(
      "AIRCR", At.aircr, reset: 0xFA05_0000,
      fields: [
        Map.Field("VECTKEY", 16...31), Map.Field("PRIGROUP", 8...10), field("SYSRESETREQ", 2),
        field("VECTCLRACTIVE", 1, modelled: false), field("VECTRESET", 0),
      ]),
    word(
      "SCR", At.scr,
      fields: [field("SLEEPONEXIT", 1), field("SLEEPDEEP", 2), field("SEVONPEND", 4)]),
    word(
      "CCR", At.ccr, widths: bytes, reset: UInt64(SystemControl.CCR.stackAlign),
      fields: [
        field("NONBASETHRDENA", 0), field("USERSETMPEND", 1),
        field("UNALIGN_TRP", 3), field("DIV_0_TRP", 4),
        field("BFHFNMIGN", 8), field("STKALIGN", 9),
      ]),
    word("SHPR", At.shpr1, count: 3, widths: bytes),
    word("SHCSR", At.shcsr),
    word("CFSR", At.cfsr, widths: bytes),
    word("HFSR", At.hfsr),
    word("DFSR", At.dfsr),
    word("MMFAR", At.mmfar),
    word("BFAR", At.bfar),
    word("AFSR", 0xED3C),
    word("CPACR", At.cpacr),
    word("MPU_TYPE", At.mpuTYPE, .readOnly, reset: UInt64(MemoryProtection.type)),
    word("MPU_CTRL", At.mpuCTRL),
    word("MPU_RNR", At.mpuRNR),
    word("MPU_RBAR", At.mpuRBAR),
    word("MPU_RASR", 0xEDA0, widths: [.half, .word]),
    word("MPU_RBAR_A1", 0xEDA4),
    word("MPU_RASR_A1", 0xEDA8, widths: [.half, .word]),
    word("MPU_RBAR_A2", 0xEDAC),
    word("MPU_RASR_A2", 0xEDB0, widths: [.half, .word]),
    word("MPU_RBAR_A3", 0xEDB4),
    word("MPU_RASR_A3", 0xEDB8, widths: [.half, .word]),
    word("DHCSR", At.dhcsr, reset: 0x0300_0000),
    word("DCRSR", At.dcrsr, .writeOnly),
    word("DCRDR", At.dcrdr),
    word(
      "DEMCR", At.demcr,
      fields: [
        Map.Field("VC", 0...10), field("MON_EN", 16), field("MON_PEND", 17),
        field("MON_STEP", 18), field("MON_REQ", 19), field("TRCENA", 24),
      ]),
    word("STIR", At.stir, .writeOnly),
    word(
      "FPCCR", At.fpccr, reset: 0xC000_0000, fields: [field("ASPEN", 31), field("LSPEN", 30)]),
    word("FPCAR", At.fpcar),
    word("FPDSCR", At.fpdscr),
  ]

  private static let identification: [Map.Register] = identifiers.map {
    Map.Register($0.0, UInt64($0.1), .readOnly, reset: UInt64($0.2))
  }

  static func identifier(_ offset: UInt32) -> UInt32? {
    identifiers.first { $0.1 == offset }?.2
  }

  private static let identifiers: [(String, UInt32, UInt32)] =
    systemIdentifiers + componentIdentifiers + romTable

  /// What a debugger and `ROM` walk from 0xE00FF000 (C1.2.6): the units that are there.
  private static let romTable: [(String, UInt32, UInt32)] = [
    ("ROM_SCS", 0xF_F000, 0xFFF0_F003), ("ROM_DWT", 0xF_F004, 0xFFF0_2003),
    ("ROM_FPB", 0xF_F008, 0xFFF0_3003), ("ROM_ITM", 0xF_F00C, 0xFFF0_1003),
    ("ROM_TPIU", 0xF_F010, 0xFFF4_1002), ("ROM_ETM", 0xF_F014, 0xFFF4_2002),
    ("ROM_END", 0xF_F018, 0), ("ROM_MEMTYPE", 0xF_FFCC, 1),
  ]

  /// PID and CID of each unit: designer Arm, and the part numbers of the Cortex-M4's.
  private static let componentIdentifiers: [(String, UInt32, UInt32)] = [
    ("ITM", 0, [0x01, 0xB0, 0x3B], 0xE0), ("DWT", 0x1000, [0x02, 0xB0, 0x3B], 0xE0),
    ("FP", 0x2000, [0x03, 0xB0, 0x2B], 0xE0), ("ROM", 0xF_F000, [0xC4, 0xB4, 0x0B], 0x10),
  ].flatMap { (name: String, base: UInt32, part: [UInt32], component: UInt32) in
    let values: [UInt32] = [4, 0, 0, 0] + part + [0, 0x0D, component, 0x05, 0xB1]
    let names = [4, 5, 6, 7, 0, 1, 2, 3].map { "PID\($0)" } + (0..<4).map { "CID\($0)" }
    return zip(names, values).enumerated().map {
      ("\(name)_\($1.0)", base + 0xFD0 + 4 * UInt32($0), $1.1)
    }
  }

  private static let systemIdentifiers: [(String, UInt32, UInt32)] = [
    ("ID_PFR0", 0xED40, 0x0000_0030), ("ID_PFR1", 0xED44, 0x0000_0200),
    ("ID_DFR0", 0xED48, 0x0010_0000), ("ID_AFR0", 0xED4C, 0),
    ("ID_MMFR0", 0xED50, 0x0010_0030), ("ID_MMFR1", 0xED54, 0), ("ID_MMFR2", 0xED58, 0x0100_0000),
    ("ID_MMFR3", 0xED5C, 0), ("ID_ISAR0", 0xED60, 0x0110_1110), ("ID_ISAR1", 0xED64, 0x0211_2000),
    ("ID_ISAR2", 0xED68, 0x2123_2231), ("ID_ISAR3", 0xED6C, 0x0111_1131),
    ("ID_ISAR4", 0xED70, 0x0131_0132), ("MVFR0", 0xEF40, 0x1011_0021),
    ("MVFR1", 0xEF44, 0x1100_0011), ("SCS_PID4", 0xEFD0, 0x04), ("SCS_PID5", 0xEFD4, 0),
    ("SCS_PID6", 0xEFD8, 0), ("SCS_PID7", 0xEFDC, 0), ("SCS_PID0", 0xEFE0, 0x0C),
    ("SCS_PID1", 0xEFE4, 0xB0), ("SCS_PID2", 0xEFE8, 0x0B), ("SCS_PID3", 0xEFEC, 0),
    ("SCS_CID0", 0xEFF0, 0x0D), ("SCS_CID1", 0xEFF4, 0xE0), ("SCS_CID2", 0xEFF8, 0x05),
    ("SCS_CID3", 0xEFFC, 0xB1),
  ]
}
