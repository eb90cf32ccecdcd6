import CElf

/// DWARF's stack machine (DWARF 5, 2.5 and 2.6), as far as call frames, variables and parameters of compiled code use it; no
/// branches, so it ends.
struct DWARFExpression {
  private let operations: UnsafeBufferPointer<Dwarf_Op>

  init(_ start: UnsafeMutablePointer<Dwarf_Op>?, _ count: Int) {
    operations = UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)
  }

  /// What an expression may ask for.
  struct Surroundings {
    var frame: Unwinder.Frame
    /// Of the call frame.
    var cfa: UInt64?
    /// What the function's variables are counted from.
    var base: UInt64?
    var read: (UInt64) -> UInt64?
    /// An address or the bytes that an operation has beside its numbers; nil: it has none.
    var address: (UnsafePointer<Dwarf_Op>) -> UInt64? = { _ in nil }
    var block: (UnsafePointer<Dwarf_Op>) -> [UInt8]? = { _ in nil }
  }

  /// What an expression for an address amounts to.
  func address(in surroundings: Surroundings) -> UInt64? {
    switch evaluate(surroundings) {
    case .memory(let address): address
    case .register(let number): Self.register(number, surroundings)
    case .value(let value): value
    case .bytes, nil: nil
    }
  }

  /// What a location description leads to.
  func value(in surroundings: Surroundings) -> UInt64? {
    switch evaluate(surroundings) {
    case .memory(let address): surroundings.read(address)
    case .register(let number): Self.register(number, surroundings)
    case .value(let value): value
    case .bytes, nil: nil
    }
  }

  /// Where the bytes of a variable are; nil: by an operation that is not known, or by a register that is not.
  func pieces(size: UInt64, in surroundings: Surroundings) -> [DebugInfo.Local.Piece]? {
    var pieces: [DebugInfo.Local.Piece] = []
    var start = 0
    for (number, operation) in operations.enumerated() {
      guard let size = Self.pieceSize(operation) else { continue }
      let part = Self(rebasing: operations[start..<number])
      let place = part.operations.isEmpty ? .nowhere : part.place(surroundings)
      guard let place else { return nil }
      pieces.append(.init(place: place, size: size))
      start = number + 1
    }
    if start == operations.count && start > 0 { return pieces }
    return Self(rebasing: operations[start...]).place(surroundings).map {
      pieces + [.init(place: $0, size: size)]
    }
  }

  private init(rebasing operations: Slice<UnsafeBufferPointer<Dwarf_Op>>) {
    self.operations = UnsafeBufferPointer(rebasing: operations)
  }

  /// In bytes; of a register, from its first bit on.
  private static func pieceSize(_ operation: Dwarf_Op) -> UInt64? {
    switch Int(operation.atom) {
    case Int(DW_OP_piece): min(UInt64(operation.number), VariableType.mostBytes)
    case Int(DW_OP_bit_piece) where operation.number % 8 == 0 && operation.number2 == 0:
      min(UInt64(operation.number) / 8, VariableType.mostBytes)
    default: nil
    }
  }

  private func place(_ surroundings: Surroundings) -> DebugInfo.Local.Piece.Place? {
    switch evaluate(surroundings) {
    case .memory(let address): .memory(address)
    case .register(let number): .register(Int(clamping: number), byte: 0)
    case .value(let value): .value((0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
    case .bytes(let bytes): .value(bytes)
    case nil: nil
    }
  }

  private enum Result {
    case memory(UInt64)
    case register(UInt64)
    case value(UInt64)
    case bytes([UInt8])
  }

  private static func register(_ number: UInt64, _ surroundings: Surroundings) -> UInt64? {
    let registers = surroundings.frame.registers
    return registers.indices.contains(Int(clamping: number)) ? registers[Int(number)] : nil
  }

  /// nil for an operation or a register that is not known.
  private func evaluate(_ surroundings: Surroundings) -> Result? {
    var stack: [UInt64] = []
    for place in operations.indices {
      let operation = operations[place]
      let atom = Int(operation.atom)
      let number = UInt64(operation.number)
      switch atom {
      case Int(DW_OP_reg0)...Int(DW_OP_reg31): return .register(UInt64(atom - Int(DW_OP_reg0)))
      case Int(DW_OP_regx): return .register(number)
      case Int(DW_OP_stack_value): return stack.last.map(Result.value)
      case Int(DW_OP_implicit_value):
        return operations.baseAddress.flatMap { surroundings.block($0 + place) }.map(Result.bytes)
      case Int(DW_OP_addr): stack.append(number)
      case Int(DW_OP_addrx):
        guard let address = operations.baseAddress.flatMap({ surroundings.address($0 + place) })
        else { return nil }
        stack.append(address)
      case Int(DW_OP_call_frame_cfa):
        guard let cfa = surroundings.cfa else { return nil }
        stack.append(cfa)
      case Int(DW_OP_fbreg):
        guard let base = surroundings.base else { return nil }
        stack.append(base &+ number)
      case Int(DW_OP_breg0)...Int(DW_OP_breg31):
        guard let base = Self.register(UInt64(atom - Int(DW_OP_breg0)), surroundings) else {
          return nil
        }
        stack.append(base &+ number)
      case Int(DW_OP_bregx):
        guard let base = Self.register(number, surroundings) else { return nil }
        stack.append(base &+ UInt64(operation.number2))
      case Int(DW_OP_lit0)...Int(DW_OP_lit31): stack.append(UInt64(atom - Int(DW_OP_lit0)))
      case Int(DW_OP_const1u)...Int(DW_OP_consts): stack.append(number)
      case Int(DW_OP_nop): continue
      default:
        guard Self.compute(atom, number, &stack, surroundings.read) else { return nil }
      }
    }
    return stack.last.map(Result.memory)
  }

  /// False: not known, or too little on the stack.
  private static func compute(
    _ atom: Int, _ number: UInt64, _ stack: inout [UInt64], _ read: (UInt64) -> UInt64?
  ) -> Bool {
    guard let top = stack.popLast() else { return false }
    switch atom {
    case Int(DW_OP_dup): stack += [top, top]
    case Int(DW_OP_drop): break
    case Int(DW_OP_neg): stack.append(0 &- top)
    case Int(DW_OP_not): stack.append(~top)
    case Int(DW_OP_plus_uconst): stack.append(top &+ number)
    case Int(DW_OP_deref), Int(DW_OP_deref_size):
      guard let word = read(top) else { return false }
      let bits = atom == Int(DW_OP_deref) ? 64 : min(number, 8) * 8
      stack.append(bits < 64 ? word & (1 << bits - 1) : word)
    default:
      guard let left = stack.popLast() else { return false }
      switch atom {
      case Int(DW_OP_over): stack += [left, top, left]
      case Int(DW_OP_swap): stack += [top, left]
      case Int(DW_OP_plus): stack.append(left &+ top)
      case Int(DW_OP_minus): stack.append(left &- top)
      case Int(DW_OP_mul): stack.append(left &* top)
      case Int(DW_OP_and): stack.append(left & top)
      case Int(DW_OP_or): stack.append(left | top)
      case Int(DW_OP_xor): stack.append(left ^ top)
      case Int(DW_OP_shl): stack.append(left << top)
      case Int(DW_OP_shr): stack.append(left >> top)
      case Int(DW_OP_shra):
        stack.append(UInt64(bitPattern: Int64(bitPattern: left) >> Int64(clamping: top)))
      default: return false
      }
    }
    return true
  }
}
