/// What a script says of the run that it belongs to, by the names of the command line's options (docs/boards.md, Scripts):
/// `run: {image: build/doorbell.elf, board: tm4c123gxl, for: 30s}`. Files are looked for beside the script.
public struct ScriptOptions: Sendable {
  public let image: String?
  /// As on a command line: "--board=tm4c123gxl".
  public let words: [String]
  /// It is a board, and no script at all.
  public let isBoard: Bool
  private let place: FileError?

  private enum Value {
    case word
    case file
    /// A file, where it is not one of these words.
    case fileOr(@Sendable (String) -> Bool)
    case flag
  }

  private static let known: [(key: String, value: Value)] = [
    ("image", .file), ("board", .fileOr { !BoardFile.isPath($0) }), ("for", .word),
    ("max-instructions", .word), ("kernel", .file),
    ("bios", .fileOr { ["none", "default"].contains($0) }), ("initrd", .file), ("dtb", .file),
    ("append", .word), ("sbi", .word), ("mode", .word), ("smp", .word), ("memory", .word),
    ("quantum", .word), ("cycles", .word), ("seed", .word), ("svd", .file), ("input", .file),
    ("semihosting", .flag), ("strict", .flag),
  ]

  /// Reads nothing else of the script.
  public init(path: String) throws(FileError) {
    let root = try YAMLText(path: path)
    var fields = root.isMap ? try root.fields("a script") : nil
    let isBase = fields?.optional("extends") != nil || fields?.optional("core") != nil
    isBoard = isBase && fields?.optional("steps") == nil
    guard let run = fields?.optional("run") else {
      (image, words, place) = (nil, [], nil)
      return
    }
    place = run.error("")
    var members = try run.fields("a map of options: {image: blink.elf, for: 5s}")
    var image: String?
    var words: [String] = []
    for (key, value) in Self.known {
      guard let member = members.optional(key) else { continue }
      var text = try member.text("what belongs to --\(key)")
      switch value {
      case .word: break
      case .file: text = Self.beside(path, text)
      case .fileOr(let isWord): if !isWord(text) { text = Self.beside(path, text) }
      case .flag:
        if try member.flag() { words.append("--\(key)") }
        continue
      }
      if key == "image" { image = text } else { words.append("--\(key)=\(text)") }
    }
    try members.finish()
    self.image = image
    self.words = words
  }

  /// Something is wrong with them that the command line knows.
  public func error(_ message: String) -> FileError? {
    place.map { FileError($0.path, line: $0.line, column: $0.column, message) }
  }

  private static func beside(_ script: String, _ path: String) -> String {
    if path.hasPrefix("/") { return path }
    return (script.lastIndex(of: "/").map { String(script[...$0]) } ?? "./") + path
  }
}
