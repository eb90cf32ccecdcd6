import Emu

/// Calls and returns of a run, each held against the frame table at its exact instruction.
///
/// A run pauses before the first instruction of a function and before each that leaves it (`places`).
/// At the first it is noted what the stack pointer, the return address and the registers are that the
/// function saves; before a return, whether the instruction brings back exactly these. What is open
/// is known by its CFA, so that interrupts, switches between stacks and jumps out of functions that
/// never return need no rules of their own.
public struct FrameCheck {
  public let table: FrameTable
  /// Where the run has to pause.
  public let places: Set<UInt64>
  /// Entries of functions that are held against the table, and of those that are not: the stack
  /// pointer is computed, or a part of several functions is what is called.
  public let checked: Set<UInt64>
  public let unchecked: [UInt64]

  public private(set) var calls: UInt64 = 0
  public private(set) var returns: UInt64 = 0
  /// The first few.
  public private(set) var violations: [FrameViolation] = []
  public static let mostViolations = 8
  /// The lowest address that a stack frame reached, by the table.
  public private(set) var lowest: UInt64?

  private let program: Program
  private var roles: [UInt64: Role] = [:]
  private var open: [UInt64: [Activation]] = [:]
  /// Of each hart: where it has just left a function by a jump that may be to another one.
  private var leaving: [Int: (index: UInt64, owners: Set<UInt64>)] = [:]
  private var resets = 0

  private struct Role {
    var isEntry = false
    /// Of functions that return here.
    var returning: Set<UInt64> = []
    /// Of functions that jump from here to another one.
    var jumping: Set<UInt64> = []
    var instruction: Instruction?
  }

  /// A call that has not returned yet.
  private struct Activation {
    var function: UInt64
    let cfa: UInt64
    let returnAddress: UInt64
    let saved: [(register: RegisterNumber, value: UInt64)]
    let index: UInt64
  }

  public init(_ table: FrameTable) {
    self.table = table
    program = table.map.program
    var (checked, unchecked): (Set<UInt64>, [UInt64]) = ([], [])
    for (entry, function) in table.map.functions.sorted(by: { $0.key < $1.key }) {
      let leaves = function.returns || function.calls.contains { $0.isTail }
      guard leaves, !function.isTrapHandler, let motion = table.motions[entry] else { continue }
      let isPlain =
        motion.problems.isEmpty && motion.ownStack == nil
        && function.returnSites.allSatisfy { table.map.program.isPlainReturn(function, $0) }
      if isPlain { checked.insert(entry) } else { unchecked.append(entry) }
    }
    self.checked = checked
    self.unchecked = unchecked
    var roles: [UInt64: Role] = [:]
    for entry in checked {
      guard let function = table.map.functions[entry] else { continue }
      roles[entry, default: Role()].isEntry = true
      for site in function.returnSites {
        roles[site, default: Role()].returning.insert(entry)
        roles[site]?.instruction = function.instructions[site]
      }
      for call in function.calls where call.isTail {
        roles[call.site, default: Role()].jumping.insert(entry)
      }
    }
    self.roles = roles
    places = Set(roles.keys)
  }

  // MARK: A run

  /// The machine has paused before an instruction.
  public mutating func look(_ machine: Machine) {
    if machine.resets != resets {
      (open, leaving, resets) = ([:], [:], machine.resets)
    }
    guard let role = roles[machine.pc] else { return }
    let core = Core(machine, program)
    if role.isEntry { enter(machine.pc, core) }
    if !role.jumping.isEmpty { leaving[core.hart] = (core.index, role.jumping) }
    if let instruction = role.instruction, core.passes(instruction.condition),
      let after = core.returned(by: instruction)
    {
      leave(role.returning, after, core)
    }
  }

  private mutating func enter(_ entry: UInt64, _ core: Core) {
    let net = table.motions[entry]?.net ?? 0
    let jumped = leaving.removeValue(forKey: core.hart)
    if let jumped, jumped.index &+ 1 == core.index {
      if net != 0 {
        // The end of several functions: it returns for the one that jumped here.
        let cfa = core.trimmed(core.stackPointer &- UInt64(bitPattern: Int64(net)))
        if let place = open[cfa]?.lastIndex(where: { jumped.owners.contains($0.function) }) {
          open[cfa]?[place].function = entry
        }
        return
      }
      leave(jumped.owners, core.state, core)
    }
    guard net == 0, let motion = table.motions[entry] else { return }
    calls += 1
    let cfa = core.stackPointer
    let deepest = cfa &- UInt64(max(0, motion.deepest))
    lowest = min(lowest ?? .max, deepest)
    open[cfa]?.removeAll { $0.function == entry }
    open[cfa, default: []].append(
      Activation(
        function: entry, cfa: cfa, returnAddress: core.returnAddress,
        saved: motion.saved.filter { $0.register != program.linkRegister }.map {
          ($0.register, core.value($0.register))
        }, index: core.index))
  }

  private mutating func leave(_ owners: Set<UInt64>, _ after: Core.State, _ core: Core) {
    guard let place = open[after.stackPointer]?.lastIndex(where: { owners.contains($0.function) })
    else {
      // One that was entered before anybody looked has no CFA to be held against.
      let entered = open.values.joined().filter { owners.contains($0.function) }
      if let latest = entered.max(by: { $0.index < $1.index }) {
        returns += 1
        add(.stackPointer, latest, latest.cfa, after.stackPointer, core)
        open[latest.cfa]?.removeAll { $0.index == latest.index }
      }
      return
    }
    guard let activation = open[after.stackPointer]?.remove(at: place) else { return }
    returns += 1
    if open[after.stackPointer]?.isEmpty == true { open[after.stackPointer] = nil }
    if !isSame(activation.returnAddress, after.target) {
      add(.returnAddress, activation, activation.returnAddress, after.target, core)
    }
    for (register, value) in activation.saved {
      let now = after.value(register) ?? core.value(register)
      if now != value { add(.register(register), activation, value, now, core) }
    }
  }

  /// The Thumb bit may be missing where a return ignores it. What returns from an exception may return to
  /// another thread, whose frame is another one.
  private func isSame(_ expected: UInt64, _ found: UInt64) -> Bool {
    guard program.machine == .arm else { return expected == found }
    let isException = { (value: UInt64) in value & 0xFFFF_FFE0 == 0xFFFF_FFE0 }
    return program.plain(expected) == program.plain(found)
      || isException(expected) && isException(found)
  }

  private mutating func add(
    _ kind: FrameViolation.Kind, _ activation: Activation, _ expected: UInt64, _ found: UInt64,
    _ core: Core
  ) {
    guard violations.count < Self.mostViolations else { return }
    let register: RegisterNumber? =
      switch kind {
      case .stackPointer: nil
      case .returnAddress: program.linkRegister
      case .register(let number): number
      }
    let saved = table.motions[activation.function]?.saved.first { $0.register == register }
    violations.append(
      FrameViolation(
        kind: kind, function: activation.function, pc: core.pc, hart: core.hart,
        index: core.index, nanoseconds: core.nanoseconds, call: activation.index,
        returnAddress: activation.returnAddress, expected: expected, found: found,
        slot: saved.map {
          core.trimmed(activation.cfa &+ UInt64(bitPattern: Int64($0.offset)))
        }))
  }
}

/// Where a return was not what its call had left for it.
public struct FrameViolation: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// The stack pointer behind the return is not the CFA.
    case stackPointer
    case returnAddress
    /// Saved by the function, and not restored.
    case register(RegisterNumber)
  }

  public let kind: Kind
  /// Its entry.
  public let function: UInt64
  /// Of the instruction that returns.
  public let pc: UInt64
  public let hart: Int
  public let index: UInt64
  public let nanoseconds: UInt64
  /// The index of the function's first instruction.
  public let call: UInt64
  public let returnAddress: UInt64
  public let expected: UInt64
  public let found: UInt64
  /// Where the function keeps it meanwhile; nil: not in memory.
  public let slot: UInt64?
}

// MARK: The core

/// What a hart has before the instruction that it stands at.
private struct Core {
  /// As an instruction leaves it, with the registers that it loads.
  struct State {
    var stackPointer: UInt64
    var target: UInt64
    var loaded: [RegisterNumber: UInt64] = [:]
    func value(_ number: RegisterNumber) -> UInt64? { loaded[number] }
  }

  private let machine: Machine
  private let program: Program
  let pc: UInt64
  let index: UInt64
  var hart: Int { Int(machine.hart.number) }
  var nanoseconds: UInt64 { machine.nanoseconds }

  init(_ machine: Machine, _ program: Program) {
    self.machine = machine
    self.program = program
    pc = machine.pc
    index = machine.index
  }

  func value(_ number: RegisterNumber) -> UInt64 {
    machine.hart.value(of: program.machine == .arm ? .r(Int(number)) : .x(Int(number))) ?? 0
  }

  var stackPointer: UInt64 { value(program.stackPointer) }
  var returnAddress: UInt64 { value(program.linkRegister) }
  /// Before a jump to another function: it will find what there is now.
  var state: State { State(stackPointer: stackPointer, target: returnAddress) }

  func trimmed(_ value: UInt64) -> UInt64 {
    program.machine == .arm ? value & 0xFFFF_FFFF : value
  }

  /// What a return of the function leaves; nil: it does not return.
  func returned(by instruction: Instruction) -> State? {
    switch instruction.operation {
    case .indirect(let register, let offset, nil):
      let target = value(register) &+ offset
      return State(
        stackPointer: stackPointer, target: program.machine == .arm ? target : target & ~1)
    case .set(15, _, _, _, _, _):
      return State(stackPointer: stackPointer, target: returnAddress)
    case .load(15, let access):
      let offset = access.offset.constant
      let address = trimmed(access.isPostIndexed ? stackPointer : stackPointer &+ offset)
      let top = access.writesBack ? trimmed(stackPointer &+ offset) : stackPointer
      return State(stackPointer: top, target: word(address))
    case .loadMany(let list, 13, false, let writesBack):
      var state = State(stackPointer: stackPointer, target: 0)
      for number in RegisterNumber(0)..<16 where list >> UInt16(number) & 1 == 1 {
        let value = word(state.stackPointer)
        if number == 15 { state.target = value } else { state.loaded[number] = value }
        state.stackPointer = trimmed(state.stackPointer &+ 4)
      }
      if !writesBack { state.stackPointer = stackPointer }
      return state
    default: return nil
    }
  }

  private func word(_ address: UInt64) -> UInt64 {
    machine.memory.load(address, as: UInt32.self).map(UInt64.init) ?? 0
  }

  /// Whether an instruction does anything.
  func passes(_ condition: Condition) -> Bool {
    guard condition != .always, let status = machine.hart.value(of: .xpsr) else { return true }
    return ITState.holds(UInt32(condition.code), UInt32(truncatingIfNeeded: status))
  }
}

extension Program {
  /// It returns by the register or the stack, as the ABI has it: not by one that compilers link parts of
  /// functions with.
  fileprivate func isPlainReturn(_ function: FunctionCode, _ site: UInt64) -> Bool {
    switch function.instructions[site]?.operation {
    case .indirect(let register, 0, nil): register == linkRegister
    case .set(15, _, _, _, _, _), .load(15, _): machine == .arm
    case .loadMany(_, 13, false, _): machine == .arm
    default: false
    }
  }
}
