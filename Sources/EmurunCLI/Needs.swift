import Emu

/// What an image needs of its machine: what its ELF note says, and over that what the command line says.
struct Needs {
  var board: String?
  var mode: MachineOptions.Mode?
  var memory: UInt64?
  var harts: Int?
  var semihosting = false
  private(set) var warnings: [String] = []
  /// The board is the note's word, not the user's.
  private(set) var isBoardFromNote: Bool
  let path: String

  init(_ note: Image.Note, path: String) {
    self.path = path
    warnings = note.warnings
    board = note["board"]
    isBoardFromNote = board != nil
    if let text = note["mode"] {
      mode = MachineOptions.Mode(rawValue: text)
      if mode == nil { ignore("mode", text, "m or s") }
    }
    if let text = note["memory"] {
      memory = MemorySize(argument: text)?.bytes
      if memory == nil { ignore("memory", text, "a size such as 512M") }
    }
    if let text = note["smp"] {
      harts = HartCount(argument: text)?.number
      if harts == nil { ignore("smp", text, "a number from 1 to \(Board.mostHarts)") }
    }
    switch note["semihosting"] {
    case "on": semihosting = true
    case nil, "off": break
    case let text?: ignore("semihosting", text, "on or off")
    }
    // What this version has anyway needs no word; what it has not is better said than found out.
    if let text = note["bios"], text != "none", text != "default" {
      ignore("bios", text, "none or default in this version")
    }
    if let text = note["sbi"], text != "host" { ignore("sbi", text, "host in this version") }
  }

  private mutating func ignore(_ key: String, _ value: String, _ known: String) {
    warnings.append("\(path): its note says \(key)=\(value), which can only be \(known); ignored")
  }

  mutating func override(by options: MachineOptionsGroup) throws(Refusal) {
    if let name = options.board {
      board = name
      isBoardFromNote = false
    }
    memory = options.memory?.bytes ?? memory
    harts = options.smp?.number ?? harts
    semihosting = options.semihosting || semihosting
    if let text = options.mode {
      guard let mode = MachineOptions.Mode(rawValue: text) else {
        throw Refusal(ExitCode.usage, "--mode is m or s, not \"\(text)\"")
      }
      self.mode = mode
    }
  }
}
