import Emu

extension ELFFile {
  /// `start` (from 0x8000_0000, the outermost) calls `main` (from 0x20, with a stack frame of 16
  /// bytes that keeps ra), which calls `leaf` (from 0x40, without frame information); `spin`
  /// (from 0x60) is its own caller by its frame information.
  static let withDebugInfo: ELFFile = {
    let text: UInt64 = 0x8000_0000
    var file = ELFFile(segments: [.load(text, [UInt8](repeating: 0x13, count: 0x80))])
    file.sections = [
      .init(name: ".text", flags: 6, address: text, bytes: file.segments[0].bytes),
      .init(name: ".debug_frame", bytes: callFrames(text, .riscv64)),
      .init(name: ".debug_line", bytes: lines(text)),
    ]
    file.addSymbols([
      .init(name: "marker", address: text + 0x78, type: 0),
      .init(name: "$x", address: text + 0x7C, type: 0),
      .init(name: "$xrv64i2p1_m2p0", address: text + 0x7C, type: 0),
      .init(name: "leaf", address: text + 0x40, isGlobal: false),
      .init(name: "start", address: text, size: 0x20),
      .init(name: "main", address: text + 0x20, size: 0x20),
      .init(name: "leaf", address: text + 0x40, size: 0x10),
      .init(name: "spin", address: text + 0x60, size: 0x10),
      .init(name: "counter", address: 0x8000_1000, size: 8, type: 1, section: 0xFFF1),
    ])
    return file
  }()

  /// Functions `thread` (from 0x40, a frame of 8 bytes that keeps lr) and `handler` (from 0x60).
  static let cortexMWithDebugInfo: ELFFile = {
    var file = ELFFile.cortexM
    file.segments = [.load(0, [UInt8](repeating: 0, count: 0x80))]
    file.entry = 0x41
    file.sections = [
      .init(name: ".text", flags: 6, bytes: file.segments[0].bytes),
      .init(name: ".debug_frame", bytes: callFrames(0x20, .arm)),
    ]
    file.addSymbols([
      .init(name: "thread", address: 0x41, size: 0x20),
      .init(name: "handler", address: 0x61, size: 0x10),
    ])
    return file
  }()

  private static func callFrames(_ text: UInt64, _ machine: Image.Machine) -> [UInt8] {
    let link: UInt8 = machine == .arm ? 14 : 1
    let stack: UInt8 = machine == .arm ? 13 : 2
    let unit: UInt8 = machine == .arm ? 4 : 8
    var section = Bytes()
    // The CIE: version 1, no augmentation, aligned by 1 and by -unit, CFA = stack pointer.
    section.entry(machine) { entry in
      entry.u32(0xFFFF_FFFF)
      entry.u8(1, 0, 1, 0x80 &- unit, link, 0x0C, stack, 0)
    }
    let functions: [(offset: UInt64, size: UInt64, rules: [UInt8])] = [
      (0x00, 0x20, [0x07, link]),  // ra is undefined
      // After 4 bytes the CFA is sp + 2 units and ra lies in the upper one.
      (0x20, 0x20, [0x44, 0x0E, 2 * unit, 0x80 | link, 1]),
      (0x60, 0x10, []),
    ]
    for function in functions {
      section.entry(machine) { entry in
        entry.u32(0)
        entry.word(text + function.offset, machine)
        entry.word(function.size, machine)
        entry.all += function.rules
      }
    }
    return section.all
  }

  /// `main.swift` lines 10 and 11 in `start`, 20 in `main` and 30 in `leaf`; a function that the
  /// linker has thrown away; and behind `marker` code of no line and of line 5.
  private static func lines(_ text: UInt64) -> [UInt8] {
    var header = Bytes()
    header.u8(1, 1, 0xFB, 14, 10)  // bytes an instruction, statement, line base, range, opcodes
    header.u8(0, 1, 1, 1, 1, 0, 0, 0, 1)  // operands of the opcodes
    header.u8(0)  // no directories
    header.text("main.swift")
    header.u8(0, 0, 0, 0)
    var program = Bytes()
    program.row(0, advancing: 2)
    program.end(after: 0x10)
    program.row(text, advancing: 9)
    program.row(text + 8, advancing: 1)
    program.u8(6, 1, 6)  // negate_stmt, copy, negate_stmt: as gcc has it with views
    program.row(text + 0x20, advancing: 9)
    program.row(text + 0x40, advancing: 10)
    program.end(after: 0x10)
    program.row(text + 0x78, advancing: 0x7F)  // one line back, from 1 to 0
    program.row(text + 0x7C, advancing: 5)
    program.end(after: 4)
    var section = Bytes()
    section.u32(UInt32(6 + header.all.count + program.all.count))
    section.u16(3)
    section.u32(UInt32(header.all.count))
    return section.all + header.all + program.all
  }
}

extension Bytes {
  /// An entry of `.debug_frame`, padded with no-operations.
  fileprivate mutating func entry(_ machine: Image.Machine, _ write: (inout Bytes) -> Void) {
    var entry = Bytes()
    write(&entry)
    entry.all += [UInt8](repeating: 0, count: machine == .arm ? 4 : 8)
    while (entry.all.count + 4) % 8 != 0 { entry.u8(0) }
    u32(UInt32(entry.all.count))
    all += entry.all
  }

  /// A row of `.debug_line`, some lines below the one before (the first line is 1).
  fileprivate mutating func row(_ address: UInt64, advancing lines: UInt8) {
    u8(0, 9, 2)
    u64(address)
    u8(3, lines, 1)  // advance_line, copy
  }

  fileprivate mutating func end(after bytes: UInt8) {
    u8(2, bytes, 0, 1, 1)  // advance_pc, end_sequence
  }
}
