import Emu
import Testing

@testable import MachineCode
@testable import Proofs

/// Our decoders beside the toolchain's disassembler, over every instruction of whole images.
@Suite struct DecoderTests {
  /// A line of `llvm-objdump`: where, how long, and what.
  struct Line {
    let address: UInt64
    let word: UInt32
    let size: UInt64
    let mnemonic: String
    let operands: [String]
  }

  static func lines(_ path: String, _ machine: Image.Machine) throws -> [Line] {
    let core =
      machine == .arm
      ? ["--mcpu=cortex-m4"] : ["--mattr=+m,+a,+f,+d,+c,+zicsr,+zifencei", "-M", "no-aliases"]
    let text = try Toolchain.run("llvm-objdump", ["--disassemble"] + core + [path])
    return text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard parts.count >= 2 else { return nil }
      let head = parts[0].split(separator: ":")
      guard head.count == 2,
        let address = UInt64(head[0].drop { $0 == " " }, radix: 16)
      else { return nil }
      let groups = head[1].split(separator: " ").map(String.init)
      // Bytes of data come one by one; code comes in whole parcels.
      guard [4, 8].contains(groups[0].count), groups.count <= 2 else { return nil }
      var word: UInt32 = 0
      for (place, group) in groups.enumerated() {
        guard let value = UInt32(group, radix: 16) else { return nil }
        word |= value << UInt32(16 * place)
      }
      let words = parts.count > 2 ? parts[2] : ""
      return Line(
        address: address, word: word, size: UInt64(groups.reduce(0) { $0 + $1.count } / 2),
        mnemonic: String(parts[1].prefix { $0 != " " }),
        operands: words.prefix { $0 != "<" && $0 != "@" }.split(separator: ",").map {
          String($0.filter { $0 != " " })
        })
    }
  }

  private static let rv64 =
    Images.elves.filter { !Images.name($0).hasSuffix("m4") && isRV64($0) } + Images.debian.prefix(1)
  private static let arm = Images.elves.filter { !isRV64($0) }

  private static func isRV64(_ path: String) -> Bool {
    (try? Image(path: path).machine) == .riscv64
  }

  @Test(arguments: rv64)
  func decodesRV64(_ path: String) throws {
    let decoder = RV64Decoder()
    let lines = try Self.lines(path, .riscv64)
    #expect(lines.count > 40)
    for line in lines {
      let instruction = decoder.decode(line.word, at: line.address)
      #expect(instruction.size == line.size)
      let (expected, found) = (Self.expectation(line), Self.text(instruction, line))
      if expected == nil ? found == "undecodable" : expected != found {
        Issue.record("\(Images.name(path)) \(line): \(found ?? "?"), not \(expected ?? "?")")
        return
      }
    }
  }

  /// What the disassembler says in the words of `text`; nil: not compared but for being known.
  private static func expectation(_ line: Line) -> String? {
    let name = line.mnemonic.hasPrefix("c.") ? String(line.mnemonic.dropFirst(2)) : line.mnemonic
    let operands = line.operands
    switch name {
    case "<unknown>": return "undecodable"
    case "unimp": return line.size == 2 ? "unimp" : "csr"
    case "beq", "bne", "blt", "bge", "bltu", "bgeu", "beqz", "bnez":
      return "branch \(number(operands[operands.count - 1]) ?? 0)"
    case "jal", "j": return "jump \(number(operands[operands.count - 1]) ?? 0)"
    case "jalr", "jr": return "indirect"
    case "ecall", "ebreak", "wfi", "mret", "sret": return name
    case _ where name.hasPrefix("csr"): return "csr"
    case "lb", "lh", "lw", "ld", "lbu", "lhu", "lwu", "lwsp", "ldsp":
      return "load \(operands[0]) \(operands[1])"
    case "sb", "sh", "sw", "sd", "swsp", "sdsp": return "store \(operands[0]) \(operands[1])"
    case "addi", "addiw", "andi", "ori", "xori", "slti", "sltiu", "slli", "srli", "srai", "slliw",
      "srliw", "sraiw", "li", "addi16sp":
      return "set \(operands[0]) \(number(operands[operands.count - 1]) ?? 0)"
    case "add", "sub", "and", "or", "xor", "sll", "srl", "sra", "addw", "subw", "sllw", "srlw",
      "sraw", "slt", "sltu", "mul", "mulw", "mv":
      return "set \(operands[0]) \(operands[operands.count - 1])"
    default: return nil
    }
  }

  private static func number(_ text: String) -> Int64? {
    let isNegative = text.hasPrefix("-")
    let digits = text.drop { $0 == "-" }
    let value =
      digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
    return value.map { Int64(bitPattern: isNegative ? 0 &- $0 : $0) }
  }

  private static func text(_ instruction: Instruction, _ line: Line) -> String? {
    func name(_ register: RegisterNumber) -> String { names[Int(register)] }
    func place(_ access: MemoryAccess) -> String {
      let offset = Int64(bitPattern: access.offset.constant)
      let digits = "0x" + String(offset.magnitude, radix: 16)
      return (offset < 0 ? "-" : "") + digits + "(\(name(access.base)))"
    }
    switch instruction.operation {
    case .undecodable: return "undecodable"
    case .branch(_, _, _, let target): return "branch \(Int64(bitPattern: target))"
    case .jump(let target), .call(let target, _): return "jump \(Int64(bitPattern: target))"
    case .indirect: return "indirect"
    case .system(.supervisorCall, _): return "ecall"
    case .system(.breakpoint, _): return "ebreak"
    case .system(.undefined, _): return "unimp"
    case .system(.wait, _): return "wfi"
    case .system(.trapReturn, _): return instruction.encoding == 0x3020_0073 ? "mret" : "sret"
    case .system(.controlRegister, _): return "csr"
    case .load(let rd, let access): return "load \(name(rd)) \(place(access))"
    case .store(let source, let access):
      return "store \(name(source.register ?? 0)) \(place(access))"
    case .set(let rd, _, let left, let right, _, _):
      if left.register == nil || ["lui", "auipc", "c.lui", "c.addi4spn"].contains(line.mnemonic) {
        return nil
      }
      let last =
        right.register.map(name) ?? "\(Int64(bitPattern: right.constant))"
      return "set \(name(rd)) \(last)"
    default: return nil
    }
  }

  private static let names =
    ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"] + (0..<8).map { "a\($0)" }
    + (2..<12).map { "s\($0)" } + (3..<7).map { "t\($0)" }

  /// Every word of a pattern: what one of the two decoders knows the other knows too, and no
  /// encoding makes ours fall over.
  @Test(arguments: arm)
  func decodesThumb(_ path: String) throws {
    let program = try #require(Program(Image(path: path)))
    let lines = try Self.lines(path, .arm)
    #expect(lines.count > 40)
    let decoder = ThumbDecoder()
    for line in lines where !program.isMarkedData(line.address) {
      // Outside of its block an instruction may set flags; that is not what is compared.
      let instruction = decoder.decode(line.word, at: line.address)
      #expect(instruction.size == line.size)
      let (expected, found) = (Self.armExpectation(line), Self.armText(instruction))
      if expected != found {
        Issue.record("\(Images.name(path)) \(line): \(found), not \(expected)")
        return
      }
    }
  }

  private static func armExpectation(_ line: Line) -> String {
    let name = line.mnemonic.split(separator: ".")[0]
    let last = line.operands.last ?? ""
    switch name {
    case "b", "bl": return "jump \(number(last.filter { $0 != "#" }) ?? 0)"
    case "cbz", "cbnz": return "branch \(number(last.filter { $0 != "#" }) ?? 0)"
    case "trap": return "udf"
    case "svc", "bkpt", "udf", "wfi", "wfe": return String(name)
    case _ where name.hasPrefix("bx") || name.hasPrefix("blx"): return "indirect"
    case "<unknown>": return "undecodable"
    case "tbb", "tbh": return "table"
    case _ where name.first == "b" && name.count == 3 && conditions.contains(name.dropFirst()):
      return "jump \(number(last.filter { $0 != "#" }) ?? 0)"
    case _ where name.hasPrefix("it") && name.allSatisfy { "ite".contains($0) }:
      return "it \(name.count - 1)"
    case _ where name.hasPrefix("v"): return "fp"
    case _ where name.hasPrefix("pop") || name.hasPrefix("ldm"): return "load many"
    case _ where name.hasPrefix("push") || name.hasPrefix("stm"): return "store many"
    case _ where name.hasPrefix("ldr") && !name.hasPrefix("ldrd") && !name.hasPrefix("ldrex"):
      return "load \(line.operands[0])"
    case _ where name.hasPrefix("str") && !name.hasPrefix("strd") && !name.hasPrefix("strex"):
      return "store \(line.operands[0])"
    default: return "other"
    }
  }

  private static let conditions: [Substring] = [
    "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "cs", "cc",
  ]

  private static func armText(_ instruction: Instruction) -> String {
    func name(_ register: RegisterNumber) -> String {
      ["sp", "lr", "pc"].indices.contains(Int(register) - 13)
        ? ["sp", "lr", "pc"][Int(register) - 13] : "r\(register)"
    }
    switch instruction.operation {
    case .undecodable: return "undecodable"
    case .jump(let target), .call(let target, _): return "jump \(target)"
    case .branch(_, _, _, let target): return "branch \(target)"
    case .indirect: return "indirect"
    case .tableBranch: return "table"
    case .ifThen(let block): return "it \(block.count)"
    case .system(.supervisorCall, _): return "svc"
    case .system(.breakpoint, _): return "bkpt"
    case .system(.undefined, _): return "udf"
    case .system(.wait, _): return instruction.encoding & 0xF0 == 0x20 ? "wfe" : "wfi"
    case .floatingPoint, .accessFP: return "fp"
    case .loadMany: return "load many"
    case .storeMany: return "store many"
    case .load(let rd, _): return "load \(name(rd))"
    case .store(let source, _): return "store \(name(source.register ?? 0))"
    default: return "other"
    }
  }
}
