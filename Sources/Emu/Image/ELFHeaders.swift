/// The headers of an ELF file for one of our two architectures.
///
/// Read by hand and not by libelf. Time does not decide that: libelf takes 0.17 us for these
/// headers where a whole image of 20 KB takes 0.4 us. But an image comes from anywhere and every
/// boot passes here, and in Swift a wrong offset is a sentence or at the worst a trap, never a
/// stray read. libelf and libdw read what few ask for: symbols, lines and call frames.
struct ELFHeaders {
  struct Segment {
    let type: UInt32
    let flags: UInt32
    let offset: UInt64
    let virtualAddress: UInt64
    let physicalAddress: UInt64
    let fileSize: UInt64
    let memorySize: UInt64
  }

  struct Section {
    let type: UInt32
    let offset: UInt64
    let size: UInt64
  }

  let file: ImageFile
  let machine: Image.Machine
  let type: UInt16
  let entry: UInt64
  let segmentCount: Int
  private let segmentTable: UInt64
  private let sectionTable: UInt64
  /// Zero where the section headers are stripped or lie outside of the file: a boot needs none.
  let sectionCount: Int

  init(_ file: ImageFile) throws(ImageError) {
    self.file = file
    machine = try Self.checkedMachine(file)
    let wide = machine == .riscv64
    guard file.holds(wide ? 64 : 52, at: 0) else { throw Self.cutShort(file, "ELF header") }
    type = file.load(at: 16)
    if wide {
      entry = file.load(at: 24)
      segmentTable = file.load(at: 32)
      sectionTable = file.load(at: 40)
    } else {
      entry = UInt64(file.load(UInt32.self, at: 24))
      segmentTable = UInt64(file.load(UInt32.self, at: 28))
      sectionTable = UInt64(file.load(UInt32.self, at: 32))
    }
    // From e_phentsize on the two classes are alike, 12 bytes apart.
    let sizes: UInt64 = wide ? 54 : 42
    let segmentSize: UInt16 = file.load(at: sizes)
    segmentCount = Int(file.load(UInt16.self, at: sizes + 2))
    if segmentCount > 0 {
      guard segmentSize == (wide ? 56 : 32) else {
        throw file.bad(
          "has program headers of \(segmentSize) bytes, \(wide ? 56 : 32) are right; "
            + "the file is damaged: build it again")
      }
      guard file.holds(UInt64(segmentCount) * UInt64(segmentSize), at: segmentTable) else {
        throw Self.cutShort(file, "table of program headers")
      }
    }
    let sectionSize: UInt16 = file.load(at: sizes + 4)
    let sections = Int(file.load(UInt16.self, at: sizes + 6))
    let isUsable =
      sectionSize == (wide ? 64 : 40)
      && file.holds(UInt64(sections) * UInt64(sectionSize), at: sectionTable)
    sectionCount = isUsable ? sections : 0
  }

  /// How many bytes the file begins with that are its own headers, and zeros that align what follows.
  var leadingBytes: Int {
    let (header, entry) = machine == .riscv64 ? (64, 56) : (52, 32)
    guard segmentTable == header else { return 0 }
    let end = header + segmentCount * entry
    return end + file.bytes[end...].prefix { $0 == 0 }.count
  }

  func segment(_ index: Int) -> Segment {
    if machine == .riscv64 {
      let base = segmentTable + 56 * UInt64(index)
      return Segment(
        type: file.load(at: base), flags: file.load(at: base + 4),
        offset: file.load(at: base + 8), virtualAddress: file.load(at: base + 16),
        physicalAddress: file.load(at: base + 24), fileSize: file.load(at: base + 32),
        memorySize: file.load(at: base + 40))
    }
    let base = segmentTable + 32 * UInt64(index)
    func word(_ offset: UInt64) -> UInt64 { UInt64(file.load(UInt32.self, at: base + offset)) }
    return Segment(
      type: file.load(at: base), flags: file.load(at: base + 24), offset: word(4),
      virtualAddress: word(8), physicalAddress: word(12), fileSize: word(16), memorySize: word(20))
  }

  func section(_ index: Int) -> Section {
    if machine == .riscv64 {
      let base = sectionTable + 64 * UInt64(index)
      return Section(
        type: file.load(at: base + 4), offset: file.load(at: base + 24),
        size: file.load(at: base + 32))
    }
    let base = sectionTable + 40 * UInt64(index)
    return Section(
      type: file.load(at: base + 4), offset: UInt64(file.load(UInt32.self, at: base + 16)),
      size: UInt64(file.load(UInt32.self, at: base + 20)))
  }

  static func cutShort(_ file: ImageFile, _ what: String) -> ImageError {
    file.bad(
      "ends at \(file.bytes.count) bytes, before its \(what) does; "
        + "the file is cut short: copy or build it again")
  }
}

extension ELFHeaders {
  private static func checkedMachine(_ file: ImageFile) throws(ImageError) -> Image.Machine {
    guard file.holds(20, at: 0) else { throw cutShort(file, "ELF header") }
    let isWide = file.bytes[4] == 2
    guard isWide || file.bytes[4] == 1 else {
      throw file.bad("is of ELF class \(file.bytes[4]), which is unknown; build it again")
    }
    guard file.bytes[5] == 1 else {
      throw file.bad("is not little-endian; build it for a little-endian target")
    }
    let machine: UInt16 = file.load(at: 18)
    switch (machine, isWide) {
    case (243, true): return .riscv64
    case (40, false): return .arm
    case (243, false):
      throw file.bad("is a 32-bit RISC-V program; build it for rv64 (-march=rv64gc -mabi=lp64d)")
    case (40, true):
      throw file.bad("is a 64-bit file for a 32-bit Arm processor; build it again")
    default:
      throw file.bad(
        "is a program for \(names[machine] ?? "ELF machine \(machine)"); "
          + "build it for 64-bit RISC-V or for Arm Cortex-M")
    }
  }

  /// What people load by mistake.
  private static let names: [UInt16: String] = [
    2: "SPARC", 3: "x86 (32-bit)", 4: "68000", 8: "MIPS", 20: "PowerPC", 21: "PowerPC (64-bit)",
    22: "s390", 42: "SuperH", 62: "x86-64", 83: "AVR", 94: "Xtensa", 105: "MSP430",
    183: "AArch64", 258: "LoongArch",
  ]
}
