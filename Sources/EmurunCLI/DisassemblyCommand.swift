import ArgumentParser
import Emu
import MachineCode
import Timeline

/// `emurun disasm IMAGE`: its code, with what of it was executed.
struct DisassemblyCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "disasm", abstract: "Show the code of an image, and what of it was executed.",
    discussion: """
      In front of an instruction stands what --coverage counted for its line, ##### for never; behind \
      a conditional branch, how often it was taken and not. Thumb is put into words by Capstone, \
      RISC-V by the objdump of a toolchain.
      """)

  @Argument(help: "ELF, raw, Intel HEX, SREC or UF2.")
  var image: String

  @Option(help: ArgumentHelp("What --coverage wrote of runs of this image.", valueName: "file"))
  var coverage: String?

  @Option(help: ArgumentHelp("Only the function or label of that name.", valueName: "name"))
  var symbol: String?

  @Option(help: ArgumentHelp("Only from that address on.", valueName: "addr"))
  var from: String?

  @Option(help: ArgumentHelp("Only up to that address.", valueName: "addr"))
  var to: String?

  func run(on host: Host) throws(Refusal) -> Int32 {
    let program = try ProofImage.program(image)
    let ranges = try ranges(program)
    if let obstacle = Disassembly.obstacle(
      program.machine, path: host.environment("PATH") ?? "/usr/bin:/bin")
    {
      throw Refusal(ExitCode.unavailable, "\(image): \(obstacle)")
    }
    let notes = try coverage.map { path throws(Refusal) in try executed(path, program, host) }
    var listing = CodeListing(program, notes)
    for piece in ranges.flatMap(program.pieces) { listing.add(piece) }
    if listing.text.isEmpty {
      throw Refusal(ExitCode.usage, "\(image): has no code there")
    }
    try host.output.write(listing.text.utf8)
    return ExitCode.success
  }

  private func ranges(_ program: Program) throws(Refusal) -> [Range<UInt64>] {
    let start = try from.map { text throws(Refusal) in try address(text, "--from") } ?? 0
    let end = try to.map { text throws(Refusal) in try address(text, "--to") } ?? .max
    if start >= end { throw Refusal(ExitCode.usage, "--to is not behind --from") }
    guard let symbol else { return [start..<end] }
    if from != nil || to != nil {
      throw Refusal(ExitCode.usage, "--symbol, and --from and --to: choose one")
    }
    let ranges = program.ranges(named: symbol)
    if ranges.isEmpty {
      throw Refusal(ExitCode.usage, "\(image): has no code named \"\(symbol)\"")
    }
    return ranges
  }

  private func address(_ text: String, _ option: String) throws(Refusal) -> UInt64 {
    let digits = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.dropFirst(2) : nil
    guard let value = digits.map({ UInt64($0, radix: 16) }) ?? UInt64(text) else {
      throw Refusal(ExitCode.usage, "\(option) \(text): write it as 0x80000100")
    }
    return value
  }

  private func executed(
    _ path: String, _ program: Program, _ host: Host
  ) throws(Refusal) -> [UInt64: LCOV.Note] {
    let notes = try CoverageCommand.read(path, host).notes(on: program)
    if notes.isEmpty {
      throw Refusal(
        ExitCode.badData, "\(path): is of no source of \(image), or that has no line table")
    }
    return notes
  }
}

/// Code in words, a line an instruction.
struct CodeListing {
  private let program: Program
  private let notes: [UInt64: LCOV.Note]?
  private let debug: DebugInfo
  private var place: String?
  private(set) var text = ""

  init(_ program: Program, _ notes: [UInt64: LCOV.Note]?) {
    self.program = program
    self.notes = notes
    debug = DebugInfo(program.image)
  }

  mutating func add(_ piece: Program.Piece) {
    var address = piece.address
    let bytes = { (size: Int) in
      let first = Int(address - piece.address)
      return piece.bytes[first..<min(first + size, piece.bytes.count)]
    }
    if piece.isCode {
      for line in Disassembly.lines(piece.bytes, at: piece.address, program.machine) {
        address = line.address
        begin(address)
        name(address)
        add(address, bytes(line.size), line.text, notes?[address])
      }
      return
    }
    while address < piece.end {
      begin(address)
      let size = address % 4 == 0 && piece.end - address >= 4 ? 4 : address % 2 == 0 ? 2 : 1
      let part = bytes(size)
      let value = part.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
      let kind = part.count == 4 ? ".word" : part.count == 2 ? ".short" : ".byte"
      add(address, part, "\(kind) \(hex(value))", nil)
      address += UInt64(part.count)
    }
  }

  private mutating func begin(_ address: UInt64) {
    let names = program.beginnings(at: address)
    if names.isEmpty { return }
    text += (text.isEmpty ? "" : "\n") + names.map { "\($0.printable):\n" }.joined()
    place = nil
  }

  /// The line, where it is another one.
  private mutating func name(_ address: UInt64) {
    let line = debug.sourceLine(at: address).map { "\($0.file.printable):\($0.line)" }
    if line == place { return }
    place = line
    if let line { text += "; \(line)\n" }
  }

  private mutating func add(
    _ address: UInt64, _ bytes: ArraySlice<UInt8>, _ words: String, _ note: LCOV.Note?
  ) {
    var line = notes == nil ? "" : column(note)
    line += padded(hex(address), 12, left: true) + "  "
    line += padded(parcels(bytes), 9, left: false) + "  " + words
    if let ways = note?.ways {
      let count = { (count: UInt64?) in count.map(String.init) ?? "-" }
      line = padded(line, 60, left: false)
      line += "; taken \(count(ways.taken)), not taken \(count(ways.passed))"
    }
    text += line + "\n"
  }

  private func column(_ note: LCOV.Note?) -> String {
    padded(note.map { $0.count == 0 ? "#####" : String($0.count) } ?? "-", 8, left: true) + " "
  }

  /// As the manuals have them: Thumb by halfwords, RISC-V by words.
  private func parcels(_ bytes: ArraySlice<UInt8>) -> String {
    let step = program.machine == .arm ? 2 : max(bytes.count, 1)
    return stride(from: bytes.startIndex, to: bytes.endIndex, by: step).map { start in
      bytes[start..<min(start + step, bytes.endIndex)].reversed().map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
    }.joined(separator: " ")
  }

  private func padded(_ text: String, _ width: Int, left: Bool) -> String {
    let room = String(repeating: " ", count: max(0, width - text.count))
    return left ? room + text : text + room
  }
}
