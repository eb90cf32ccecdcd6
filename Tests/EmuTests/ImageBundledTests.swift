import Emu
import Glibc
import Testing

/// The images that the project ships, which a real compiler and linker have made.
@Suite struct ImageBundledTests {
  static let names = BundledImages.names

  @Test(arguments: names) func theRawImageIsWhatTheELFLoads(_ name: String) throws {
    let elf = try Image(path: BundledImages.path("\(name).elf"))
    guard let raw = try? Image(path: BundledImages.path("\(name).bin")) else {
      // A mebibyte of nothing, which is not shipped.
      return #expect(name == "anchored-m4")
    }
    let loaded = elf.segments.filter { !$0.bytes.isEmpty }
    let base = try #require(loaded.first).address
    // Between two segments a raw image has zeros, behind the last one it may have some.
    for segment in loaded {
      let bytes = raw.contents.dropFirst(Int(segment.address - base)).prefix(segment.bytes.count)
      #expect(segment.bytes.starts(with: bytes))
    }
    #expect(raw.machine == elf.machine)
    if elf.machine == .arm { #expect(raw.vectors?.reset == elf.vectors?.reset) }
    #expect(try elf.knownEntry() & ~1 >= base)
  }

  @Test(arguments: names) func theNoteIsUnderstood(_ name: String) throws {
    let image = try Image(path: BundledImages.path("\(name).elf"))
    #expect(!image.note.entries.isEmpty)
    #expect(image.note.warnings == [])
    #expect(image.buildID?.utf8.count == 40)
  }

  @Test(arguments: names) func mainIsFoundInItsSource(_ name: String) throws {
    let image = try Image(path: BundledImages.path("\(name).elf"))
    let info = DebugInfo(image)
    // The boot ROM begins on each hart with another one, which is called from far behind its entry.
    if name == "sbi-bootrom" { return }
    let main = try #require(info.address(ofSymbol: "main"))
    #expect(info.symbol(at: main)?.name == "main")
    #expect(info.sourceLine(at: main)?.file.contains("Sources/Firmware/") == true)
    // At its first instruction a function has not touched the stack: ra is the caller.
    let caller = try image.knownEntry() & ~1 + 4
    let trace = info.backtrace(pc: main, registers: { _ in caller }, memory: { _, _ in nil })
    #expect(trace.prefix(2).map(\.pc) == [main, caller])
  }
}

enum BundledImages {
  static let names = files("*.elf").map { path in
    path.split(separator: "/").last.map { String($0.dropLast(4)) } ?? path
  }

  static func path(_ name: String) -> String {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(root)/images/\(name)"
  }

  /// The paths of the images that a pattern fits.
  static func files(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(path(pattern), 0, nil, &found) == 0 else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
  }
}
