/// A register of a core, by which a debugger reads and writes it.
public enum RegisterName: Sendable, Hashable, Codable {
  case pc
  /// RV64: x0 to x31.
  case x(Int)
  /// RV64: f0 to f31, as bits.
  case f(Int)
  /// RV64: by its number.
  case csr(UInt16)
  /// RV64: the mode, 0, 1 or 3.
  case privilege
  /// Cortex-M: r0 to r12, sp, lr.
  case r(Int)
  case xpsr
  case msp
  case psp
  case control
  case primask
  case faultmask
  case basepri
  /// Cortex-M: s0 to s31, as bits.
  case s(Int)
  case fpscr
}
