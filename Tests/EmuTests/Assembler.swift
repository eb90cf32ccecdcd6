/// As much of an RV64 assembler as the tests of the machine need.
struct Assembler {
  enum Register: UInt32 {
    case zero, ra, sp, gp, tp, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7
  }
  private(set) var code: [UInt32] = []
  private var labels: [String: Int] = [:]
  private var fixes: [(at: Int, label: String)] = []

  mutating func emit(_ word: UInt32) { code.append(word) }
  mutating func label(_ name: String) { labels[name] = code.count }

  private mutating func immediate(
    _ opcode: UInt32, _ function: UInt32, _ rd: Register, _ rs1: Register, _ value: Int
  ) {
    emit(
      UInt32(truncatingIfNeeded: value) << 20 | rs1.rawValue << 15 | function << 12
        | rd.rawValue << 7 | opcode)
  }
  mutating func addi(_ rd: Register, _ rs1: Register, _ value: Int) {
    immediate(0x13, 0, rd, rs1, value)
  }
  mutating func slli(_ rd: Register, _ rs1: Register, _ by: Int) { immediate(0x13, 1, rd, rs1, by) }
  mutating func lui(_ rd: Register, _ upper: UInt32) { emit(upper << 12 | rd.rawValue << 7 | 0x37) }
  mutating func auipc(_ rd: Register, _ upper: UInt32) {
    emit(upper << 12 | rd.rawValue << 7 | 0x17)
  }
  mutating func add(_ rd: Register, _ rs1: Register, _ rs2: Register) {
    emit(rs2.rawValue << 20 | rs1.rawValue << 15 | rd.rawValue << 7 | 0x33)
  }
  mutating func lw(_ rd: Register, _ rs1: Register, _ offset: Int) {
    immediate(0x03, 2, rd, rs1, offset)
  }
  private mutating func store(
    _ function: UInt32, _ rs2: Register, _ rs1: Register, _ offset: Int
  ) {
    let value = UInt32(truncatingIfNeeded: offset)
    emit(
      (value >> 5 & 0x7F) << 25 | rs2.rawValue << 20 | rs1.rawValue << 15 | function << 12
        | (value & 31) << 7 | 0x23)
  }
  mutating func sb(_ rs2: Register, _ rs1: Register, _ offset: Int) { store(0, rs2, rs1, offset) }
  mutating func sw(_ rs2: Register, _ rs1: Register, _ offset: Int) { store(2, rs2, rs1, offset) }
  mutating func csrw(_ csr: UInt32, _ rs1: Register) {
    emit(csr << 20 | rs1.rawValue << 15 | 1 << 12 | 0x73)
  }
  mutating func csrr(_ rd: Register, _ csr: UInt32) {
    emit(csr << 20 | 2 << 12 | rd.rawValue << 7 | 0x73)
  }
  mutating func bne(_ rs1: Register, _ rs2: Register, _ target: String) {
    fixes.append((code.count, target))
    emit(rs2.rawValue << 20 | rs1.rawValue << 15 | 1 << 12 | 0x63)
  }
  mutating func j(_ target: String) {
    fixes.append((code.count, target))
    emit(0x6F)
  }
  /// The address of a label, by auipc and addi.
  mutating func la(_ rd: Register, _ target: String) {
    auipc(rd, 0)
    fixes.append((code.count, target))
    addi(rd, rd, 0)
  }
  mutating func ecall() { emit(0x73) }
  mutating func ebreak() { emit(0x0010_0073) }
  mutating func mret() { emit(0x3020_0073) }
  mutating func wfi() { emit(0x1050_0073) }

  /// The code, with every label resolved.
  consuming func words() -> [UInt32] {
    for (at, label) in fixes {
      guard let target = labels[label] else { preconditionFailure("no label \(label)") }
      let distance = UInt32(truncatingIfNeeded: (target - at) * 4)
      switch code[at] & 0x7F {
      case 0x63:
        code[at] |=
          (distance >> 12 & 1) << 31 | (distance >> 5 & 0x3F) << 25 | (distance >> 1 & 15) << 8
          | (distance >> 11 & 1) << 7
      case 0x6F:
        code[at] |=
          (distance >> 20 & 1) << 31 | (distance >> 1 & 0x3FF) << 21 | (distance >> 11 & 1) << 20
          | (distance >> 12 & 0xFF) << 12
      default: code[at] |= (distance &+ 4) << 20
      }
    }
    return code
  }

  static func program(_ build: (inout Assembler) -> Void) -> [UInt32] {
    var assembler = Assembler()
    build(&assembler)
    return assembler.words()
  }
}
