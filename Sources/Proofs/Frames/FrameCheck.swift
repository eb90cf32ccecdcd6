import Emu
import MachineCode

/// Calls and returns of a run, each held against the frame table at its exact instruction.
///
/// It looks at the first instruction of a function and at each that leaves it. At the first it notes
/// what the stack pointer, the return address and the registers are that the function saves; before a
/// return, whether the instruction brings back exactly these. What is open is known by its CFA, so
/// that interrupts, switches between stacks and jumps out of functions that never return need no
/// rules of their own.
public final class FrameCheck: Lookout {
  public let table: FrameTable
  /// Entries of functions that are held against the table, and of those that are not: the stack
  /// pointer is computed, or a part of several functions is what is called.
  public let checked: [UInt64]
  public let unchecked: [UInt64]

  @exclusivity(unchecked) public private(set) var calls: UInt64 = 0
  @exclusivity(unchecked) public private(set) var returns: UInt64 = 0
  /// The first few.
  @exclusivity(unchecked) public private(set) var violations: [FrameViolation] = []
  public static let mostViolations = 8
  /// The lowest address that a stack frame reached, by the table.
  public var lowest: UInt64? { deepest == .max ? nil : deepest }
  @exclusivity(unchecked) private var deepest = UInt64.max

  private let program: Program
  private let isArm: Bool
  private let places: Places
  @exclusivity(unchecked) private var open: OpenCalls
  /// Of each hart: where it has just left a function by a jump that may be to another one.
  private let jumps: UnsafeMutableBufferPointer<Jump>
  @exclusivity(unchecked) private var memory = MemoryView()

  private struct Jump {
    var index: UInt64 = 0
    /// Functions that jump there; nil: it has not.
    var owners: Places.List?
  }
  private static let mostHarts = 32

  public init(_ table: FrameTable) {
    self.table = table
    program = table.map.program
    isArm = program.machine == .arm
    (checked, unchecked) = Self.functions(of: table)
    places = Places(checked, of: table)
    open = OpenCalls(functions: checked.count, values: places.mostSaved)
    jumps = .allocate(capacity: Self.mostHarts)
    jumps.initialize(repeating: Jump())
    super.init(at: places.addresses)
  }

  deinit {
    places.close()
    open.close()
    jumps.deallocate()
  }

  private static func functions(of table: FrameTable) -> (checked: [UInt64], unchecked: [UInt64]) {
    var (checked, unchecked): ([UInt64], [UInt64]) = ([], [])
    for (entry, function) in table.map.functions.sorted(by: { $0.key < $1.key }) {
      let leaves = function.returns || function.calls.contains { $0.isTail }
      guard leaves, !function.isTrapHandler, let motion = table.motions[entry] else { continue }
      let isPlain =
        motion.problems.isEmpty && motion.ownStack == nil
        && function.returnSites.allSatisfy {
          FunctionExit(function.instructions[$0]?.operation, table.map.program) != nil
        }
      if isPlain { checked.append(entry) } else { unchecked.append(entry) }
    }
    return (checked, unchecked)
  }

  // MARK: A run

  public override func look(_ place: Int, index: UInt64, hart: Hart) {
    let core = CoreView(
      registers: hart.generalRegisters, isArm: isArm, pc: addresses[place], index: index,
      hart: Int(hart.number))
    let role = places.roles + place
    if role.pointee.entry != OpenCalls.none { enter(role.pointee.entry, core) }
    if role.pointee.jumping.count > 0 {
      jumps[core.hart] = Jump(index: index, owners: role.pointee.jumping)
    }
    if role.pointee.returning.count > 0, passes(role.pointee.condition, hart) {
      memory.move(to: core.stackPointer, in: hart.memory)
      leave(role.pointee.returning, role.pointee.exit.taken(core, memory), core)
    }
  }

  /// What was entered before is never returned from.
  public override func forget() {
    open.removeAll()
    jumps.update(repeating: Jump())
  }

  private func enter(_ number: Int32, _ core: CoreView) {
    let function = places.functions + Int(number)
    if let owners = jumps[core.hart].owners {
      jumps[core.hart].owners = nil
      if jumps[core.hart].index &+ 1 == core.index {
        if function.pointee.net != 0 {
          // The end of several functions: it returns for the one that jumped here.
          let net = UInt64(bitPattern: function.pointee.net)
          let cfa = core.trimmed(core.stackPointer &- net)
          let call = open.latest(at: cfa, of: places[owners])
          if call != OpenCalls.none { open.hand(call, to: number) }
          return
        }
        leave(owners, Departure(core), core)
      }
    }
    if function.pointee.net != 0 { return }
    let cfa = core.stackPointer
    if function.pointee.loop.count > 0 {
      // Round again, and not called again.
      let again = open.latest(at: cfa, of: places[function.pointee.loop])
      if again != OpenCalls.none,
        function.pointee.isEndless || open[again].returnAddress == core.returnAddress
      {
        return
      }
    }
    calls += 1
    deepest = min(deepest, cfa &- function.pointee.deepest)
    let values = open.add(
      .init(
        cfa: cfa, returnAddress: core.returnAddress, index: core.index, function: number))
    for (place, register) in places[function.pointee.saved].enumerated() {
      values[place] = core.value(RegisterNumber(register))
    }
  }

  private func leave(_ owners: Places.List, _ after: Departure, _ core: CoreView) {
    let place = open.latest(at: after.stackPointer, of: places[owners])
    if place == OpenCalls.none {
      // One that was entered before anybody looked has no CFA to be held against.
      let place = open.latest(of: places[owners])
      if place == OpenCalls.none { return }
      returns += 1
      add(.stackPointer, open[place], open[place].cfa, after.stackPointer, core)
      open.remove(place)
      return
    }
    returns += 1
    let call = open[place]
    if call.returnAddress != after.target, !isSame(call.returnAddress, after.target) {
      add(.returnAddress, call, call.returnAddress, after.target, core)
    }
    let values = open.values(of: place)
    let saved = places[places.functions[Int(call.noter)].saved]
    for (place, register) in saved.enumerated() {
      let now = after.value(RegisterNumber(register), core, memory)
      if now != values[place] {
        add(.register(RegisterNumber(register)), call, values[place], now, core)
      }
    }
    open.remove(place)
  }

  /// Whether an instruction does anything.
  private func passes(_ condition: Condition, _ hart: Hart) -> Bool {
    guard condition != .always, let status = hart.value(of: .xpsr) else { return true }
    return ITState.holds(UInt32(condition.code), UInt32(truncatingIfNeeded: status))
  }

  /// The Thumb bit may be missing where a return ignores it. What returns from an exception may return to
  /// another thread, whose frame is another one.
  private func isSame(_ expected: UInt64, _ found: UInt64) -> Bool {
    guard isArm else { return false }
    let isException = { (value: UInt64) in value & 0xFFFF_FFE0 == 0xFFFF_FFE0 }
    return program.plain(expected) == program.plain(found)
      || isException(expected) && isException(found)
  }

  private func add(
    _ kind: FrameViolation.Kind, _ call: OpenCalls.Call, _ expected: UInt64, _ found: UInt64,
    _ core: CoreView
  ) {
    guard violations.count < Self.mostViolations else { return }
    let register: RegisterNumber? =
      switch kind {
      case .stackPointer: nil
      case .returnAddress: program.linkRegister
      case .register(let number): number
      }
    let function = checked[Int(call.function)]
    let saved = table.motions[function]?.saved.first { $0.register == register }
    violations.append(
      FrameViolation(
        kind: kind, function: function, pc: core.pc, hart: core.hart, index: core.index,
        call: call.index, returnAddress: call.returnAddress, expected: expected, found: found,
        slot: saved.map { core.trimmed(call.cfa &+ UInt64(bitPattern: Int64($0.offset))) }))
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
  /// The index of the function's first instruction.
  public let call: UInt64
  public let returnAddress: UInt64
  public let expected: UInt64
  public let found: UInt64
  /// Where the function keeps it meanwhile; nil: not in memory.
  public let slot: UInt64?
}

// MARK: Where to look

/// What happens at which address, with everything in one piece of memory that a look can have without counting references.
private struct Places {
  /// Some of `members`.
  struct List {
    var start = 0
    var count = 0
  }

  struct Function {
    let net: Int64
    let deepest: UInt64
    /// Registers beside the link register.
    let saved: List
    /// Itself, where it jumps to its own first instruction.
    let loop: List
    /// It never returns, and need not keep where to.
    let isEndless: Bool
  }

  struct Role {
    /// The function that begins here, by its place among those that are checked.
    var entry = OpenCalls.none
    /// Those that return here, and how.
    var returning = List()
    var exit = FunctionExit.link
    var condition = Condition.always
    /// Those that jump from here to another one.
    var jumping = List()
  }

  let addresses: Set<UInt64>
  let mostSaved: Int
  /// In the order of addresses.
  let roles: UnsafeMutablePointer<Role>
  let functions: UnsafeMutablePointer<Function>
  private let members: UnsafeMutablePointer<Int32>

  subscript(_ list: List) -> UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(start: members + list.start, count: list.count)
  }

  init(_ entries: [UInt64], of table: FrameTable) {
    var lists: [Int32] = []
    func list(_ elements: [Int32]) -> List {
      defer { lists += elements }
      return List(start: lists.count, count: elements.count)
    }
    var (functions, roles): ([Function], [UInt64: Role]) = ([], [:])
    var (returning, jumping): ([UInt64: [Int32]], [UInt64: [Int32]]) = ([:], [:])
    let program = table.map.program
    for (number, entry) in entries.enumerated() {
      guard let function = table.map.functions[entry], let motion = table.motions[entry] else {
        preconditionFailure("a function that is not in its table")
      }
      let saved = motion.saved.map(\.register).filter { $0 != program.linkRegister }
      functions.append(
        Function(
          net: Int64(motion.net), deepest: UInt64(max(0, motion.deepest)),
          saved: list(saved.map(Int32.init)),
          loop: list(function.flow.values.contains { $0.contains(entry) } ? [Int32(number)] : []),
          isEndless: !function.returns && !function.calls.contains(where: \.isTail)))
      roles[entry, default: Role()].entry = Int32(number)
      for site in function.returnSites {
        guard let instruction = function.instructions[site],
          let exit = FunctionExit(instruction.operation, program)
        else { continue }
        roles[site, default: Role()].exit = exit
        roles[site]?.condition = instruction.condition
        returning[site, default: []].append(Int32(number))
      }
      // What follows a call at the end of a function is called, not jumped to.
      for site in Set(function.calls.filter(\.isTail).map(\.site))
      where function.instructions[site]?.isCall != true {
        roles[site] = roles[site] ?? Role()
        jumping[site, default: []].append(Int32(number))
      }
    }
    let sorted = roles.sorted { $0.key < $1.key }.map { address, role in
      var role = role
      role.returning = list(returning[address] ?? [])
      role.jumping = list(jumping[address] ?? [])
      return role
    }
    addresses = Set(roles.keys)
    mostSaved = functions.map(\.saved.count).max() ?? 0
    self.roles = Self.copy(sorted)
    self.functions = Self.copy(functions)
    members = Self.copy(lists)
  }

  func close() {
    roles.deallocate()
    functions.deallocate()
    members.deallocate()
  }

  private static func copy<T>(_ elements: [T]) -> UnsafeMutablePointer<T> {
    let copy = UnsafeMutablePointer<T>.allocate(capacity: elements.count)
    elements.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { copy.initialize(from: base, count: source.count) }
    }
    return copy
  }
}
