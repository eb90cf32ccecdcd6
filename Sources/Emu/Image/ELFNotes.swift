/// The notes of an ELF file: small named records that linkers and people leave for tools.
struct ELFNotes {
  private let file: ImageFile
  private let areas: [(offset: UInt64, size: UInt64)]

  /// None for a file that is no ELF. A note that is not loaded has no segment, one in a stripped
  /// file has no section: sections are looked at where there is no segment of notes.
  init(_ image: Image) {
    file = image.file
    guard image.format == .elf, let headers = try? ELFHeaders(file) else {
      areas = []
      return
    }
    var segments: [(UInt64, UInt64)] = []
    for index in 0..<headers.segmentCount {
      let segment = headers.segment(index)
      if segment.type == 4 { segments.append((segment.offset, segment.fileSize)) }
    }
    var sections: [(UInt64, UInt64)] = []
    for index in 0..<headers.sectionCount {
      let section = headers.section(index)
      if section.type == 7 { sections.append((section.offset, section.size)) }
    }
    areas = sections.isEmpty ? segments : sections
  }

  /// The contents of all notes with this owner and type, in the order of the file.
  func contents(owner: String, type wanted: UInt32) -> [ArraySlice<UInt8>] {
    var found: [ArraySlice<UInt8>] = []
    for area in areas where file.holds(area.size, at: area.offset) {
      var offset = area.offset
      let end = area.offset + area.size
      while end - offset >= 12 {
        let nameSize = UInt64(file.load(UInt32.self, at: offset))
        let size = UInt64(file.load(UInt32.self, at: offset + 4))
        let type: UInt32 = file.load(at: offset + 8)
        let nameStart = offset + 12
        // Both parts are padded to four bytes, the last one not always.
        let start = nameStart + (nameSize + 3) & ~3
        guard start <= end, size <= end - start else { break }
        // Some assembly counts the padding of a name, so its end is where its zero is.
        let name = file.bytes[Int(nameStart)..<Int(nameStart + nameSize)].prefix { $0 != 0 }
        if type == wanted, name.elementsEqual(owner.utf8) {
          found.append(file.bytes[Int(start)..<Int(start + size)])
        }
        offset = min(end, start + (size + 3) & ~3)
      }
    }
    return found
  }
}

extension Image {
  /// The linker's name for this very build in hex (`--build-id`), worked out at every call.
  public var buildID: String? {
    ELFNotes(self).contents(owner: "GNU", type: 3).first.map(Self.hexDigits)
  }
}
