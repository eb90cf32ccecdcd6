/// What the System Control Block keeps (ARM DDI 0403E.e, B3.2) beside the states of exceptions, and the debug register DEMCR.
struct SystemControl: Codable, Hashable, Sendable {
  var vtor: UInt32 = 0
  /// AIRCR.PRIGROUP.
  var priorityGroup: UInt32 = 0
  var scr: UInt32 = 0
  var ccr: UInt32 = CCR.stackAlign
  var cfsr: UInt32 = 0
  var hfsr: UInt32 = 0
  var dfsr: UInt32 = 0
  var mmfar: UInt32 = 0
  var bfar: UInt32 = 0
  var actlr: UInt32 = 0
  var cpacr: UInt32 = 0
  var fpccr: UInt32 = FPCCR.automatic | FPCCR.lazy
  var fpcar: UInt32 = 0
  var fpdscr: UInt32 = 0
  var demcr: UInt32 = 0
  /// The last EXC_RETURN that did not do: for words, and not for the guest.
  var refusedReturn: UInt32 = 0

  /// System Control Register, B3.2.7.
  enum SCR {
    static let sleepOnExit: UInt32 = 1 << 1
    static let deep: UInt32 = 1 << 2
    static let eventOnPend: UInt32 = 1 << 4
    static let all = sleepOnExit | deep | eventOnPend
  }

  /// Configuration and Control Register, B3.2.8.
  enum CCR {
    static let nonBaseThread: UInt32 = 1 << 0
    static let userSetPending: UInt32 = 1 << 1
    static let unalignedTrap: UInt32 = 1 << 3
    static let divideTrap: UInt32 = 1 << 4
    static let ignoreBusFaults: UInt32 = 1 << 8
    static let stackAlign: UInt32 = 1 << 9
    static let all =
      nonBaseThread | userSetPending | unalignedTrap | divideTrap | ignoreBusFaults | stackAlign
  }

  /// Configurable Fault Status Register, B3.2.15: MMFSR in bits 7:0, BFSR in 15:8, UFSR in 31:16.
  enum CFSR {
    static let instructionViolation: UInt32 = 1 << 0
    static let dataViolation: UInt32 = 1 << 1
    static let memManageUnstacking: UInt32 = 1 << 3
    static let memManageStacking: UInt32 = 1 << 4
    static let memManageLazy: UInt32 = 1 << 5
    static let memManageAddressValid: UInt32 = 1 << 7
    static let instructionBus: UInt32 = 1 << 8
    static let preciseBus: UInt32 = 1 << 9
    static let unstacking: UInt32 = 1 << 11
    static let stacking: UInt32 = 1 << 12
    static let busLazy: UInt32 = 1 << 13
    static let busAddressValid: UInt32 = 1 << 15
    static let undefined: UInt32 = 1 << 16
    static let invalidState: UInt32 = 1 << 17
    static let invalidPC: UInt32 = 1 << 18
    static let noCoprocessor: UInt32 = 1 << 19
    static let unaligned: UInt32 = 1 << 24
    static let divideByZero: UInt32 = 1 << 25
    static let all: UInt32 = 0x030F_BFBB
  }

  /// HardFault Status Register, B3.2.16.
  enum HFSR {
    static let vectorTable: UInt32 = 1 << 1
    static let forced: UInt32 = 1 << 30
    static let debugEvent: UInt32 = 1 << 31
    static let all = vectorTable | forced | debugEvent
  }

  /// Floating Point Context Control Register, B3.2.21.
  enum FPCCR {
    static let automatic: UInt32 = 1 << 31
    static let lazy: UInt32 = 1 << 30
    static let monitorReady: UInt32 = 1 << 8
    static let busFaultReady: UInt32 = 1 << 6
    static let memManageReady: UInt32 = 1 << 5
    static let hardFaultReady: UInt32 = 1 << 4
    /// What was preempted: Thread mode, unprivileged code.
    static let thread: UInt32 = 1 << 3
    static let user: UInt32 = 1 << 1
    static let lazyActive: UInt32 = 1 << 0
    static let all: UInt32 = 0xC000_017B
  }

  /// Debug Exception and Monitor Control Register, C1.6.5.
  enum DEMCR {
    static let monitor: UInt32 = 1 << 16
    static let monitorPending: UInt32 = 1 << 17
    static let step: UInt32 = 1 << 18
    static let trace: UInt32 = 1 << 24
    /// With MON_REQ and the vector catches, which only a debugger could do something with.
    static let stored: UInt32 = monitor | step | trace | 1 << 19 | 0x7F1
  }

  /// ACTLR of the Cortex-M4 r0p1: DISMCYCINT, DISDEFWBUF, DISFOLD, DISFPCA, DISOOFP.
  static let auxiliaryBits: UInt32 = 0x307

  /// DFSR, C1.6.1: HALTED, BKPT, DWTTRAP.
  static let haltEvent: UInt32 = 1 << 0
  static let breakpointEvent: UInt32 = 1 << 1
  static let watchEvent: UInt32 = 1 << 2

  /// CP10 and CP11 as the engine has them: 0 off, 1 privileged only, 3 on (B3.2.20). Reserved value 2 is off.
  var coprocessorAccess: UInt32 {
    let field = cpacr >> 20 & 3
    return field == 2 ? 0 : field
  }
}
