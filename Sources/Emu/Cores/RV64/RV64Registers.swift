import CoreShim

extension RV64 {
  func readRegister(_ register: RegisterName) -> UInt64? {
    switch register {
    case .pc: return pc
    case .x(let number): return x(number)
    case .f(let number): return words[Int(CORE_RV64_F0) + number]
    case .privilege: return words[Int(CORE_RV64_PRIV)]
    case .csr(let number):
      // Counters are of the machine's time.
      align()
      var value: UInt64 = 0
      return core_rv64_csr(core, UInt32(number), &value) ? value : nil
    default: return nil
    }
  }

  /// CSRs take it as from a csrw in M mode.
  func writeRegister(_ register: RegisterName, _ value: UInt64) -> Bool {
    switch register {
    case .pc:
      words[Int(CORE_RV64_PC)] = value & ~1
      core_moved(core)
    case .x(let number): if number > 0 { x(number, value) }
    case .f(let number): words[Int(CORE_RV64_F0) + number] = value
    case .privilege:
      guard value != 2, value <= 3 else { return false }
      words[Int(CORE_RV64_PRIV)] = value
    case .csr(let number):
      align()
      return core_rv64_set_csr(core, UInt32(number), value)
    default: return false
    }
    return true
  }

  /// What the loads of its next instruction would find there; nil: they would fault.
  func translate(_ address: UInt64) -> UInt64? {
    AddressSpace(
      memory, satp: words[Int(CORE_RV64_SATP)], privilege: words[Int(CORE_RV64_PRIV)] & 3
    ).physical(address)
  }
}
