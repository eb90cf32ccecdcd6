import Emu

/// Steps by lines of source, made of the machine's own: breakpoints at the lines around, and single instructions only where
/// somebody wants to go into calls.
///
/// Code that the compiler has put in place of a call counts as called. Interrupts and traps on the way are no part of a line.
package struct SourceSteps {
  let debug: DebugInfo

  package init(_ debug: DebugInfo) { self.debug = debug }

  /// Where a hart is in its source.
  struct Place {
    let code: Range<UInt64>
    let line: (file: String, line: Int)
    let frame: Frame?
    /// Of this function; not of calls that are none, but of those that it is in.
    let statements: [DebugInfo.Statement]
    /// Of all that is in this function.
    let inner: [DebugInfo.Statement]

    /// The code of other lines, of those.
    func others(_ statements: [DebugInfo.Statement]) -> Set<UInt64> {
      Set(statements.filter { $0.line != line.line || $0.file != line.file }.map(\.address))
    }
  }

  /// What of a function is the same until it returns.
  struct Frame: Hashable {
    let caller: UInt64
    /// Before the call.
    let stackPointer: UInt64
  }

  func frame(_ hart: Int, _ machine: Machine) -> Frame? {
    let frames = machine.backtrace(debug, hart: hart, most: 2)
    guard frames.count == 2, let stackPointer = frames[1].stackPointer else { return nil }
    return Frame(caller: frames[1].pc, stackPointer: stackPointer)
  }

  /// nil: there is no source of it.
  func place(_ hart: Int, _ machine: Machine) -> Place? {
    let pc = machine.harts[hart].pc
    guard let code = debug.function(around: pc), let line = debug.sourceLine(at: pc) else {
      return nil
    }
    let calls = debug.inlinedCalls(around: pc)
    let all = debug.statements(around: pc)
    return Place(
      code: code, line: line, frame: frame(hart, machine),
      statements: all.filter { calls.starts(with: $0.inlined) }, inner: all)
  }

  private func hasReturned(_ hart: Int, _ machine: Machine, from frame: Frame?) -> Bool {
    guard let frame, machine.harts[hart].pc == frame.caller else { return false }
    return Instruction(hart, machine).stackPointer >= frame.stackPointer
  }

  // MARK: Forwards

  /// To the next line of this function, or to its caller.
  package func over(_ hart: Int, _ machine: Machine) -> Motion {
    guard let here = place(hart, machine) else { return overInstruction(hart, machine) }
    let stops = here.others(here.statements).union(here.frame.map { [$0.caller] } ?? [])
    return .until(
      Motion.Goal(hart: hart, stops) { machine in
        guard let frame = here.frame else { return true }
        return hasReturned(hart, machine, from: frame) || self.frame(hart, machine) == frame
      })
  }

  package func overInstruction(_ hart: Int, _ machine: Machine) -> Motion {
    let step = Instruction(hart, machine)
    return .walk(hart: hart) { machine in
      step.isCall(to: Instruction(hart, machine)) ? .run(to: step.goalBehind(hart)) : .halt
    }
  }

  /// To the caller; nil: there is none, or none that is known.
  package func out(_ hart: Int, _ machine: Machine) -> Motion? {
    guard let frame = frame(hart, machine) else { return nil }
    return .until(
      Motion.Goal(hart: hart, [frame.caller]) { hasReturned(hart, $0, from: frame) })
  }

  /// To the next line, of whatever function that there is source of.
  package func into(_ hart: Int, _ machine: Machine) -> Motion {
    guard let here = place(hart, machine) else { return .step(hart: hart) }
    return Walk(self, hart, here, machine).motion
  }

  private final class Walk {
    private let steps: SourceSteps
    private let hart: Int
    private let here: Place
    private let beginnings: Set<UInt64>
    private var latest: Instruction

    init(_ steps: SourceSteps, _ hart: Int, _ here: Place, _ machine: Machine) {
      self.steps = steps
      self.hart = hart
      self.here = here
      beginnings = here.others(here.inner)
      latest = Instruction(hart, machine)
    }

    var motion: Motion { .walk(hart: hart, look) }

    private func look(_ machine: Machine) -> Motion.Next {
      let step = latest
      latest = Instruction(hart, machine)
      if here.code.contains(latest.pc) { return beginnings.contains(latest.pc) ? .halt : .goOn }
      if steps.hasReturned(hart, machine, from: here.frame) { return .halt }
      if step.isInterrupted(by: latest) {
        return .run(to: comeBack(to: step, [step.pc, step.end]))
      }
      if steps.debug.sourceLine(at: latest.pc) != nil { return .halt }
      // Over calls of what has no source.
      return step.isCall(to: latest) ? .run(to: comeBack(to: step, [step.end])) : .goOn
    }

    private func comeBack(to step: Instruction, _ addresses: Set<UInt64>) -> Motion.Goal {
      Motion.Goal(
        hart: hart, addresses,
        isThere: { [hart] in Instruction(hart, $0).stackPointer >= step.stackPointer },
        then: { [self] machine in
          latest = Instruction(hart, machine)
          return beginnings.contains(latest.pc) ? nil : motion
        })
    }
  }
}

/// What a hart is about to do, as far as one has to know it to tell a call from a trap behind it.
struct Instruction {
  let pc: UInt64
  /// Of the next one in memory.
  let end: UInt64
  let stackPointer: UInt64
  private let returnAddress: UInt64
  /// Cortex-M: the exception's number. RV64: where traps lead, and from where the latest ones came, in S and in M mode.
  private let exception: UInt64
  private let vectors: [(base: UInt64, origin: UInt64)]

  init(_ number: Int, _ machine: Machine) {
    let hart = machine.harts[number]
    let isArm = machine.board.core.machine == .arm
    func value(_ register: RegisterName) -> UInt64 { hart.value(of: register) ?? 0 }
    pc = hart.pc
    let start = machine.peek(pc, count: 2, hart: number)
    let half = start.count == 2 ? UInt64(start[0]) | UInt64(start[1]) << 8 : 0
    // ARM DDI 0403E.e, A5.1; the Unprivileged ISA, 1.5.
    let isLong = isArm ? half >> 11 >= 0b11101 : half & 3 == 3
    end = pc &+ (isLong ? 4 : 2)
    stackPointer = value(isArm ? .r(13) : .x(2))
    returnAddress = isArm ? value(.r(14)) & ~1 : value(.x(1))
    exception = isArm ? value(.xpsr) & 0x1FF : 0
    vectors =
      isArm
      ? []
      : [(0x105, 0x141), (0x305, 0x341)].map { (value(.csr($0)) & ~3, value(.csr($1))) }
  }

  func isCall(to next: Instruction) -> Bool {
    next.pc != end && next.returnAddress == end
  }

  /// Has a trap or an interrupt come in place of it, or with it? One attempt may have been made in the handler.
  func isInterrupted(by next: Instruction) -> Bool {
    next.exception != exception
      || next.vectors.contains { $0.origin == pc && next.pc &- $0.base < 4 * 65 }
  }

  /// Where a call comes back to.
  func goalBehind(_ hart: Int) -> Motion.Goal {
    Motion.Goal(hart: hart, [end]) { [stackPointer] in
      Instruction(hart, $0).stackPointer >= stackPointer
    }
  }
}
