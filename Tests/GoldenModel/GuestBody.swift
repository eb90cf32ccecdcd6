/// The code of a guest: start, handlers, and units of random instructions between them.
struct GuestBody {
  var a = Assembly()
  var random: Random
  var dataBytes: [UInt8] = []
  var poolBytes: [UInt8] = []
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
    static let mcountinhibit: UInt32 = 0x320
    static let mscratch: UInt32 = 0x340
    static let mepc: UInt32 = 0x341
    static let mcause: UInt32 = 0x342
    static let mtval: UInt32 = 0x343
    static let mip: UInt32 = 0x344
    static let pmpcfg0: UInt32 = 0x3A0
    static let mcycle: UInt32 = 0xB00
    static let minstret: UInt32 = 0xB02
  }
  static let mret: UInt32 = 0x3020_0073
  static let sret: UInt32 = 0x1020_0073
  static let ecall: UInt32 = 0x73
  static let sfence: UInt32 = 0x1200_0073
  static let wfi: UInt32 = 0x1050_0073
  static let poolSize = 2048

  /// Whether what is written now may be what is not an instruction.
  var mayTrap = true
  /// TSR makes `sret` illegal in S mode, whose handler then must not be the one for illegal instructions.
  let trapsSRET: Bool
  /// Of `mstatus`: everything but XLEN, endianness and what is not there.
  var statusMask: UInt64 { 0x3E_79AA | (trapsSRET ? 0x40_0000 : 0) }
  /// Exceptions 0, 1, 9 and 12 stay in M mode, which knows how to go on without a page table.
  var delegationMask: UInt64 { trapsSRET ? 0xA1F8 : 0xA1FC }

  init(seed: UInt64) {
    random = Random(seed: seed)
    trapsSRET = random.oneIn(2)
    dataBytes = Operand.bytes(Guest.dataSize, &random)
    poolBytes = Operand.bytes(Self.poolSize, &random)
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
    stir()
    for _ in 0..<units { unit() }
    // Back to M mode, and once more.
    let (folded, next) = (a.label(), a.label())
    command(Guest.Command.fold, resume: folded)
    a.bind(folded)
    command(Guest.Command.machine, resume: next)
    a.bind(next)
    let last = a.label()
    a.addi(25, 25, -1)
    a.branch(0, 25, 0, last)
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
    var bytes = image.bytes
    for (offset, part) in [
      (Guest.data, dataBytes), (Guest.pool, poolBytes), (Guest.tables, tableBytes),
    ] { bytes += [UInt8](repeating: 0, count: offset - bytes.count) + part }
    return bytes + [UInt8](repeating: 0, count: Guest.size - bytes.count)
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
    // Entries 0 and 1, locked: data that runs as code reaches no device but the CLINT's msip.
    a.li(28, Guest.msip >> 2)
    a.csrw(0x3B0, 28)
    a.li(28, Guest.base >> 3 - 1)
    a.csrw(0x3B1, 28)
    // No region from there up to the next has code in it.
    a.li(28, (Guest.base + UInt64(Guest.data)) >> 2)
    for csr in 0x3B2..<0x3B7 as Range<UInt32> { a.csrw(csr, 28) }
    // Entry 7 lets everybody do everything; those before it may take something away.
    a.li(28, UInt64.max >> 10)
    a.csrw(0x3B7, 28)
    a.li(28, 0x1F << 56 | 0x9893)
    a.csrw(CSR.pmpcfg0, 28)
    a.li(28, random.next() & delegationMask)
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
    for register in 1..<28 as Range<UInt32> { a.li(register, Operand.random(&random)) }
    for register in [2, 15, 26] as [UInt32] { address(register, of: Guest.data + 0x4000) }
    a.li(30, 0)
    a.li(25, passes)
    a.csrw(CSR.minstret, 0)
    a.jump(0, first)
    a.align(64)
  }

  // MARK: Units

  mutating func command(_ command: UInt64, resume: Assembly.Label) {
    a.la(31, resume)
    a.li(30, command)
    a.word(Self.ecall)
  }

  private mutating func unit() {
    let next = a.label()
    switch random.below(200) {
    case 0..<5:
      command(random.pick([Guest.Command.user, Guest.Command.supervisor]), resume: next)
    case 5..<15: command(1 + UInt64(random.below(3)), resume: next)
    case 15..<20:
      command(random.oneIn(2) ? Guest.Command.interrupt : Guest.Command.wait, resume: next)
    case 20..<25: poke(next)
    case 25, 26: command(Guest.Command.fold, resume: next)
    case 27, 28:
      let wfi = a.label()
      command(Guest.Command.pend, resume: wfi)
      a.bind(wfi)
      a.la(31, next)
      a.word(Self.wfi)
    case 29..<45:
      loop(next)
    default:
      a.la(31, next)
      if random.oneIn(6) {
        // In some passes only.
        a.word(Assembly.i(0x13, 5, 29, 27, random.below(64)))
        a.word(Assembly.i(0x13, 7, 29, 29, 1))
        a.branch(1, 29, 0, next)
      }
      fill(next)
    }
    a.bind(next)
  }

  /// Changes a page table entry of the random pages, as M mode.
  private mutating func poke(_ next: Assembly.Label) {
    address(26, of: Guest.tables + PageTables.randomEntry(&random))
    a.li(24, PageTables.leaf(&random))
    command(Guest.Command.poke, resume: next)
  }
}
