/// x27, a digest of all that happened: what makes a guest's last state tell of every trap, and of registers since written over.
///
/// A step is a bijection of the digest for any value, so one value that differs is never lost.
extension GuestBody {
  /// A step with x29, which it clobbers.
  mutating func fold() {
    a.word(Assembly.r(0x33, 4, 0, 27, 27, 29))
    a.word(Assembly.i(0x13, 1, 29, 27, 9))
    a.word(Assembly.r(0x33, 0, 0, 27, 27, 29))
  }

  /// What the steps, of which each moves upwards, have at the top goes to the bottom.
  mutating func turn() {
    a.word(Assembly.i(0x13, 5, 29, 27, 31))
    a.word(Assembly.r(0x33, 4, 0, 27, 27, 29))
  }

  mutating func fold(_ csrs: [UInt32]) {
    for csr in csrs {
      a.csrr(29, csr)
      fold()
      if csr == csrs.first { turn() }
    }
    turn()
  }

  /// What can be told from its address: counters of cycles and time are left out.
  private static let state: [UInt32] =
    [
      CSR.sstatus, CSR.sie, CSR.stvec, 0x106, 0x140, CSR.sepc, CSR.scause, CSR.stval, CSR.sip,
      CSR.satp, 0x300, 0x301, CSR.medeleg, CSR.mideleg, CSR.mie, CSR.mtvec, 0x306, 0x320, 0x340,
      CSR.mepc, CSR.mcause, CSR.mtval, CSR.mip, CSR.pmpcfg0, 0x3A2, CSR.minstret, 0xB03, 0x323, 3,
    ] + (0x3B0...0x3BF)

  /// With floating point on, and nothing for it; x28 holds what `mstatus` was.
  private mutating func floatsOn() {
    a.csrr(28, CSR.mstatus)
    a.li(29, 0x6000)
    a.csr(2, 0, CSR.mstatus, 29)
  }

  /// Every register, in M mode.
  mutating func foldAll() {
    floatsOn()
    for register in 1..<27 as Range<UInt32> {
      a.addi(29, register, 0)
      fold()
    }
    turn()
    for register in 0..<32 as Range<UInt32> {
      a.word(Assembly.r(0x53, 0, 0x71, 29, register, 0))
      fold()
      if register % 4 == 3 { turn() }
    }
    fold(Self.state.filter { $0 != CSR.mstatus })
    a.addi(29, 28, 0)
    fold()
    turn()
    a.csrw(CSR.mstatus, 28)
  }

  /// Every register to `Guest.state`, at the end.
  mutating func dump() {
    floatsOn()
    a.csrw(CSR.mstatus, 29)
    a.addi(30, 28, 0)
    address(28, of: Guest.state)
    for register in 1..<32 as Range<UInt32> where register != 28 && register != 29 {
      a.word(Assembly.s(0x23, 3, 28, register, 8 * Int(register)))
    }
    for register in 0..<32 as Range<UInt32> {
      a.word(Assembly.s(0x27, 3, 28, register, 256 + 8 * Int(register)))
    }
    for (number, csr) in Self.state.enumerated() {
      a.csrr(29, csr)
      a.word(Assembly.s(0x23, 3, 28, 29, 512 + 8 * number))
    }
  }

  /// Other data for another pass, and other traps and interrupts to S mode: from the digest, in M mode.
  mutating func stir() {
    a.csr(7, 0, CSR.mstatus, 8)
    a.li(28, 0x2_0000)
    a.csr(3, 0, CSR.mstatus, 28)
    a.li(28, 0x2000)
    a.csr(2, 0, CSR.mstatus, 28)
    address(30, of: Guest.pool)
    a.addi(28, 27, 0)
    for register in 1..<24 as Range<UInt32> where Self.isFree(register) {
      let kind = random.below(3)
      if kind == 0 { continue }
      draw()
      a.word(Assembly.i(0x03, 3, register, 29, 0))
      if kind == 1 { a.word(Assembly.r(0x33, 4, 0, register, register, 28)) }
    }
    for register in 0..<32 as Range<UInt32> where !random.oneIn(3) {
      draw()
      a.word(Assembly.i(0x07, 3, register, 29, 0))
    }
    a.li(30, 0)
    for (csr, mask) in [
      (CSR.medeleg, delegationMask), (CSR.mideleg, 0x222), (CSR.mie, 0xAAA),
      (CSR.mstatus, statusMask & ~0x2_1800),
    ] {
      shake()
      a.li(29, mask)
      a.word(Assembly.r(0x33, 7, 0, 29, 29, 28))
      csr == CSR.mstatus ? a.csr(2, 0, csr, 29) : a.csrw(csr, 29)
    }
  }

  /// xorshift64, of Marsaglia, on x28.
  private mutating func shake() {
    for (function, amount) in [(1, 13), (5, 7), (1, 17)] as [(UInt32, Int)] {
      a.word(Assembly.i(0x13, function, 29, 28, amount))
      a.word(Assembly.r(0x33, 4, 0, 28, 28, 29))
    }
  }

  /// x29 is the address of one of the pool's operands.
  private mutating func draw() {
    shake()
    a.word(Assembly.i(0x13, 7, 29, 28, Self.poolSize - 8))
    a.word(Assembly.r(0x33, 0, 0, 29, 29, 30))
  }
}
