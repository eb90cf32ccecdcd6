/// Jumps, returns, CSRs, translation, protection, and what nobody has.
extension GuestBody {
  mutating func branches(_ next: Assembly.Label) {
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
  mutating func returns(_ next: Assembly.Label) {
    a.la(6, next)
    let machine = random.oneIn(2)
    if machine {
      a.li(7, random.next() & 0x1800)
      a.csr(random.pick([2, 3]), 0, CSR.mstatus, 7)
    }
    a.csrw(machine ? CSR.mepc : CSR.sepc, 6)
    a.word(machine ? Self.mret : Self.sret)
  }

  private static let plain: [UInt32] = [
    0x001, 0x002, 0x003, 0x104, 0x106, 0x140, 0x141, 0x142, 0x143, 0x144, 0x304, 0x306,
    0x340,
    0x341, 0x342, 0x343, 0x344, 0xB03, 0xB1F, 0x323, 0x33F, 0x3A2, 0x3B8, 0x3BF,
  ]
  private static let readOnly: [UInt32] = [
    0x100, 0x105, 0x180, 0x300, 0x302, 0x303, 0x305, 0x301, 0xB02, 0xC02, 0xF14, 0xF11, 0x320,
    0xF15, 0x3A0, 0x30A, 0x10A, 0x3B0, 0x3B7, 0x3BF, 0xC03, 0xC1F,
  ]
  private static let missing: [UInt32] = [
    0x000, 0x004, 0x101, 0x5C0, 0x7C0, 0x800, 0x9C0, 0xB01, 0xCC0, 0x3A1, 0xFC0,
  ]

  mutating func csr() {
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
      // Their values are not to be compared: gone again at once.
      a.csr(2, 29, random.pick([0xC00, 0xC01, 0xB00]), 0)
      a.addi(29, 0, 0)
    default:
      a.csr(function, target(), random.pick(Self.plain), random.bits(5))
    }
  }

  mutating func controlAndStatus() {
    switch random.below(6) {
    case 0:
      a.li(6, random.next() & statusMask)
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
    case 4:
      counters()
    default:
      a.li(6, random.next() & delegationMask)
      a.csrw(CSR.medeleg, 6)
    }
    if random.oneIn(2) { csr() }
  }

  /// Counters written, and stopped for a while.
  ///
  /// Spike adds to `minstret` in stretches, which CSR instructions end, and asks at the end whether it counts; it counts the instruction that
  /// lets it go on, and not the one that stops it, where we do it the other way round.
  private mutating func counters() {
    switch random.below(3) {
    case 0: a.csr(1, target(), CSR.minstret, source())
    case 1: a.csrw(CSR.mcycle, source())
    default:
      // Without interrupts.
      a.csr(7, 0, CSR.mstatus, 8)
      a.csr(6, 0, CSR.mcountinhibit, random.pick([4, 5]))
      for _ in 0..<1 + random.below(4) {
        a.word(Assembly.r(0x33, random.pick([0, 4, 6, 7]), 0, target(), source(), source()))
      }
      a.csrr(target(), CSR.mscratch)
      a.csr(7, 0, CSR.mcountinhibit, 5)
      a.li(6, random.next() & 0xFFFF_FFF8)
      a.csr(random.pick([1, 2, 3]), target(), CSR.mcountinhibit, 6)
    }
  }

  mutating func translation() {
    let tree = random.below(2)
    let space = UInt64(random.oneIn(3) ? random.bits(16) : 0) << 44
    let modes = PageTables.modes.map { $0.mode << 60 | space | $0.root(tree) }
    let nobodyHas = random.pick([1, 7, 11, 15]) << 60 | modes[0] & 0xFFF_FFFF_FFFF
    a.li(6, random.pick([0, modes[0], modes[0], modes[1], modes[2], nobodyHas]))
    a.csrw(CSR.satp, 6)
    a.word(random.oneIn(2) ? Self.sfence : Self.sfence | source() << 15 | source() << 20)
    a.word(Self.sfence)
    pointers()
    access(26)
  }

  /// Changes the instruction behind its fence, to another one in each pass.
  mutating func rewrites() {
    let place = a.label()
    a.la(6, place)
    let isCompressed = random.oneIn(3)
    // ADD to REMU of random sources; C.LI of a random constant.
    a.li(7, isCompressed ? 0x107C : 0x1FF_F000)
    a.word(Assembly.r(0x33, 7, 0, 7, 7, 27))
    let rd = target()
    a.li(23, UInt64(isCompressed ? 0x4001 | 5 << 7 : 0x33 | rd << 7 | random.bits(1) << 25))
    a.word(Assembly.r(0x33, 6, 0, 7, 7, 23))
    a.word(Assembly.s(0x23, isCompressed ? 1 : 2, 6, 7, 0))
    a.word(0x0000_100F)
    a.bind(place)
    if isCompressed { a.half(1) } else { a.word(0x13) }
  }

  /// Regions in the data only: the code must go on.
  mutating func protection() {
    var configuration: UInt64 = 0x1F << 56
    for entry in 0..<7 as Range<UInt64> {
      var byte = random.next() & 0x1F
      // Not from the end of entry 1 on: there is code.
      if entry == 2 && byte >> 3 == 1 { byte |= 0x10 }
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
  mutating func odd() {
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
