import Emu
import MachineCode

/// How one function moves the stack pointer, followed over all its ways from its entry.
///
/// It takes a call to bring the stack pointer and the registers back that the ABI wants kept. A way
/// that this is not known of ends in a problem, not in a guess.
public struct StackMotion: Sendable {
  /// Before each instruction: how many bytes below its value at the entry the stack pointer is, at
  /// most.
  public private(set) var depths: [UInt64: Int] = [:]
  /// The most of them, within instructions too.
  public private(set) var deepest = 0
  /// Why the most is not known.
  public private(set) var problems: [String] = []
  /// Start-up code: it brings a stack pointer of its own, from which the depths count then.
  public private(set) var ownStack: UInt64?
  /// Registers that the first instructions save, by their offsets from the stack pointer at entry.
  public private(set) var saved: [(register: RegisterNumber, offset: Int)] = []

  /// Instructions that only jumps whose targets are not known may reach, if anything.
  public private(set) var guessed: Set<UInt64> = []

  /// How far below its value at the entry the stack pointer is behind a return: not 0 where a
  /// compiler has put a part of several functions into one.
  public private(set) var net = 0

  private let program: Program
  private let function: FunctionCode
  /// The same of functions that are called, where it is not 0.
  private let nets: [UInt64: Int]

  /// What is known of a register.
  private enum Known: Hashable {
    case constant(UInt64)
    /// So many bytes below the stack pointer at entry.
    case stack(Int)
  }

  private struct Carried: Hashable {
    let condition: Condition
    let depth: Int
  }

  private struct State: Hashable {
    var depth = 0
    /// A stack pointer was made just before this address, and more of the number may follow.
    var made: UInt64?
    /// Of an upper half the lower one may be negative; else what is taken away is a frame.
    var isUpperHalf = false
    var registers: [RegisterNumber: Known] = [:]
    /// Within an IT block, where what has this condition was carried out so far.
    var carried: Carried?

    /// What holds on both ways.
    func joined(_ other: State) -> State {
      var state = self
      state.depth = max(depth, other.depth)
      state.registers = registers.filter { other.registers[$0.key] == $0.value }
      if carried != other.carried { state.carried = nil }
      return state
    }
  }

  private var states: [UInt64: State] = [:]
  private var visits: [UInt64: Int] = [:]
  /// Before the jumps whose targets are not known.
  private var elsewhere: State?

  init(_ function: FunctionCode, in program: Program, nets: [UInt64: Int]) {
    self.function = function
    self.program = program
    self.nets = nets
    states[function.entry] = State()
    walk(from: function.entry)
    // A jump whose targets are not known leads to where no other way does, and so does an exception: what else they may
    // reach has the depth there that it has by the other ways.
    if elsewhere != nil {
      let reached = Set(states.keys)
      defer { guessed = Set(states.keys).subtracting(reached) }
      for address in function.instructions.keys.sorted() where states[address] == nil {
        states[address] = elsewhere
        walk(from: address)
      }
    }
    depths = states.mapValues(\.depth)
    readPrologue()
  }

  private mutating func walk(from start: UInt64) {
    var open = [start]
    while let address = open.popLast() {
      guard let instruction = function.instructions[address], let state = states[address] else {
        continue
      }
      var before = state
      before.carried = nil
      if let carried = state.carried, carried.condition == instruction.condition {
        before.depth = carried.depth
      }
      var after = step(instruction, before)
      let returns = function.returnSites.contains(address)
      if returns {
        net = after.depth
      } else if let tail = function.calls.first(where: { $0.site == address && $0.isTail }),
        !function.unresolved.contains(address), !instruction.isCall
      {
        net = after.depth + (tail.target.flatMap { nets[$0] } ?? 0)
      }
      if instruction.condition != .always {
        // Skipped, it changes nothing; what returns goes on only then.
        if returns {
          after = state
        } else {
          if !instruction.setsFlags {
            after.carried = Carried(condition: instruction.condition, depth: after.depth)
          }
          after.depth = max(after.depth, state.depth)
          after.registers = after.registers.filter { state.registers[$0.key] == $0.value }
        }
      }
      if function.unresolved.contains(address) {
        elsewhere = elsewhere.map { $0.joined(state) } ?? state
        if instruction.condition != .always, join(state, at: instruction.end) {
          open.append(instruction.end)
        }
        continue
      }
      if program.unwinds, instruction.isCall { elsewhere = elsewhere?.joined(after) ?? after }
      for next in function.successors(of: instruction) where join(after, at: next) {
        open.append(next)
      }
    }
  }

  private mutating func problem(_ what: String, at address: UInt64) {
    let text = "\(what) at \(program.name(address))"
    if problems.count < 8, !problems.contains(text) { problems.append(text) }
  }

  /// Whether there is something new at an address.
  private mutating func join(_ state: State, at address: UInt64) -> Bool {
    guard let old = states[address] else {
      states[address] = state
      return true
    }
    let both = old.joined(state)
    if both.depth > old.depth {
      visits[address, default: 0] += 1
      if visits[address, default: 0] > 32 {
        problem("the stack grows in a loop", at: address)
        return false
      }
    }
    states[address] = both
    return both != old
  }

  // MARK: Instructions

  private mutating func step(_ instruction: Instruction, _ state: State) -> State {
    var state = state
    let site = instruction.address
    switch instruction.operation {
    case .set(let rd, let how, .register(program.stackPointer), let right, _, _)
    where rd == program.stackPointer && state.made == site && right.register == nil
      && (state.isUpperHalf || how != .add || signed(right.constant) > 0):
      set(rd, result(how, .constant(ownStack ?? 0), right, state), &state, site)
      state.made = instruction.end
      state.isUpperHalf = false
    case .set(let rd, let how, let left, let right, _, _):
      let value = result(how, left, right, state)
      set(rd, value, &state, site)
      // Not where it is a copy of what another register has.
      if rd == program.stackPointer, case .constant? = value,
        [left, right].allSatisfy({ $0.register == nil || isZero($0.register) })
      {
        state.made = instruction.end
        state.isUpperHalf = true
      }
    case .moveTop(let rd, let half):
      if case .constant(let low) = state.registers[rd] {
        set(rd, .constant(low & 0xFFFF | half << 16), &state, site)
      } else {
        set(rd, nil, &state, site)
      }
    case .load(let rd, let access):
      writeBack(access, &state, site)
      if rd != 15 || program.machine == .riscv64 { set(rd, literal(access, site), &state, site) }
    case .store(_, let access): writeBack(access, &state, site)
    case .loadPair(let one, let two, let access):
      writeBack(access, &state, site)
      set(one, nil, &state, site)
      set(two, nil, &state, site)
    case .storePair(_, _, let access): writeBack(access, &state, site)
    case .accessFP(let access, _, _): writeBack(access, &state, site)
    case .loadMany(let list, let base, let isDown, let writesBack):
      move(base, Int(list.nonzeroBitCount) * 4, isDown, writesBack, &state, site)
      for number in RegisterNumber(0)..<15 where list >> UInt16(number) & 1 == 1 {
        set(number, nil, &state, site)
      }
    case .storeMany(let list, let base, let isDown, let writesBack):
      move(base, Int(list.nonzeroBitCount) * 4, isDown, writesBack, &state, site)
    case .atomic(let rd, _, _, _): if let rd { set(rd, nil, &state, site) }
    case .clobber(let list), .system(_, let list), .floatingPoint(let list):
      for number in RegisterNumber(0)..<32 where list >> UInt32(number) & 1 == 1 {
        // A call to what is below answers in registers and keeps the stack.
        if number == program.stackPointer, case .system(let kind, _) = instruction.operation,
          kind == .supervisorCall || kind == .breakpoint
        {
          continue
        }
        set(number, nil, &state, site)
      }
    case .call(let target, _):
      state.registers = state.registers.filter { isKept($0.key) }
      state.depth += nets[target] ?? 0
    case .indirect: state.registers = state.registers.filter { isKept($0.key) }
    default: break
    }
    deepest = max(deepest, state.depth)
    return state
  }

  /// Registers that a call brings back, by both ABIs.
  private func isKept(_ number: RegisterNumber) -> Bool {
    program.machine == .arm ? 4...11 ~= number : number == 8 || number == 9 || 18...27 ~= number
  }

  private mutating func set(
    _ rd: RegisterNumber, _ value: Known?, _ state: inout State, _ site: UInt64
  ) {
    if program.machine == .riscv64 && rd == 0 { return }
    guard rd == program.stackPointer else {
      state.registers[rd] = value
      return
    }
    switch value {
    case .stack(let depth)? where depth < 0 && ownStack != nil:
      // Still being made: a stack begins at its highest address.
      ownStack = trimmed((ownStack ?? 0) &+ UInt64(-depth))
      state.depth = 0
      state.registers = state.registers.mapValues {
        if case .stack(let other) = $0 { .stack(other - depth) } else { $0 }
      }
    case .stack(let depth)?: state.depth = depth
    case .constant(let address)?:
      // Made, and not moved.
      ownStack = address
      state.depth = 0
    case nil: problem("the stack pointer is computed", at: site)
    }
  }

  private func isZero(_ register: RegisterNumber?) -> Bool {
    program.machine == .riscv64 && register == 0
  }

  private func known(_ operand: Operand, _ state: State) -> Known? {
    guard let register = operand.register else { return .constant(operand.constant) }
    if isZero(register) { return .constant(0) }
    if operand.amount != 0 {
      guard operand.shift == .left, case .constant(let value)? = state.registers[register] else {
        return nil
      }
      return .constant(value << UInt64(operand.amount))
    }
    return register == program.stackPointer ? .stack(state.depth) : state.registers[register]
  }

  private func result(
    _ how: Arithmetic, _ left: Operand, _ right: Operand, _ state: State
  ) -> Known? {
    guard let one = known(left, state), let two = known(right, state) else { return nil }
    switch (how, one, two) {
    case (.add, .stack(let depth), .constant(let value)),
      (.add, .constant(let value), .stack(let depth)):
      return moved(depth, by: signed(0 &- value))
    case (.subtract, .stack(let depth), .constant(let value)):
      return moved(depth, by: signed(value))
    // Rounded down to a multiple: at most so much deeper.
    case (.and, .stack(let depth), .constant(let mask)):
      let rest = program.machine == .arm ? ~mask & 0xFFFF_FFFF : ~mask
      return rest < 4096 ? .stack(depth + Int(rest)) : nil
    case (.clear, .stack(let depth), .constant(let rest)):
      return rest < 4096 ? .stack(depth + Int(rest)) : nil
    case (.add, .constant(let one), .constant(let two)): return .constant(trimmed(one &+ two))
    case (.subtract, .constant(let one), .constant(let two)): return .constant(trimmed(one &- two))
    case (.shiftLeft, .constant(let one), .constant(let two)):
      return two < 64 ? .constant(trimmed(one << two)) : nil
    case (.or, .constant(let one), .constant(let two)): return .constant(one | two)
    case (.and, .constant(let one), .constant(let two)): return .constant(one & two)
    default: return nil
    }
  }

  /// nil: no stack is as large.
  private func moved(_ depth: Int, by bytes: Int) -> Known? {
    let all = depth.addingReportingOverflow(bytes)
    return !all.overflow && all.partialValue.magnitude < 1 << 40 ? .stack(all.partialValue) : nil
  }

  private func signed(_ value: UInt64) -> Int {
    program.machine == .arm
      ? Int(Int32(truncatingIfNeeded: value)) : Int(Int64(bitPattern: value))
  }

  private func trimmed(_ value: UInt64) -> UInt64 {
    program.machine == .arm ? value & 0xFFFF_FFFF : value
  }

  private mutating func writeBack(_ access: MemoryAccess, _ state: inout State, _ site: UInt64) {
    guard access.writesBack else { return }
    set(
      access.base, result(.add, .register(access.base), access.offset, state), &state, site)
  }

  private mutating func move(
    _ base: RegisterNumber, _ bytes: Int, _ isDown: Bool, _ writesBack: Bool,
    _ state: inout State, _ site: UInt64
  ) {
    guard writesBack else { return }
    let amount = Operand.constant(UInt64(bytes))
    set(
      base, result(isDown ? .subtract : .add, .register(base), amount, state), &state, site)
  }

  private func literal(_ access: MemoryAccess, _ site: UInt64) -> Known? {
    guard access.isPCRelative, access.size == 4 else { return nil }
    let address = ((site &+ 4) & 0xFFFF_FFFC &+ access.offset.constant) & 0xFFFF_FFFF
    guard let (word, count) = program.fetch(address), count == 4 else { return nil }
    return .constant(UInt64(word))
  }

  // MARK: Prologue

  /// From the entry to the first instruction that may go elsewhere.
  private mutating func readPrologue() {
    var address = function.entry
    var seen: Set<RegisterNumber> = []
    while let instruction = function.instructions[address], let depth = depths[address],
      function.flow[address] == nil
    {
      switch instruction.operation {
      case .storeMany(let list, 13, true, true) where program.machine == .arm:
        let count = list.nonzeroBitCount
        for (place, number) in (0..<16).filter({ list >> UInt16($0) & 1 == 1 }).enumerated() {
          save(RegisterNumber(number), -depth - 4 * (count - place), &seen)
        }
      case .store(let operand, let access) where access.base == program.stackPointer:
        guard let number = operand.register, access.offset.register == nil else { break }
        let offset = signed(access.offset.constant)
        if !access.isPostIndexed { save(number, -depth + offset, &seen) }
      case .call, .indirect, .branch, .jump: return
      default: break
      }
      address = instruction.end
    }
  }

  private mutating func save(
    _ number: RegisterNumber, _ offset: Int, _ seen: inout Set<RegisterNumber>
  ) {
    guard isKept(number) || number == program.linkRegister, seen.insert(number).inserted else {
      return
    }
    saved.append((number, offset))
  }
}
