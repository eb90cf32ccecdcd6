import CCapstone
import Emu
import Glibc

/// An instruction in words.
struct DisassembledInstruction: Hashable {
  var address: UInt64
  /// In bytes.
  var size: Int
  /// What is none begins with a dot: `.short 0xffff`.
  var text: String
}

/// Code in words: Thumb by Capstone, which knows no RV64 before its version 5; that by the `objdump` of a RISC-V toolchain.
enum Disassembly {
  /// An entry an instruction, in order and without gaps.
  static func lines(
    _ code: [UInt8], at address: UInt64, _ machine: Image.Machine
  ) -> [DisassembledInstruction] {
    switch machine {
    case .arm: thumb(code, at: address)
    case .riscv64: riscv(code, at: address)
    }
  }

  // MARK: Thumb

  private static func thumb(_ code: [UInt8], at address: UInt64) -> [DisassembledInstruction] {
    var handle = csh()
    let mode = cs_mode(rawValue: CS_MODE_THUMB.rawValue | CS_MODE_MCLASS.rawValue)
    guard cs_open(CS_ARCH_ARM, mode, &handle) == CS_ERR_OK else { return data(code, at: address) }
    defer { cs_close(&handle) }
    // What is no instruction is two bytes of data.
    cs_option(handle, CS_OPT_SKIPDATA, Int(CS_OPT_ON.rawValue))
    var found: UnsafeMutablePointer<cs_insn>?
    let count = cs_disasm(handle, code, code.count, address, 0, &found)
    defer { if let found { cs_free(found, count) } }
    let instructions = UnsafeBufferPointer(start: found, count: found == nil ? 0 : count)
    let lines = instructions.map { instruction in
      let name = text(of: instruction.mnemonic)
      let operands = text(of: instruction.op_str)
      return DisassembledInstruction(
        address: instruction.address, size: Int(instruction.size),
        text: operands.isEmpty ? name : "\(name) \(operands)")
    }
    let read = lines.reduce(0) { $0 + $1.size }
    return lines + data(Array(code.dropFirst(read)), at: address &+ UInt64(read))
  }

  /// Of C's characters.
  private static func text<Characters>(of characters: Characters) -> String {
    withUnsafeBytes(of: characters) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  // MARK: RV64

  private static let tools = [
    "riscv64-unknown-elf-objdump", "riscv64-linux-gnu-objdump", "riscv64-elf-objdump",
  ]

  /// Why there would be nothing but numbers; nil: there are words.
  static func obstacle(_ machine: Image.Machine, path: String) -> String? {
    let isThere = path.split(separator: ":").contains { folder in
      tools.contains { access("\(folder)/\($0)", X_OK) == 0 }
    }
    if machine == .arm || isThere { return nil }
    return
      "RISC-V code is put into words by the objdump of a toolchain, and there is none: none of "
      + tools.joined(separator: ", ") + " is in PATH; Debian has the first in "
      + "binutils-riscv64-unknown-elf"
  }

  private static func riscv(_ code: [UInt8], at address: UInt64) -> [DisassembledInstruction] {
    guard !code.isEmpty, let listing = listing(code, at: address) else {
      return data(code, at: address)
    }
    var lines: [DisassembledInstruction] = []
    for line in listing.split(separator: "\n") {
      // "    80000000:\t00000297          \tauipc\tt0,0x0"
      let columns = line.split(separator: "\t", maxSplits: 2)
      guard columns.count == 3, columns[0].hasSuffix(":"),
        let place = UInt64(columns[0].dropLast().drop { $0 == " " }, radix: 16)
      else { continue }
      let digits = columns[1].filter { $0 != " " }
      lines.append(
        DisassembledInstruction(
          address: place, size: digits.count / 2,
          text: String(columns[2]).replacing("\t", with: " ")))
    }
    return isWhole(lines, code.count, address) ? lines : data(code, at: address)
  }

  private static func isWhole(
    _ lines: [DisassembledInstruction], _ count: Int, _ address: UInt64
  ) -> Bool {
    var next = address
    for line in lines {
      if line.address != next { return false }
      next &+= UInt64(line.size)
    }
    return next == address &+ UInt64(count)
  }

  private static func listing(_ code: [UInt8], at address: UInt64) -> String? {
    var name = Array("/tmp/emurun-code.XXXXXX".utf8CString)
    let file = mkstemp(&name)
    guard file >= 0 else { return nil }
    let path = String(decoding: name.dropLast().map(UInt8.init), as: UTF8.self)
    defer {
      close(file)
      unlink(path)
    }
    guard writeAll(code, to: file) == nil else { return nil }
    for tool in tools {
      let command =
        "\(tool) -D -z -b binary -m riscv:rv64 --adjust-vma=0x\(String(address, radix: 16)) \(path) 2>/dev/null"
      guard let pipe = popen(command, "r") else { return nil }
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 {
        bytes += chunk[..<count]
      }
      if pclose(pipe) == 0 { return String(decoding: bytes, as: UTF8.self) }
    }
    return nil
  }

  // MARK: What is none

  private static func data(_ code: [UInt8], at address: UInt64) -> [DisassembledInstruction] {
    stride(from: 0, to: code.count, by: 2).map { place in
      let bytes = code[place..<min(place + 2, code.count)]
      let value = bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
      return DisassembledInstruction(
        address: address &+ UInt64(place), size: bytes.count,
        text: (bytes.count == 2 ? ".short 0x" : ".byte 0x") + String(value, radix: 16))
    }
  }
}
