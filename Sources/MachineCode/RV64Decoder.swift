/// RV64GC with Zicsr and Zifencei, by the RISC-V Unprivileged ISA (20191213), chapter 24, and the
/// Privileged one (20211203), chapter 9.
public struct RV64Decoder: Sendable {
  public init() {}

  /// - Parameters:
  ///   - word: four bytes from the address on; of a compressed instruction the lower two count.
  public func decode(_ word: UInt32, at address: UInt64) -> Instruction {
    if word & 3 == 3 {
      return Instruction(
        address: address, size: 4, operation: full(word, address), encoding: word)
    }
    let parcel = word & 0xFFFF
    // C.UNIMP: defined to be illegal.
    if parcel == 0 {
      return Instruction(
        address: address, size: 2, operation: .system(.undefined, clobbers: 0), encoding: 0)
    }
    let operation = Self.expanded(parcel).map { full($0, address) } ?? .undecodable
    return Instruction(address: address, size: 2, operation: operation, encoding: parcel)
  }

  private func full(_ word: UInt32, _ address: UInt64) -> Operation {
    let fields = Fields(word)
    let (rd, rs1, rs2) = (fields.rd, fields.rs1, fields.rs2)
    switch word & 0x7F {
    case 0x37: return set(rd, .add, .register(0), .constant(fields.upper))
    case 0x17: return set(rd, .add, .constant(address), .constant(fields.upper))
    case 0x6F:
      let target = address &+ fields.jumpOffset
      return rd == 0 ? .jump(to: target) : .call(to: target, link: rd)
    case 0x67:
      guard fields.function == 0 else { return .undecodable }
      return .indirect(rs1, offset: fields.immediate, link: rd == 0 ? nil : rd)
    case 0x63:
      guard let comparison = Self.comparisons[Int(fields.function)] else { return .undecodable }
      return .branch(comparison, rs1, rs2, to: address &+ fields.branchOffset)
    case 0x03: return load(fields)
    case 0x23:
      guard fields.function < 4 else { return .undecodable }
      return .store(
        .register(rs2), access(fields, size: 1 << UInt8(fields.function), fields.storeOffset))
    case 0x13, 0x1B: return immediateArithmetic(fields, isWord: word & 8 != 0)
    case 0x33, 0x3B: return arithmetic(fields, isWord: word & 8 != 0)
    case 0x0F:
      // FENCE and FENCE.TSO; FENCE.I. What the manual reserves of them is not taken for one.
      let isFence = fields.function == 0 && [0, 8].contains(word >> 28) && rd == 0 && rs1 == 0
      return isFence || word == 0x0000_100F ? .system(.harmless, clobbers: 0) : .undecodable
    case 0x73: return system(fields)
    case 0x2F: return atomic(fields)
    case 0x07, 0x27:
      guard fields.function == 2 || fields.function == 3 else { return .undecodable }
      let isStore = word & 0x20 != 0
      return .accessFP(
        access(
          fields, size: 1 << UInt8(fields.function),
          isStore ? fields.storeOffset : fields.immediate), isStore: isStore, count: 1)
    case 0x43, 0x47, 0x4B, 0x4F:
      return word >> 25 & 3 < 2 && Self.isRounding(fields.function)
        ? .floatingPoint(clobbers: 0) : .undecodable
    case 0x53: return floatingPoint(fields)
    default: return .undecodable
    }
  }

  // MARK: Integers

  private func set(
    _ rd: RegisterNumber, _ how: Arithmetic, _ left: Operand, _ right: Operand,
    isWord: Bool = false
  ) -> Operation { .set(rd, how, left, right, isWord: isWord, setsFlags: false) }

  private func immediateArithmetic(_ fields: Fields, isWord: Bool) -> Operation {
    let source = Operand.register(fields.rs1)
    let value = Operand.constant(fields.immediate)
    // A word's shift has five bits of amount, a doubleword's six.
    let shift = Operand.constant(UInt64(fields.word >> 20 & (isWord ? 31 : 63)))
    let high = fields.word >> (isWord ? 25 : 26)
    let arithmetic: UInt32 = isWord ? 0x20 : 0x10
    switch (fields.function, isWord) {
    case (0, _): return set(fields.rd, .add, source, value, isWord: isWord)
    case (1, _) where high == 0: return set(fields.rd, .shiftLeft, source, shift, isWord: isWord)
    case (5, _) where high == 0: return set(fields.rd, .shiftRight, source, shift, isWord: isWord)
    case (5, _) where high == arithmetic:
      return set(fields.rd, .shiftRightSigned, source, shift, isWord: isWord)
    case (2, false): return set(fields.rd, .less, source, value)
    case (3, false): return set(fields.rd, .lessUnsigned, source, value)
    case (4, false): return set(fields.rd, .xor, source, value)
    case (6, false): return set(fields.rd, .or, source, value)
    case (7, false): return set(fields.rd, .and, source, value)
    default: return .undecodable
    }
  }

  private func arithmetic(_ fields: Fields, isWord: Bool) -> Operation {
    let (left, right) = (Operand.register(fields.rs1), Operand.register(fields.rs2))
    let how: Arithmetic? =
      switch (fields.word >> 25, fields.function, isWord) {
      case (0, 0, _): .add
      case (0x20, 0, _): .subtract
      case (0, 1, _): .shiftLeft
      case (0, 2, false): .less
      case (0, 3, false): .lessUnsigned
      case (0, 4, false): .xor
      case (0, 5, _): .shiftRight
      case (0x20, 5, _): .shiftRightSigned
      case (0, 6, false): .or
      case (0, 7, false): .and
      case (1, 0, _): .multiply
      default: nil
      }
    if let how { return set(fields.rd, how, left, right, isWord: isWord) }
    // MULH and its kin, DIV and REM, which never trap.
    guard fields.word >> 25 == 1, fields.function >= (isWord ? 4 : 1) else { return .undecodable }
    return .clobber(1 << UInt32(fields.rd))
  }

  private static let comparisons: [Comparison?] = [
    .equal, .notEqual, nil, nil, .less, .greaterOrEqual, .lessUnsigned, .greaterOrEqualUnsigned,
  ]

  // MARK: Memory

  private func access(_ fields: Fields, size: UInt8, _ offset: UInt64) -> MemoryAccess {
    MemoryAccess(base: fields.rs1, offset: .constant(offset), size: size, alignment: size)
  }

  private func load(_ fields: Fields) -> Operation {
    guard fields.function != 7 else { return .undecodable }
    var access = access(fields, size: 1 << UInt8(fields.function & 3), fields.immediate)
    access.isSigned = fields.function < 4
    return .load(fields.rd, access)
  }

  private func atomic(_ fields: Fields) -> Operation {
    guard fields.function == 2 || fields.function == 3 else { return .undecodable }
    let access = access(fields, size: 1 << UInt8(fields.function), 0)
    let rd = fields.rd == 0 ? nil : fields.rd
    switch fields.word >> 27 {
    case 2: return fields.rs2 == 0 ? .atomic(rd, access, reads: true, writes: false) : .undecodable
    case 3: return .atomic(rd, access, reads: false, writes: true)
    case 0, 1, 4, 8, 12, 16, 20, 24, 28: return .atomic(rd, access, reads: true, writes: true)
    default: return .undecodable
    }
  }

  // MARK: The rest

  private func system(_ fields: Fields) -> Operation {
    let rd: UInt32 = fields.rd == 0 ? 0 : 1 << UInt32(fields.rd)
    if fields.function != 0 {
      return fields.function == 4 ? .undecodable : .system(.controlRegister, clobbers: rd)
    }
    if fields.word >> 25 == 9 && fields.rd == 0 {
      return .system(.addressTranslation, clobbers: 0)
    }
    switch fields.word {
    // A call may answer in any register.
    case 0x0000_0073: return .system(.supervisorCall, clobbers: ~1)
    case 0x0010_0073: return .system(.breakpoint, clobbers: ~1)
    case 0x1020_0073, 0x3020_0073: return .system(.trapReturn, clobbers: 0)
    case 0x1050_0073: return .system(.wait, clobbers: 0)
    default: return .undecodable
    }
  }

  private static func isRounding(_ mode: UInt32) -> Bool { mode < 5 || mode == 7 }

  private func floatingPoint(_ fields: Fields) -> Operation {
    let format = fields.word >> 25 & 3
    guard format < 2 else { return .undecodable }
    let toInteger = Operation.floatingPoint(clobbers: fields.rd == 0 ? 0 : 1 << UInt32(fields.rd))
    let isRounded = Self.isRounding(fields.function)
    let isKnown: Bool
    switch fields.word >> 27 {
    case 0, 1, 2, 3: isKnown = isRounded
    case 0x0B: isKnown = isRounded && fields.rs2 == 0
    case 4: isKnown = fields.function < 3
    case 5: isKnown = fields.function < 2
    // Between the two formats.
    case 8: isKnown = isRounded && fields.rs2 == 1 - format
    case 0x14: return fields.function < 3 ? toInteger : .undecodable
    case 0x18: return isRounded && fields.rs2 < 4 ? toInteger : .undecodable
    case 0x1A: isKnown = isRounded && fields.rs2 < 4
    case 0x1C: return fields.rs2 == 0 && fields.function < 2 ? toInteger : .undecodable
    case 0x1E: isKnown = fields.rs2 == 0 && fields.function == 0
    default: isKnown = false
    }
    return isKnown ? .floatingPoint(clobbers: 0) : .undecodable
  }
}

extension RV64Decoder {
  /// The parts of a 32-bit encoding; immediates are sign-extended.
  private struct Fields {
    let word: UInt32
    init(_ word: UInt32) { self.word = word }

    var rd: RegisterNumber { RegisterNumber(word >> 7 & 31) }
    var rs1: RegisterNumber { RegisterNumber(word >> 15 & 31) }
    var rs2: RegisterNumber { RegisterNumber(word >> 20 & 31) }
    var function: UInt32 { word >> 12 & 7 }

    var immediate: UInt64 { extended(word >> 20, 12) }
    var storeOffset: UInt64 { extended((word >> 25) << 5 | word >> 7 & 31, 12) }
    var upper: UInt64 { extended(word & 0xFFFF_F000, 32) }
    var branchOffset: UInt64 {
      let high = (word >> 31) << 12 | (word >> 7 & 1) << 11
      return extended(high | (word >> 25 & 63) << 5 | (word >> 8 & 15) << 1, 13)
    }
    var jumpOffset: UInt64 {
      let high = (word >> 31) << 20 | (word >> 12 & 255) << 12
      return extended(high | (word >> 20 & 1) << 11 | (word >> 21 & 1023) << 1, 21)
    }

    private func extended(_ value: UInt32, _ bits: UInt32) -> UInt64 {
      let shift = 32 - bits
      return UInt64(bitPattern: Int64(Int32(bitPattern: value << shift) >> Int32(shift)))
    }
  }

  /// The 32-bit encoding of a compressed instruction (chapter 16); nil: there is none.
  static func expanded(_ parcel: UInt32) -> UInt32? {
    let rd = parcel >> 7 & 31
    let rs2 = parcel >> 2 & 31
    // x8 to x15.
    let (low, lowBase) = (8 + (parcel >> 2 & 7), 8 + (parcel >> 7 & 7))
    let sign: UInt32 = parcel & 0x1000 != 0 ? 0xFFFF_FFE0 : 0
    let immediate = sign | rs2
    let shift = (parcel >> 12 & 1) << 5 | rs2
    let wordOffset = (parcel >> 10 & 7) << 3 | (parcel >> 6 & 1) << 2 | (parcel >> 5 & 1) << 6
    let doubleOffset = (parcel >> 10 & 7) << 3 | (parcel >> 5 & 3) << 6
    let stackDouble = (parcel >> 12 & 1) << 5 | (parcel >> 5 & 3) << 3 | (parcel >> 2 & 7) << 6
    let stackWord = (parcel >> 12 & 1) << 5 | (parcel >> 4 & 7) << 2 | (parcel >> 2 & 3) << 6
    let storeDouble = (parcel >> 10 & 7) << 3 | (parcel >> 7 & 7) << 6
    let storeWord = (parcel >> 9 & 15) << 2 | (parcel >> 7 & 3) << 6
    switch (parcel & 3, parcel >> 13) {
    case (0, 0):
      let offset =
        (parcel >> 11 & 3) << 4 | (parcel >> 7 & 15) << 6 | (parcel >> 6 & 1) << 2
        | (parcel >> 5 & 1) << 3
      return offset == 0 ? nil : i(0x13, 0, low, 2, offset)
    case (0, 1): return i(0x07, 3, low, lowBase, doubleOffset)
    case (0, 2): return i(0x03, 2, low, lowBase, wordOffset)
    case (0, 3): return i(0x03, 3, low, lowBase, doubleOffset)
    case (0, 5): return s(0x27, 3, lowBase, low, doubleOffset)
    case (0, 6): return s(0x23, 2, lowBase, low, wordOffset)
    case (0, 7): return s(0x23, 3, lowBase, low, doubleOffset)
    case (1, 0): return i(0x13, 0, rd, rd, immediate)
    case (1, 1): return rd == 0 ? nil : i(0x1B, 0, rd, rd, immediate)
    case (1, 2): return i(0x13, 0, rd, 0, immediate)
    case (1, 3):
      if immediate == 0 { return nil }
      if rd != 2 { return immediate << 12 | rd << 7 | 0x37 }
      let part = (parcel >> 6 & 1) << 4 | (parcel >> 2 & 1) << 5 | (parcel >> 5 & 1) << 6
      let offset = part | (parcel >> 3 & 3) << 7 | (sign & 0xFFFF_FE00)
      return i(0x13, 0, 2, 2, offset)
    case (1, 4): return arithmetic(parcel, lowBase, low, shift, immediate)
    case (1, 5): return j(parcel)
    case (1, 6): return b(0, lowBase, parcel)
    case (1, 7): return b(1, lowBase, parcel)
    case (2, 0): return i(0x13, 1, rd, rd, shift)
    case (2, 1): return i(0x07, 3, rd, 2, stackDouble)
    case (2, 2): return rd == 0 ? nil : i(0x03, 2, rd, 2, stackWord)
    case (2, 3): return rd == 0 ? nil : i(0x03, 3, rd, 2, stackDouble)
    case (2, 4):
      switch (parcel >> 12 & 1, rd, rs2) {
      case (0, 0, 0): return nil
      case (0, _, 0): return i(0x67, 0, 0, rd, 0)
      case (0, _, _): return r(0x33, 0, 0, rd, 0, rs2)
      case (_, 0, 0): return 0x0010_0073
      case (_, _, 0): return i(0x67, 0, 1, rd, 0)
      default: return r(0x33, 0, 0, rd, rd, rs2)
      }
    case (2, 5): return s(0x27, 3, 2, rs2, storeDouble)
    case (2, 6): return s(0x23, 2, 2, rs2, storeWord)
    case (2, 7): return s(0x23, 3, 2, rs2, storeDouble)
    default: return nil
    }
  }

  private static func arithmetic(
    _ parcel: UInt32, _ rd: UInt32, _ rs2: UInt32, _ shift: UInt32, _ immediate: UInt32
  ) -> UInt32? {
    switch (parcel >> 10 & 3, parcel >> 12 & 1, parcel >> 5 & 3) {
    case (0, _, _): i(0x13, 5, rd, rd, shift)
    case (1, _, _): i(0x13, 5, rd, rd, 0x400 | shift)
    case (2, _, _): i(0x13, 7, rd, rd, immediate)
    case (_, 0, 0): r(0x33, 0, 0x20, rd, rd, rs2)
    case (_, 0, 1): r(0x33, 4, 0, rd, rd, rs2)
    case (_, 0, 2): r(0x33, 6, 0, rd, rd, rs2)
    case (_, 0, 3): r(0x33, 7, 0, rd, rd, rs2)
    case (_, 1, 0): r(0x3B, 0, 0x20, rd, rd, rs2)
    case (_, 1, 1): r(0x3B, 0, 0, rd, rd, rs2)
    default: nil
    }
  }

  private static func i(
    _ opcode: UInt32, _ function: UInt32, _ rd: UInt32, _ rs1: UInt32, _ immediate: UInt32
  ) -> UInt32 { immediate << 20 | rs1 << 15 | function << 12 | rd << 7 | opcode }

  private static func r(
    _ opcode: UInt32, _ function: UInt32, _ high: UInt32, _ rd: UInt32, _ rs1: UInt32,
    _ rs2: UInt32
  ) -> UInt32 { high << 25 | rs2 << 20 | rs1 << 15 | function << 12 | rd << 7 | opcode }

  private static func s(
    _ opcode: UInt32, _ function: UInt32, _ rs1: UInt32, _ rs2: UInt32, _ offset: UInt32
  ) -> UInt32 {
    (offset >> 5) << 25 | rs2 << 20 | rs1 << 15 | function << 12 | (offset & 31) << 7 | opcode
  }

  private static func j(_ parcel: UInt32) -> UInt32 {
    let part = (parcel >> 3 & 7) << 1 | (parcel >> 11 & 1) << 4 | (parcel >> 2 & 1) << 5
    let more = (parcel >> 7 & 1) << 6 | (parcel >> 6 & 1) << 7 | (parcel >> 9 & 3) << 8
    let sign: UInt32 = parcel & 0x1000 != 0 ? 0x000F_F800 : 0
    let offset = part | more | (parcel >> 8 & 1) << 10 | sign
    let high = (sign != 0 ? 1 : 0 as UInt32) << 31 | (offset >> 12 & 255) << 12
    return high | (offset >> 11 & 1) << 20 | (offset >> 1 & 1023) << 21 | 0x6F
  }

  private static func b(_ function: UInt32, _ rs1: UInt32, _ parcel: UInt32) -> UInt32 {
    let part = (parcel >> 3 & 3) << 1 | (parcel >> 10 & 3) << 3 | (parcel >> 2 & 1) << 5
    let sign: UInt32 = parcel & 0x1000 != 0 ? 0x1F00 : 0
    let offset = part | (parcel >> 5 & 3) << 6 | sign
    let high = (offset >> 12 & 1) << 31 | (offset >> 5 & 63) << 25 | (offset >> 11 & 1) << 7
    return high | rs1 << 15 | function << 12 | (offset >> 1 & 15) << 8 | 0x63
  }
}
