extension Image {
  /// What an image says of its own needs: the ELF note `emurun`, type 1, with lines `key=value`.
  public struct Note: Sendable {
    public struct Entry: Sendable, Hashable {
      public let key: String
      public let value: String
    }

    /// In the order of the note; unknown keys are among the warnings instead.
    public private(set) var entries: [Entry] = []
    /// One sentence for each line that means nothing to this emulator.
    public private(set) var warnings: [String] = []

    public static let keys = [
      "board", "mode", "smp", "memory", "bios", "sbi", "semihosting",
    ]

    /// The value of a key; where it is given twice, the last one.
    public subscript(key: String) -> String? { entries.last { $0.key == key }?.value }
  }

  /// Read from the file at every call; empty where there is no note.
  public var note: Note {
    var note = Note()
    for contents in ELFNotes(self).contents(owner: "emurun", type: 1) {
      note.read(contents, path)
    }
    return note
  }
}

extension Image.Note {
  fileprivate mutating func read(_ contents: ArraySlice<UInt8>, _ path: String) {
    let padding = { (byte: UInt8) in byte == 0 || byte == 32 || byte == 9 || byte == 13 }
    for line in contents.split(separator: UInt8(ascii: "\n")) {
      let line = line.drop(while: padding)
      guard let end = line.lastIndex(where: { !padding($0) }) else { continue }
      let text = String(decoding: line[...end], as: UTF8.self)
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count < 2 {
        warnings.append("\(path): its note has the line \"\(text)\", which is not key=value")
      } else if !Self.keys.contains(String(parts[0])) {
        warnings.append(
          "\(path): its note has the unknown key \"\(parts[0])\"; "
            + "known are \(Self.keys.joined(separator: ", "))")
      } else {
        entries.append(.init(key: String(parts[0]), value: String(parts[1])))
      }
    }
  }
}
