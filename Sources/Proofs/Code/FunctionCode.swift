import Emu
import MachineCode

/// A function, or what a label of assembly begins: its instructions, as they are reached from its
/// entry.
public struct FunctionCode: Sendable {
  public struct Call: Sendable, Hashable {
    public let site: UInt64
    /// nil: an address that is computed.
    public let target: UInt64?
    /// A jump: the callee returns to this function's caller.
    public let isTail: Bool
  }

  public let entry: UInt64
  public internal(set) var instructions: [UInt64: Instruction] = [:]
  public internal(set) var calls: [Call] = []
  /// Jumps within the function to computed addresses: any instruction of it may be next.
  public internal(set) var unresolved: [UInt64] = []
  /// Of these, those in functions that have no end by the symbols, or a part elsewhere: not all of what they reach was looked at.
  public internal(set) var unbounded: Set<UInt64> = []
  /// Places that it goes to and where there is no code of the image.
  public internal(set) var nowhere: [UInt64] = []
  public var returns: Bool { !returnSites.isEmpty }
  /// Instructions that go back to the caller.
  public internal(set) var returnSites: Set<UInt64> = []
  /// It ends with a return from a trap.
  public internal(set) var isTrapHandler = false
  /// Addresses of code that it computes or loads.
  var pointers: Set<UInt64> = []
  /// Where the way goes on within the function, where that is not just the next instruction.
  var flow: [UInt64: [UInt64]] = [:]

  public var sorted: [Instruction] {
    instructions.values.sorted { $0.address < $1.address }
  }

  /// Where the way may go on within the function. A call is taken to return.
  func successors(of instruction: Instruction) -> [UInt64] {
    flow[instruction.address] ?? [instruction.end]
  }
}

/// Follows the code of one function from its entry.
struct FunctionExplorer {
  let program: Program
  /// Where a jump is to another function.
  let isEntry: (UInt64) -> Bool
  /// A call of it does not come back.
  let neverReturns: (UInt64) -> Bool
  private(set) var function: FunctionCode
  private let range: Range<UInt64>?
  private let isDivided: Bool
  private var open: [UInt64]
  /// What registers hold, where that is a constant, along a straight piece of code that begins at `since`.
  private var constants: [UInt64?] = []
  private var since: UInt64 = 0
  /// Where jumps within the function lead: what is known there is not what the line above has left.
  private var joins: Set<UInt64> = []
  /// Stretches of code along which the target of a call or a jump was made.
  private var made: [ClosedRange<UInt64>] = []
  /// Targets are taken from what registers hold.
  private var trusts = true
  private static let mostRounds = 8

  /// Of one function; a damaged file may have millions in a row.
  private static let mostInstructions = 1 << 18

  init(
    _ program: Program, entry: UInt64, isEntry: @escaping (UInt64) -> Bool,
    neverReturns: @escaping (UInt64) -> Bool
  ) {
    self.program = program
    self.isEntry = isEntry
    self.neverReturns = neverReturns
    function = FunctionCode(entry: entry)
    open = [entry]
    let symbol = program.names.symbol(at: entry)
    isDivided = symbol.map { program.divided.contains($0.name) } ?? false
    range = symbol.flatMap { symbol in
      symbol.size > 0 && symbol.address &+ symbol.size > symbol.address
        ? symbol.address..<symbol.address &+ symbol.size : nil
    }
  }

  mutating func explored() -> FunctionCode {
    for round in 0... {
      trusts = round < Self.mostRounds
      walkAll()
      // Behind each call an exception may land.
      if program.unwinds, function.calls.contains(where: { !$0.isTail }) {
        for address in everywhere(around: function.entry) ?? []
        where function.instructions[address] == nil {
          open.append(address)
          walkAll()
        }
      }
      if !isUndermined { break }
      let entry = function.entry
      function = FunctionCode(entry: entry)
      open = [entry]
      made = []
    }
    return function
  }

  private mutating func walkAll() {
    while let start = open.popLast(), function.instructions.count < Self.mostInstructions {
      walk(from: start)
    }
  }

  /// A jump leads into the middle of a stretch along which a target was made, and was not known when that was followed.
  private var isUndermined: Bool {
    made.contains(where: hasJoin)
  }

  private func hasJoin(_ stretch: ClosedRange<UInt64>) -> Bool {
    stride(from: stretch.lowerBound &+ 2, through: stretch.upperBound, by: 2)
      .contains(where: joins.contains)
  }

  /// A straight piece, up to what has been seen or what ends it.
  private mutating func walk(from start: UInt64) {
    var address = start
    var conditions: ArraySlice<Condition> = []
    forget(from: start)
    while function.instructions[address] == nil {
      if joins.contains(address) { forget(from: address) }
      guard program.isCode(address), !program.isMarkedData(address),
        let instruction = program.instruction(at: address, inBlock: conditions.popFirst())
      else {
        function.nowhere.append(address)
        return
      }
      function.instructions[address] = instruction
      if case .ifThen(let block) = instruction.operation { conditions = block[...] }
      var next = successors(of: instruction)
      // What follows in memory is another function: a call that does not return, or a fall into it.
      // (Not the rest of an IT block: to who enters there by a jump it is other instructions.)
      if let place = next.firstIndex(of: instruction.end), conditions.isEmpty,
        isOther(instruction.end)
      {
        next.remove(at: place)
        function.calls.append(.init(site: address, target: instruction.end, isTail: true))
      }
      follow(instruction)
      if next != [instruction.end] { function.flow[address] = next }
      let elsewhere = next.filter { $0 != instruction.end }
      joins.formUnion(elsewhere)
      open += elsewhere
      guard next.contains(instruction.end) else { return }
      address = instruction.end
    }
  }

  private func isOther(_ address: UInt64) -> Bool { address != function.entry && isEntry(address) }

  // MARK: Flow

  private mutating func successors(of instruction: Instruction) -> [UInt64] {
    let (site, end) = (instruction.address, instruction.end)
    let skipped = instruction.condition == .always ? [] : [end]
    switch instruction.operation {
    case .branch(_, _, _, let target): return [end] + jump(to: target, from: site)
    case .jump(let target): return skipped + jump(to: target, from: site)
    case .call(let target, _):
      function.calls.append(.init(site: site, target: target, isTail: false))
      return neverReturns(target) ? skipped : [end]
    case .indirect(let register, let offset, let link):
      return skipped + indirect(register, offset, link, instruction)
    case .tableBranch(let base, let index, let size):
      if base == 15 { return skipped + table(at: end, index, size: size, site) }
      return skipped + anywhere(site)
    case .load(15, let access) where program.machine == .arm:
      if access.base == 13 { return returned(skipped, site) }
      if access.isPCRelative, let target = literal(access, site) {
        return skipped + jump(to: program.plain(target), from: site)
      }
      if let targets = table(access, site) { return skipped + targets }
      return skipped + anywhere(site)
    case .loadMany(let list, let base, _, _) where list >> 15 == 1 && program.machine == .arm:
      if base == 13 { return returned(skipped, site) }
      function.calls.append(.init(site: site, target: nil, isTail: true))
      return skipped
    case .set(15, .add, let left, let right, _, _) where program.machine == .arm:
      if left == .constant(0), right.register == 14 { return returned(skipped, site) }
      return skipped + anywhere(site)
    case .set(15, _, _, _, _, _) where program.machine == .arm: return skipped + anywhere(site)
    case .system(.undefined, _), .undecodable: return skipped
    case .system(.trapReturn, _):
      function.isTrapHandler = true
      return skipped
    default: return [end]
    }
  }

  private mutating func returned(_ skipped: [UInt64], _ site: UInt64) -> [UInt64] {
    function.returnSites.insert(site)
    return skipped
  }

  private mutating func jump(to target: UInt64, from site: UInt64) -> [UInt64] {
    guard isOther(target) else { return [target] }
    function.calls.append(.init(site: site, target: target, isTail: true))
    return []
  }

  private mutating func indirect(
    _ register: RegisterNumber, _ offset: UInt64, _ link: RegisterNumber?,
    _ instruction: Instruction
  ) -> [UInt64] {
    let site = instruction.address
    let known =
      trusts ? constants[Int(register)].map { program.plain(($0 &+ offset) & ~1) } : nil
    if known != nil { made.append(since...site) }
    if link != nil {
      function.calls.append(.init(site: site, target: known, isTail: false))
      return known.map(neverReturns) == true ? [] : [instruction.end]
    }
    // t0 is the other link register, of functions that save registers for others.
    if register == program.linkRegister
      || program.machine == .riscv64 && register == 5 && known == nil
    {
      return returned([], site)
    }
    if let known { return jump(to: known, from: site) }
    return anywhere(site)
  }

  /// A computed jump whose targets are not known: it may go to every instruction of the function, or be a call of another one.
  private mutating func anywhere(_ site: UInt64) -> [UInt64] {
    function.unresolved.append(site)
    function.calls.append(.init(site: site, target: nil, isTail: true))
    let all = everywhere(around: site)
    if all == nil || isDivided { function.unbounded.insert(site) }
    return all ?? []
  }

  /// All instructions of the function; nil: its end is not known.
  private func everywhere(around site: UInt64) -> [UInt64]? {
    guard let range, range.contains(site), range.upperBound - range.lowerBound < 1 << 18 else {
      return nil
    }
    var all: [UInt64] = []
    var address = range.lowerBound
    while range.contains(address) {
      guard !program.isMarkedData(address), let instruction = program.instruction(at: address)
      else {
        address += 2
        continue
      }
      if instruction.operation != .undecodable { all.append(address) }
      address = instruction.end
    }
    return all
  }

  /// TBB and TBH with the table behind them: it ends where the nearest of its targets begins, or where a comparison or marks
  /// say so.
  private mutating func table(
    at start: UInt64, _ index: RegisterNumber, size: UInt8, _ site: UInt64
  ) -> [UInt64] {
    var targets: [UInt64] = []
    var address = start
    var end = start &+ (entries(of: index, at: site) ?? Self.mostEntries) * UInt64(size)
    if let code = program.marks.endOfData(start) { end = min(end, code) }
    while address < end, let (word, _) = program.fetch(address & ~1) {
      let entry = size == 2 ? word & 0xFFFF : word >> UInt32(8 * (address & 1)) & 255
      let target = start &+ 2 * UInt64(entry)
      // The last byte of a table of bytes may be padding.
      if target > start { end = min(end, target) }
      if target >= start &+ UInt64(size) { targets.append(target) }
      address += UInt64(size)
    }
    return Set(targets).sorted()
  }

  /// A load of the PC from a table of addresses that is known: it ends like those of TBB, or where there is no address of
  /// this function.
  private mutating func table(_ access: MemoryAccess, _ site: UInt64) -> [UInt64]? {
    guard trusts, let start = constants[Int(access.base)], let index = access.offset.register,
      access.offset.shift == .left, access.offset.amount == 2
    else { return nil }
    made.append(since...site)
    var targets: Set<UInt64> = []
    var address = start
    var end = start &+ 4 * (entries(of: index, at: site) ?? Self.mostEntries)
    if let code = program.marks.endOfData(start) { end = min(end, code) }
    while address < end, let (word, count) = program.fetch(address), count == 4, word & 1 == 1 {
      let target = program.plain(UInt64(word))
      guard program.isCode(target), !program.isMarkedData(target),
        range?.contains(target) ?? true
      else { break }
      if target > start { end = min(end, target) }
      targets.insert(target)
      address += 4
    }
    return targets.isEmpty ? nil : targets.sorted()
  }

  private static let mostEntries: UInt64 = 512

  /// How many entries a table has whose index was compared with the last one just before: CMP, BHI.
  private mutating func entries(of index: RegisterNumber, at site: UInt64) -> UInt64? {
    var last = instruction(before: site)
    // The address of the table may be made in between.
    if let other = last, case .set(let rd, _, _, _, _, setsFlags: false) = other.operation,
      rd != index
    {
      last = instruction(before: other.address)
    }
    guard trusts, let jump = last, jump.condition.code == 8, case .jump = jump.operation,
      let compare = instruction(before: jump.address),
      case .compare(.register(index), let most) = compare.operation, most.register == nil,
      most.constant < Self.mostEntries, !hasJoin(compare.address...site)
    else { return nil }
    made.append(compare.address...site)
    return most.constant + 1
  }

  /// One that the way goes on from.
  private func instruction(before address: UInt64) -> Instruction? {
    [2, 4].lazy.compactMap { [function] in function.instructions[address &- $0] }
      .first { $0.end == address }
  }

  // MARK: Constants

  private mutating func forget(from address: UInt64) {
    constants = [UInt64?](repeating: nil, count: 32)
    if program.machine == .riscv64 { constants[0] = 0 }
    since = address
  }

  /// What the instruction leaves in registers; an address of code is one that may be called.
  private mutating func follow(_ instruction: Instruction) {
    if instruction.condition == .always { return compute(instruction) }
    // It may do nothing.
    let before = constants
    compute(instruction)
    for number in constants.indices where constants[number] != before[number] {
      constants[number] = nil
    }
  }

  private mutating func compute(_ instruction: Instruction) {
    if let base = instruction.writtenBase { set(base, nil) }
    switch instruction.operation {
    case .set(let rd, .add, let left, let right, false, _):
      let isHalf = left.register == nil && right.register == nil && program.machine == .riscv64
      set(rd, value(left).flatMap { one in value(right).map { one &+ $0 } }, isHalf: isHalf)
    case .set(let rd, _, _, _, _, _): set(rd, nil)
    case .moveTop(let rd, let half): set(rd, constants[Int(rd)].map { $0 & 0xFFFF | half << 16 })
    case .load(let rd, let access) where access.isPCRelative && access.size == 4:
      set(rd, literal(access, instruction.address))
    case .load(let rd, _), .loadPair(let rd, _, _): set(rd, nil)
    case .atomic(let rd?, _, _, _): set(rd, nil)
    case .loadMany, .call, .clobber, .system, .floatingPoint, .indirect:
      forget(from: instruction.end)
    default: break
    }
  }

  private func value(_ operand: Operand) -> UInt64? {
    guard let register = operand.register else { return operand.constant }
    return operand.amount == 0 ? constants[Int(register)] : nil
  }

  private mutating func set(_ rd: RegisterNumber, _ value: UInt64?, isHalf: Bool = false) {
    if program.machine == .riscv64 && rd == 0 { return }
    let value = program.machine == .arm ? value.map { $0 & 0xFFFF_FFFF } : value
    constants[Int(rd)] = value
    // The upper half of an address is none.
    guard let value, !isHalf, program.machine == .riscv64 || value & 1 == 1 else { return }
    if program.mayBePointer(program.plain(value)) { function.pointers.insert(program.plain(value)) }
  }

  private func literal(_ access: MemoryAccess, _ site: UInt64) -> UInt64? {
    let base = (site &+ 4) & 0xFFFF_FFFC
    let address = (base &+ access.offset.constant) & 0xFFFF_FFFF
    guard access.size == 4, address & 1 == 0, let (word, count) = program.fetch(address), count == 4
    else { return nil }
    return UInt64(word)
  }
}
