/// The CSRs of RV64 by number: Privileged Architecture 1.12, tables 2.2 to 2.6. A core has some of them.
enum ControlRegisters {
  static let names: [(name: String, number: UInt16)] =
    [
      ("sstatus", 0x100), ("sie", 0x104), ("stvec", 0x105), ("scounteren", 0x106),
      ("senvcfg", 0x10A), ("sscratch", 0x140), ("sepc", 0x141), ("scause", 0x142),
      ("stval", 0x143), ("sip", 0x144), ("satp", 0x180), ("mstatus", 0x300), ("misa", 0x301),
      ("medeleg", 0x302), ("mideleg", 0x303), ("mie", 0x304), ("mtvec", 0x305),
      ("mcounteren", 0x306), ("menvcfg", 0x30A), ("mcountinhibit", 0x320), ("mscratch", 0x340),
      ("mepc", 0x341), ("mcause", 0x342), ("mtval", 0x343), ("mip", 0x344), ("mcycle", 0xB00),
      ("minstret", 0xB02), ("cycle", 0xC00), ("time", 0xC01), ("instret", 0xC02),
      ("mvendorid", 0xF11), ("marchid", 0xF12), ("mimpid", 0xF13), ("mhartid", 0xF14),
    ] + (0..<4).map { ("pmpcfg\($0)", 0x3A0 + UInt16($0)) }
    + (0..<16).map { ("pmpaddr\($0)", 0x3B0 + UInt16($0)) }
}
