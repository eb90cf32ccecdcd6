import CoreShim

/// All of a Cortex-M4 that a guest can see and that is not in memory, as one value.
struct CortexMState: Codable, Hashable, Sendable {
  /// r0 to r12, the active SP, LR, PC.
  var r: [UInt32]
  var xpsr: UInt32
  var msp: UInt32
  var psp: UInt32
  var control: UInt32
  var primask: UInt32
  var faultmask: UInt32
  var basepri: UInt32
  var s: [UInt32]
  var fpscr: UInt32
  /// The event register of WFE.
  var event: Bool
  var exceptions: ExceptionTable.State
  var system: SystemControl
  var sysTick: SysTick
  var cycles: CycleCounter
  var mpu: MemoryProtection
  var debug: DebugUnits
}

extension CortexM {
  /// Between two instructions.
  var state: CortexMState {
    get {
      var core = CoreM4()
      core_m4_get(self.core, &core)
      return CortexMState(
        r: withUnsafeBytes(of: core.r) { Array($0.bindMemory(to: UInt32.self)) }, xpsr: core.xpsr,
        msp: core.msp, psp: core.psp, control: core.control, primask: core.primask,
        faultmask: core.faultmask, basepri: core.basepri,
        s: Array(UnsafeBufferPointer(start: core_m4_s(self.core), count: 32)),
        fpscr: core_m4_fpscr(self.core), event: core_m4_event(self.core),
        exceptions: exceptions.state, system: system, sysTick: sysTick, cycles: cycles,
        mpu: mpu, debug: debug)
    }
    set {
      var core = CoreM4()
      newValue.r.withUnsafeBytes { from in
        withUnsafeMutableBytes(of: &core.r) { $0.copyMemory(from: from) }
      }
      core.xpsr = newValue.xpsr
      core.msp = newValue.msp
      core.psp = newValue.psp
      core.control = newValue.control
      core.primask = newValue.primask
      core.faultmask = newValue.faultmask
      core.basepri = newValue.basepri
      for (number, value) in newValue.s.enumerated() { core_m4_s(self.core)[number] = value }
      core_m4_set_fpscr(self.core, newValue.fpscr)
      system = newValue.system
      sysTick = newValue.sysTick
      cycles = newValue.cycles
      mpu = newValue.mpu
      debug = newValue.debug
      exceptions.state = newValue.exceptions
      configure()
      core_m4_set(self.core, &core)
      core_m4_set_event(self.core, newValue.event)
      reschedule()
      reconsider(core.masks)
    }
  }

  var registerList: [Register] {
    let state = state
    var all: [Register] = []
    func add(_ name: String, _ value: UInt32) {
      all.append(Register(name, UInt64(value), width: 32))
    }
    for number in 0...12 { add("r\(number)", state.r[number]) }
    add("sp", state.r[13])
    add("lr", state.r[14])
    add("pc", state.r[15])
    add("xpsr", state.xpsr)
    add("msp", state.msp)
    add("psp", state.psp)
    add("control", state.control)
    add("primask", state.primask)
    add("basepri", state.basepri)
    add("faultmask", state.faultmask)
    for number in 0..<32 { add("s\(number)", state.s[number]) }
    add("fpscr", state.fpscr)
    add("cfsr", state.system.cfsr)
    add("hfsr", state.system.hfsr)
    add("mmfar", state.system.mmfar)
    add("bfar", state.system.bfar)
    return all
  }
}
