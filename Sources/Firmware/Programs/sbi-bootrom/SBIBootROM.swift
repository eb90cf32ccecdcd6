/// An SBI firmware of one's own, where the core begins: specification 2.0 with Base, TIME, IPI, HSM, SRST and DBCN, and the legacy console.
/// It brings a supervisor up on hart 0 and lets it start the others.

private enum Status {
  static let started: UInt32 = 0
  static let stopped: UInt32 = 1
  static let startPending: UInt32 = 2
}

private struct Hart: BitwiseCopyable {
  var status = Status.stopped
  var address: UInt64 = 0
  var opaque: UInt64 = 0
}

private let most: UInt64 = 8
private nonisolated(unsafe) var harts = InlineArray<8, Hart>(repeating: Hart())
/// Those that the device tree has, a bit each; the first one knows before another runs.
private nonisolated(unsafe) var present: UInt64 = 0

private let software: UInt64 = 1 << 3
private let timer: UInt64 = 1 << 7

@c @implementation
func bootHart(_ hart: UInt64, _ deviceTree: UInt64, _ next: UnsafePointer<UInt64>) {
  if hart >= most { halted() }
  openToSupervisor()
  listen(software)
  if hart != 0 { wait(hart) }
  console.print("sbi-bootrom: SBI 2.0 in Swift at 0x1000\n")
  harts[0].status = Status.started
  present = hartMask(deviceTree)
  for other in 1..<most where isHart(other) { Interruptor.interrupt(other) }
  // fw_dynamic_info: magic, version, address, mode.
  enterSupervisor(hart, deviceTree, next[2])
}

private func hartMask(_ deviceTree: UInt64) -> UInt64 {
  guard let address = UnsafeRawPointer(bitPattern: UInt(deviceTree)) else { return 1 }
  var nodes = DeviceTreeNode(treeAt: address)
  var mask: UInt64 = 0
  while let node = nodes.next() {
    let cpu: UInt32 = 0x6370_7500  // "cpu"
    guard let type = node["device_type"], type.length == 4, type[0] == cpu, let number = node["reg"]
    else { continue }
    mask |= 1 << UInt64(number[number.length / 4 - 1])
  }
  return mask
}

/// Stopped, until somebody says where to go.
private func wait(_ hart: UInt64) -> Never {
  let index = Int(hart)
  Interruptor.take(hart)
  while loadAgain(&harts[index].status) != Status.startPending { waitForInterrupt() }
  Interruptor.take(hart)
  harts[index].status = Status.started
  enterSupervisor(hart, harts[index].opaque, harts[index].address)
}

@c @implementation
func handleTrap(_ cause: UInt64, _ pc: UInt64, _ frame: UnsafeMutablePointer<TrapFrame>) {
  let callFromSupervisor: UInt64 = 9
  switch cause {
  case callFromSupervisor:
    answer(frame)
    returnTo(pc + 4)
  case Trap.timer:
    setPending(1 << 5)
    ignore(timer)
  case Trap.software:
    Interruptor.take(hartNumber())
    setPending(1 << 1)
  default: unexpectedTrap(cause, pc, frame)
  }
}

// MARK: Calls

private struct Answer {
  var error: Int64 = 0
  var value: UInt64 = 0

  static func failed(_ error: Int64) -> Answer { Answer(error: error) }
  static let notSupported = failed(-2)
  static let invalidParameter = failed(-3)
  static let invalidAddress = failed(-5)
  static let alreadyAvailable = failed(-6)
}

private func answer(_ frame: UnsafeMutablePointer<TrapFrame>) {
  let call = frame.pointee
  let answer: Answer
  switch (call.a7, call.a6) {
  case (0x01, _):
    write(UInt8(truncatingIfNeeded: call.a0))
    frame.pointee.a0 = 0
    return
  case (0x10, _): answer = base(call.a6, call.a0)
  case (0x5449_4D45, 0):
    clearPending(1 << 5)
    Interruptor.interrupt(hartNumber(), at: call.a0)
    listen(timer)
    answer = Answer()
  case (0x0073_5049, 0): answer = interrupt(call.a0, call.a1)
  case (0x0048_534D, 0): answer = start(call.a0, call.a1, call.a2)
  case (0x0048_534D, 1): stop()
  case (0x0048_534D, 2):
    answer =
      isHart(call.a0)
      ? Answer(value: UInt64(loadAgain(&harts[Int(call.a0)].status))) : .invalidParameter
  case (0x5352_5354, 0):
    if call.a0 == 0 { Power.off(success: call.a1 == 0) }
    if call.a0 <= 2 { Power.reset() }
    answer = .invalidParameter
  case (0x4442_434E, 0):
    if call.a2 != 0 || !isMemory(call.a1, call.a0) {
      answer = .invalidParameter
    } else {
      for offset in 0..<call.a0 { write(byte(at: call.a1 + offset)) }
      answer = Answer(value: call.a0)
    }
  case (0x4442_434E, 1): answer = Answer()  // reads nothing: 0 bytes
  case (0x4442_434E, 2):
    write(UInt8(truncatingIfNeeded: call.a0))
    answer = Answer()
  default: answer = .notSupported
  }
  frame.pointee.a0 = UInt64(bitPattern: answer.error)
  frame.pointee.a1 = answer.value
}

private func base(_ function: UInt64, _ argument: UInt64) -> Answer {
  switch function {
  case 0: return Answer(value: 2 << 24)
  case 1: return Answer(value: 0x5357)  // ours: "SW"
  case 2: return Answer(value: 1)
  case 3:
    switch argument {
    case 0x01, 0x10, 0x5449_4D45, 0x0073_5049, 0x0048_534D, 0x5352_5354, 0x4442_434E:
      return Answer(value: 1)
    default: return Answer()
    }
  case 4, 5, 6: return Answer()
  default: return .notSupported
  }
}

private func isHart(_ number: UInt64) -> Bool {
  number < most && present &>> number & 1 == 1
}

private func interrupt(_ mask: UInt64, _ base: UInt64) -> Answer {
  if base == .max {
    for hart in 0..<most where isHart(hart) { Interruptor.interrupt(hart) }
    return Answer()
  }
  // All or none.
  for bit in 0..<64 as Range<UInt64> where mask &>> bit & 1 == 1 {
    if !isHart(base &+ bit) { return .invalidParameter }
  }
  for bit in 0..<64 as Range<UInt64> where mask &>> bit & 1 == 1 {
    Interruptor.interrupt(base &+ bit)
  }
  return Answer()
}

private func start(_ hart: UInt64, _ address: UInt64, _ opaque: UInt64) -> Answer {
  if !isHart(hart) { return .invalidParameter }
  let index = Int(hart)
  if loadAgain(&harts[index].status) != Status.stopped { return .alreadyAvailable }
  if !isMemory(address, 2) || address & 1 != 0 { return .invalidAddress }
  harts[index].address = address
  harts[index].opaque = opaque
  storeBehindAll(&harts[index].status, Status.startPending)
  Interruptor.interrupt(hart)
  return Answer()
}

private func stop() -> Never {
  let hart = hartNumber()
  ignore(timer)
  clearPending(0x22)
  storeBehindAll(&harts[Int(hart)].status, Status.stopped)
  wait(hart)
}

// MARK: What it is done with

/// Above what is the firmware's own, and without going around the end.
private func isMemory(_ address: UInt64, _ count: UInt64) -> Bool {
  address >= 0x8020_0000 && address &+ count >= address && address &+ count < 1 << 40
}

private func byte(at address: UInt64) -> UInt8 {
  UnsafePointer<UInt8>(bitPattern: UInt(address))?.pointee ?? 0
}

private func write(_ byte: UInt8) {
  withUnsafePointer(to: byte) { console.write(UnsafeBufferPointer(start: $0, count: 1)) }
}
