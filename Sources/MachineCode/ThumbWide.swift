extension ThumbDecoder.Decoding {
  // MARK: 32 bits (A5.3)

  /// SP or PC where neither may be.
  private func isBad(_ registers: UInt32...) -> Bool {
    registers.contains { $0 == 13 || $0 == 15 }
  }

  mutating func wide(_ one: UInt32, _ two: UInt32) -> Operation {
    switch one >> 11 & 3 {
    case 1:
      switch one >> 9 & 3 {
      case 0: return one >> 6 & 1 == 0 ? multiple(one, two) : dual(one, two)
      case 1: return shiftedRegister(one, two)
      default: return coprocessor(one, two)
      }
    case 2:
      if two >> 15 == 1 { return branches(one, two) }
      return one >> 9 & 1 == 0 ? modifiedImmediate(one, two) : plainImmediate(one, two)
    default:
      if one >> 10 & 1 == 1 { return coprocessor(one, two) }
      if one >> 9 & 1 == 0 { return single(one, two) }
      if one >> 8 & 1 == 0 { return registers(one, two) }
      return one >> 7 & 1 == 0 ? multiply(one, two) : longMultiply(one, two)
    }
  }

  // MARK: Memory

  private func multiple(_ one: UInt32, _ two: UInt32) -> Operation {
    let (base, list) = (one & 15, UInt16(two))
    let writesBack = one >> 5 & 1 == 1
    let isDown: Bool
    switch one >> 7 & 3 {
    case 1: isDown = false
    case 2: isDown = true
    default: return .undecodable
    }
    if base == 15 || list.nonzeroBitCount < 2 || list >> 13 & 1 == 1 { return .undecodable }
    if writesBack && list >> UInt16(base) & 1 == 1 { return .undecodable }
    if one >> 4 & 1 == 0 {
      return list >> 15 & 1 == 1
        ? .undecodable
        : .storeMany(list, base: UInt8(base), isDown: isDown, writesBack: writesBack)
    }
    if list >> 14 & 3 == 3 { return .undecodable }
    return .loadMany(list, base: UInt8(base), isDown: isDown, writesBack: writesBack)
  }

  private func dual(_ one: UInt32, _ two: UInt32) -> Operation {
    let (base, rt, rt2) = (one & 15, two >> 12, two >> 8 & 15)
    let (isIndexed, isUp, writesBack) = (one >> 8 & 1 == 1, one >> 7 & 1 == 1, one >> 5 & 1 == 1)
    let isLoad = one >> 4 & 1 == 1
    if !isIndexed && !writesBack { return exclusive(one, two) }
    if isBad(rt, rt2) || isLoad && rt == rt2 { return .undecodable }
    var access = MemoryAccess(
      base: UInt8(base), offset: offset((two & 255) * 4, isUp: isUp), size: 4)
    access.alignment = 4
    access.writesBack = writesBack
    access.isPostIndexed = !isIndexed
    access.isPCRelative = base == 15
    if base == 15 && (writesBack || !isLoad) { return .undecodable }
    if writesBack && (base == rt || base == rt2) { return .undecodable }
    return isLoad
      ? .loadPair(UInt8(rt), UInt8(rt2), access) : .storePair(UInt8(rt), UInt8(rt2), access)
  }

  private func exclusive(_ one: UInt32, _ two: UInt32) -> Operation {
    let (base, rt, rd) = (one & 15, two >> 12, two & 15)
    func access(_ size: UInt8, _ offset: UInt32) -> MemoryAccess {
      MemoryAccess(
        base: UInt8(base), offset: self.offset(offset), size: size, alignment: size)
    }
    switch one >> 4 & 0x1F {
    case 4:
      let rd = two >> 8 & 15
      if base == 15 || isBad(rt, rd) || rd == base || rd == rt { return .undecodable }
      return .atomic(UInt8(rd), access(4, (two & 255) * 4), reads: false, writes: true)
    case 5:
      if base == 15 || isBad(rt) || two >> 8 & 15 != 15 { return .undecodable }
      return .atomic(UInt8(rt), access(4, (two & 255) * 4), reads: true, writes: false)
    case 12:
      guard two & 0xF00 == 0xF00, base != 15, !isBad(rt, rd), rd != base, rd != rt else {
        return .undecodable
      }
      switch two >> 4 & 15 {
      case 4: return .atomic(UInt8(rd), access(1, 0), reads: false, writes: true)
      case 5: return .atomic(UInt8(rd), access(2, 0), reads: false, writes: true)
      default: return .undecodable
      }
    case 13:
      switch two >> 4 & 15 {
      case 0, 1:
        if base == 13 || isBad(rd) || two >> 8 != 0xF0 { return .undecodable }
        return .tableBranch(
          base: UInt8(base), index: UInt8(rd), size: two >> 4 & 1 == 1 ? 2 : 1)
      case 4, 5:
        if base == 15 || isBad(rt) || two & 0xF0F != 0xF0F { return .undecodable }
        return .atomic(
          UInt8(rt), access(two >> 4 & 1 == 1 ? 2 : 1, 0), reads: true, writes: false)
      default: return .undecodable
      }
    default: return .undecodable
    }
  }

  private func single(_ one: UInt32, _ two: UInt32) -> Operation {
    let (base, rt) = (one & 15, two >> 12)
    let isLoad = one >> 4 & 1 == 1
    guard one >> 5 & 3 < 3 else { return .undecodable }
    let size: UInt8 = 1 << UInt8(one >> 5 & 3)
    let isSigned = one >> 8 & 1 == 1
    if isSigned && (size == 4 || !isLoad) { return .undecodable }
    if base == 15 && !isLoad { return .undecodable }
    var access = MemoryAccess(base: UInt8(base), offset: .constant(0), size: size)
    access.isSigned = isSigned
    if base == 15 {
      access.offset = offset(two & 0xFFF, isUp: one >> 7 & 1 == 1)
      access.isPCRelative = true
    } else if one >> 7 & 1 == 1 {
      access.offset = offset(two & 0xFFF)
    } else if two >> 11 & 1 == 1 {
      let (isIndexed, isUp, writesBack) = (two >> 10 & 1 == 1, two >> 9 & 1 == 1, two >> 8 & 1 == 1)
      if !isIndexed && !writesBack || writesBack && base == rt { return .undecodable }
      access.offset = offset(two & 255, isUp: isUp)
      access.writesBack = writesBack
      access.isPostIndexed = !isIndexed
    } else {
      let rm = two & 15
      if two >> 6 & 31 != 0 || isBad(rm) { return .undecodable }
      access.offset = Operand(register: UInt8(rm), amount: UInt8(two >> 4 & 3))
    }
    if !isLoad {
      return rt == 15 || rt == 13 && size < 4
        ? .undecodable : .store(.register(UInt8(rt)), access)
    }
    if rt == 15 && size < 4 {
      // Preloads; what is none of them is UNPREDICTABLE or an unallocated hint.
      return size == 1 && !access.writesBack ? .system(.harmless, clobbers: 0) : .undecodable
    }
    if rt == 13 && size < 4 { return .undecodable }
    // To the PC from elsewhere is UNPREDICTABLE.
    if rt == 15 { access.alignment = 4 }
    return .load(UInt8(rt), access)
  }

  // MARK: Arithmetic

  private func shiftedRegister(_ one: UInt32, _ two: UInt32) -> Operation {
    let (rn, rd, rm) = (one & 15, two >> 8 & 15, two & 15)
    let flags = one >> 4 & 1 == 1
    let upper = two >> 12 & 7
    let amount = UInt8(upper << 2 | two >> 6 & 3)
    if two >> 15 != 0 || rm == 15 { return .undecodable }
    let operation = one >> 5 & 15
    if operation == 6 {  // PKHBT, PKHTB
      return flags || two >> 4 & 1 == 1 || isBad(rd, rn, rm)
        ? .undecodable : clobber(rd, flags: false)
    }
    let right: Operand
    switch two >> 4 & 3 {
    case 0: right = Operand(register: UInt8(rm), shift: .left, amount: amount)
    case 1: right = Operand(register: UInt8(rm), shift: .right, amount: amount == 0 ? 32 : amount)
    case 2:
      right = Operand(register: UInt8(rm), shift: .signedRight, amount: amount == 0 ? 32 : amount)
    default:
      // RRX takes the carry flag.
      if amount == 0 {
        if isBad(rd, rm) || ![0, 1, 2, 3, 4, 8, 10, 11, 13, 14].contains(operation) {
          return .undecodable
        }
        return clobber(rd, flags: flags)
      }
      right = Operand(register: UInt8(rm), shift: .rotate, amount: amount)
    }
    let isPlainMove = operation == 2 && rn == 15 && two & 0x70F0 == 0
    // SP is for ADD, SUB, CMP, CMN and plain MOV alone.
    let mayHaveStack = operation == 8 || operation == 13 || isPlainMove
    if rm == 13 && !(isPlainMove || rd == 15 && operation == 13) { return .undecodable }
    if rd == 13 && !mayHaveStack || rn == 13 && operation != 8 && operation != 13 {
      return .undecodable
    }
    return compute(operation, rn: rn, rd: rd, right, flags)
  }

  private func modifiedImmediate(_ one: UInt32, _ two: UInt32) -> Operation {
    let (rn, rd) = (one & 15, two >> 8 & 15)
    let value = (one >> 10 & 1) << 11 | (two >> 12 & 7) << 8 | two & 255
    let operation = one >> 5 & 15
    if operation == 6 || rd == 13 && operation != 8 && operation != 13 { return .undecodable }
    if rn == 13 && operation != 8 && operation != 13 { return .undecodable }
    guard let constant = Self.expanded(value) else { return .undecodable }
    return compute(operation, rn: rn, rd: rd, .constant(UInt64(constant)), one >> 4 & 1 == 1)
  }

  /// ThumbExpandImm (A5.3.2).
  static func expanded(_ value: UInt32) -> UInt32? {
    let byte = value & 255
    if value >> 10 == 0 {
      if value >> 8 & 3 != 0 && byte == 0 { return nil }
      switch value >> 8 & 3 {
      case 0: return byte
      case 1: return byte << 16 | byte
      case 2: return byte << 24 | byte << 8
      default: return byte << 24 | byte << 16 | byte << 8 | byte
      }
    }
    let (unrotated, amount) = (0x80 | value & 127, value >> 7)
    return unrotated >> amount | unrotated << (32 - amount)
  }

  private func compute(
    _ operation: UInt32, rn: UInt32, rd: UInt32, _ right: Operand, _ flags: Bool
  ) -> Operation {
    let isTest = rd == 15 && flags
    if rd == 15 && !isTest || rn == 15 && operation != 2 && operation != 3 { return .undecodable }
    let left = operand(rn)
    switch operation {
    case 0: return isTest ? .clobber(ThumbDecoder.flags) : set(rd, .and, left, right, flags: flags)
    case 4: return isTest ? .clobber(ThumbDecoder.flags) : set(rd, .xor, left, right, flags: flags)
    case 8: return isTest ? .clobber(ThumbDecoder.flags) : set(rd, .add, left, right, flags: flags)
    case 13: return isTest ? .compare(left, right) : set(rd, .subtract, left, right, flags: flags)
    case _ where isTest: return .undecodable
    case 1: return set(rd, .clear, left, right, flags: flags)
    case 2:
      return set(rd, rn == 15 ? .add : .or, rn == 15 ? .constant(0) : left, right, flags: flags)
    case 3:
      return rn == 15
        ? set(rd, .xor, right, .constant(0xFFFF_FFFF), flags: flags) : clobber(rd, flags: flags)
    case 10, 11: return clobber(rd, flags: flags)
    case 14: return set(rd, .subtract, right, left, flags: flags)
    default: return .undecodable
    }
  }

  private func plainImmediate(_ one: UInt32, _ two: UInt32) -> Operation {
    let (rn, rd) = (one & 15, two >> 8 & 15)
    let value = (one >> 10 & 1) << 11 | (two >> 12 & 7) << 8 | two & 255
    let low = (two >> 12 & 7) << 2 | two >> 6 & 3
    let constant = Operand.constant(UInt64(value))
    switch one >> 4 & 31 {
    case 0, 10:
      let how = one >> 4 & 31 == 0 ? Arithmetic.add : .subtract
      if rn == 15 {
        return isBad(rd)
          ? .undecodable : set(rd, how, .constant(pc & 0xFFFF_FFFC), constant, flags: false)
      }
      return rd == 15 || rd == 13 && rn != 13
        ? .undecodable : set(rd, how, operand(rn), constant, flags: false)
    case 4, 12:
      let half = UInt64(rn << 12 | value)
      if isBad(rd) { return .undecodable }
      if one >> 4 & 31 == 4 { return set(rd, .add, .constant(0), .constant(half), flags: false) }
      return .moveTop(UInt8(rd), half)
    case 16, 18, 24, 26:  // SSAT, SSAT16, USAT, USAT16
      let isHalves = one >> 5 & 1 == 1 && low == 0
      return isBad(rd, rn) || two >> 5 & 1 == 1 || one >> 10 & 1 == 1
        || isHalves && two >> 4 & 1 == 1
        ? .undecodable : clobber(rd, flags: false)
    case 20, 28:  // SBFX, UBFX
      let width = (two & 31) + 1
      if one >> 10 & 1 == 1 || isBad(rd, rn) || low + width > 32 || two >> 5 & 1 == 1 {
        return .undecodable
      }
      if one >> 4 & 31 == 20 { return clobber(rd, flags: false) }
      let source = Operand(register: UInt8(rn), shift: .right, amount: UInt8(low))
      return set(rd, .and, source, .constant((1 << UInt64(width)) - 1), flags: false)
    case 22:  // BFI, BFC
      return one >> 10 & 1 == 1 || rn == 13 || isBad(rd) || two & 31 < low || two >> 5 & 1 == 1
        ? .undecodable : clobber(rd, flags: false)
    default: return .undecodable
    }
  }

  private func registers(_ one: UInt32, _ two: UInt32) -> Operation {
    let (rn, rd, rm) = (one & 15, two >> 8 & 15, two & 15)
    guard two >> 12 == 15, !isBad(rd, rm) else { return .undecodable }
    let high = two >> 4 & 15
    switch (one >> 4 & 15, high) {
    case (0...7, 0):
      if isBad(rn) { return .undecodable }
      let flags = one >> 4 & 1 == 1
      switch one >> 5 & 3 {
      case 0: return set(rd, .shiftLeft, operand(rn), operand(rm), flags: flags)
      case 1: return set(rd, .shiftRight, operand(rn), operand(rm), flags: flags)
      case 2: return set(rd, .shiftRightSigned, operand(rn), operand(rm), flags: flags)
      default: return clobber(rd, flags: flags)
      }
    case (0...5, 8...11):  // extend, and extend and add
      if rn == 13 { return .undecodable }
      let rotated = Operand(
        register: UInt8(rm), shift: .rotate, amount: UInt8((two >> 4 & 3) * 8))
      switch (one >> 4 & 15, rn) {
      case (1, 15): return set(rd, .and, rotated, .constant(0xFFFF), flags: false)
      case (5, 15): return set(rd, .and, rotated, .constant(0xFF), flags: false)
      default: return clobber(rd, flags: false)
      }
    // Parallel addition and subtraction, signed and unsigned, saturating and halving.
    case (8...10, 0...2), (8...10, 4...6), (12...14, 0...2), (12...14, 4...6):
      return isBad(rn) ? .undecodable : clobber(rd, flags: false)
    case (8, 8...11): return isBad(rn) ? .undecodable : clobber(rd, flags: false)  // QADD ...
    case (9, 8...11), (11, 8):  // REV ..., CLZ
      return rn == rm ? clobber(rd, flags: false) : .undecodable
    case (10, 8): return isBad(rn) ? .undecodable : clobber(rd, flags: false)  // SEL
    default: return .undecodable
    }
  }

  private func multiply(_ one: UInt32, _ two: UInt32) -> Operation {
    let (rn, ra, rd, rm) = (one & 15, two >> 12, two >> 8 & 15, two & 15)
    let low = two >> 4 & 3
    if two >> 6 & 3 != 0 || isBad(rn, rd, rm) || ra == 13 { return .undecodable }
    switch one >> 4 & 7 {
    case 0:
      if low > 1 || low == 1 && ra == 15 { return .undecodable }
      return low == 0 && ra == 15
        ? set(rd, .multiply, operand(rn), operand(rm), flags: false) : clobber(rd, flags: false)
    case 1: return clobber(rd, flags: false)
    case 2, 3, 4, 5: return low < 2 ? clobber(rd, flags: false) : .undecodable
    case 6: return low < 2 && ra != 15 ? clobber(rd, flags: false) : .undecodable
    default: return low == 0 ? clobber(rd, flags: false) : .undecodable
    }
  }

  private func longMultiply(_ one: UInt32, _ two: UInt32) -> Operation {
    let (rn, low, high, rm) = (one & 15, two >> 12, two >> 8 & 15, two & 15)
    let kind = two >> 4 & 15
    if isBad(rn, rm, high) { return .undecodable }
    switch (one >> 4 & 7, kind) {
    case (1, 15), (3, 15): return low == 15 ? clobber(high, flags: false) : .undecodable
    case (0, 0), (2, 0), (4, 0), (6, 0), (6, 6), (4, 8...13), (5, 12...13):
      return isBad(low) || low == high ? .undecodable : .clobber(1 << low | 1 << high)
    default: return .undecodable
    }
  }

  // MARK: The rest

  private mutating func branches(_ one: UInt32, _ two: UInt32) -> Operation {
    let sign = one >> 10 & 1
    if two >> 12 & 1 == 1 {
      let i1 = ~(two >> 13 & 1 ^ sign) & 1
      let i2 = ~(two >> 11 & 1 ^ sign) & 1
      let high = sign << 24 | i1 << 23 | i2 << 22
      let to = target(signed(high | (one & 0x3FF) << 12 | (two & 0x7FF) << 1, 25))
      return two >> 14 & 1 == 1 ? .call(to: to, link: 14) : .jump(to: to)
    }
    // BLX to Arm state.
    if two >> 14 & 1 == 1 { return .undecodable }
    let code = one >> 6 & 15
    if code < 14 {
      if isInBlock { return .undecodable }
      condition = Condition(code: UInt8(code))
      let high = sign << 20 | (two >> 11 & 1) << 19 | (two >> 13 & 1) << 18
      return .jump(to: target(signed(high | (one & 63) << 12 | (two & 0x7FF) << 1, 21)))
    }
    return system(one, two)
  }

  private func system(_ one: UInt32, _ two: UInt32) -> Operation {
    switch one >> 4 & 0x7F {
    case 0x38:
      // MSR: the flags are nobody's but the program's own.
      if two >> 8 & 3 != 0 || isBad(one & 15) { return .undecodable }
      let number = two & 255
      if number < 4 { return .clobber(ThumbDecoder.flags) }
      return .system(
        0x10...0x13 ~= number ? .interruptMask : .controlRegister,
        clobbers: number == 8 || number == 9 || number == 20 ? 1 << 13 : 0)
    case 0x3A:
      if one & 15 != 15 || two >> 8 != 0x80 { return .undecodable }
      switch two & 255 {
      case 0...1, 4, 0x11...0x12: return .system(.harmless, clobbers: 0)
      case 2, 3: return .system(.wait, clobbers: 0)
      default: return .system(.harmless, clobbers: 0)
      }
    case 0x3B:
      guard two >> 8 == 0x8F, one & 15 == 15 else { return .undecodable }
      switch two >> 4 & 15 {
      case 2, 4, 5, 6: return .system(.harmless, clobbers: 0)
      default: return .undecodable
      }
    case 0x3E, 0x3F:
      if one & 15 != 15 || two >> 12 != 8 || isBad(two >> 8 & 15) { return .undecodable }
      return clobber(two >> 8 & 15, flags: false)
    case 0x7F: return two >> 12 == 10 ? .system(.undefined, clobbers: 0) : .undecodable
    default: return .undecodable
    }
  }

  /// CP10 and CP11: FPv4-SP (A6). Other coprocessors there are none.
  private func coprocessor(_ one: UInt32, _ two: UInt32) -> Operation {
    guard two >> 9 & 7 == 5, one >> 12 & 1 == 0 else { return .undecodable }
    let isDouble = two >> 8 & 1 == 1
    if one >> 8 & 3 == 2 { return dataProcessingFP(one, two, isDouble) }
    if one >> 9 & 1 == 1 { return .undecodable }
    let (rn, rt) = (one & 15, two >> 12)
    let (p, u, w) = (one >> 8 & 1, one >> 7 & 1, one >> 5 & 1)
    let isStore = one >> 4 & 1 == 0
    if p == 0 && u == 0 {
      // VMOV of two registers.
      if w == 1 || one >> 6 & 1 == 0 || two & 0xD0 != 0x10 || isBad(rn, rt) { return .undecodable }
      return .floatingPoint(clobbers: isStore ? 0 : 1 << rn | 1 << rt)
    }
    var access = MemoryAccess(base: UInt8(rn), offset: .constant(0), size: 4, alignment: 4)
    let count = two & 255
    if p == 1 && w == 0 {
      access.offset = offset(count * 4, isUp: u == 1)
      access.isPCRelative = rn == 15
      return rn == 15 && isStore
        ? .undecodable : .accessFP(access, isStore: isStore, count: isDouble ? 2 : 1)
    }
    // VLDM, VSTM: upwards from the base or, decremented first, up to it.
    if p == u || count == 0 || count > 32 || rn == 15 || isDouble && count & 1 == 1
      || p == 1 && w == 0
    {
      return .undecodable
    }
    access.writesBack = w == 1
    access.isPostIndexed = u == 1
    access.offset = offset(count * 4, isUp: u == 1)
    if u == 1 && w == 0 { access.offset = .constant(0) }
    if u == 1 && w == 0 { access.isPostIndexed = false }
    return .accessFP(access, isStore: isStore, count: UInt8(count))
  }

  private func dataProcessingFP(_ one: UInt32, _ two: UInt32, _ isDouble: Bool) -> Operation {
    if two >> 4 & 1 == 1 { return transferFP(one, two, isDouble) }
    // Double precision there is none of.
    if isDouble { return .undecodable }
    let kind = (one >> 7 & 1) << 2 | one >> 4 & 3
    let low = two >> 6 & 1
    switch kind {
    case 0, 1, 2, 3, 5, 6: return .floatingPoint(clobbers: 0)
    case 4: return low == 0 ? .floatingPoint(clobbers: 0) : .undecodable
    default:
      if low == 0 { return two & 0xA0 == 0 ? .floatingPoint(clobbers: 0) : .undecodable }
      switch one & 15 {
      case 0, 1, 2, 3, 4, 8, 10, 11, 12, 13, 14, 15: return .floatingPoint(clobbers: 0)
      case 5: return two & 0x2F == 0 ? .floatingPoint(clobbers: 0) : .undecodable
      default: return .undecodable
      }
    }
  }

  private func transferFP(_ one: UInt32, _ two: UInt32, _ isDouble: Bool) -> Operation {
    let rt = two >> 12
    let toCore = one >> 4 & 1 == 1
    switch one >> 5 & 7 {
    case 0:
      if isBad(rt) || two & 0x6F != 0 { return .undecodable }
      return .floatingPoint(clobbers: toCore ? 1 << rt : 0)
    case 1 where isDouble:
      if isBad(rt) || two & 0x6F != 0 { return .undecodable }
      return .floatingPoint(clobbers: toCore ? 1 << rt : 0)
    case 7 where !isDouble:
      if one & 15 != 1 || two & 0xEF != 0 || rt == 13 || rt == 15 && !toCore { return .undecodable }
      return .floatingPoint(
        clobbers: rt == 15 ? ThumbDecoder.flags : toCore ? 1 << rt : 0)
    default: return .undecodable
    }
  }
}
