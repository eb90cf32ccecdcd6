import Devices
import Emu
import Foundation

/// The images as they are shipped, their sources, and the tools that made them.
enum Firmware {
  static let top = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func path(_ file: String) -> String { top.appendingPathComponent("images/\(file)").path }

  static func image(_ name: String) throws -> Image { try Image(path: path("\(name).elf")) }

  static func bytes(_ file: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(file))))
  }

  /// A machine with what the image's note asks for.
  static func machine(_ name: String, options change: (inout MachineOptions) -> Void = { _ in })
    throws -> Machine
  {
    let image = try image(name)
    let note = image.note
    var options = MachineOptions()
    if note["semihosting"] == "on" { options.semihosting = SemihostingOptions() }
    change(&options)
    let board = try Boards.named(
      note["board"] ?? "", harts: note["smp"].flatMap { Int($0) })
    return try Machine(board, image: image, options: options)
  }

  /// The lines of a program's source.
  static func source(_ path: String) throws -> [Substring] {
    try String(
      contentsOf: top.appendingPathComponent("Sources/Firmware/Programs/\(path)"), encoding: .utf8
    ).split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// An ELF as the toolchain's disassembler has it: a line an instruction.
  static func disassembly(_ name: String) throws -> [String] {
    try disassembly(path: path("\(name).elf"))
  }

  static func disassembly(path: String) throws -> [String] {
    let core = path.hasSuffix("m4.elf") ? ["--mcpu=cortex-m4"] : ["--mattr=+m,+a,+f,+d,+c"]
    let (text, status) = try run(
      tool("llvm-objdump"),
      ["--disassemble", "--no-show-raw-insn"] + core + [path])
    guard status == 0 else { throw Failed(text: text) }
    return text.split(separator: "\n").map(String.init)
  }

  struct Section {
    var name: String
    var size: UInt64
    /// Where it runs, and where it lies.
    var address: UInt64
    var load: UInt64
  }

  static func sections(_ name: String) throws -> [Section] {
    try sections(path: path("\(name).elf"))
  }

  static func sections(path: String) throws -> [Section] {
    let (text, status) = try run(
      tool("llvm-objdump"),
      ["--section-headers", "--show-lma", path])
    guard status == 0 else { throw Failed(text: text) }
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count >= 5, Int(words[0]) != nil, let size = UInt64(words[2], radix: 16),
        let address = UInt64(words[3], radix: 16), let load = UInt64(words[4], radix: 16)
      else { return nil }
      return Section(name: String(words[1]), size: size, address: address, load: load)
    }
  }

  struct Failed: Error { var text: String }

  static func run(_ tool: String, _ arguments: [String]) throws -> (text: String, status: Int32) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (String(decoding: data, as: UTF8.self), process.terminationStatus)
  }

  /// One of the toolchain's, which lie beside swiftc.
  static func tool(_ name: String) throws -> String {
    let (text, _) = try run("/bin/sh", ["-c", "readlink -f $(command -v swiftc)"])
    return URL(fileURLWithPath: text.trimmingCharacters(in: .whitespacesAndNewlines))
      .deletingLastPathComponent().appendingPathComponent(name).path
  }
}
