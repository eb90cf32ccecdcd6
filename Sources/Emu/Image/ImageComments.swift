import CElf

extension Image {
  /// What the compilers and linkers that made an ELF file left in its section .comment: each its name and version.
  public var comments: [String] {
    guard format == .elf, let file = ELFHandle(contents) else { return [] }
    for (section, header) in file.sections() where header.sh_type == UInt32(SHT_PROGBITS) {
      guard file.name(of: header) == ".comment", let data = elf_getdata(section, nil),
        let bytes = data.pointee.d_buf
      else { continue }
      let text = UnsafeRawBufferPointer(start: bytes, count: data.pointee.d_size)
      var seen: Set<String> = []
      return text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        .filter { seen.insert($0).inserted }
    }
    return []
  }
}

extension ELFHandle {
  fileprivate func name(of header: GElf_Shdr) -> String? {
    var table = 0
    guard elf_getshdrstrndx(elf, &table) == 0,
      let name = elf_strptr(elf, table, Int(header.sh_name))
    else { return nil }
    return String(cString: name)
  }
}
