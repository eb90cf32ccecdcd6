/// The code of a guest: start, handlers, and units of random instructions between them.
struct GuestBody {
  var a = Assembly()
  var random: Random
  var dataBytes: [UInt8] = []
  var tableBytes: [UInt8] = []

  enum CSR {
    static let sstatus: UInt32 = 0x100
    static let sie: UInt32 = 0x104
    static let stvec: UInt32 = 0x105
    static let sepc: UInt32 = 0x141
    static let scause: UInt32 = 0x142
    static let stval: UInt32 = 0x143
    static let sip: UInt32 = 0x144
    static let satp: UInt32 = 0x180
    static let mstatus: UInt32 = 0x300
    static let medeleg: UInt32 = 0x302
    static let mideleg: UInt32 = 0x303
    static let mie: UInt32 = 0x304
    static let mtvec: UInt32 = 0x305
    static let mepc: UInt32 = 0x341
    static let mcause: UInt32 = 0x342
    static let mtval: UInt32 = 0x343
    static let mip: UInt32 = 0x344
    static let pmpcfg0: UInt32 = 0x3A0
    static let minstret: UInt32 = 0xB02
  }
  static let mret: UInt32 = 0x3020_0073
  static let sret: UInt32 = 0x1020_0073
  static let ecall: UInt32 = 0x73
  static let sfence: UInt32 = 0x1200_0073

  /// TSR makes `sret` illegal in S mode, whose handler then must not be the one for illegal instructions.
  let trapsSRET: Bool

  init(seed: UInt64) {
    random = Random(seed: seed)
    trapsSRET = random.oneIn(2)
    dataBytes = []
    for _ in 0..<Guest.dataSize / 8 {
      let value = Operand.random(&random)
      for byte in 0..<8 { dataBytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))) }
    }
    tableBytes = PageTables.random(&random)
  }

  mutating func build(units: Int, passes: UInt64) {
    let machineHandler = a.label()
    let supervisorHandler = a.label()
    let first = a.label()
    start(machineHandler, supervisorHandler, passes, first)
    self.machineHandler(machineHandler)
    self.supervisorHandler(supervisorHandler)
    a.bind(first)
    for _ in 0..<units { unit() }
    // Back to M mode, and once more.
    let next = a.label()
    command(Guest.Command.machine, resume: next)
    a.bind(next)
    let last = a.label()
    a.addi(27, 27, -1)
    a.branch(0, 27, 0, last)
    a.la(28, first)
    a.word(Assembly.i(0x67, 0, 0, 28, 0))
    a.bind(last)
    // Whatever mode this is: a trap that is delegated ends here again.
    command(Guest.Command.end, resume: last)
    a.jump(0, last)
    a.resolve()
  }

  func image() -> [UInt8] {
    var image = a
    image.pad(to: Guest.toHost)
    image.pad(to: Guest.data)
    var bytes = image.bytes + dataBytes
    bytes += [UInt8](repeating: 0, count: Guest.tables - bytes.count) + tableBytes
    precondition(bytes.count <= Guest.size)
    return bytes
  }

  /// An address in the image, by the pc.
  mutating func address(_ rd: UInt32, of offset: Int) { a.li(rd, Guest.base + UInt64(offset)) }

  // MARK: Start

  private mutating func start(
    _ machine: Assembly.Label, _ supervisor: Assembly.Label, _ passes: UInt64,
    _ first: Assembly.Label
  ) {
    a.la(28, machine)
    if random.oneIn(2) { a.addi(28, 28, 1) }
    a.csrw(CSR.mtvec, 28)
    a.la(28, supervisor)
    if random.oneIn(2) { a.addi(28, 28, 1) }
    a.csrw(CSR.stvec, 28)
    // The reset state of both differs here.
    a.csrw(CSR.mie, 0)
    a.li(28, 0x0200_4000)
    a.li(29, .max)
    a.word(Assembly.s(0x23, 3, 28, 29, 0))
    for csr in [0x340, 0x140, CSR.mepc, CSR.sepc, CSR.mcause, CSR.scause, CSR.mtval, CSR.stval]
      as [UInt32]
    {
      a.csrw(csr, 0)
    }
    a.li(28, UInt64.max >> 10)
    for csr in 0x3B0...0x3B7 as ClosedRange<UInt32> { a.csrw(csr, csr == 0x3B7 ? 28 : 0) }
    // Entry 7 lets everybody do everything; those before it may take something away.
    a.li(28, 0x1F << 56)
    a.csrw(CSR.pmpcfg0, 28)
    // Exceptions 0, 1, 9 and 12 stay in M mode, which knows how to go on without a page table.
    var delegated = random.next() & 0xA1FC
    if trapsSRET { delegated &= ~4 }
    a.li(28, delegated)
    a.csrw(CSR.medeleg, 28)
    a.li(28, random.next() & 0x222)
    a.csrw(CSR.mideleg, 28)
    a.li(28, random.next() & 0xAAA)
    a.csrw(CSR.mie, 28)
    a.li(28, random.next() & 7)
    a.csrw(0x306, 28)
    a.li(28, random.next() & 7)
    a.csrw(0x106, 28)
    a.li(28, 0x6000)
    a.csrw(CSR.mstatus, 28)
    for register in 0..<32 as Range<UInt32> { a.word(Assembly.r(0x53, 0, 0x79, register, 0, 0)) }
    a.csrw(3, 0)
    for register in 1..<27 as Range<UInt32> { a.li(register, Operand.random(&random)) }
    for register in [2, 15, 26] as [UInt32] { address(register, of: Guest.data + 0x4000) }
    a.li(30, 0)
    a.li(27, passes)
    a.csrw(CSR.minstret, 0)
    a.jump(0, first)
    a.align(64)
  }

  // MARK: Handlers

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

  private mutating func machineHandler(_ entry: Assembly.Label) {
    vector(entry)
    let (interrupt, command, plain) = (a.label(), a.label(), a.label())
    dropReservation()
    a.csrr(29, CSR.mepc)
    a.csrr(29, CSR.mtval)
    a.csrr(29, CSR.mstatus)
    a.csrr(29, CSR.minstret)
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
      $0.a.word(Assembly.s(0x23, 3, 26, 25, 0))
      $0.a.word(Self.sfence)
    }
    when(Guest.Command.wait) {
      $0.a.csr(6, 0, CSR.mip, 2)
      $0.a.csr(6, 0, CSR.mie, 2)
      $0.a.word(0x1050_0073)
      $0.a.csr(7, 0, CSR.mip, 2)
    }
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
    let loop = a.label()
    address(28, of: Guest.toHost)
    a.li(29, 1)
    a.bind(loop)
    a.word(Assembly.s(0x23, 3, 28, 29, 0))
    a.jump(0, loop)
  }

  private mutating func supervisorHandler(_ entry: Assembly.Label) {
    vector(entry)
    let (interrupt, forward, plain) = (a.label(), a.label(), a.label())
    dropReservation()
    a.csrr(29, CSR.sepc)
    a.csrr(29, CSR.stval)
    a.csrr(29, CSR.sstatus)
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

  // MARK: Units

  mutating func command(_ command: UInt64, resume: Assembly.Label) {
    a.la(31, resume)
    a.li(30, command)
    a.word(Self.ecall)
  }

  private mutating func unit() {
    let next = a.label()
    switch random.below(40) {
    case 0: command(random.pick([Guest.Command.user, Guest.Command.supervisor]), resume: next)
    case 1, 2: command(1 + UInt64(random.below(3)), resume: next)
    case 3:
      command(random.oneIn(2) ? Guest.Command.interrupt : Guest.Command.wait, resume: next)
    case 4: poke(next)
    default:
      a.la(31, next)
      fill(next)
    }
    a.bind(next)
  }

  /// Changes a page table entry of the random pages, as M mode.
  private mutating func poke(_ next: Assembly.Label) {
    address(26, of: Guest.tables + PageTables.randomEntry(&random))
    a.li(25, PageTables.leaf(&random))
    command(Guest.Command.poke, resume: next)
  }
}
