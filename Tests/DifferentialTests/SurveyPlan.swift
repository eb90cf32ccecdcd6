/// What the survey runs: every 16-bit encoding, and every space of 32-bit encodings of ARM DDI 0403E.e, A5.3, with the opcode
/// fields exhaustively and the operand fields at random.
///
/// A space is a picture of its bits: `x` takes both values in turn, `.` is random, `&` random and mostly clear; `n d m t a` are
/// register fields, random, with SP, LR and PC more often than others.
struct Space {
  enum Pool: UInt32 {
    /// Registers hold boundary values.
    case data
    /// Registers are mostly pointers into a window of memory, and small offsets.
    case memory
    /// Registers are mostly addresses of code.
    case code
  }
  var name: String
  var section: String
  var picture: String
  var pools: [Pool]
  /// How many cases each combination of its exhaustive fields gets in the whole survey.
  var rounds: Int
  var fp = false
  /// Runs before the encoding.
  var prefixes: [UInt32] = [0]
  /// Nothing of it writes to the PC, so that PRIMASK may keep the sandbox's watchdog out.
  var stays = false
  /// Bits of `SurveyCase.control` that all its cases have.
  var modes: UInt32 = 0
  /// Whether the windows are searched for stores far from the stack.
  var stores = false
}

extension Space {
  static let all: [Space] = [
    Space(
      name: "16-bit", section: "A5.2", picture: "xxxxxxxxxxxxxxxx" + zeros,
      pools: [.data, .memory, .code], rounds: 12, stores: true),
    Space(
      name: "IT and what it covers", section: "A7.7.38", picture: "00.....xxx...xxx" + zeros,
      pools: [.data], rounds: 400, prefixes: (0..<0x100).map { 0xBF00_0000 | $0 << 16 }),
    Space(
      name: "load and store multiple", section: "A5.3.5",
      picture: "1110100xx0xxnnnn" + "xxx.............", pools: [.memory], rounds: 300, stores: true),
    Space(
      name: "load and store multiple, few registers", section: "A5.3.5",
      picture: "1110100xx0xxnnnn" + "&&&&&&&&&&&&&&&&", pools: [.memory], rounds: 2_000,
      stores: true),
    Space(
      name: "load and store dual, exclusive, table branch", section: "A5.3.6",
      picture: "1110100xx1xxnnnn" + "ttttddddxxxxmmmm", pools: [.memory, .code], rounds: 400,
      stores: true),
    Space(
      name: "store exclusive behind a load", section: "A7.7.167",
      picture: "111010000100nnnn" + "ttttdddd&&&&&&&&", pools: [.memory], rounds: 20_000,
      prefixes: (0..<8).map { 0xE850_0F00 | $0 << 16 | ($0 + 3) << 12 }, stores: true),
    Space(
      name: "data processing (shifted register)", section: "A5.3.11",
      picture: "1110101xxxxxnnnn" + "x...dddd..xxmmmm", pools: [.data], rounds: 750),
    Space(
      name: "data processing (modified immediate)", section: "A5.3.1",
      picture: "11110.0xxxxxnnnn" + "0...dddd........", pools: [.data], rounds: 4_000),
    Space(
      name: "data processing (plain immediate)", section: "A5.3.3",
      picture: "11110.1xxxxxnnnn" + "0...dddd..x.....", pools: [.data], rounds: 2_000),
    Space(
      name: "branches and miscellaneous control", section: "A5.3.4",
      picture: "11110xxxxxxx...." + "1xxx....xxxx....", pools: [.data, .code], rounds: 8),
    Space(
      name: "conditional branch", section: "A7.7.12",
      picture: "11110xxxxx......" + "10x0x...........", pools: [.data], rounds: 300),
    Space(
      name: "MSR", section: "B5.2.3", picture: "11110011100&nnnn" + "10&0xx..xxxxxxxx",
      pools: [.data], rounds: 64, stays: true),
    Space(
      name: "MRS", section: "B5.2.2", picture: "11110011111&1111" + "10&0ddddxxxxxxxx",
      pools: [.data], rounds: 128, stays: true),
    Space(
      name: "hints", section: "A5.3.4", picture: "1111001110101111" + "10x0xxxxxxxxxxxx",
      pools: [.data], rounds: 6, stays: true),
    Space(
      name: "hints while an interrupt pends", section: "A7.7.261",
      picture: "111100111010xxxx" + "1000000000000xxx", pools: [.data], rounds: 40,
      modes: SurveyCase.pends | SurveyCase.primask),
    Space(
      name: "hints of 16 bits, the same", section: "A7.7.261",
      picture: "10111111xxxx0000" + zeros, pools: [.data], rounds: 100,
      modes: SurveyCase.pends | SurveyCase.primask),
    Space(
      name: "SVC and UDF", section: "A7.7.175", picture: "1101111xxxxxxxxx" + zeros,
      pools: [.data], rounds: 12, stays: true),
    Space(
      name: "BKPT", section: "A7.7.17", picture: "10111110xxxxxxxx" + zeros, pools: [.data],
      rounds: 12, stays: true),
    Space(
      name: "CPS", section: "B5.2.1", picture: "10110110011xxxxx" + zeros, pools: [.data],
      rounds: 200, stays: true, modes: SurveyCase.unmasks),
    Space(
      name: "MSR FAULTMASK", section: "B5.2.3", picture: "11110011100&nnnn" + "10&0xx..00010011",
      pools: [.data], rounds: 2_000, stays: true, modes: SurveyCase.unmasks),
    Space(
      name: "MSR with FAULTMASK set", section: "B5.2.3",
      picture: "111100111000nnnn" + "10001x00000xxxxx", pools: [.data], rounds: 60,
      prefixes: [0xB671_0000], stays: true, modes: SurveyCase.unmasks),
    Space(
      name: "MRS with FAULTMASK set", section: "B5.2.2",
      picture: "1111001111101111" + "1000dddd000xxxxx", pools: [.data], rounds: 100,
      prefixes: [0xB671_0000, 0xB672_0000, 0xB673_0000], stays: true, modes: SurveyCase.unmasks),
    Space(
      name: "barriers and CLREX", section: "A5.3.4",
      picture: "1111001110111111" + "10&01111xxxx....",
      pools: [.data], rounds: 200, stays: true),
    Space(
      name: "load and store single", section: "A5.3.7 to A5.3.10",
      picture: "1111100xxxxxnnnn" + "ttttxxxxxx..mmmm", pools: [.memory, .code], rounds: 40,
      stores: true),
    Space(
      name: "load and store single, literal and register", section: "A5.3.7 to A5.3.10",
      picture: "1111100xxxxxnnnn" + "tttt000000..mmmm", pools: [.memory], rounds: 2_000,
      stores: true),
    Space(
      name: "data processing (register)", section: "A5.3.12",
      picture: "11111010xxxxnnnn" + "1111ddddxxxxmmmm", pools: [.data], rounds: 750),
    Space(
      name: "data processing (register), should-be bits", section: "A5.3.12",
      picture: "11111010xxxxnnnn" + "xxxxddddxxxxmmmm", pools: [.data], rounds: 12),
    Space(
      name: "multiply", section: "A5.3.16", picture: "111110110xxxnnnn" + "aaaaddddxxxxmmmm",
      pools: [.data], rounds: 1_500),
    Space(
      name: "long multiply, divide", section: "A5.3.17",
      picture: "111110111xxxnnnn" + "ttttddddxxxxmmmm", pools: [.data], rounds: 1_500),
    Space(
      name: "coprocessor", section: "A5.3.18", picture: "111x11xxxxxxnnnn" + "ddddxxxxxxxxmmmm",
      pools: [.memory], rounds: 4, stores: true),
    Space(
      name: "FP data processing", section: "A6.4", picture: "11101110xxxxxxxx" + "....101xxxxx....",
      pools: [.data], rounds: 40, fp: true),
    Space(
      name: "FP data processing, three operands", section: "A6.4",
      picture: "111011100xxx...." + "....1010.x.0....", pools: [.data], rounds: 15_000, fp: true),
    Space(
      name: "FP data processing, fused and divide", section: "A6.4",
      picture: "111011101x1x...." + "....1010.x.0....", pools: [.data], rounds: 15_000, fp: true),
    Space(
      name: "FP data processing, one operand", section: "A6.4",
      picture: "111011101.11xxxx" + "....1010xx.0....", pools: [.data], rounds: 4_000, fp: true),
    Space(
      name: "FP with the T2 prefix", section: "A6.4",
      picture: "11111110xxxxxxxx" + "....101xxxxx....",
      pools: [.data], rounds: 6, fp: true),
    Space(
      name: "FP load and store", section: "A6.5", picture: "1110110xxxxxnnnn" + "....101x........",
      pools: [.memory], rounds: 1_500, fp: true, stores: true),
    Space(
      name: "FP load and store, few registers", section: "A6.5",
      picture: "1110110xxxxxnnnn" + "....101x000&&&&&", pools: [.memory], rounds: 1_500, fp: true,
      stores: true),
    Space(
      name: "FP register transfers", section: "A6.6, A6.7",
      picture: "11101110xxxx...." + "tttt101x.xx1&&&&", pools: [.data], rounds: 500, fp: true),
    Space(
      name: "VMRS and VMSR", section: "A7.7.246", picture: "11101110111xxxxx" + "tttt10100&&1&&&&",
      pools: [.data], rounds: 800, fp: true, stays: true),
  ]
  private static let zeros = "0000000000000000"

  /// Cases of this space in the whole survey.
  var count: Int { rounds << picture.count { $0 == "x" } }
}

/// One instruction and the state it starts from, as the guest reads it.
struct SurveyCase: Hashable {
  /// 16-bit ones in the upper half.
  var encoding: UInt32
  var prefix: UInt32 = 0
  var seed: UInt32
  /// ITSTATE, and what is below.
  var control: UInt32

  static let unprivileged: UInt32 = 1 << 8
  /// The windows are searched for stores far from the stack.
  static let scan: UInt32 = 1 << 9
  static let fp: UInt32 = 1 << 10
  /// In a handler of low priority; in Thread mode on the main stack.
  static let handler: UInt32 = 1 << 11
  static let poolShift: UInt32 = 12
  static let main: UInt32 = 1 << 14
  /// BASEPRI has a value.
  static let masked: UInt32 = 1 << 15
  /// Behind it FAULTMASK is read into r12 and cleared.
  static let unmasks: UInt32 = 1 << 16
  /// An interrupt pends.
  static let pends: UInt32 = 1 << 17
  /// DEMCR.MON_EN is clear.
  static let unmonitored: UInt32 = 1 << 18
  /// CCR.UNALIGN_TRP, CCR.DIV_0_TRP, and not CCR.STKALIGN.
  static let alignmentTrap: UInt32 = 1 << 19
  static let divideTrap: UInt32 = 1 << 20
  static let unpadded: UInt32 = 1 << 21
  /// FPCCR.LSPEN.
  static let lazy: UInt32 = 1 << 22
  /// PRIMASK is set.
  static let primask: UInt32 = 1 << 23
  /// CPACR denies FP to unprivileged software or to all.
  static let denied: UInt32 = 1 << 24

  var isWide: Bool { encoding >> 27 >= 29 }
  var itState: UInt32 { control & 0xFF }
  /// Whether the state it begins in, or the prefix, puts it into an IT block.
  var isInIT: Bool { itState & 15 != 0 || prefix >> 24 == 0xBF && prefix >> 16 & 15 != 0 }
}

extension SurveyCase {
  /// Whether it can be run at all: the sandbox gets out again by a fault.
  var isRunnable: Bool {
    let (first, second) = (encoding >> 16, encoding & 0xFFFF)
    switch first {
    case 0xBEAB: return false  // semihosting
    case 0xBABC: return false  // also semihosting for QEMU, where ARMv8-A has HLT: docs/errata.md
    case 0xBF30: return control & Self.pends != 0  // WFI: nothing wakes it
    case 0xB670...0xB67F:  // CPSID f: the next fault would lock the core up
      return first & 1 == 0 || control & Self.unmasks != 0
    case 0xE7FE: return false  // branches to themselves
    case 0xD0FE...0xDDFE where first & 0xFF == 0xFE: return false
    case 0xE86F, 0xE8EF, 0xE96F, 0xE9EF: return false  // STRD that jumps to what it has stored
    case 0xF3A0...0xF3AF where second & 0xD7FF == 0x8003:
      return control & Self.pends != 0  // WFI
    case 0xF380...0xF39F where second & 0xD000 == 0x8000 && second & 0xFF == 19:
      return control & Self.unmasks != 0  // MSR FAULTMASK, as CPSID f
    case 0xF380...0xF39F where second & 0xD000 == 0x8000 && second & 0xFF == 20:
      return control & Self.unmasks == 0  // MSR CONTROL: unprivileged, it could not clear FAULTMASK
    case 0xF3E0...0xF3FF where second & 0xDF00 == 0x8F00:
      // MRS to the PC: away from what clears FAULTMASK, or round in circles where SysTick is masked.
      return control & (Self.unmasks | Self.primask) == 0
    default: break
    }
    if prefix == 0xBF30_0000 { return false }
    if let offset = branchOffset {
      // To itself, or to where QEMU's board reads zeros.
      return offset != -4 && !(0x5F_0000..<0x200_0000).contains(offset)
    }
    return true
  }

  /// Of B, BL and B<c> in 32 bits (A7.7.12, A7.7.18): relative to the PC, which is 4 further on.
  private var branchOffset: Int32? {
    let (first, second) = (encoding >> 16, encoding & 0xFFFF)
    if first & 0xF800 != 0xF000 || second & 0x8000 == 0 { return nil }
    let (sign, j1, j2) = (first >> 10 & 1, second >> 13 & 1, second >> 11 & 1)
    let low = (second & 0x7FF) << 1
    if second & 0x1000 == 0 && second & 0x4000 == 0 {
      let value = sign << 20 | j2 << 19 | j1 << 18 | (first & 0x3F) << 12 | low
      return Int32(bitPattern: value << 11) >> 11
    }
    let value =
      sign << 24 | (~(j1 ^ sign) & 1) << 23 | (~(j2 ^ sign) & 1) << 22 | (first & 0x3FF) << 12 | low
    return Int32(bitPattern: value << 7) >> 7
  }
}

extension SurveyCase: CustomStringConvertible {
  var description: String {
    func hex(_ value: UInt32) -> String { String(value, radix: 16, uppercase: true) }
    return (prefix == 0 ? "" : hex(prefix) + " ") + hex(encoding)
      + " seed \(hex(seed)) control \(hex(control))"
  }
}

/// SplitMix64.
struct SurveyRandom {
  var state: UInt64
  mutating func next() -> UInt32 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return UInt32(truncatingIfNeeded: z ^ z >> 31)
  }
}

/// Makes the cases of a space: the same ones in every run.
struct CaseMaker {
  private let space: Space
  private let fixed: UInt32
  /// Bits that are counted through, lowest first.
  private let counted: [UInt32]
  private let random: UInt32
  private let sparse: UInt32
  private let fields: [UInt32]
  private let salt: UInt64

  init(_ space: Space, number: Int) {
    self.space = space
    salt = UInt64(number) << 40
    var (fixed, random, sparse): (UInt32, UInt32, UInt32) = (0, 0, 0)
    var (counted, fields): ([UInt32], [UInt32]) = ([], [])
    for (place, bit) in space.picture.enumerated() {
      let position = UInt32(31 - place)
      switch bit {
      case "0": break
      case "1": fixed |= 1 << position
      case "x": counted.append(position)
      case ".": random |= 1 << position
      case "&": sparse |= 1 << position
      default: if position % 4 == 0 { fields.append(position) }
      }
    }
    (self.fixed, self.random, self.sparse) = (fixed, random, sparse)
    (self.counted, self.fields) = (counted.reversed(), fields)
  }

  subscript(index: Int) -> SurveyCase {
    var dice = SurveyRandom(state: salt + UInt64(index))
    var encoding = fixed | dice.next() & random | dice.next() & dice.next() & dice.next() & sparse
    var rest = index
    for position in counted {
      encoding |= UInt32(rest & 1) << position
      rest >>= 1
    }
    for field in fields {
      let r = dice.next()
      let special: [UInt32] = [15, 13, 15, 13, 14, 0, 1, 2]
      encoding |= (r & 0x30 == 0 ? special[Int(r & 7)] : r >> 8 & 15) << field
    }
    let r = dice.next()
    var control: UInt32 = 0
    let prefix = space.prefixes[Int(r >> 8) % space.prefixes.count]
    if r & 1 == 0 && space.prefixes.count == 1 { control = Self.itState(dice.next()) }
    // What clears FAULTMASK behind it must not be skipped.
    if space.modes & SurveyCase.unmasks != 0 && control & 7 != 0 { control = 0 }
    if r & 6 == 0 { control |= SurveyCase.unprivileged }
    if space.fp || r & 0x18 == 0 { control |= SurveyCase.fp }
    if space.fp && r & 0xF8 == 0 { control &= ~SurveyCase.fp }
    if space.stores || r & 0xE0 == 0 { control |= SurveyCase.scan }
    control |= space.pools[Int(r >> 16) % space.pools.count].rawValue << SurveyCase.poolShift
    control |= Self.mode(dice.next(), dice.next()) | space.modes
    // docs/errata.md: QEMU does not align extended frames then.
    if control & SurveyCase.fp != 0 { control &= ~SurveyCase.unpadded }
    // There is no returning to an FP context without the right to it.
    if control & SurveyCase.denied != 0 { control &= ~SurveyCase.fp }
    if space.stays && dice.next() & 3 == 0 { control |= SurveyCase.primask }
    return SurveyCase(encoding: encoding, prefix: prefix, seed: dice.next(), control: control)
  }

  /// Half of the cases run as software does after a reset.
  private static func mode(_ r: UInt32, _ s: UInt32) -> UInt32 {
    if r & 1 == 0 { return 0 }
    var mode: UInt32 = 0
    if r & 0x6 == 0 { mode |= SurveyCase.main }
    if r & 0x18 == 0 { mode |= SurveyCase.handler }
    if r & 0x60 == 0 { mode |= SurveyCase.masked }
    if r & 0x180 == 0 { mode |= SurveyCase.unmonitored }
    if r & 0x600 == 0 { mode |= SurveyCase.denied }
    if s & 0x3 == 0 { mode |= SurveyCase.alignmentTrap }
    if s & 0xC == 0 { mode |= SurveyCase.divideTrap }
    if s & 0x70 == 0 { mode |= SurveyCase.unpadded }
    if s & 0x180 == 0 { mode |= SurveyCase.lazy }
    return mode
  }

  /// One to four instructions left, any condition but 15.
  private static func itState(_ r: UInt32) -> UInt32 {
    let condition = (r & 15) % 15
    let left = r >> 4 & 3
    return condition << 4 | ((8 | r >> 8 & 7) & (15 << left)) | (1 << left)
  }
}
