import CElf
import Glibc

/// An entry of a file's symbol table, as it stands there.
package struct ELFSymbol: Sendable {
  package let name: String
  package let value: UInt64
  package let size: UInt64
  /// `STT_`...
  package let type: Int32
  /// `STB_`...
  package let binding: Int32
  /// `SHN_UNDEF`, a section's number, or one of the reserved numbers from `SHN_LORESERVE` up.
  package let section: Int32
}

extension ELFHandle {
  /// All entries but the first, in the order of the table: local ones come first.
  package func symbolTable() -> [ELFSymbol] {
    guard let table = sections().first(where: { $0.header.sh_type == UInt32(SHT_SYMTAB) }),
      let data = elf_getdata(table.section, nil), data.pointee.d_type == ELF_T_SYM
    else { return [] }
    let count = data.pointee.d_size / max(1, gelf_fsize(elf, ELF_T_SYM, 1, UInt32(EV_CURRENT)))
    // A damaged file may have millions of symbols with one endless name.
    var room = 1 << 28
    var symbols: [ELFSymbol] = []
    for index in 1..<max(1, Int32(clamping: count)) {
      var entry = GElf_Sym()
      guard gelf_getsym(data, index, &entry) != nil else { break }
      guard let name = name(entry, strings: table.header.sh_link, most: min(room, 1 << 12)) else {
        continue
      }
      room -= name.utf8.count
      symbols.append(
        ELFSymbol(
          name: name, value: entry.st_value, size: entry.st_size, type: Int32(entry.st_info & 15),
          binding: Int32(entry.st_info >> 4), section: Int32(entry.st_shndx)))
    }
    return symbols
  }

  func symbols() -> [Image.Symbol] {
    let sections = sections()
    // The one bit that a symbol's value may have and its address has not.
    let thumb: UInt64 = gelf_getclass(elf) == ELFCLASS32 ? 1 : 0
    return symbolTable().compactMap { entry in
      guard entry.type <= STT_FUNC, entry.section != SHN_UNDEF, !entry.isMark else { return nil }
      let home = Int(entry.section) - 1
      let isCode =
        sections.indices.contains(home)
        && sections[home].header.sh_flags & UInt64(SHF_EXECINSTR) != 0
      return .init(
        name: entry.name, address: entry.type == STT_FUNC ? entry.value & ~thumb : entry.value,
        size: entry.size,
        isFunction: entry.type == STT_FUNC || entry.type == STT_NOTYPE && isCode)
    }
  }

  private func name(_ entry: GElf_Sym, strings: UInt32, most: Int) -> String? {
    guard let start = elf_strptr(elf, Int(strings), Int(entry.st_name)) else { return nil }
    let length = strnlen(start, most)
    return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
  }
}

extension ELFSymbol {
  /// Marks between code and data ($a, $t, $d, $x and "$xrv64i...") and local labels (.L, and TI's $C$L, which are functions to it)
  /// are no names, but for local functions (LLVM's .Lobjectdestroy); Swift's begin $s or $e.
  package var isMark: Bool {
    var characters = name.utf8.makeIterator()
    switch (characters.next(), characters.next()) {
    case (nil, _): return true
    case (UInt8(ascii: "$"), UInt8(ascii: "C")): return name.hasPrefix("$C$")
    case (UInt8(ascii: "$"), let second?): return "adtx".utf8.contains(second)
    case (UInt8(ascii: "."), UInt8(ascii: "L")): return type != STT_FUNC
    default: return false
    }
  }
}
