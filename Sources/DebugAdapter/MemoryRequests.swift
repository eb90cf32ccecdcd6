import Debugger
import Emu
import FoundationEssentials

/// "readMemory", "writeMemory" and "disassemble": as the next instruction of the hart that stands there addresses them.
extension Adapter {
  private static let mostBytes = 1 << 20

  private struct ReadArguments: Decodable {
    var memoryReference: String
    var offset: Int64?
    var count: Int
  }

  private struct ReadBody: Encodable {
    var address: String
    var data: String?
    var unreadableBytes: Int?
  }

  private func address(_ reference: String, _ offset: Int64?) throws(Failure) -> UInt64 {
    guard let address = UInt64(reference: reference, offset) else {
      throw Failure("memoryReference \(reference.prefix(64)) is no address")
    }
    return address
  }

  func readMemory(_ request: Request, _ target: Target) throws(Failure) {
    let arguments = try arguments(ReadArguments.self)
    let address = try address(arguments.memoryReference, arguments.offset)
    let count = max(0, min(arguments.count, Self.mostBytes))
    let bytes = target.machine.peek(address, count: count, hart: target.debuggee.latest.hart)
    respond(
      to: request,
      ReadBody(
        address: "0x\(hex(address))",
        data: bytes.isEmpty ? nil : Data(bytes).base64EncodedString(),
        unreadableBytes: bytes.count < count ? count - bytes.count : nil))
  }

  private struct WriteArguments: Decodable {
    var memoryReference: String
    var offset: Int64?
    var data: String
  }

  private struct WriteBody: Encodable { var bytesWritten: Int }

  func writeMemory(_ request: Request, _ target: Target) throws(Failure) {
    let arguments = try arguments(WriteArguments.self)
    let address = try address(arguments.memoryReference, arguments.offset)
    guard let data = Data(base64Encoded: arguments.data) else {
      throw Failure("data is not in Base64")
    }
    let hart = target.debuggee.latest.hart
    if !data.isEmpty {
      guard target.machine.poke(address, Array(data), hart: hart) else {
        throw Failure("0x\(hex(address)) does not take \(data.count) bytes")
      }
      target.debuggee.changed(hart: hart)
    }
    for notice in target.debuggee.takeNotices() { say(notice + "\n") }
    respond(to: request, WriteBody(bytesWritten: data.count))
  }

  // MARK: Code

  private struct DisassembleArguments: Decodable {
    var memoryReference: String
    var offset: Int64?
    var instructionOffset: Int?
    var instructionCount: Int
  }

  private struct DisassembleBody: Encodable {
    struct Line: Encodable {
      var address: String
      var instructionBytes: String?
      var instruction: String
      var symbol: String?
      var location: Source?
      var line: Int?
      var presentationHint: String?
    }
    var instructions: [Line]
  }

  private static let mostInstructions = 1 << 16

  func disassemble(_ request: Request, _ target: Target) throws(Failure) {
    let arguments = try arguments(DisassembleArguments.self)
    let start = target.instruction(try address(arguments.memoryReference, arguments.offset))
    let offset = arguments.instructionOffset ?? 0
    let count = arguments.instructionCount
    guard 0...Self.mostInstructions ~= count, offset.magnitude <= UInt(Self.mostInstructions) else {
      throw Failure("more than \(Self.mostInstructions) instructions")
    }
    let before = offset < 0 ? target.code(before: start, count: -offset) : []
    let behind = target.code(from: start, count: max(0, count + offset)).dropFirst(max(offset, 0))
    let lines = (before + behind).prefix(count).map { line($0, target) }
    respond(to: request, DisassembleBody(instructions: lines))
  }

  private func line(_ instruction: Instruction, _ target: Target) -> DisassembleBody.Line {
    let address = instruction.address
    let bytes = target.machine.peek(
      address, count: instruction.size, hart: target.debuggee.latest.hart)
    var line = DisassembleBody.Line(
      address: "0x\(hex(address))", instruction: instruction.text,
      presentationHint: bytes.isEmpty ? "invalid" : nil)
    if bytes.isEmpty { return line }
    line.instructionBytes = bytes.map { ($0 < 16 ? "0" : "") + hex(UInt64($0)) }
      .joined(separator: " ")
    if let (name, offset) = target.debug.function(at: address), offset == 0 { line.symbol = name }
    if let (file, number) = target.debug.sourceLine(at: address) {
      line.location = target.sources.source(file)
      line.line = number - 1 + firstLine
    }
    return line
  }
}

extension Target {
  /// So many instructions; where there is no memory, entries without one.
  fileprivate func code(from start: UInt64, count: Int) -> [Adapter.Instruction] {
    let bytes = machine.peek(start, count: 4 * count, hart: debuggee.latest.hart)
    var code = Array(disassemble(bytes, start).prefix(count))
    var next = code.last.map { $0.address &+ UInt64($0.size) } ?? start
    while code.count < count {
      code.append(.none(at: next))
      next &+= 2
    }
    return code
  }

  /// The last ones before an address. Where an instruction begins is known at the start of a function only; elsewhere it is
  /// found by what comes out even.
  fileprivate func code(before end: UInt64, count: Int) -> [Adapter.Instruction] {
    let wanted = end >= UInt64(4 * count) ? end - UInt64(4 * count) : 0
    let function = debug.function(around: wanted)?.lowerBound
    var code: [Adapter.Instruction] = []
    for start in function.map({ [$0] }) ?? [wanted, wanted + 2] where start < end {
      let bytes = machine.peek(start, count: Int(clamping: end - start), hart: debuggee.latest.hart)
      guard UInt64(bytes.count) == end - start else { continue }
      code = disassemble(bytes, start)
      if code.allSatisfy({ !$0.isData }) { break }
    }
    code = code.suffix(count)
    while code.count < count {
      code.insert(.none(at: (code.first?.address ?? end) &- 2), at: 0)
    }
    return code
  }
}

extension Adapter.Instruction {
  fileprivate static func none(at address: UInt64) -> Self {
    Self(address: address, size: 2, text: "no memory")
  }

  fileprivate var isData: Bool { text.hasPrefix(".") }
}
