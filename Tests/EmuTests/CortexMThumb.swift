/// As much of a Thumb-2 assembler as the tests of the Cortex-M need: halfwords by hand, with labels. Code starts at 0x400, behind
/// room for a vector table.
struct Thumb {
  static let base = 0x400

  private(set) var code: [UInt16] = []
  private(set) var labels: [String: Int] = [:]
  private enum Fix {
    case branch
    case conditional
    case call
    case address
  }
  private var fixes: [(at: Int, label: String, kind: Fix)] = []

  /// Where the next instruction goes.
  var here: Int { Self.base + 2 * code.count }

  mutating func emit(_ halfwords: UInt16...) { code += halfwords }
  mutating func label(_ name: String) { labels[name] = here }
  func address(_ label: String) -> UInt32 {
    guard let address = labels[label] else { preconditionFailure("no label \(label)") }
    return UInt32(address)
  }

  // MARK: Data processing

  mutating func movs(_ rd: Int, _ value: Int) { emit(0x2000 | UInt16(rd << 8 | value)) }
  mutating func adds(_ rd: Int, _ value: Int) { emit(0x3000 | UInt16(rd << 8 | value)) }
  mutating func subs(_ rd: Int, _ value: Int) { emit(0x3800 | UInt16(rd << 8 | value)) }
  mutating func adds(_ rd: Int, _ rn: Int, _ rm: Int) {
    emit(0x1800 | UInt16(rm << 6 | rn << 3 | rd))
  }
  mutating func muls(_ rd: Int, _ rm: Int) { emit(0x4340 | UInt16(rm << 3 | rd)) }
  mutating func eors(_ rd: Int, _ rm: Int) { emit(0x4040 | UInt16(rm << 3 | rd)) }
  mutating func cmp(_ rn: Int, _ value: Int) { emit(0x2800 | UInt16(rn << 8 | value)) }
  mutating func mov(_ rd: Int, _ rm: Int) {
    emit(0x4600 | UInt16((rd >> 3) << 7 | rm << 3 | rd & 7))
  }
  mutating func subSP(_ bytes: Int) { emit(0xB080 | UInt16(bytes / 4)) }
  mutating func addSP(_ bytes: Int) { emit(0xB000 | UInt16(bytes / 4)) }

  /// Two instructions, MOVW and MOVT.
  mutating func load(_ rd: Int, _ value: UInt32) {
    wide(0xF240, rd, UInt16(truncatingIfNeeded: value))
    wide(0xF2C0, rd, UInt16(value >> 16))
  }
  /// The address of a label, with bit 0 set: also two.
  mutating func load(_ rd: Int, _ label: String) {
    fixes.append((code.count, label, .address))
    load(rd, 0)
  }
  private mutating func wide(_ opcode: UInt16, _ rd: Int, _ value: UInt16) {
    let (first, second) = Self.split(value)
    emit(opcode | first, second | UInt16(rd << 8))
  }
  private static func split(_ value: UInt16) -> (UInt16, UInt16) {
    (value >> 12 | (value >> 11 & 1) << 10, (value >> 8 & 7) << 12 | value & 0xFF)
  }

  // MARK: Memory

  mutating func ldr(_ rt: Int, _ rn: Int, _ offset: Int = 0) {
    emit(0x6800 | UInt16((offset / 4) << 6 | rn << 3 | rt))
  }
  mutating func str(_ rt: Int, _ rn: Int, _ offset: Int = 0) {
    emit(0x6000 | UInt16((offset / 4) << 6 | rn << 3 | rt))
  }
  mutating func ldrb(_ rt: Int, _ rn: Int, _ offset: Int = 0) {
    emit(0x7800 | UInt16(offset << 6 | rn << 3 | rt))
  }
  mutating func strb(_ rt: Int, _ rn: Int, _ offset: Int = 0) {
    emit(0x7000 | UInt16(offset << 6 | rn << 3 | rt))
  }
  mutating func strh(_ rt: Int, _ rn: Int, _ offset: Int = 0) {
    emit(0x8000 | UInt16((offset / 2) << 6 | rn << 3 | rt))
  }
  mutating func ldrSP(_ rt: Int, _ offset: Int) { emit(0x9800 | UInt16(rt << 8 | offset / 4)) }
  mutating func strSP(_ rt: Int, _ offset: Int) { emit(0x9000 | UInt16(rt << 8 | offset / 4)) }
  /// Low registers as a mask, and LR or PC.
  mutating func push(_ mask: Int, lr: Bool = false) { emit(0xB400 | UInt16(mask) | (lr ? 256 : 0)) }
  mutating func pop(_ mask: Int, pc: Bool = false) { emit(0xBC00 | UInt16(mask) | (pc ? 256 : 0)) }
  mutating func ldrex(_ rt: Int, _ rn: Int) { emit(0xE850 | UInt16(rn), UInt16(rt << 12) | 0xF00) }
  mutating func strex(_ rd: Int, _ rt: Int, _ rn: Int) {
    emit(0xE840 | UInt16(rn), UInt16(rt << 12 | rd << 8))
  }
  /// Stores a word: the value goes through `with`, the address through `by`. Five instructions.
  mutating func poke(_ address: UInt32, _ value: UInt32, by: Int = 6, with: Int = 7) {
    load(by, address)
    load(with, value)
    str(with, by)
  }

  // MARK: Branches

  mutating func b(_ label: String) {
    fixes.append((code.count, label, .branch))
    emit(0xE000)
  }
  mutating func bne(_ label: String) {
    fixes.append((code.count, label, .conditional))
    emit(0xD100)
  }
  mutating func beq(_ label: String) {
    fixes.append((code.count, label, .conditional))
    emit(0xD000)
  }
  mutating func bl(_ label: String) {
    fixes.append((code.count, label, .call))
    emit(0xF000, 0xF800)
  }
  mutating func bx(_ rm: Int) { emit(0x4700 | UInt16(rm << 3)) }

  // MARK: System

  enum Special: UInt16 {
    case apsr = 0
    case ipsr = 5
    case xpsr = 3
    case msp = 8
    case psp = 9
    case primask = 16
    case basepri = 17
    case basepriMax = 18
    case faultmask = 19
    case control = 20
  }
  mutating func mrs(_ rd: Int, _ special: Special) {
    emit(0xF3EF, 0x8000 | UInt16(rd << 8) | special.rawValue)
  }
  mutating func msr(_ special: Special, _ rn: Int) {
    emit(0xF380 | UInt16(rn), 0x8800 | special.rawValue)
  }
  mutating func svc(_ number: Int = 0) { emit(0xDF00 | UInt16(number)) }
  mutating func bkpt(_ number: Int = 0) { emit(0xBE00 | UInt16(number)) }
  mutating func udf() { emit(0xDE00) }
  mutating func nop() { emit(0xBF00) }
  mutating func wfe() { emit(0xBF20) }
  mutating func wfi() { emit(0xBF30) }
  mutating func sev() { emit(0xBF40) }
  mutating func cpsie(_ mask: UInt16 = 2) { emit(0xB660 | mask) }
  mutating func cpsid(_ mask: UInt16 = 2) { emit(0xB670 | mask) }
  /// IT by its condition and mask field, as in A7.7.38.
  mutating func it(_ condition: UInt16, _ mask: UInt16) { emit(0xBF00 | condition << 4 | mask) }
  mutating func isb() { emit(0xF3BF, 0x8F6F) }

  // MARK: Floating point

  mutating func vmov(s: Int, _ rt: Int) {
    emit(0xEE00 | UInt16(s >> 1), UInt16(rt << 12 | 0xA10 | (s & 1) << 7))
  }
  mutating func vmov(_ rt: Int, s: Int) {
    emit(0xEE10 | UInt16(s >> 1), UInt16(rt << 12 | 0xA10 | (s & 1) << 7))
  }
  /// VADD.F32 s0, s0, s1.
  mutating func vadd() { emit(0xEE30, 0x0A20) }
  /// VMSR FPSCR.
  mutating func vmsr(_ rt: Int) { emit(0xEEE1, UInt16(rt << 12) | 0xA10) }

  // MARK: Out of the ordinary

  /// LDRT and STRT: as if unprivileged.
  mutating func ldrt(_ rt: Int, _ rn: Int) { emit(0xF850 | UInt16(rn), UInt16(rt << 12) | 0xE00) }
  mutating func strt(_ rt: Int, _ rn: Int) { emit(0xF840 | UInt16(rn), UInt16(rt << 12) | 0xE00) }
  mutating func sdiv(_ rd: Int, _ rn: Int, _ rm: Int) {
    emit(0xFB90 | UInt16(rn), 0xF0F0 | UInt16(rd << 8 | rm))
  }
  mutating func udiv(_ rd: Int, _ rn: Int, _ rm: Int) {
    emit(0xFBB0 | UInt16(rn), 0xF0F0 | UInt16(rd << 8 | rm))
  }
  mutating func vmrs(_ rt: Int) { emit(0xEEF1, UInt16(rt << 12) | 0xA10) }
  /// One region of the MPU. RASR: 1 << size bytes; AP, XN, disabled subregions.
  mutating func region(
    _ number: Int, _ base: UInt32, log2 size: UInt32, ap: UInt32, xn: Bool = false,
    srd: UInt32 = 0
  ) {
    poke(SCS.mpuRBAR, base | 0x10 | UInt32(number))
    poke(SCS.mpuRBAR + 4, ap << 24 | (xn ? 1 << 28 : 0) | srd << 8 | (size - 1) << 1 | 1)
  }

  // MARK: Out

  consuming func resolved() -> Thumb {
    for (at, label, kind) in fixes {
      let target = Int(address(label))
      let distance = target - (Self.base + 2 * at + 4)
      switch kind {
      case .branch: code[at] |= UInt16(truncatingIfNeeded: distance >> 1) & 0x7FF
      case .conditional: code[at] |= UInt16(truncatingIfNeeded: distance >> 1) & 0xFF
      case .call:
        let sign = UInt16(truncatingIfNeeded: distance >> 24) & 1
        let j1 = ~(UInt16(truncatingIfNeeded: distance >> 23) & 1 ^ sign) & 1
        let j2 = ~(UInt16(truncatingIfNeeded: distance >> 22) & 1 ^ sign) & 1
        code[at] |= sign << 10 | UInt16(truncatingIfNeeded: distance >> 12) & 0x3FF
        code[at + 1] =
          0xD000 | j1 << 13 | j2 << 11 | UInt16(truncatingIfNeeded: distance >> 1) & 0x7FF
      case .address:
        let (first, second) = Self.split(UInt16(target | 1))
        code[at] |= first
        code[at + 1] |= second
      }
    }
    return self
  }

  /// The image: a vector table of 80 words, initial SP first, and the code. A vector without a label leads to "unexpected", which
  /// is a breakpoint.
  static func image(
    stack: UInt32 = 0x2000_1000, vectors: [Int: String] = [:], raw: [Int: UInt32] = [:],
    _ build: (inout Thumb) -> Void
  ) -> (bytes: [UInt8], program: Thumb) {
    var thumb = Thumb()
    build(&thumb)
    thumb.label("unexpected")
    thumb.bkpt(0xEE)
    let program = thumb.resolved()
    var table = [UInt32](repeating: program.address("unexpected") | 1, count: 80)
    table[0] = stack
    table[1] = program.address("start") | 1
    for (number, label) in vectors { table[number] = program.address(label) | 1 }
    for (number, value) in raw { table[number] = value }
    var bytes = table.flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
    bytes += [UInt8](repeating: 0, count: base - bytes.count)
    bytes += program.code.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    return (bytes, program)
  }
}
