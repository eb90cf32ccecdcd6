import Emu
import Foundation
import Testing

@testable import MachineCode
@testable import Proofs

/// Words that no compiler wrote: what the toolchain's disassembler does not know, our decoders do not
/// take for an instruction either. (The other way round we may know less: that makes an image
/// unknown, and never proves it.)
@Suite struct EncodingTests {
  private static let count =
    ProcessInfo.processInfo.environment["EMURUN_SOAK"].flatMap { Int($0) } ?? 3_000
  /// Of all encodings of 16 bits.
  private static let every: UInt32 = count > 3_000 ? 1 : 7

  /// Deterministic.
  private struct Words {
    var state: UInt64
    mutating func next() -> UInt32 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt32(truncatingIfNeeded: state >> 32)
    }
  }

  @Test func rv64() throws {
    var words = Words(state: 1)
    let opcodes: [UInt32] = [
      0x03, 0x07, 0x0F, 0x13, 0x17, 0x1B, 0x23, 0x27, 0x2F, 0x33, 0x37, 0x3B, 0x43, 0x47, 0x4B,
      0x4F, 0x53, 0x63, 0x67, 0x6F, 0x73,
    ]
    var all: [UInt32] = []
    for number in 0..<Self.count {
      // Half of them with an opcode that there is, and few bits besides.
      let word = words.next()
      all.append(number % 2 == 0 ? word & ~0x7F | opcodes[number % opcodes.count] : word | 3)
      all.append(words.next() & 0xFE00_707F | 3)
    }
    let parcels = (0..<0x1_0000 as Range<UInt32>).filter { $0 & 3 != 3 && $0 % Self.every == 0 }
    let text =
      all.map { ".insn 4, \($0)\n" }.joined() + parcels.map { ".insn 2, \($0)\n" }.joined()
    try withFolder { folder in
      try write(Array(text.utf8), to: folder + "/a.s")
      let options = ["-target", "riscv64-none-elf", "-march=rv64gc", "-c"]
      _ = try Toolchain.run("clang", options + [folder + "/a.s", "-o", folder + "/a.o"])
      let lines = try DecoderTests.lines(folder + "/a.o", .riscv64)
      #expect(lines.count > all.count + parcels.count - 100)
      let decoder = RV64Decoder()
      var known = 0
      for line in lines {
        let ours = decoder.decode(line.word, at: line.address).operation
        if line.mnemonic != "<unknown>" { known += 1 }
        // "Base implementations shall treat all such reserved configurations as normal fences" (2.7).
        let isFence = line.word & 0x707F == 0x000F
        if line.mnemonic == "<unknown>" && ours != .undecodable && !isFence {
          Issue.record("\(line): \(ours)")
          return
        }
      }
      #expect(known > all.count / 3)
    }
  }

  @Test func thumb() throws {
    var words = Words(state: 2)
    var wide: [(UInt32, UInt32)] = []
    for _ in 0..<4 * Self.count {
      let word = words.next()
      wide.append(
        ([0xE800, 0xF000, 0xF800][Int(word >> 30) % 3] | word & 0x7FF, word >> 11 & 0xFFFF))
    }
    let narrow = (0..<0xE800 as Range<UInt32>).filter { $0 % Self.every == 0 }
    var text = ".syntax unified\n.cpu cortex-m4\n.fpu fpv4-sp-d16\n.thumb\n"
    // An IT would say how what follows is printed.
    for half in narrow where half & 0xFF00 != 0xBF00 { text += ".inst.n \(half)\n" }
    for (one, two) in wide { text += ".inst.w \(one << 16 | two)\n" }
    try withFolder { folder in
      try write(Array(text.utf8), to: folder + "/a.s")
      let options = ["-target", "armv7em-none-eabi", "-c"]
      _ = try Toolchain.run("clang", options + [folder + "/a.s", "-o", folder + "/a.o"])
      let lines = try DecoderTests.lines(folder + "/a.o", .arm)
      #expect(lines.count > narrow.count + wide.count - 1_000)
      let decoder = ThumbDecoder()
      for line in lines {
        let ours = decoder.decode(line.word, at: line.address).operation
        guard line.mnemonic == "<unknown>", ours != .undecodable else { continue }
        // UNPREDICTABLE, and no more welcome than the registers that there are: MSR and MRS of others (B5.2.2, B5.2.3).
        let first = line.word & 0xFFFF
        if case .system(.controlRegister, _) = ours, [0xF380, 0xF3E0].contains(first & 0xFFE0) {
          continue
        }
        Issue.record("\(String(line.word, radix: 16)): \(ours)")
        return
      }
    }
  }
}
