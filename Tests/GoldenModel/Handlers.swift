/// Both trap handlers, and what M mode's does by command.
extension GuestBody {
  private mutating func vector(_ entry: Assembly.Label) {
    a.align(64)
    a.bind(entry)
    let body = a.label()
    for _ in 0..<12 { a.jump(0, body) }
    a.bind(body)
  }

  /// A store conditional elsewhere: no reservation survives a trap, on either side.
  private mutating func dropReservation() {
    address(28, of: Guest.dummy)
    a.word(Assembly.r(0x2F, 3, 3 << 2, 29, 28, 0))
  }

  mutating func machineHandler(_ entry: Assembly.Label) {
    vector(entry)
    let (interrupt, command, plain) = (a.label(), a.label(), a.label())
    dropReservation()
    fold([CSR.mepc, CSR.mcause, CSR.mstatus, CSR.minstret, CSR.mtval])
    a.csrr(28, CSR.mcause)
    a.branch(4, 28, 0, interrupt)
    // An ecall with a command.
    a.addi(29, 28, -8)
    a.word(Assembly.i(0x13, 3, 29, 29, 4))
    a.branch(0, 29, 0, plain)
    a.branch(1, 30, 0, command)
    a.bind(plain)
    // After fetch faults (0, 1, 12) on in M mode, at the physical address.
    let faulted = a.label()
    let resume = a.label()
    a.word(Assembly.i(0x13, 3, 29, 28, 2))
    a.branch(1, 29, 0, faulted)
    a.addi(29, 28, -12)
    a.branch(1, 29, 0, resume)
    a.bind(faulted)
    enterMode(3)
    a.bind(resume)
    a.csrw(CSR.mepc, 31)
    a.word(Self.mret)

    a.bind(interrupt)
    a.li(28, Guest.msip)
    a.word(Assembly.s(0x23, 2, 28, 0, 0))
    a.csrw(CSR.mip, 0)
    a.word(Self.mret)

    a.bind(command)
    commands(resume)
  }

  /// Sets MPP, and x31 to where that mode finds the same code.
  private mutating func enterMode(_ mode: UInt64) {
    a.li(28, 3 << 11)
    a.csr(3, 0, CSR.mstatus, 28)
    a.li(28, mode << 11)
    a.csr(2, 0, CSR.mstatus, 28)
    a.li(28, 0xF_FFFF)
    a.word(Assembly.r(0x33, 7, 0, 31, 31, 28))
    let bare = a.label()
    a.li(28, Guest.base)
    if mode == 0 {
      a.csrr(29, CSR.satp)
      a.branch(0, 29, 0, bare)
      a.li(28, Guest.userBase)
      a.bind(bare)
    }
    a.word(Assembly.r(0x33, 0, 0, 31, 31, 28))
  }

  private mutating func commands(_ resume: Assembly.Label) {
    func when(_ command: UInt64, _ body: (inout GuestBody) -> Void) {
      let other = a.label()
      a.li(29, command)
      a.branch(1, 30, 29, other)
      a.li(30, 0)
      body(&self)
      a.jump(0, resume)
      a.bind(other)
    }
    when(Guest.Command.user) { $0.enterMode(0) }
    when(Guest.Command.supervisor) { $0.enterMode(1) }
    when(Guest.Command.machine) { $0.enterMode(3) }
    when(Guest.Command.interrupt) {
      $0.a.li(28, Guest.msip)
      $0.a.li(29, 1)
      $0.a.word(Assembly.s(0x23, 2, 28, 29, 0))
    }
    when(Guest.Command.poke) {
      $0.a.word(Assembly.s(0x23, 3, 26, 24, 0))
      $0.a.word(Self.sfence)
    }
    when(Guest.Command.wait) {
      $0.a.csr(6, 0, CSR.mip, 2)
      $0.a.csr(6, 0, CSR.mie, 2)
      $0.a.word(Self.wfi)
      $0.a.csr(7, 0, CSR.mip, 2)
    }
    when(Guest.Command.pend) {
      $0.a.li(28, Guest.msip)
      $0.a.word(Assembly.s(0x23, 2, 28, 0, 0))
      $0.a.addi(29, 0, 2)
      for csr in [CSR.mip, CSR.mie, CSR.mideleg] { $0.a.csrw(csr, 29) }
      $0.a.csr(7, 0, CSR.mstatus, 2)
    }
    when(Guest.Command.fold) { $0.foldAll() }
    // Back to where S mode's handler was entered from.
    let other = a.label()
    a.li(29, Guest.Command.clear)
    a.branch(1, 30, 29, other)
    a.li(30, 0)
    a.csrw(CSR.mip, 0)
    a.csrr(28, CSR.sepc)
    a.csrw(CSR.mepc, 28)
    a.csrr(28, CSR.mstatus)
    a.word(Assembly.i(0x13, 7, 28, 28, 0x100))
    a.word(Assembly.i(0x13, 1, 28, 28, 3))
    a.li(29, 3 << 11)
    a.csr(3, 0, CSR.mstatus, 29)
    a.csr(2, 0, CSR.mstatus, 28)
    a.word(Self.mret)
    a.bind(other)
    // The end, and what nobody knows.
    dump()
    let loop = a.label()
    address(28, of: Guest.toHost)
    a.li(29, 1)
    a.bind(loop)
    a.word(Assembly.s(0x23, 3, 28, 29, 0))
    a.jump(0, loop)
  }

  mutating func supervisorHandler(_ entry: Assembly.Label) {
    vector(entry)
    let (interrupt, forward, plain) = (a.label(), a.label(), a.label())
    dropReservation()
    fold([CSR.sepc, CSR.scause, CSR.sstatus, CSR.stval])
    a.csrr(28, CSR.scause)
    a.branch(4, 28, 0, interrupt)
    a.addi(29, 28, -8)
    a.branch(1, 29, 0, plain)
    a.branch(1, 30, 0, forward)
    a.bind(plain)
    a.csrw(CSR.sepc, 31)
    a.word(Self.sret)
    a.bind(interrupt)
    a.li(30, Guest.Command.clear)
    a.bind(forward)
    a.word(Self.ecall)
    a.jump(0, plain)
  }
}
