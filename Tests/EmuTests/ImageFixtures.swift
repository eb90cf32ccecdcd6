import Emu

/// Little-endian bytes, one after the other.
struct Bytes {
  var all: [UInt8] = []

  mutating func u8(_ values: UInt8...) { all += values }
  mutating func u16(_ value: UInt16) { append(value) }
  mutating func u32(_ value: UInt32) { append(value) }
  mutating func u64(_ value: UInt64) { append(value) }
  mutating func text(_ value: String) { all += Array(value.utf8) + [0] }

  /// An address or an offset in a file of a machine.
  mutating func word(_ value: UInt64, _ machine: Image.Machine) {
    if machine == .arm { u32(UInt32(truncatingIfNeeded: value)) } else { u64(value) }
  }

  mutating func align(_ alignment: Int) {
    while all.count % alignment != 0 { all.append(0) }
  }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { all += $0 }
  }
}

/// An ELF file in the making.
struct ELFFile {
  struct Segment {
    var type: UInt32 = 1
    var flags: UInt32 = 5
    var virtual: UInt64
    var physical: UInt64
    var bytes: [UInt8] = []
    var size: UInt64?

    static func load(
      _ address: UInt64, _ bytes: [UInt8] = [], size: UInt64? = nil, physical: UInt64? = nil
    ) -> Segment {
      Segment(virtual: address, physical: physical ?? address, bytes: bytes, size: size)
    }
  }

  struct Section {
    var name: String
    var type: UInt32 = 1
    var flags: UInt64 = 0
    var address: UInt64 = 0
    var bytes: [UInt8]
    var link: UInt32 = 0
    var entrySize: UInt64 = 0
  }

  var machine = Image.Machine.riscv64
  var type: UInt16 = 2
  var entry: UInt64 = 0x8000_0000
  var segments: [Segment] = [.load(0x8000_0000, ELFFile.code)]
  var sections: [Section] = []

  /// `li a0, 7` and a jump to itself.
  static let code: [UInt8] = [0x13, 0x05, 0x70, 0x00, 0x6F, 0x00, 0x00, 0x00]

  /// A Cortex-M4 with a stack, a reset vector and a jump to itself at 8.
  static let cortexM = ELFFile(
    machine: .arm, entry: 9,
    segments: [.load(0, [0, 0x80, 0, 0x20, 9, 0, 0, 0, 0xFE, 0xE7])])

  func image(_ path: String = "test.elf") throws(ImageError) -> Image {
    try Image(bytes: bytes, path: path)
  }

  var bytes: [UInt8] {
    let isWide = machine == .riscv64
    let headerSize = isWide ? 64 : 52
    let sectionSize = isWide ? 64 : 40
    var names = Bytes()
    names.text("")
    var all = [Section(name: "", type: 0, bytes: [])] + sections
    if !sections.isEmpty { all.append(Section(name: ".shstrtab", type: 3, bytes: [])) }
    let nameOffsets = all.map { section -> UInt32 in
      if section.name.isEmpty { return 0 }
      defer { names.text(section.name) }
      return UInt32(names.all.count)
    }
    if !sections.isEmpty { all[all.count - 1].bytes = names.all }

    var body = Bytes(
      all: [UInt8](repeating: 0, count: headerSize + segments.count * (isWide ? 56 : 32)))
    let segmentOffsets = segments.map { body.place($0.bytes) }
    let sectionOffsets = all.map { body.place($0.bytes) }
    body.align(8)
    let sectionTable = UInt64(body.all.count)

    var head = Bytes(all: [0x7F, 0x45, 0x4C, 0x46, isWide ? 2 : 1, 1, 1, 0])
    head.u64(0)
    head.u16(type)
    head.u16(isWide ? 243 : 40)
    head.u32(1)
    head.word(entry, machine)
    head.word(segments.isEmpty ? 0 : UInt64(headerSize), machine)
    head.word(sections.isEmpty ? 0 : sectionTable, machine)
    head.u32(isWide ? 5 : 0x500_0200)
    head.u16(UInt16(headerSize))
    head.u16(isWide ? 56 : 32)
    head.u16(UInt16(segments.count))
    head.u16(UInt16(sectionSize))
    head.u16(sections.isEmpty ? 0 : UInt16(all.count))
    head.u16(sections.isEmpty ? 0 : UInt16(all.count - 1))
    for (segment, offset) in zip(segments, segmentOffsets) {
      head.u32(segment.type)
      if isWide { head.u32(segment.flags) }
      for value in [
        offset, segment.virtual, segment.physical, UInt64(segment.bytes.count),
        segment.size ?? UInt64(segment.bytes.count),
      ] {
        head.word(value, machine)
      }
      if !isWide { head.u32(segment.flags) }
      head.word(4, machine)
    }
    body.all.replaceSubrange(0..<head.all.count, with: head.all)
    guard !sections.isEmpty else { return body.all }
    for (index, section) in all.enumerated() {
      body.u32(nameOffsets[index])
      body.u32(section.type)
      body.word(section.flags, machine)
      body.word(section.address, machine)
      body.word(sectionOffsets[index], machine)
      body.word(UInt64(section.bytes.count), machine)
      body.u32(section.link)
      body.u32(0)
      body.word(1, machine)
      body.word(section.entrySize, machine)
    }
    return body.all
  }
}

extension Bytes {
  /// Appends a piece at an aligned offset, which it returns.
  fileprivate mutating func place(_ piece: [UInt8]) -> UInt64 {
    align(8)
    defer { all += piece }
    return UInt64(all.count)
  }
}

extension ELFFile {
  struct Symbol {
    var name: String
    var address: UInt64
    var size: UInt64 = 0
    /// 0 untyped, 1 object, 2 function.
    var type: UInt8 = 2
    var isGlobal = true
    var section: UInt16 = 1
  }

  /// Adds a symbol table; section 1 is to be the code.
  mutating func addSymbols(_ symbols: [Symbol]) {
    var table = Bytes(all: [UInt8](repeating: 0, count: machine == .arm ? 16 : 24))
    var names = Bytes()
    names.text("")
    for symbol in symbols {
      let info = symbol.type | (symbol.isGlobal ? 0x10 : 0)
      table.u32(UInt32(names.all.count))
      if machine == .arm {
        table.u32(UInt32(symbol.address))
        table.u32(UInt32(symbol.size))
      }
      table.u8(info, 0)
      table.u16(symbol.section)
      if machine == .riscv64 {
        table.u64(symbol.address)
        table.u64(symbol.size)
      }
      names.text(symbol.name)
    }
    sections.append(Section(name: ".strtab", type: 3, bytes: names.all))
    sections.append(
      Section(
        name: ".symtab", type: 2, bytes: table.all, link: UInt32(sections.count),
        entrySize: machine == .arm ? 16 : 24))
  }

  mutating func addNote(_ owner: String, type: UInt32, _ contents: [UInt8]) {
    var note = Bytes()
    note.u32(UInt32(owner.utf8.count + 1))
    note.u32(UInt32(contents.count))
    note.u32(type)
    note.text(owner)
    note.align(4)
    note.all += contents
    note.align(4)
    segments.append(Segment(type: 4, virtual: 0, physical: 0, bytes: note.all))
  }
}

/// The formats of hex digits, from records without their checksums.
enum HexFile {
  static func ihex(_ type: UInt8, _ address: UInt16 = 0, _ data: [UInt8] = []) -> String {
    let record = [UInt8(data.count), UInt8(address >> 8), UInt8(address & 255), type] + data
    return ":" + digits(record + [0 &- record.reduce(0, &+)]) + "\n"
  }

  static let ihexEnd = ihex(1)

  static func srec(_ type: Int, _ address: UInt32, _ data: [UInt8] = []) -> String {
    let size = [2, 2, 3, 4, 2, 2, 3, 4, 3, 2][type]
    let bytes = (0..<size).reversed().map { UInt8(truncatingIfNeeded: address >> (8 * $0)) }
    let record = [UInt8(size + data.count + 1)] + bytes + data
    return "S\(type)" + digits(record + [0xFF &- record.reduce(0, &+)]) + "\r\n"
  }

  static func digits(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
  }
}

struct UF2Block {
  var flags: UInt32 = 0x2000
  var address: UInt32 = 0
  var number: UInt32 = 0
  var total: UInt32 = 1
  var family: UInt32 = 0xE48B_FF56
  var data: [UInt8] = [UInt8](repeating: 0xA5, count: 256)
  var size: UInt32?

  var bytes: [UInt8] {
    var block = Bytes()
    let size = size ?? UInt32(data.count)
    let words = [0x0A32_4655, 0x9E5D_5157, flags, address, size, number, total, family]
    for word in words { block.u32(word) }
    block.all += data + [UInt8](repeating: 0, count: 476 - data.count)
    block.u32(0x0AB1_6F30)
    return block.all
  }
}

/// What goes wrong with an image, in words.
func complaint(_ make: () throws -> Image) -> String {
  do {
    _ = try make()
    return "nothing"
  } catch {
    return "\(error)"
  }
}
