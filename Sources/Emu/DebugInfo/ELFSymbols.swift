import CElf
import Glibc

extension ELFHandle {
  func symbols() -> [Image.Symbol] {
    let sections = sections()
    guard let table = sections.first(where: { $0.header.sh_type == UInt32(SHT_SYMTAB) }),
      let data = elf_getdata(table.section, nil), data.pointee.d_type == ELF_T_SYM
    else { return [] }
    // The one bit that a symbol's value may have and its address has not.
    let thumb: UInt64 = gelf_getclass(elf) == ELFCLASS32 ? 1 : 0
    let count = data.pointee.d_size / max(1, gelf_fsize(elf, ELF_T_SYM, 1, UInt32(EV_CURRENT)))
    var symbols: [Image.Symbol] = []
    for index in 0..<Int32(clamping: count) {
      var entry = GElf_Sym()
      guard gelf_getsym(data, index, &entry) != nil else { break }
      let type = Int32(entry.st_info & 15)
      guard type <= STT_FUNC, Int32(entry.st_shndx) != SHN_UNDEF,
        let name = name(entry, strings: table.header.sh_link)
      else { continue }
      let home = Int(entry.st_shndx) - 1
      let isCode =
        sections.indices.contains(home)
        && sections[home].header.sh_flags & UInt64(SHF_EXECINSTR) != 0
      symbols.append(
        .init(
          name: name, address: type == STT_FUNC ? entry.st_value & ~thumb : entry.st_value,
          size: entry.st_size, isFunction: type == STT_FUNC || type == STT_NOTYPE && isCode))
    }
    return symbols
  }

  private func name(_ entry: GElf_Sym, strings: UInt32) -> String? {
    guard let start = elf_strptr(elf, Int(strings), Int(entry.st_name)) else { return nil }
    // No name is longer; a damaged file may have millions of symbols with one endless name.
    let length = strnlen(start, 1 << 12)
    let characters = UnsafeRawBufferPointer(start: start, count: length)
    // Marks between code and data ($a, $t, $d, $x and "$xrv64i...") and local labels are no names; Swift's begin $s or $e.
    let isMark =
      length > 1 && characters[0] == UInt8(ascii: "$") && "adtx".utf8.contains(characters[1])
    guard length > 0, !isMark, !characters.starts(with: ".L".utf8) else { return nil }
    return String(decoding: characters, as: UTF8.self)
  }
}
