/// Breaks the zero-trap rule by memory: what a program does not have it asks its supervisor for, and asking is a
/// trap: `ecall`, `svc`. (Here the supervisor is the trap handler below.)

private nonisolated(unsafe) var reserve = InlineArray<4, UInt64>(repeating: 0)
private nonisolated(unsafe) var used: UInt = 0

@_silgen_name("result") nonisolated(unsafe) var result: UInt64 = 0

@c(main)
func main() -> Never {
  let cell = allocate()
  cell.pointee = 42
  result = cell.pointee
  halted()
}

private func allocate() -> UnsafeMutablePointer<UInt64> {
  #if CortexM
    let address = UInt(supervisorRequest(8))
  #else
    let address = UInt(environmentCall(8))
  #endif
  guard let cell = UnsafeMutablePointer<UInt64>(bitPattern: address) else { panic("no memory") }
  return cell
}

private func serve(_ bytes: UInt) -> UInt {
  defer { used += bytes }
  return withUnsafeMutablePointer(to: &reserve) { UInt(bitPattern: $0) } + used
}

#if CortexM
  @c @implementation
  func handleException(_ frame: UnsafeMutablePointer<ExceptionFrame>) {
    let supervisorCall: UInt32 = 11
    guard activeException() == supervisorCall else { unexpectedException(frame) }
    frame.pointee.r0 = UInt32(serve(UInt(frame.pointee.r0)))
  }
#else
  @c @implementation
  func handleTrap(_ cause: UInt64, _ pc: UInt64, _ frame: UnsafeMutablePointer<TrapFrame>) {
    guard cause == Trap.environmentCall else { unexpectedTrap(cause, pc, frame) }
    frame.pointee.a0 = UInt64(serve(UInt(frame.pointee.a0)))
    returnTo(pc + 4)
  }
#endif
