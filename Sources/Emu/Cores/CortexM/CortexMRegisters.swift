import CoreShim

extension CortexM {
  func readRegister(_ register: RegisterName) -> UInt64? {
    var state = CoreM4()
    switch register {
    case .pc: return pc
    case .r(let number): return UInt64(core_m4_r(core)[number])
    case .s(let number): return UInt64(core_m4_s(core)[number])
    case .fpscr: return UInt64(core_m4_fpscr(core))
    default: core_m4_get(core, &state)
    }
    return register.field.map { UInt64(state[keyPath: $0]) }
  }

  /// Between two instructions. What an MSR cannot write (IPSR) can be written, too.
  func writeRegister(_ register: RegisterName, _ value: UInt64) -> Bool {
    let word = UInt32(truncatingIfNeeded: value)
    var state = CoreM4()
    core_m4_get(core, &state)
    switch register {
    case .pc:
      state.r.15 = word & ~1
      core_moved(core)
    case .r(13) where state.usesPSP: state.psp = word & ~3
    case .r(13): state.msp = word & ~3
    case .r(let number): core_m4_r(core)[number] = word
    case .s(let number): core_m4_s(core)[number] = word
    case .fpscr: core_m4_set_fpscr(core, word)
    default:
      guard let field = register.field else { return false }
      state[keyPath: field] = word
    }
    switch register {
    case .s, .fpscr: return true
    case .r(let number) where number != 13: return true
    default: core_m4_set(core, &state)
    }
    reconsider(state.masks)
    return true
  }
}

extension CoreM4 {
  fileprivate var usesPSP: Bool {
    xpsr & 0x1FF == 0 && control & CortexM.Control.spsel != 0
  }
}

extension RegisterName {
  fileprivate var field: WritableKeyPath<CoreM4, UInt32>? {
    switch self {
    case .xpsr: \.xpsr
    case .msp: \.msp
    case .psp: \.psp
    case .control: \.control
    case .primask: \.primask
    case .faultmask: \.faultmask
    case .basepri: \.basepri
    default: nil
    }
  }
}
