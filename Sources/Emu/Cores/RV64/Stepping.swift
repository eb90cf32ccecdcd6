import CoreShim

extension RV64 {
  /// One attempt at most, told to `record` if it retired. What the guest sees is what it would have
  /// seen in the middle of a longer run.
  func step(_ record: (Commit) -> Void) -> CoreExit {
    core_enter_pending(core)
    if bus.isInterrupted { return CORE_STOPPED }
    let (before, retired) = (Before(self), core_retired(core))
    let shape = before.encoding.map { CommitShape($0) }
    let flags = shape?.computesFloats == true ? takeFloatFlags() : nil
    let exit = core_step(core)
    let raised = flags.map { restoreFloatFlags($0) } ?? 0
    if core_retired(core) != retired, let shape, let encoding = before.encoding {
      var commit = Commit(
        hart: number, privilege: UInt8(before.privilege), pc: before.pc, encoding: encoding)
      describe(&commit, shape, before, raised: raised)
      record(commit)
    }
    if exit == CORE_BUDGET { core_enter_pending(core) }
    return exit
  }

  /// What an instruction found.
  private struct Before {
    let pc: UInt64
    let privilege: UInt64
    let status: UInt64
    let satp: UInt64
    let registers: (UInt64, UInt64)
    /// The address of the latest LR; all ones: of none.
    let reservation: UInt64
    /// nil: it cannot be fetched.
    let encoding: UInt32?
    /// By its encoding: rs1, and what it stores.
    init(_ hart: RV64) {
      let words = hart.words
      pc = words[Int(CORE_RV64_PC)]
      privilege = words[Int(CORE_RV64_PRIV)] & 3
      status = words[Int(CORE_RV64_MSTATUS)]
      satp = words[Int(CORE_RV64_SATP)]
      reservation = words[Int(CORE_RV64_RESERVATION)]
      let space = AddressSpace(hart.memory, satp: satp, privilege: privilege)
      encoding = space.instruction(at: pc)
      guard let encoding else {
        registers = (0, 0)
        return
      }
      let shape = CommitShape(encoding)
      registers = (words[shape.base], hart.value(shape.source))
    }

    /// Loads and stores of M mode may be made as another mode.
    func dataSpace(_ memory: Memory) -> AddressSpace {
      let mprv = status >> 17 & 1 == 1
      return AddressSpace(memory, satp: satp, privilege: mprv ? status >> 11 & 3 : privilege)
    }
  }

  private func value(_ register: Commit.Register) -> UInt64 {
    switch register {
    case .x(let number): words[Int(number)]
    case .f(let number): words[Int(CORE_RV64_F0) + Int(number)]
    }
  }

  private func describe(
    _ commit: inout Commit, _ shape: CommitShape, _ before: Before, raised: UInt64
  ) {
    commit.register = shape.register
    if let register = shape.register { commit.value = value(register) }
    let address = before.registers.0 &+ UInt64(bitPattern: shape.offset)
    let mask: UInt64 = shape.size == 3 ? .max : 1 << (8 << UInt64(shape.size)) - 1
    let size = UInt8(1 << shape.size)
    func stored() -> UInt64 { before.dataSpace(memory).load(address, size: size) }
    switch shape.memory {
    case .none: break
    case .load, .reserve: commit.load = address
    case .store:
      commit.store = .init(address: address, size: size, value: before.registers.1 & mask)
    case .conditional:
      // Its result may go nowhere.
      if before.reservation == address {
        commit.store = .init(address: address, size: size, value: before.registers.1 & mask)
      }
    case .update:
      commit.load = address
      commit.store = .init(address: address, size: size, value: stored())
    }
    describeCSRs(&commit, shape, before, raised: raised)
  }

  // MARK: CSRs

  private enum Number {
    static let fflags: UInt16 = 0x001
    static let frm: UInt16 = 0x002
    static let fcsr: UInt16 = 0x003
    static let sstatus: UInt16 = 0x100
    static let sie: UInt16 = 0x104
    static let sip: UInt16 = 0x144
    static let mstatus: UInt16 = 0x300
    static let mie: UInt16 = 0x304
    static let mip: UInt16 = 0x344
  }

  /// Views of another register are reported as that one.
  private func describeCSRs(
    _ commit: inout Commit, _ shape: CommitShape, _ before: Before, raised: UInt64
  ) {
    var numbers: [UInt16] = []
    if shape.returns { numbers.append(Number.mstatus) }
    switch shape.csr {
    case nil: break
    case Number.sstatus: numbers.append(Number.mstatus)
    case Number.sie: numbers += [Number.sie, Number.mie]
    case Number.sip: numbers.append(Number.mip)
    case Number.fcsr: numbers += [Number.frm, Number.fflags]
    case let number?: numbers.append(number)
    }
    let fs: UInt64 = 3 << 13
    let isFirst = (before.status ^ words[Int(CORE_RV64_MSTATUS)]) & fs != 0
    if isFirst && numbers.first != Number.mstatus { numbers.insert(Number.mstatus, at: 0) }
    if raised != 0 { numbers.append(Number.fflags) }
    for number in numbers where !ignoresWrites(number) {
      if let value = csr(number) { commit.csrs.append(.init(number: number, value: value)) }
    }
  }

  private func csr(_ number: UInt16) -> UInt64? {
    var value: UInt64 = 0
    return core_rv64_csr(core, UInt32(number), &value) ? value : nil
  }

  /// Event counters that are not there, and PMP addresses that are locked, are not written.
  private func ignoresWrites(_ number: UInt16) -> Bool {
    if 0xB03...0xB1F ~= number { return true }
    guard 0x3B0...0x3BF ~= number else { return false }
    func configuration(_ entry: UInt16) -> UInt64 {
      entry > 15 ? 0 : (csr(0x3A0 + entry / 8 * 2) ?? 0) >> UInt64(entry % 8 * 8) & 0xFF
    }
    let next = configuration(number - 0x3B0 + 1)
    let isLockedBound = next & 0x98 == 0x88
    return configuration(number - 0x3B0) & 0x80 != 0 || isLockedBound
  }

  /// The flags accumulate: whether an instruction raised one shows only where none was set.
  private func takeFloatFlags() -> UInt64 {
    let status = words[Int(CORE_RV64_MSTATUS)]
    defer { words[Int(CORE_RV64_MSTATUS)] = status }
    var flags: UInt64 = 0
    core_rv64_csr(core, UInt32(Number.fflags), &flags)
    core_rv64_set_csr(core, UInt32(Number.fflags), 0)
    return flags
  }

  private func restoreFloatFlags(_ flags: UInt64) -> UInt64 {
    let status = words[Int(CORE_RV64_MSTATUS)]
    defer { words[Int(CORE_RV64_MSTATUS)] = status }
    var raised: UInt64 = 0
    core_rv64_csr(core, UInt32(Number.fflags), &raised)
    core_rv64_set_csr(core, UInt32(Number.fflags), flags | raised)
    return raised
  }
}
