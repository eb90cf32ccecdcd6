import Emu
import MachineCode

/// What is known of a core and of memory at one point of a program, whatever way led there.
struct CoreState: Hashable, Sendable {
  var registers: [ValueRange]
  /// Registers whose values follow from another's.
  private var sources: [Source?]
  var flags: Flags?
  /// Memory with known contents, by address; no two overlap.
  private(set) var cells: [UInt64: Cell] = [:]
  let width: UInt8

  /// `value == register >> shift`, as long as nothing is written to it.
  struct Source: Hashable {
    var register: RegisterNumber
    var shift: UInt8
    /// The lower 32 bits of the register only.
    var isWord = false
  }

  struct Cell: Hashable {
    let size: UInt8
    var value: ValueRange
  }

  /// Of an Arm core: they come from a difference, from a result, or from both.
  struct Flags: Hashable {
    var left: ValueRange?
    var right: ValueRange?
    var leftSource: Source?
    var rightSource: Source?
    /// It is 0 where Z is set.
    var result: RegisterNumber?
  }

  init(_ machine: Image.Machine) {
    width = machine == .arm ? 32 : 64
    registers = [ValueRange](repeating: .all(width), count: 32)
    sources = [Source?](repeating: nil, count: 32)
    if machine == .riscv64 { registers[0] = .constant(0) }
    // The register that Arm has not: CBZ compares with it.
    if machine == .arm { registers[Int(Operation.zero)] = .constant(0) }
  }

  // MARK: Registers

  mutating func set(_ number: RegisterNumber, _ value: ValueRange, _ source: Source? = nil) {
    if width == 64 && number == 0 { return }
    for index in sources.indices where sources[index]?.register == number { sources[index] = nil }
    if flags?.leftSource?.register == number { flags?.leftSource = nil }
    if flags?.rightSource?.register == number { flags?.rightSource = nil }
    if flags?.result == number { flags?.result = nil }
    registers[Int(number)] = value
    sources[Int(number)] = source?.register == number ? nil : source
  }

  mutating func forget(_ number: RegisterNumber) { set(number, .all(width)) }

  func source(_ number: RegisterNumber) -> Source? { sources[Int(number)] }

  /// A register is known to be in a range; false: that cannot be.
  private mutating func narrow(_ number: RegisterNumber, to range: ValueRange) -> Bool {
    guard let value = registers[Int(number)].within(range) else { return false }
    registers[Int(number)] = value
    return sources[Int(number)].map { narrow($0, to: value) } ?? true
  }

  private mutating func narrow(_ source: Source, to range: ValueRange) -> Bool {
    let value = registers[Int(source.register)]
    // Of a word only where the register is no more than that.
    if source.isWord && value.high > 0xFFFF_FFFF { return true }
    let shift = UInt64(source.shift)
    let top = range.high.leadingZeroBitCount >= Int(shift) ? range.high << shift : .max
    let last = top == .max ? .max : top | ValueRange.mask(source.shift)
    let first = range.low.leadingZeroBitCount >= Int(shift) ? range.low << shift : 0
    guard let narrowed = value.within(first, last) else { return false }
    registers[Int(source.register)] = narrowed
    return true
  }

  // MARK: Comparisons

  /// - Returns: false where it cannot be so.
  mutating func assume(
    _ comparison: Comparison, _ left: RegisterNumber, _ right: RegisterNumber
  ) -> Bool {
    guard
      let (one, two) = Self.assuming(
        comparison, registers[Int(left)], registers[Int(right)], width)
    else { return false }
    return narrow(left, to: one) && narrow(right, to: two)
  }

  /// Of an Arm core.
  mutating func assume(_ condition: Condition) -> Bool {
    guard let flags, condition != .always else { return true }
    if let result = flags.result, condition.code < 2 {
      let value = registers[Int(result)]
      guard let range = condition.code == 0 ? value.within(.constant(0)) : value.without(0),
        narrow(result, to: range)
      else { return false }
    }
    guard let left = flags.left, let right = flags.right else { return true }
    let (comparison, isSwapped): (Comparison, Bool)
    switch condition.code {
    case 0: (comparison, isSwapped) = (.equal, false)
    case 1: (comparison, isSwapped) = (.notEqual, false)
    case 2: (comparison, isSwapped) = (.greaterOrEqualUnsigned, false)
    case 3: (comparison, isSwapped) = (.lessUnsigned, false)
    case 8: (comparison, isSwapped) = (.lessUnsigned, true)
    case 9: (comparison, isSwapped) = (.greaterOrEqualUnsigned, true)
    case 10: (comparison, isSwapped) = (.greaterOrEqual, false)
    case 11: (comparison, isSwapped) = (.less, false)
    case 12: (comparison, isSwapped) = (.less, true)
    case 13: (comparison, isSwapped) = (.greaterOrEqual, true)
    default: return true
    }
    guard
      let (one, two) = Self.assuming(
        comparison, isSwapped ? right : left, isSwapped ? left : right, width)
    else { return false }
    let (newLeft, newRight) = isSwapped ? (two, one) : (one, two)
    self.flags?.left = newLeft
    self.flags?.right = newRight
    return (flags.leftSource.map { narrow($0, to: newLeft) } ?? true)
      && (flags.rightSource.map { narrow($0, to: newRight) } ?? true)
  }

  /// Both sides where the comparison holds; nil: it cannot.
  private static func assuming(
    _ comparison: Comparison, _ left: ValueRange, _ right: ValueRange, _ width: UInt8
  ) -> (ValueRange, ValueRange)? {
    switch comparison {
    case .equal:
      guard let both = left.within(right), let same = right.within(left) else { return nil }
      return (both, same)
    case .notEqual:
      let one = right.constant.map { left.without($0) } ?? left
      let two = left.constant.map { right.without($0) } ?? right
      guard let one, let two else { return nil }
      return (one, two)
    case .lessUnsigned:
      guard right.high > 0, left.low < .max, let one = left.within(0, right.high - 1),
        let two = right.within(left.low + 1, .max)
      else { return nil }
      return (one, two)
    case .greaterOrEqualUnsigned:
      guard let one = left.within(right.low, .max), let two = right.within(0, left.high) else {
        return nil
      }
      return (one, two)
    case .less, .greaterOrEqual:
      let largest = ValueRange.mask(width - 1)
      // Where neither is negative it is the unsigned comparison.
      if left.high <= largest, right.high <= largest {
        return assuming(
          comparison == .less ? .lessUnsigned : .greaterOrEqualUnsigned, left, right, width)
      }
      if comparison == .greaterOrEqual, right.high <= largest {
        guard let one = left.within(right.low, largest) else { return nil }
        return (one, right)
      }
      return (left, right)
    }
  }

  // MARK: Memory

  mutating func store(_ value: ValueRange?, at address: UInt64, size: UInt8) {
    forget(address, through: address &+ UInt64(size - 1))
    if let value { cells[address] = Cell(size: size, value: value) }
  }

  /// Somewhere in this stretch something was stored.
  mutating func forget(_ first: UInt64, through last: UInt64) {
    if cells.isEmpty { return }
    if last &- first < 16 {
      // A cell has eight bytes at most.
      for offset in 0..<(last - first + 8) {
        let start = first &+ offset &- 7
        if let cell = cells[start], start <= last, start &+ UInt64(cell.size - 1) >= first {
          cells[start] = nil
        }
      }
      return
    }
    cells = cells.filter { $0.key > last || $0.key &+ UInt64($0.value.size - 1) < first }
  }

  func cell(at address: UInt64, size: UInt8) -> ValueRange? {
    cells[address].flatMap { $0.size == size ? $0.value : nil }
  }

  /// Whether something is known of a part of it.
  func hasCell(overlapping address: UInt64, size: UInt8) -> Bool {
    (0..<UInt64(size) + 7).contains { offset in
      let start = address &+ offset &- 7
      return cells[start].map {
        start <= address &+ UInt64(size - 1) && start &+ UInt64($0.size - 1) >= address
      }
        ?? false
    }
  }

  // MARK: Joining

  /// What holds on both ways; with `limits`, bounds that moved go on to the next of them.
  func joined(_ other: CoreState, widening limits: [UInt64]?) -> CoreState {
    var state = self
    func join(_ old: ValueRange, _ new: ValueRange) -> ValueRange {
      let both = old.joined(new)
      return limits.map { both.widened(from: old, $0, width) } ?? both
    }
    for index in registers.indices {
      state.registers[index] = join(registers[index], other.registers[index])
      if sources[index] != other.sources[index] { state.sources[index] = nil }
    }
    if let one = flags, let two = other.flags, one.leftSource == two.leftSource,
      one.rightSource == two.rightSource, one.result == two.result
    {
      state.flags?.left = one.left.flatMap { left in two.left.map { join(left, $0) } }
      state.flags?.right = one.right.flatMap { right in two.right.map { join(right, $0) } }
    } else {
      state.flags = nil
    }
    var both: [UInt64: Cell] = [:]
    for (address, cell) in cells {
      guard let there = other.cells[address], there.size == cell.size else { continue }
      both[address] = Cell(size: cell.size, value: join(cell.value, there.value))
    }
    state.cells = both
    return state
  }
}
