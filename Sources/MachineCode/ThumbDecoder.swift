/// Thumb-2 as a Cortex-M4F has it, by the Armv7-M ARM (DDI 0403E.e), chapter A5. What is UNDEFINED
/// or UNPREDICTABLE there is undecodable here, as far as single encodings say so.
public struct ThumbDecoder: Sendable {
  public init() {}

  /// The flags, among registers by bits.
  static let flags: UInt32 = 1 << 16

  package static func isWide(_ half: UInt32) -> Bool { half >> 11 & 31 >= 0b11101 }

  /// - Parameters:
  ///   - word: four bytes from the address on; of a 16-bit instruction the lower two count.
  ///   - condition: of its place in an IT block; nil: it is in none.
  public func decode(
    _ word: UInt32, at address: UInt64, inBlock condition: Condition? = nil
  ) -> Instruction {
    let isWide = Self.isWide(word)
    var decoding = Decoding(address: address, isInBlock: condition != nil)
    let (one, two) = (word & 0xFFFF, word >> 16)
    let operation = isWide ? decoding.wide(one, two) : decoding.narrow(one)
    // BKPT is carried out whatever its block says (A7.7.17), CPS by cores that do not mind its being there.
    let isAlways = one >> 8 == 0xBE || one >> 5 == 0xB660 >> 5
    return Instruction(
      address: address, size: isWide ? 4 : 2, operation: operation,
      condition: isAlways ? .always : condition ?? decoding.condition,
      encoding: isWide ? word : one)
  }

  struct Decoding {
    let address: UInt64
    let isInBlock: Bool
    /// Of a conditional branch.
    var condition = Condition.always
  }
}

extension ThumbDecoder.Decoding {
  var pc: UInt64 { address &+ 4 }

  /// What an instruction that computes reads of a register.
  func operand(_ number: UInt32) -> Operand {
    number == 15 ? .constant(pc & 0xFFFF_FFFF) : .register(UInt8(number))
  }

  func offset(_ value: UInt32, isUp: Bool = true) -> Operand {
    .constant(isUp ? UInt64(value) : UInt64(0 &- value))
  }

  /// A target in 32 bits.
  func target(_ offset: UInt32) -> UInt64 { (pc &+ UInt64(offset)) & 0xFFFF_FFFF }

  func signed(_ value: UInt32, _ bits: UInt32) -> UInt32 {
    UInt32(bitPattern: Int32(bitPattern: value << (32 - bits)) >> Int32(32 - bits))
  }

  /// A destination that may be the PC of no instruction but a few.
  func set(
    _ rd: UInt32, _ how: Arithmetic, _ left: Operand, _ right: Operand, flags: Bool
  ) -> Operation {
    .set(UInt8(rd), how, left, right, isWord: false, setsFlags: flags)
  }

  func clobber(_ rd: UInt32, flags: Bool) -> Operation {
    .clobber(1 << rd | (flags ? ThumbDecoder.flags : 0))
  }

  // MARK: 16 bits (A5.2)

  mutating func narrow(_ half: UInt32) -> Operation {
    let (low, middle, high) = (half & 7, half >> 3 & 7, half >> 6 & 7)
    let flags = !isInBlock
    switch half >> 12 {
    case 0, 1: return shiftAddSubtract(half, flags)
    case 2, 3:
      let (rd, value) = (half >> 8 & 7, Operand.constant(UInt64(half & 255)))
      switch half >> 11 & 3 {
      case 0: return set(rd, .add, .constant(0), value, flags: flags)
      case 1: return .compare(operand(rd), value)
      case 2: return set(rd, .add, operand(rd), value, flags: flags)
      default: return set(rd, .subtract, operand(rd), value, flags: flags)
      }
    case 4:
      if half >> 11 & 1 == 1 {
        let access = MemoryAccess(
          base: 15, offset: offset((half & 255) * 4), size: 4, isPCRelative: true)
        return .load(UInt8(half >> 8 & 7), access)
      }
      return half >> 10 & 1 == 0 ? dataProcessing(half, flags) : highRegisters(half)
    case 5:
      let size = [4, 2, 1, 1, 4, 2, 1, 2][Int(half >> 9 & 7)] as UInt8
      var access = MemoryAccess(
        base: UInt8(middle), offset: .register(UInt8(high)), size: size)
      access.isSigned = half >> 9 & 3 == 3
      return half >> 9 & 7 < 3
        ? .store(.register(UInt8(low)), access) : .load(UInt8(low), access)
    case 6, 7, 8:
      let size: UInt8 = half >> 12 == 6 ? 4 : half >> 12 == 7 ? 1 : 2
      let value = (half >> 6 & 31) * UInt32(size)
      let access = MemoryAccess(base: UInt8(middle), offset: offset(value), size: size)
      return half >> 11 & 1 == 0
        ? .store(.register(UInt8(low)), access) : .load(UInt8(low), access)
    case 9:
      let access = MemoryAccess(base: 13, offset: offset((half & 255) * 4), size: 4)
      let register = UInt8(half >> 8 & 7)
      return half >> 11 & 1 == 0 ? .store(.register(register), access) : .load(register, access)
    case 10:
      let value = Operand.constant(UInt64(half & 255) * 4)
      let base = half >> 11 & 1 == 0 ? Operand.constant(pc & 0xFFFF_FFFC) : .register(13)
      return set(half >> 8 & 7, .add, base, value, flags: false)
    case 11: return miscellaneous(half)
    case 12:
      let (base, list) = (UInt8(half >> 8 & 7), UInt16(half & 255))
      if list == 0 { return .undecodable }
      return half >> 11 & 1 == 0
        ? .storeMany(list, base: base, isDown: false, writesBack: true)
        : .loadMany(list, base: base, isDown: false, writesBack: list >> UInt16(base) & 1 == 0)
    case 13:
      switch half >> 8 & 15 {
      case 14: return .system(.undefined, clobbers: 0)
      case 15: return .system(.supervisorCall, clobbers: 0x1100F)
      case let code:
        if isInBlock { return .undecodable }
        condition = Condition(code: UInt8(code))
        return .jump(to: target(signed((half & 255) * 2, 9)))
      }
    case 14: return .jump(to: target(signed((half & 0x7FF) * 2, 12)))
    default: return .undecodable
    }
  }

  private func shiftAddSubtract(_ half: UInt32, _ flags: Bool) -> Operation {
    let (rd, rn, rm) = (half & 7, half >> 3 & 7, half >> 6 & 7)
    let amount = UInt8(half >> 6 & 31)
    func shifted(_ shift: Operand.Shift, _ amount: UInt8) -> Operation {
      let source = Operand(register: UInt8(rn), shift: shift, amount: amount)
      return set(rd, .add, .constant(0), source, flags: flags)
    }
    switch half >> 11 & 3 {
    case 0: return shifted(.left, amount)
    case 1: return shifted(.right, amount == 0 ? 32 : amount)
    case 2: return shifted(.signedRight, amount == 0 ? 32 : amount)
    default:
      let right = half >> 10 & 1 == 0 ? operand(rm) : .constant(UInt64(rm))
      return set(rd, half >> 9 & 1 == 0 ? .add : .subtract, operand(rn), right, flags: flags)
    }
  }

  private func dataProcessing(_ half: UInt32, _ flags: Bool) -> Operation {
    let (rd, rm) = (half & 7, half >> 3 & 7)
    let (left, right) = (operand(rd), operand(rm))
    switch half >> 6 & 15 {
    case 0: return set(rd, .and, left, right, flags: flags)
    case 1: return set(rd, .xor, left, right, flags: flags)
    case 2: return set(rd, .shiftLeft, left, right, flags: flags)
    case 3: return set(rd, .shiftRight, left, right, flags: flags)
    case 4: return set(rd, .shiftRightSigned, left, right, flags: flags)
    case 5, 6, 7: return clobber(rd, flags: flags)
    case 8, 11: return .clobber(ThumbDecoder.flags)
    case 9: return set(rd, .subtract, .constant(0), right, flags: flags)
    case 10: return .compare(left, right)
    case 12: return set(rd, .or, left, right, flags: flags)
    case 13: return set(rd, .multiply, left, right, flags: flags)
    case 14: return set(rd, .clear, left, right, flags: flags)
    default: return set(rd, .xor, right, .constant(0xFFFF_FFFF), flags: flags)
    }
  }

  private func highRegisters(_ half: UInt32) -> Operation {
    let (rd, rm) = (half >> 4 & 8 | half & 7, half >> 3 & 15)
    switch half >> 8 & 3 {
    case 0:
      return rd == 15 && rm == 15
        ? .undecodable : set(rd, .add, operand(rd), operand(rm), flags: false)
    case 1: return rd == 15 || rm == 15 ? .undecodable : .compare(operand(rd), operand(rm))
    case 2: return set(rd, .add, .constant(0), operand(rm), flags: false)
    default:
      if half & 7 != 0 { return .undecodable }
      let link: UInt8? = half >> 7 & 1 == 1 ? 14 : nil
      // To Arm state, which there is none of.
      if rm == 15 { return .undecodable }
      return .indirect(UInt8(rm), offset: 0, link: link)
    }
  }

  private func miscellaneous(_ half: UInt32) -> Operation {
    let (low, middle) = (half & 7, half >> 3 & 7)
    switch half >> 8 & 15 {
    case 0:
      let value = Operand.constant(UInt64(half & 127) * 4)
      return set(
        13, half >> 7 & 1 == 0 ? .add : .subtract, .register(13), value, flags: false)
    case 1, 3, 9, 11:
      if isInBlock { return .undecodable }
      let offset = (half >> 9 & 1) << 6 | (half >> 3 & 31) << 1
      let comparison = half >> 11 & 1 == 0 ? Comparison.equal : .notEqual
      return .branch(comparison, UInt8(low), Operation.zero, to: target(offset))
    case 2:
      switch half >> 6 & 3 {
      case 2: return set(low, .and, operand(middle), .constant(0xFFFF), flags: false)
      case 3: return set(low, .and, operand(middle), .constant(0xFF), flags: false)
      default: return clobber(low, flags: false)
      }
    case 4, 5:
      let list = UInt16(half & 255 | (half >> 8 & 1) << 14)
      return list == 0
        ? .undecodable : .storeMany(list, base: 13, isDown: true, writesBack: true)
    case 6:
      if half & 0xFFEC != 0xB660 || half & 3 == 0 || isInBlock { return .undecodable }
      // To mask interrupts brings nothing about.
      return .system(half >> 4 & 1 == 1 ? .harmless : .interruptMask, clobbers: 0)
    case 10: return half >> 6 & 3 == 2 ? .undecodable : clobber(low, flags: false)
    case 12, 13:
      let list = UInt16(half & 255 | (half >> 8 & 1) << 15)
      return list == 0
        ? .undecodable : .loadMany(list, base: 13, isDown: false, writesBack: true)
    case 14: return .system(.breakpoint, clobbers: 0x1100F)
    case 15:
      if half & 15 != 0 { return ifThen(half) }
      switch half >> 4 & 15 {
      case 2, 3: return .system(.wait, clobbers: 0)
      case 0, 1, 4: return .system(.harmless, clobbers: 0)
      // Unallocated hints are NOPs.
      default: return .system(.harmless, clobbers: 0)
      }
    default: return .undecodable
    }
  }

  private func ifThen(_ half: UInt32) -> Operation {
    let (first, mask) = (UInt8(half >> 4 & 15), UInt8(half & 15))
    if isInBlock || first == 15 || first == 14 && mask.nonzeroBitCount != 1 { return .undecodable }
    let count = 4 - mask.trailingZeroBitCount
    var conditions = [Condition(code: first)]
    for place in 1..<max(1, count) {
      let low = mask >> UInt8(4 - place) & 1
      conditions.append(Condition(code: first & 14 | low))
    }
    return .ifThen(conditions)
  }
}

extension Operation {
  /// A register of Arm's that is none: what CBZ compares with.
  package static let zero: RegisterNumber = 31
}
