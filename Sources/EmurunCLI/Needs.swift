import Emu

/// What an image needs of its machine: what its ELF note says, and over that what the command line says.
struct Needs {
  var board: String?
  var mode: MachineOptions.Mode?
  var bios: BIOS?
  var sbi: MachineOptions.SBIProvider?
  var memory: UInt64?
  var harts: Int?
  var semihosting = false
  private(set) var warnings: [String] = []
  /// The board is the note's word, not the user's.
  private(set) var isBoardFromNote: Bool
  let path: String

  /// What starts before the image, where that is no file.
  enum BIOS: String {
    /// Nothing: the image itself starts in M mode.
    case nothing = "none"
    /// The emulator as SBI.
    case builtIn = "default"
  }

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
    if let text = note["bios"] {
      bios = BIOS(rawValue: text)
      if bios == nil { ignore("bios", text, "none or default") }
    }
    if let text = note["sbi"] {
      sbi = MachineOptions.SBIProvider(rawValue: text)
      if sbi == nil { ignore("sbi", text, "host or firmware") }
    }
  }

  private mutating func ignore(_ key: String, _ value: String, _ known: String) {
    warnings.append("\(path): its note says \(key)=\(value), which can only be \(known); ignored")
  }

  mutating func override(by command: Emurun) throws(Refusal) {
    let (options, boot) = (command.machine, command.boot)
    if let name = options.board?.name {
      board = name
      isBoardFromNote = false
    }
    memory = options.memory?.bytes ?? memory
    harts = options.smp?.number ?? harts
    semihosting = options.semihosting || semihosting
    if let text = boot.bios {
      // A mode of the note is one for the start that the note had in mind.
      bios = BIOS(rawValue: text)
      mode = nil
    }
    if let text = boot.mode {
      guard let mode = MachineOptions.Mode(rawValue: text) else {
        throw Refusal(ExitCode.usage, "--mode is m or s, not \"\(text)\"")
      }
      self.mode = mode
    }
    if boot.passThrough { sbi = .firmware }
    if let text = boot.sbi {
      guard let side = MachineOptions.SBIProvider(rawValue: text) else {
        throw Refusal(ExitCode.usage, "--sbi is host or firmware, not \"\(text)\"")
      }
      if boot.passThrough && side == .host {
        throw Refusal(ExitCode.usage, "-bios-sbi-pass-through is --sbi firmware; choose one")
      }
      sbi = side
    }
  }
}
