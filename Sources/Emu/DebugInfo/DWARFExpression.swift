import CElf

/// The part of DWARF's stack machine that call frame information uses: sums of registers, the
/// CFA and constants, and loads.
struct DWARFExpression {
  private let operations: UnsafeBufferPointer<Dwarf_Op>

  init(_ start: UnsafeMutablePointer<Dwarf_Op>?, _ count: Int) {
    operations = UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)
  }

  private enum Result {
    case address(UInt64)
    case value(UInt64)
  }

  /// What an expression for an address amounts to.
  func address(
    in frame: Unwinder.Frame, _ cfa: UInt64?, _ read: (UInt64) -> UInt64?
  ) -> UInt64? {
    switch evaluate(frame, cfa, read) {
    case .address(let address), .value(let address): address
    case nil: nil
    }
  }

  /// What a location description leads to.
  func value(
    in frame: Unwinder.Frame, _ cfa: UInt64?, _ read: (UInt64) -> UInt64?
  ) -> UInt64? {
    switch evaluate(frame, cfa, read) {
    case .address(let address): read(address)
    case .value(let value): value
    case nil: nil
    }
  }

  /// nil for an operation or a register that is not known; there are no branches, so it ends.
  private func evaluate(
    _ frame: Unwinder.Frame, _ cfa: UInt64?, _ read: (UInt64) -> UInt64?
  ) -> Result? {
    func register(_ number: UInt64) -> UInt64? {
      frame.registers.indices.contains(Int(clamping: number)) ? frame.registers[Int(number)] : nil
    }
    var stack: [UInt64] = []
    for operation in operations {
      let atom = Int(operation.atom)
      let number = UInt64(operation.number)
      switch atom {
      case Int(DW_OP_call_frame_cfa):
        guard let cfa else { return nil }
        stack.append(cfa)
      case Int(DW_OP_reg0)...Int(DW_OP_reg31):
        return register(UInt64(atom - Int(DW_OP_reg0))).map(Result.value)
      case Int(DW_OP_regx):
        return register(number).map(Result.value)
      case Int(DW_OP_breg0)...Int(DW_OP_breg31):
        guard let base = register(UInt64(atom - Int(DW_OP_breg0))) else { return nil }
        stack.append(base &+ number)
      case Int(DW_OP_bregx):
        guard let base = register(number) else { return nil }
        stack.append(base &+ UInt64(operation.number2))
      case Int(DW_OP_lit0)...Int(DW_OP_lit31):
        stack.append(UInt64(atom - Int(DW_OP_lit0)))
      case Int(DW_OP_const1u)...Int(DW_OP_consts):
        stack.append(number)
      case Int(DW_OP_plus_uconst):
        guard let top = stack.popLast() else { return nil }
        stack.append(top &+ number)
      case Int(DW_OP_deref):
        guard let top = stack.popLast(), let word = read(top) else { return nil }
        stack.append(word)
      case Int(DW_OP_plus), Int(DW_OP_minus), Int(DW_OP_and):
        guard let right = stack.popLast(), let left = stack.popLast() else { return nil }
        stack.append(
          atom == Int(DW_OP_plus)
            ? left &+ right : atom == Int(DW_OP_minus) ? left &- right : left & right)
      case Int(DW_OP_stack_value):
        return stack.last.map(Result.value)
      default:
        return nil
      }
    }
    return stack.last.map(Result.address)
  }
}
