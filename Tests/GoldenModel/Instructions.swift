extension GuestBody {
  /// A few instructions, at least one of which may be anything.
  mutating func fill(_ next: Assembly.Label) {
    switch random.below(20) {
    case 0: branches(next)
    case 1, 2: atomics()
    case 3, 4, 5: floats()
    case 6: controlAndStatus()
    case 7: returns(next)
    case 8: translation()
    case 9: protection()
    case 10: odd()
    case 11, 12, 13: accesses()
    default: for _ in 0..<1 + random.below(6) { anything() }
    }
  }

  /// A register that random instructions may write.
  private mutating func target() -> UInt32 {
    while true {
      let register = random.bits(5)
      if register < 26 && register != 2 && register != 15 { return register }
    }
  }
  private mutating func source() -> UInt32 { random.bits(5) }
  private mutating func float() -> UInt32 { random.bits(5) }

  private mutating func anything() {
    switch random.below(12) {
    case 0...3: integer()
    case 4, 5: compressed()
    case 6, 7: access(26)
    case 8, 9: float1()
    case 10: csr()
    default: a.li(target(), Operand.random(&random))
    }
  }

  // MARK: Integers

  private mutating func integer() {
    let (rd, rs1, rs2) = (target(), source(), source())
    switch random.below(6) {
    case 0: a.word(Assembly.i(0x13, random.pick([0, 2, 3, 4, 6, 7]), rd, rs1, random.below(4096)))
    case 1:
      // Shifts by constants, those with reserved upper bits too.
      let upper = random.oneIn(6) ? Int(random.bits(6)) : Int(random.pick([0, 0x10]))
      let isWord = random.oneIn(2)
      let amount = upper << 6 | Int(random.bits(isWord ? 5 : 6))
      a.word(Assembly.i(isWord ? 0x1B : 0x13, random.pick([1, 5]), rd, rs1, amount))
    case 2:
      a.word(Assembly.i(0x1B, random.oneIn(8) ? random.bits(3) : 0, rd, rs1, random.below(4096)))
    case 3: a.word(random.bits(20) << 12 | rd << 7 | random.pick([0x37, 0x17]))
    default:
      let f7: UInt32 = random.oneIn(12) ? random.bits(7) : random.pick([0, 0x20, 1, 1])
      a.word(Assembly.r(random.pick([0x33, 0x33, 0x3B]), random.bits(3), f7, rd, rs1, rs2))
    }
  }

  // MARK: Compressed

  /// Any parcel but jumps and what would write a register that is not to be written.
  private mutating func compressed() {
    while true {
      let parcel = UInt16(truncatingIfNeeded: random.next())
      let function = parcel >> 13
      let full = UInt32(parcel >> 7 & 31)
      let low = UInt32(parcel >> 2 & 7) + 8
      let mid = UInt32(parcel >> 7 & 7) + 8
      func isFree(_ register: UInt32) -> Bool { register < 26 && register != 2 && register != 15 }
      let fits: Bool
      switch (parcel & 3, function) {
      case (0, 0): fits = isFree(low)
      // Bases: x15 only.
      case (0, 1...3): fits = mid == 15 && (function == 1 || isFree(low))
      case (0, _): fits = mid == 15 || function == 4
      case (1, 0...2): fits = isFree(full)
      case (1, 3): fits = isFree(full)
      case (1, 4): fits = isFree(mid)
      case (1, _): fits = false
      case (2, 0), (2, 2), (2, 3): fits = isFree(full)
      case (2, 4): fits = isFree(full) && parcel >> 2 & 31 != 0
      case (2, 1), (2, 5...7): fits = true
      default: fits = false
      }
      if fits { return a.half(parcel) }
    }
  }

  // MARK: Memory

  /// Sets the pointers, then uses them.
  private mutating func accesses() {
    pointers()
    for _ in 0..<1 + random.below(5) {
      if random.oneIn(3) { compressed() } else { access(random.pick([2, 15, 26])) }
    }
    if random.oneIn(2) { anything() }
  }

  private mutating func pointers() {
    for register in [2, 15, 26] as [UInt32] where random.oneIn(2) {
      a.li(register, somewhere())
    }
  }

  /// Mostly the data, by one of its addresses; else where there is nothing, or the edge of a page.
  private mutating func somewhere() -> UInt64 {
    let mask = random.oneIn(6) ? UInt64.max : ~7
    let inside = UInt64(Guest.data + 0x1000 + random.below(Guest.dataSize - 0x2000)) & mask
    let page = UInt64(random.below(16) * 4096 + random.below(4096)) & mask
    switch random.below(12) {
    case 0...4: return Guest.base + inside
    case 5, 6: return Guest.userBase + inside
    case 7, 8, 9: return random.pick(PageTables.randomSpaces) + page
    case 10: return random.pick(PageTables.randomSpaces) + page | 0xFF8
    default:
      return random.pick([
        0x9000_0000, 0xA000_0000, 0x1_0000_0000, 0xFFFF_FFFF_8000_0000, 0x8000_0000_0000_0000,
        0x0000_0080_0000_0000, .max - 0x1FFF, 0x40_0000_0000,
      ]) &+ (page & 0xFF8)
    }
  }

  /// A load or store with this base, of any size, the reserved ones too.
  private mutating func access(_ base: UInt32) {
    let size = random.bits(3)
    let offset: Int
    if random.oneIn(12) {
      offset = random.below(4096)
    } else {
      offset = random.below(4096) & ~7
    }
    switch random.below(8) {
    case 0...2: a.word(Assembly.i(0x03, size, target(), base, offset))
    case 3...5: a.word(Assembly.s(0x23, size, base, source(), offset))
    case 6:
      a.word(Assembly.i(0x07, random.oneIn(8) ? size : random.pick([2, 3]), float(), base, offset))
    default:
      a.word(Assembly.s(0x27, random.oneIn(8) ? size : random.pick([2, 3]), base, float(), offset))
    }
  }

  private mutating func atomics() {
    if random.oneIn(2) { a.li(26, somewhere()) }
    let width = random.pick([2, 3]) as UInt32
    let order = random.bits(2)
    func amo(_ operation: UInt32, _ width: UInt32, _ rd: UInt32, _ rs2: UInt32) {
      a.word(Assembly.r(0x2F, width, operation << 2 | order, rd, 26, rs2))
    }
    switch random.below(6) {
    case 0, 1:
      // Nothing between the two that could trap.
      amo(2, width, target(), 0)
      for _ in 0..<random.below(3) {
        a.word(Assembly.r(0x33, random.pick([0, 4, 6, 7]), 0, target(), source(), source()))
      }
      amo(3, width, 5, source())
    case 3:
      amo(
        random.bits(5) == 3 ? 0 : random.pick([5, 6, 7, 9, 10, 11, 31]), random.bits(3), target(),
        source())
    default:
      for _ in 0..<1 + random.below(3) {
        amo(
          random.pick([0, 1, 4, 8, 12, 16, 20, 24, 28]), random.pick([2, 3]), target(), source())
      }
    }
  }

  // MARK: Floating point

  private mutating func floats() {
    if random.oneIn(2) {
      a.li(26, Guest.base + UInt64(Guest.data + 0x1000 + random.below(0xD000) & ~7))
      for _ in 0..<1 + random.below(3) {
        a.word(Assembly.i(0x07, random.pick([2, 3]), float(), 26, random.below(4096) & ~7))
      }
    }
    for _ in 0..<1 + random.below(4) { float1() }
    if random.oneIn(3) { a.csrr(target(), random.pick([1, 2, 3])) }
    if random.oneIn(6) { a.csr(5, target(), random.pick([1, 2, 3]), random.bits(5)) }
  }

  private mutating func float1() {
    let rounding: UInt32 = random.oneIn(3) ? random.bits(3) : 7
    let double = random.bits(1)
    let (fd, f1, f2) = (float(), float(), float())
    switch random.below(12) {
    case 0...3:
      let operation = random.pick([0, 4, 8, 12]) as UInt32
      a.word(Assembly.r(0x53, rounding, operation | double, fd, f1, f2))
    case 4: a.word(Assembly.r(0x53, rounding, 0x2C | double, fd, f1, random.oneIn(12) ? f2 : 0))
    case 5:
      a.word(
        Assembly.r(
          0x53, random.oneIn(8) ? random.bits(3) : random.pick([0, 1, 2]), 0x10 | double, fd, f1, f2
        ))
    case 6:
      a.word(
        Assembly.r(
          0x53, random.oneIn(8) ? random.bits(3) : random.pick([0, 1]), 0x14 | double, fd, f1, f2))
    case 7:
      a.word(
        Assembly.r(
          0x53, random.oneIn(8) ? random.bits(3) : random.pick([0, 1, 2]), 0x50 | double, target(),
          f1, f2))
    case 8:
      let kind = random.oneIn(12) ? random.bits(5) : random.bits(2)
      if random.oneIn(2) {
        a.word(Assembly.r(0x53, rounding, 0x60 | double, target(), f1, kind))
      } else {
        a.word(Assembly.r(0x53, rounding, 0x68 | double, fd, source(), kind))
      }
    case 9:
      a.word(Assembly.r(0x53, rounding, 0x20 | double, fd, f1, random.oneIn(12) ? f2 : 1 - double))
    case 10:
      let isClass = random.oneIn(2)
      if random.oneIn(2) {
        a.word(Assembly.r(0x53, isClass ? 1 : 0, 0x70 | double, target(), f1, 0))
      } else {
        a.word(Assembly.r(0x53, 0, 0x78 | double, fd, source(), 0))
      }
    default:
      let format = random.oneIn(12) ? random.bits(2) : double
      a.word(
        random.pick([0x43, 0x47, 0x4B, 0x4F]) | fd << 7 | rounding << 12 | f1 << 15 | f2 << 20
          | format << 25 | float() << 27)
    }
  }

  // MARK: Control

  private mutating func branches(_ next: Assembly.Label) {
    let ahead = a.label()
    switch random.below(6) {
    case 0: a.jump(random.pick([0, 1, 5, target()]), ahead)
    case 1:
      a.la(6, ahead)
      if random.oneIn(3) { a.addi(6, 6, 1) }
      a.word(Assembly.i(0x67, random.oneIn(8) ? random.bits(3) : 0, target(), 6, 0))
    case 2: a.compressedJump(random.pick([0xA001, 0xC001 | 5 << 7, 0xE001 | 3 << 7]), ahead)
    case 3:
      // To nowhere.
      a.li(6, random.oneIn(2) ? somewhere() : random.next())
      a.word(Assembly.i(0x67, 0, target(), 6, 0))
    default:
      let condition = random.oneIn(12) ? random.bits(3) : random.pick([0, 1, 4, 5, 6, 7])
      a.branch(condition, source(), source(), ahead)
    }
    for _ in 0..<random.below(4) { integer() }
    a.bind(ahead)
    integer()
  }

  /// Back to a mode that `mstatus` or `sstatus` names.
  private mutating func returns(_ next: Assembly.Label) {
    a.la(6, next)
    let machine = random.oneIn(2)
    if machine {
      a.li(7, random.next() & 0x1800)
      a.csr(random.pick([2, 3]), 0, CSR.mstatus, 7)
    }
    a.csrw(machine ? CSR.mepc : CSR.sepc, 6)
    a.word(machine ? Self.mret : Self.sret)
  }

  // MARK: System

  private static let plain: [UInt32] = [
    0x001, 0x002, 0x003, 0x104, 0x106, 0x140, 0x141, 0x142, 0x143, 0x144, 0x304, 0x306,
    0x340,
    0x341, 0x342, 0x343, 0x344, 0xB03, 0xB1F, 0x323, 0x3A2, 0x3B8, 0x3BF,
  ]
  private static let readOnly: [UInt32] = [
    0x100, 0x105, 0x180, 0x300, 0x302, 0x303, 0x305, 0x301, 0xB02, 0xC02, 0xF14, 0xF11, 0x320,
    0xF15, 0x3A0, 0x30A, 0x10A, 0x3B0, 0x3B7, 0x3BF,
  ]
  private static let missing: [UInt32] = [
    0x000, 0x004, 0x101, 0x5C0, 0x7C0, 0x800, 0x9C0, 0xB01, 0xCC0, 0x3A1, 0xFC0,
  ]

  private mutating func csr() {
    let immediate = random.oneIn(2)
    let function: UInt32 = (immediate ? 4 : 0) + 1 + random.bits(2) % 3
    switch random.below(8) {
    case 0, 1:
      a.csr(2, target(), random.pick(Self.readOnly), 0)
    case 2:
      a.csr(function, target(), random.pick(Self.missing), random.bits(5))
    case 3:
      a.csr(function, target(), random.pick([0xC02, 0xF14, 0xF12, 0xC00]), 1 + random.bits(3))
    case 4:
      a.csr(2, 29, random.pick([0xC00, 0xC01, 0xB00]), 0)
    default:
      a.csr(function, target(), random.pick(Self.plain), random.bits(5))
    }
  }

  private mutating func controlAndStatus() {
    switch random.below(5) {
    case 0:
      // Everything but XLEN, endianness and what is not there; TSR as this guest has it.
      let mask: UInt64 = 0x3E_79AA | (trapsSRET ? 0x40_0000 : 0)
      a.li(6, random.next() & mask)
      a.csr(
        random.pick([2, 2, 3, 3, 1]), target(),
        random.pick([CSR.mstatus, CSR.mstatus, CSR.sstatus]), 6)
      // Mostly with floating point.
      if random.oneIn(2) {
        a.li(6, 0x2000)
        a.csr(2, 0, random.pick([CSR.mstatus, CSR.sstatus]), 6)
      }
      if random.oneIn(2) { access(26) }
    case 1:
      a.li(6, random.next() & 0x222)
      a.csr(random.pick([1, 2, 3]), target(), random.pick([CSR.mip, CSR.mip, CSR.sip]), 6)
    case 2:
      a.li(6, random.next() & 0xAAA)
      a.csr(random.pick([1, 2, 3]), target(), random.pick([CSR.mie, CSR.sie]), 6)
    case 3:
      a.li(6, random.next() & 0x222)
      a.csrw(CSR.mideleg, 6)
    default:
      a.li(6, random.next() & (trapsSRET ? 0xA1F8 : 0xA1FC))
      a.csrw(CSR.medeleg, 6)
    }
    if random.oneIn(2) { csr() }
  }

  private mutating func translation() {
    let root = (Guest.base + UInt64(Guest.tables + random.below(2) * 4096)) >> 12
    let on = 8 << 60 | UInt64(random.oneIn(3) ? random.bits(16) : 0) << 44 | root
    a.li(6, random.pick([0, on, on, on, 1 << 60 | root, 15 << 60]))
    a.csrw(CSR.satp, 6)
    a.word(random.oneIn(2) ? Self.sfence : Self.sfence | source() << 15 | source() << 20)
    a.word(Self.sfence)
    pointers()
    access(26)
  }

  /// Regions in the data only: the code must go on.
  private mutating func protection() {
    var configuration: UInt64 = 0x1F << 56
    for entry in 0..<7 as Range<UInt64> {
      var byte = random.next() & 0x1F
      if entry == 0 && byte >> 3 == 1 { byte |= 0x10 }
      if random.oneIn(40) { byte |= 0x80 }
      // The bits between, which are zero.
      if random.oneIn(8) { byte |= 0x60 }
      configuration |= byte << (8 * entry)
    }
    for _ in 0..<1 + random.below(3) {
      let start = UInt64(Guest.data + 0x1000 + random.below(Guest.dataSize - 0x2000))
      let size = random.bits(3)
      let address = (Guest.base + start) >> 2 | ((1 << UInt64(size)) - 1)
      a.li(6, address)
      a.csr(1, target(), 0x3B0 + UInt32(random.below(7)), 6)
    }
    a.li(6, configuration)
    a.csr(1, target(), 0x3A0, 6)
    a.word(Self.sfence)
    pointers()
    for _ in 0..<1 + random.below(3) { access(26) }
  }

  /// Calls, fences, and encodings that mean nothing.
  private mutating func odd() {
    for _ in 0..<1 + random.below(2) {
      switch random.below(10) {
      case 0: a.word(Self.ecall)
      case 1: a.word(0x0010_0073)
      case 2: a.half(0x9002)
      case 3:
        a.word(
          random.pick([0x0FF0_000F, 0x0000_100F, 0x8330_000F, random.bits(17) << 15 | 0x100F]))
      case 4: a.half(0)
      case 5: a.word(random.pick([Self.sfence, Self.sfence | source() << 15]))
      case 6:
        // SYSTEM with a function that nobody has.
        let known: [UInt32] = [0x000, 0x001, 0x102, 0x302, 0x105]
        let number = random.bits(12)
        if !known.contains(number) && number >> 5 != 9 { a.word(number << 20 | 0x73) }
      case 7: a.word(Assembly.i(0x73, 4, target(), source(), random.below(4096)))
      default:
        let opcode =
          random.pick([0x0B, 0x1F, 0x2B, 0x3F, 0x57, 0x5B, 0x5F, 0x6B, 0x77, 0x7B, 0x7F]) as UInt32
        a.word(random.bits(25) << 7 | opcode)
      }
    }
  }
}
