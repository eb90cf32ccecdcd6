import BoardFiles
import Emu
import MachineCode
import Proofs
import Timeline

/// `--check-frames`: a run whose calls and returns are held against the frame table of its image.
final class FrameWatch {
  private let plan: RunPlan
  private let program: Program
  let check: FrameCheck
  private lazy var debug = DebugInfo(plan.image)

  init(_ plan: RunPlan) throws(Refusal) {
    self.plan = plan
    program = try plan.program()
    check = FrameCheck(FrameTable(CodeMap(program)))
  }

  var isGood: Bool { check.violations.isEmpty && !exceedsBound }

  // MARK: Words

  /// Of what is wrong, a line each: the first with the instruction that made it so.
  func problems() throws(Refusal) -> [String] {
    var lines: [String] = []
    for violation in check.violations {
      lines.append(words(violation))
      if lines.count == 1, let culprit = try culprit(of: violation) {
        lines.append(
          "it was overwritten at \(place(culprit.pc)), instruction "
            + Quantity.grouped(culprit.index))
      }
    }
    if let stack, stack.seen > stack.most {
      lines.append(
        "the stack took \(Quantity.grouped(stack.seen)) bytes, and \(Quantity.grouped(stack.most)) "
          + "are its bound: a bug of emurun, or code that the image copied")
    }
    return lines
  }

  /// What was looked at.
  var summary: String {
    let count = check.violations.count
    let most = FrameCheck.mostViolations
    var text =
      "frames: \(Quantity.grouped(Int(check.calls))) calls and "
      + "\(Quantity.grouped(Int(check.returns))) returns of \(check.checked.count) functions, "
      + (count == 0 ? "no violation" : count == 1 ? "1 violation" : "\(count) violations")
      + (count == most ? " or more" : "")
    let unchecked = check.unchecked.count
    if unchecked == 1 { text += "; 1 function is not checked" }
    if unchecked > 1 { text += "; \(Quantity.grouped(unchecked)) functions are not checked" }
    if let stack {
      text += "; stack \(Quantity.grouped(stack.seen)) of at most "
      text += "\(Quantity.grouped(stack.most)) bytes"
    } else {
      text += "; the stack is not bounded ('emurun frames' says why)"
    }
    return text
  }

  private func words(_ violation: FrameViolation) -> String {
    let what: String
    switch violation.kind {
    case .stackPointer: what = "the stack pointer"
    case .returnAddress: what = "the return address"
    case .register(let number): what = program.name(ofRegister: number)
    }
    let slot = violation.slot.map { ", kept at \(hex($0))" } ?? ""
    return "at \(place(violation.pc)), instruction \(Quantity.grouped(violation.index)), "
      + "\(what) is \(hex(violation.found)): \(program.name(violation.function).printable), "
      + "called at instruction \(Quantity.grouped(violation.call)), had to bring back "
      + "\(hex(violation.expected))\(slot)"
  }

  private func place(_ address: UInt64) -> String {
    let line = debug.sourceLine(at: address).map { " (\($0.file.printable):\($0.line))" } ?? ""
    return program.name(address).printable + line
  }

  // MARK: The stack

  private var exceedsBound: Bool { stack.map { $0.seen > $0.most } ?? false }

  /// How deep it was, by the frames that were entered, and how deep it may be. nil: there is no bound, or
  /// not one stack.
  private(set) lazy var stack: (seen: Int, most: Int)? = {
    let (table, map) = (check.table, check.table.map)
    let bounds = StackBounds(table)
    guard let lowest = check.lowest,
      let entry = map.roots.first(where: { $0.root == .entry })?.address,
      let bound = bounds[entry]
    else { return nil }
    var (most, unknown) = (bound.bytes, bound.unknown)
    let top: UInt64?
    if program.machine == .arm {
      guard let exceptions = ExceptionStack(table, bounds) else { return nil }
      (most, unknown) = (exceptions.bytes { _ in nil }, exceptions.unknown)
      top = plan.image.vectors.map { UInt64($0.initialStackPointer & ~3) }
    } else {
      for handler in map.functions.values where handler.isTrapHandler {
        most += bounds[handler.entry]?.bytes ?? 0
        unknown += bounds[handler.entry]?.unknown ?? []
      }
      top = table.motions[entry]?.ownStack
    }
    guard unknown.isEmpty, let top, lowest <= top, plan.board.harts == 1 else { return nil }
    return (Int(clamping: top - lowest), most)
  }()

  // MARK: Who it was

  /// The last store to what a function kept that made it something else. The same run once more.
  private func culprit(of violation: FrameViolation) throws(Refusal) -> (pc: UInt64, index: UInt64)?
  {
    guard let slot = violation.slot, !plan.isInteractive else { return nil }
    let machine = try plan.machine()
    let script = plan.script.map { ScriptRun($0, plan.board) }
    let size = program.machine == .arm ? 4 : 8
    var begin = RunLimit(index: violation.call)
    while machine.index < violation.call {
      let index = machine.index
      plan.slice(machine, size: 1 << 40, stops: begin, script: script)
      if machine.stop != nil || machine.index == index { return nil }
    }
    begin.index = violation.index
    begin.breakpoints.watches = [
      Breakpoints.Watch(slot..<slot + UInt64(size), loads: false)
    ]
    var culprit: (pc: UInt64, index: UInt64)?
    var wasRight = false
    while machine.stop == nil, machine.index < violation.index {
      let pause = plan.slice(machine, size: 1 << 40, stops: begin, script: script)
      guard case .watchpoint(let touch) = pause else {
        if pause == .event { continue }
        break
      }
      let index = machine.index
      plan.slice(machine, size: 1 << 40, stops: RunLimit(index: index + 1), script: script)
      let bytes = machine.peek(slot, count: size, hart: violation.hart)
      let isRight =
        bytes.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) } == violation.expected
      if wasRight && !isRight { culprit = (touch.pc, index) }
      wasRight = isRight
    }
    return culprit
  }
}

extension RunPlan {
  /// What is run, as code: a raw image where it lies.
  func program() throws(Refusal) -> Program {
    do {
      let ram: UInt64 = board.core.machine == .riscv64 ? 0x8000_0000 : 0
      let placed = image.needsBase ? try image.placed(at: options.base ?? ram) : image
      if let program = Program(placed) { return program }
    } catch { throw Refusal(error.exitCode, error.description) }
    throw Refusal(
      ExitCode.badData, "\(image.path): is code for no known core; name a --board")
  }
}
