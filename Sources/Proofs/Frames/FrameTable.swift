import Emu
import MachineCode

/// The stack frame of a function, known before it runs.
public struct Frame: Sendable {
  public enum Source: String, Sendable {
    /// `.debug_frame` or `.eh_frame`.
    case callFrameInformation = "cfi"
    /// Instructions, where there is no such information.
    case prologue
  }

  public let entry: UInt64
  public let name: String
  /// Bytes from the lowest address that the function itself uses to the CFA, the stack pointer of
  /// its caller; nil: not bounded.
  public let size: Int?
  /// "sp+16".
  public let cfa: String
  /// By offset from the CFA.
  public let saved: [(register: String, offset: Int)]
  /// Where the return address is: "cfa-8", or in a register.
  public let returnAddress: String
  public let source: Source
  /// Why there is no size, or what of the frame information is not what the instructions do.
  public let problems: [String]
}

/// The frames of all functions of an image.
public struct FrameTable: Sendable {
  public let map: CodeMap
  /// By entry.
  public let motions: [UInt64: StackMotion]
  /// In the order of addresses.
  public let frames: [Frame]
  /// Instructions at which the frame information and the instructions were compared.
  public let compared: Int

  public init(_ map: CodeMap) {
    self.map = map
    let rules = CallFrames(map.program.image)
    let motions = Self.motions(map)
    var frames: [Frame] = []
    var compared = 0
    for function in map.functions.values.sorted(by: { $0.entry < $1.entry }) {
      if let motion = motions[function.entry], !function.instructions.isEmpty {
        frames.append(Frame(function, motion, rules, map.program, &compared))
      }
    }
    self.motions = motions
    self.frames = frames
    self.compared = compared
  }

  /// Such parts lead to one another.
  private static let mostRounds = 16

  /// Parts of functions that leave the stack pointer elsewhere are known only when they have been
  /// looked at; then their callers are looked at again.
  private static func motions(_ map: CodeMap) -> [UInt64: StackMotion] {
    var motions: [UInt64: StackMotion] = [:]
    var nets: [UInt64: Int] = [:]
    var changed: Set<UInt64> = []
    for _ in 0..<mostRounds {
      for function in map.functions.values
      where motions[function.entry] == nil
        || function.calls.contains(where: { $0.target.map(changed.contains) ?? false })
      {
        motions[function.entry] = StackMotion(function, in: map.program, nets: nets)
      }
      let now = motions.compactMapValues { motion in
        motion.net != 0 && motion.ownStack == nil && motion.problems.isEmpty ? motion.net : nil
      }
      changed = Set(now.keys).union(nets.keys).filter { now[$0] != nets[$0] }
      if changed.isEmpty { break }
      nets = now
    }
    return motions
  }
}

extension Frame {
  fileprivate init(
    _ function: FunctionCode, _ motion: StackMotion, _ rules: CallFrames?, _ program: Program,
    _ compared: inout Int
  ) {
    let symbol = program.names.symbol(at: function.entry)
    let last = function.instructions.values.map(\.end).max() ?? function.entry
    let end = symbol.map { $0.size > 0 ? $0.address &+ $0.size : last } ?? last
    let rows =
      rules?.rows(
        from: function.entry, to: max(end, function.entry),
        registers: program.machine == .arm ? 15 : 32) ?? []
    entry = function.entry
    name = program.name(function.entry)
    var problems = motion.problems
    size = problems.isEmpty ? motion.deepest : nil
    let link = program.linkRegister
    if rows.isEmpty || motion.ownStack != nil {
      source = .prologue
      cfa =
        motion.ownStack.map { "its own, from \(hex($0))" }
        ?? "\(program.name(ofRegister: program.stackPointer))+\(motion.deepest)"
      saved = motion.saved.map { (program.name(ofRegister: $0.register), $0.offset) }
      returnAddress =
        motion.saved.first { $0.register == link }.map { Self.place($0.offset) }
        ?? program.name(ofRegister: link)
    } else {
      source = .callFrameInformation
      let row = rows.max { Self.reach($0) < Self.reach($1) } ?? rows[0]
      cfa =
        row.base.map {
          "\(program.name(ofRegister: RegisterNumber(clamping: $0.register)))+\($0.offset)"
        } ?? "an expression"
      saved = row.saved.map { (program.name(ofRegister: $0.register), $0.offset) }
      returnAddress =
        row.saved.first { $0.register == link }.map { Self.place($0.offset) }
        ?? program.name(ofRegister: link)
      problems += Self.disagreements(rows, function, motion, program, &compared)
    }
    self.problems = problems
  }

  /// The row of the function's body: the one with most of the frame made.
  private static func reach(_ row: CallFrames.Row) -> (Int, Int) {
    (row.saved.count, row.base?.offset ?? 0)
  }

  static func place(_ offset: Int) -> String { offset < 0 ? "cfa\(offset)" : "cfa+\(offset)" }

  /// Where a row has the CFA by the stack pointer, its offset is what the instructions have moved it.
  private static func disagreements(
    _ rows: [CallFrames.Row], _ function: FunctionCode, _ motion: StackMotion, _ program: Program,
    _ compared: inout Int
  ) -> [String] {
    if !motion.problems.isEmpty || motion.net != 0 { return [] }
    // By instruction: a damaged file may have rows of any size.
    var rest = rows[...]
    for (address, depth) in motion.depths.sorted(by: { $0.key < $1.key })
    where !motion.guessed.contains(address) {
      while let row = rest.first, row.range.upperBound <= address { rest.removeFirst() }
      guard let row = rest.first, row.range.contains(address), let base = row.base,
        base.register == Int(program.stackPointer)
      else { continue }
      // Compilers leave out what holds for the few instructions of an epilogue in the middle.
      if depth < base.offset, function.leavesSoon(address) { continue }
      compared += 1
      if depth != base.offset {
        return [
          "the frame information has sp+\(base.offset) at \(program.name(address)), where the "
            + "instructions have moved it by \(depth)"
        ]
      }
    }
    return []
  }
}

extension FunctionCode {
  /// From here on there is nothing but the end of an epilogue.
  fileprivate func leavesSoon(_ start: UInt64) -> Bool {
    var address = start
    for _ in 0..<24 {
      guard let instruction = instructions[address] else { return false }
      if returnSites.contains(address)
        || calls.contains(where: { $0.site == address && $0.isTail })
      {
        return true
      }
      if flow[address] != nil || calls.contains(where: { $0.site == address }) { return false }
      address = instruction.end
    }
    return false
  }
}
