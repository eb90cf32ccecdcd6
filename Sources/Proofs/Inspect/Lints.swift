import Emu
import MachineCode

/// What is wrong with an image by its headers and its vector table alone.
enum Lints {
  static func findings(in inspection: Inspection) -> [Diagnostic] {
    profile(inspection) + vectors(inspection) + stack(inspection) + sections(inspection)
      + entry(inspection)
  }

  private static func profile(_ inspection: Inspection) -> [Diagnostic] {
    guard let profile = inspection.elf?.otherProfile else { return [] }
    return [
      Diagnostic(
        .otherProfile, "it is built for profile \(profile) of the architecture; a Cortex-M has M")
    ]
  }

  private static func vectors(_ inspection: Inspection) -> [Diagnostic] {
    inspection.vectors.compactMap { vector in
      guard let problem = vector.problem else { return nil }
      let rule: Diagnostic.Rule =
        switch problem {
        case .noThumbBit: .vectorWithoutThumbBit
        case .notCode: .vectorOutsideCode
        case .reserved: .reservedVector
        }
      let target = vector.symbol.map { " (\($0))" } ?? ""
      return Diagnostic(
        rule,
        "vector \(vector.number), \(vector.name), is \(hex(UInt64(vector.value)))\(target): "
          + problem.rawValue, address: UInt64(vector.value), function: vector.symbol)
    }
  }

  private static func stack(_ inspection: Inspection) -> [Diagnostic] {
    guard let value = inspection.initialStackPointer.map(UInt64.init) else { return [] }
    var findings: [Diagnostic] = []
    if value % 8 != 0 {
      findings.append(
        Diagnostic(
          .misalignedStackPointer,
          "the initial SP \(hex(value)) is no multiple of 8, as the ABI has it", address: value))
    }
    guard let board = inspection.board else {
      findings.append(withoutBoard(value, inspection))
      return findings
    }
    let ram = board.regions.filter(\.writable)
    // A stack grows down from its pointer, which may be the end of its memory.
    if !ram.isEmpty, !ram.contains(where: { value > $0.address && $0.holds(value - 1) }) {
      let places = ram.map { "\($0.name) \(hex($0.address))..\(hex($0.end - 1))" }
      findings.append(
        Diagnostic(
          .stackPointerOutsideRAM,
          "the initial SP \(hex(value)) does not lie in the RAM of \(board.name)"
            + " (\(places.joined(separator: ", ")))", address: value))
    }
    return findings
  }

  /// What the architecture alone says of a stack (Armv7-M ARM, B3.1: where peripherals and the system are), and the image.
  private static func withoutBoard(_ value: UInt64, _ inspection: Inspection) -> Diagnostic {
    let top = value &- 1
    let isConstant = inspection.segments.contains {
      !$0.isWritable && top >= $0.address && top - $0.address < $0.memorySize
    }
    if value == 0 || isConstant || 0x4000_0000..<0x6000_0000 ~= top || top >= 0xA000_0000 {
      return Diagnostic(
        .stackPointerOutsideRAM, "the initial SP \(hex(value)) lies in no RAM", address: value)
    }
    return Diagnostic(
      .noBoard,
      "no built-in board fits, so that the memory below the initial SP \(hex(value)) is not known "
        + "(--board)", address: value)
  }

  private static func sections(_ inspection: Inspection) -> [Diagnostic] {
    guard let elf = inspection.elf else { return [] }
    var findings: [Diagnostic] = []
    let stored = elf.segments.filter { $0.fileSize > 0 }
      .sorted { ($0.loadAddress, $0.fileSize) < ($1.loadAddress, $1.fileSize) }
    for (lower, upper) in zip(stored, stored.dropFirst())
    where upper.loadAddress - lower.loadAddress < lower.fileSize {
      findings.append(
        Diagnostic(
          .overlappingLoadRegions,
          "the segment of \(lower.fileSize) bytes at \(hex(lower.loadAddress)) reaches into the one "
            + "at \(hex(upper.loadAddress))", address: upper.loadAddress))
    }
    for segment in elf.segments where segment.isWritable && segment.isExecutable {
      findings.append(
        Diagnostic(
          .writableAndExecutable,
          "the segment at \(hex(segment.address)) is writable and executable",
          address: segment.address))
    }
    if elf.machine == .arm, let board = inspection.board {
      for section in inspection.data where section.address == section.loadAddress {
        let isRAM = board.regions.contains { $0.writable && $0.holds(section.address) }
        guard isRAM else { continue }
        findings.append(
          Diagnostic(
            .dataWithoutCopy,
            "\(section.name), \(section.size) bytes at \(hex(section.address)), is stored in RAM: "
              + "nothing that lasts holds its first values (a linker script says AT> FLASH)",
            address: section.address))
      }
    }
    if elf.relocations > 0 {
      findings.append(
        Diagnostic(
          .relocationsLeft,
          "\(elf.relocations) relocations are left: they are applied by the program itself or not "
            + "at all"))
    }
    return findings
  }

  private static func entry(_ inspection: Inspection) -> [Diagnostic] {
    guard let elf = inspection.elf, !elf.sections.isEmpty else { return [] }
    let entry = elf.machine == .arm ? elf.entry & ~1 : elf.entry
    // A Cortex-M starts by its vector table: 0 is how a linker says that nobody named an entry.
    if elf.machine == .arm && elf.entry == 0 { return [] }
    if elf.sections.contains(where: { $0.isExecutable && $0.contains(entry) }) { return [] }
    return [
      Diagnostic(
        .entryInNoSection, "the entry point \(hex(elf.entry)) lies in no section of code",
        address: entry)
    ]
  }
}

extension Diagnostic.Rule {
  public static let notLoadable = Self(
    "image-not-loadable", .error, "The file cannot be loaded by its headers.")
  public static let otherProfile = Self(
    "other-profile", .error, "A Cortex-M does not run what is built for a Cortex-A or a Cortex-R.")
  public static let vectorWithoutThumbBit = Self(
    "vector-without-thumb-bit", .error,
    "A Cortex-M has no Arm state: an exception by this vector is an INVSTATE UsageFault.")
  public static let vectorOutsideCode = Self(
    "vector-outside-code", .error, "An exception by this vector runs no code of the image.")
  public static let reservedVector = Self(
    "reserved-vector", .note, "Some boot loaders keep a checksum in a reserved vector.")
  public static let stackPointerOutsideRAM = Self(
    "stack-pointer-outside-ram", .error, "The first push is a fault.")
  public static let noBoard = Self(
    "no-board", .note, "The stack and the variables were held against no memory.")
  public static let misalignedStackPointer = Self(
    "stack-pointer-misaligned", .warning, "The ABI wants a stack pointer that 8 divides.")
  public static let overlappingLoadRegions = Self(
    "overlapping-load-regions", .error, "Two segments are to be stored in the same place.")
  public static let writableAndExecutable = Self(
    "writable-and-executable", .note, "A stray store may change code.")
  public static let dataWithoutCopy = Self(
    "data-without-copy", .warning,
    "Initialised variables whose first values are stored in RAM are lost without power.")
  public static let entryInNoSection = Self(
    "entry-in-no-section", .warning, "The entry point is no code that the sections know of.")
  public static let relocationsLeft = Self(
    "relocations-left", .note, "Entries of a relocation table that is loaded.")
}
