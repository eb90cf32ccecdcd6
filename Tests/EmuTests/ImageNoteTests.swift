import Emu
import Testing

@Suite struct ImageNoteTests {
  private func image(_ text: String) throws -> Image {
    var file = ELFFile()
    file.addNote("GNU", type: 1, [1])
    file.addNote("emurun", type: 2, Array("board=wrong".utf8))
    file.addNote("emurun", type: 1, Array(text.utf8))
    return try file.image("a.elf")
  }

  @Test func readsKeysInOrder() throws {
    let note = try image("mode=s\nboard = x=y\r\n\n  smp=2\0\0").note
    #expect(note.entries.map(\.key) == ["mode", "smp"])
    #expect(note["mode"] == "s")
    #expect(note["smp"] == "2")
    #expect(note["memory"] == nil)
    #expect(note.warnings.count == 1)  // "board " is not the key "board"
  }

  @Test func theLastOneCounts() throws {
    #expect(try image("board=a\nboard=b=c").note["board"] == "b=c")
  }

  @Test func warnsOfWhatItDoesNotKnow() throws {
    #expect(
      try image("colour=red\nsemihosting\n").note.warnings == [
        "a.elf: its note has the unknown key \"colour\"; "
          + "known are board, mode, smp, memory, bios, sbi, semihosting",
        "a.elf: its note has the line \"semihosting\", which is not key=value",
      ])
  }

  @Test func readsANoteThatIsNotLoaded() throws {
    var file = ELFFile()
    file.addNote("emurun", type: 1, Array("board=m4-led".utf8))
    let contents = file.segments.removeLast().bytes
    file.sections = [.init(name: ".note.emurun", type: 7, bytes: contents)]
    #expect(try file.image().note["board"] == "m4-led")
  }

  @Test func aNameMayCountItsPadding() throws {
    var file = ELFFile()
    file.addNote("emurun\0", type: 1, Array("board=m4-led".utf8))
    #expect(try file.image().note["board"] == "m4-led")
  }

  @Test func isEmptyElsewhere() throws {
    #expect(try ELFFile().image().note.entries == [])
    #expect(try Image(bytes: [1, 2], path: "a.bin").note.entries == [])
  }
}
