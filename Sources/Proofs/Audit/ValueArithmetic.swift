import Emu
import MachineCode

/// What instructions that compute leave in registers and flags.
extension ValueAnalysis {
  func value(_ operand: Operand, _ state: CoreState) -> ValueRange {
    guard let register = operand.register else { return .constant(operand.constant) }
    let value = state.registers[Int(register)]
    let amount = UInt64(operand.amount)
    if amount == 0 { return value }
    // Shifts of operands are Arm's.
    switch operand.shift {
    case .left: return amount < 32 ? value.shiftedLeft(amount, 32) : .constant(0)
    case .right: return amount < 32 ? value.shiftedRight(amount) : .constant(0)
    case .signedRight: return value.shiftedRightSigned(min(amount, 31), 32)
    case .rotate:
      guard let word = value.constant else { return .all(32) }
      let low = word & 0xFFFF_FFFF
      return .constant((low >> amount | low << (32 - amount)) & 0xFFFF_FFFF)
    }
  }

  func compute(
    _ how: Arithmetic, _ left: Operand, _ right: Operand, isWord: Bool, _ state: CoreState
  ) -> ValueRange {
    let (one, two) = (value(left, state), value(right, state))
    if program.machine == .arm { return compute(how, one, two, 32) }
    if isWord { return compute(how, one.word, two.word, 32).signExtended(from: 32) }
    return compute(how, one, two, 64)
  }

  private func compute(
    _ how: Arithmetic, _ one: ValueRange, _ two: ValueRange, _ width: UInt8
  ) -> ValueRange {
    switch how {
    case .add: return one.adding(two, width)
    case .subtract: return one.subtracting(two, width)
    case .and: return one.and(two, width)
    case .or: return one.or(two, width)
    case .xor: return one.xor(two, width)
    case .clear:
      guard let mask = two.constant else { return .all(width).and(one, width) }
      return one.and(.constant(~mask & ValueRange.mask(width)), width)
    case .multiply: return one.multiplied(by: two, width)
    case .less, .lessUnsigned: return ValueRange(0, 1) ?? .all(width)
    case .shiftLeft, .shiftRight, .shiftRightSigned: return shift(how, one, two, width)
    }
  }

  /// RISC-V takes the low bits of the amount, Arm its low byte.
  private func shift(
    _ how: Arithmetic, _ one: ValueRange, _ two: ValueRange, _ width: UInt8
  ) -> ValueRange {
    let isArm = program.machine == .arm
    let amounts = two.and(.constant(isArm ? 255 : UInt64(width - 1)), 64)
    guard let amount = amounts.constant else {
      guard how == .shiftRight, amounts.high < UInt64(width) else { return .all(width) }
      return one.shiftedRight(by: amounts)
    }
    switch how {
    case .shiftLeft: return amount < UInt64(width) ? one.shiftedLeft(amount, width) : .constant(0)
    case .shiftRight: return amount < UInt64(width) ? one.shiftedRight(amount) : .constant(0)
    default: return one.shiftedRightSigned(min(amount, UInt64(width - 1)), width)
    }
  }

  func assign(
    _ rd: RegisterNumber, _ value: ValueRange, _ how: Arithmetic, _ left: Operand,
    _ right: Operand, isWord: Bool, setsFlags: Bool, _ state: inout CoreState,
    _ site: UInt64
  ) {
    // A stack pointer of Arm's is a multiple of four, whatever is written to it; the flags are of what is written.
    let isStack = program.machine == .arm && rd == 13
    if setsFlags {
      if how == .subtract {
        compare(left, right, isStack ? nil : rd, &state, site)
      } else {
        state.flags = CoreState.Flags(result: isStack ? nil : rd)
      }
    }
    let flags = state.flags
    let value = isStack ? value.and(.constant(0xFFFF_FFFC), 32) : value
    state.set(rd, value, isStack ? nil : source(how, left, right, isWord: isWord))
    // Flags of a result hold for what was just written.
    if setsFlags, let flags, flags.result == rd {
      var kept = state.flags ?? flags
      kept.result = rd
      state.flags = kept
    }
  }

  /// A copy, or a shift to the right: what is learnt of it holds for where it came from.
  private func source(
    _ how: Arithmetic, _ left: Operand, _ right: Operand, isWord: Bool
  ) -> CoreState.Source? {
    switch how {
    case .add where !isWord:
      if left.register == nil && left.constant == 0 { return source(right) }
      if right.register == nil && right.constant == 0 { return source(left) }
      // RISC-V's x0.
      if program.machine == .riscv64 && left.register == 0 { return source(right) }
      if program.machine == .riscv64 && right.register == 0 { return source(left) }
      return nil
    case .shiftRight:
      guard let register = left.register, right.register == nil, left.amount == 0,
        1..<(isWord || program.machine == .arm ? 32 : 64) ~= right.constant
      else { return nil }
      return .init(register: register, shift: UInt8(right.constant), isWord: isWord)
    default: return nil
    }
  }

  private func source(_ operand: Operand) -> CoreState.Source? {
    guard let register = operand.register, !(program.machine == .riscv64 && register == 0) else {
      return nil
    }
    if operand.amount == 0 { return .init(register: register, shift: 0) }
    guard operand.shift == .right, operand.amount < 32 else { return nil }
    return .init(register: register, shift: operand.amount)
  }

  /// Arm's flags of a difference; `result` is where it goes, if anywhere.
  func compare(
    _ left: Operand, _ right: Operand, _ result: RegisterNumber?, _ state: inout CoreState,
    _ site: UInt64
  ) {
    let (one, two) = (value(left, state), value(right, state))
    bound(
      site, (one, left.shift == .right ? left.amount : 0),
      (two, right.shift == .right ? right.amount : 0))
    state.flags = CoreState.Flags(
      left: one, right: two, leftSource: source(left), rightSource: source(right),
      result: result)
  }
}
