/// The names of RV64 CSRs, by number (The RISC-V Instruction Set Manual, volume II, table "Currently allocated RISC-V CSRs").
enum CSRName {
  static func of(_ number: UInt16) -> String {
    if let name = names[number] { return name }
    let (start, name) = arrays.last { $0.0 <= number } ?? (0, "unknown")
    return name + String(number - start)
  }

  /// By the number that the first one would have.
  private static let arrays: [(UInt16, String)] = [
    (0, "unknown"), (0x320, "mhpmevent"), (0x340, "unknown"), (0x3A0, "pmpcfg"), (0x3B0, "pmpaddr"),
    (0x3F0, "unknown"), (0xB00, "mhpmcounter"), (0xB20, "unknown"), (0xC00, "hpmcounter"),
    (0xC20, "unknown"),
  ]

  private static let names: [UInt16: String] = [
    0x001: "fflags", 0x002: "frm", 0x003: "fcsr", 0x100: "sstatus", 0x104: "sie", 0x105: "stvec",
    0x106: "scounteren", 0x10A: "senvcfg", 0x140: "sscratch", 0x141: "sepc", 0x142: "scause",
    0x143: "stval", 0x144: "sip", 0x180: "satp", 0x300: "mstatus", 0x301: "misa", 0x302: "medeleg",
    0x303: "mideleg", 0x304: "mie", 0x305: "mtvec", 0x306: "mcounteren", 0x30A: "menvcfg",
    0x320: "mcountinhibit", 0x340: "mscratch", 0x341: "mepc", 0x342: "mcause", 0x343: "mtval",
    0x344: "mip", 0xB00: "mcycle", 0xB02: "minstret", 0xC00: "cycle", 0xC01: "time",
    0xC02: "instret", 0xF11: "mvendorid", 0xF12: "marchid", 0xF13: "mimpid", 0xF14: "mhartid",
    0xF15: "mconfigptr",
  ]
}
