/// A bare-metal program for Spike and for us: the frame that random instructions are put in.
///
/// Whatever they do, it goes on: each unit of a few instructions begins with its successor's address in x31, and a trap handler
/// recovers there. x30 carries a command with an `ecall`; x28 and x29 belong to the handlers, x27 is the digest of what has happened, x25
/// counts passes, x24 turns of a loop, x2, x15 and x26 point at memory. All other registers, and the CSRs, are anybody's.
public struct Guest {
  static let base: UInt64 = 0x8000_0000
  static let toHost = 0x10_0000
  static let data = 0x11_0000
  static let dataSize = 0x1_0000
  static let dummy = 0x12_0000
  /// Operands that stay what they are.
  static let pool = 0x12_1000
  /// Where the state of the hart goes at the end.
  static let state = 0x12_2000
  static let tables = 0x13_0000
  static let size = 0x14_0000
  /// Physical memory that neither machine has; U mode finds the code there when there is paging.
  static let userBase: UInt64 = 0xC000_0000
  static let msip: UInt64 = 0x0200_0000

  enum Command {
    static let user: UInt64 = 1
    static let supervisor: UInt64 = 2
    static let machine: UInt64 = 3
    /// Raise the software interrupt of the CLINT.
    static let interrupt: UInt64 = 4
    /// Store x24 to (x26), with a fence.
    static let poke: UInt64 = 5
    static let wait: UInt64 = 6
    /// From the S handler: all interrupts off, back to where it was interrupted.
    static let clear: UInt64 = 7
    static let end: UInt64 = 8
    /// A software interrupt for S mode pending and enabled, but not to be taken there: `wfi` goes on.
    static let pend: UInt64 = 9
    /// All registers into the digest.
    static let fold: UInt64 = 10
  }

  public let seed: UInt64
  /// An ELF file.
  public let elf: [UInt8]

  /// - Parameters:
  ///   - units: of a few random instructions each.
  ///   - passes: over them, each with other data.
  public init(seed: UInt64, units: Int, passes: UInt64) {
    self.seed = seed
    var body = GuestBody(seed: seed)
    body.build(units: units, passes: passes)
    elf = GuestELF.file(
      body.image(),
      symbols: [
        ("tohost", Self.toHost), ("fromhost", Self.toHost + 64),
        ("begin_signature", Self.data), ("end_signature", Self.size),
      ])
  }
}

/// One PT_LOAD and a symbol table.
enum GuestELF {
  static func file(_ image: [UInt8], symbols: [(String, Int)]) -> [UInt8] {
    var file: [UInt8] = []
    func put(_ value: UInt64, _ count: Int) {
      for byte in 0..<count { file.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))) }
    }
    var names: [UInt8] = [0]
    var table = [UInt8](repeating: 0, count: 24)
    for (name, offset) in symbols {
      var entry: [UInt8] = []
      let value = Guest.base + UInt64(offset)
      for (field, count) in [
        (UInt64(names.count), 4), (0x11, 1), (0, 1), (1, 2), (value, 8), (8, 8),
      ] {
        for byte in 0..<count { entry.append(UInt8(truncatingIfNeeded: field >> UInt64(8 * byte))) }
      }
      table += entry
      names += Array(name.utf8) + [0]
    }
    let sectionNames: [UInt8] = Array("\0.text\0.symtab\0.strtab\0.shstrtab\0".utf8)
    let start = 0x1000
    let tableAt = start + image.count
    let namesAt = tableAt + table.count
    let sectionNamesAt = namesAt + names.count
    let sectionsAt = (sectionNamesAt + sectionNames.count + 7) & ~7
    file = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
    for (value, count) in [
      (2, 2), (243, 2), (1, 4), (Guest.base, 8), (64, 8), (UInt64(sectionsAt), 8), (5, 4), (64, 2),
      (56, 2), (1, 2), (64, 2), (5, 2), (4, 2),
      // The program header.
      (1, 4), (7, 4), (UInt64(start), 8), (Guest.base, 8), (Guest.base, 8),
      (UInt64(image.count), 8), (UInt64(image.count), 8), (0x1000, 8),
    ] as [(UInt64, Int)] { put(value, count) }
    file += [UInt8](repeating: 0, count: start - file.count)
    file += image + table + names + sectionNames
    file += [UInt8](repeating: 0, count: sectionsAt - file.count)
    for section in [
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [1, 1, 7, Guest.base, UInt64(start), UInt64(image.count), 0, 0, 8, 0],
      [7, 2, 0, 0, UInt64(tableAt), UInt64(table.count), 3, 1, 8, 24],
      [15, 3, 0, 0, UInt64(namesAt), UInt64(names.count), 0, 0, 1, 0],
      [23, 3, 0, 0, UInt64(sectionNamesAt), UInt64(sectionNames.count), 0, 0, 1, 0],
    ] as [[UInt64]] {
      for (field, count) in zip(section, [4, 4, 8, 8, 8, 8, 4, 4, 8, 8]) { put(field, count) }
    }
    return file
  }
}
