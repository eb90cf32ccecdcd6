/// A small kernel that has everything which makes context switches hard, for tests that interrupt it at every instruction: four
/// tasks, three of them unprivileged behind the MPU and two with floating point, system calls, switches by PendSV at places
/// that a random number decides, critical sections by BASEPRI, and eight interrupts that nest through all priorities.
///
/// What the tasks compute does not depend on when they are switched or interrupted: the first line that is printed is the same
/// in every run. A run ends with code 0 if nothing was found wrong on the way.
import _Volatile

/// The private peripheral bus.
private func register(_ address: UInt) -> VolatileMappedRegister<UInt32> {
  .init(unsafeBitPattern: address)
}

private enum Failure {
  static let nested: UInt32 = 1
  static let shared: UInt32 = 2
  static let service: UInt32 = 4
  static let refusals: UInt32 = 8
}

/// What a task keeps at the bottom of its memory, in words.
private enum Word {
  static let sum = 0
  static let random = 1
  static let stack = 2
  static let floats = 4
}

private enum Task {
  static let rounds: UInt32 = 6
  static let probes: UInt32 = 2
  static let count = 4
  static let words = 256
}

private nonisolated(unsafe) var current = 0
private nonisolated(unsafe) var finished: UInt32 = 0
private nonisolated(unsafe) var failures: UInt32 = 0
private nonisolated(unsafe) var switches: UInt32 = 0
private nonisolated(unsafe) var interrupts: UInt32 = 0
private nonisolated(unsafe) var depth: UInt32 = 0
/// Equal but for the moment in which somebody changes both.
private nonisolated(unsafe) var shared: (UInt32, UInt32) = (0, 0)

private func memory(_ task: Int) -> UnsafeMutablePointer<UInt32> {
  taskMemory() + task * Task.words
}

// MARK: Tasks

private func next(_ random: inout UInt32) -> UInt32 {
  random = random &* 1_664_525 &+ 1_013_904_223
  return random >> 16
}

/// Integers, system calls and stores that the MPU refuses.
private func compute(_ own: UnsafeMutablePointer<UInt32>) {
  for round in 0..<Task.rounds {
    let value = next(&own[Word.random])
    own[Word.sum] = own[Word.sum] &* 31 &+ value / (round + 3)
    if value & 3 == 0 { yield() }
    let answer = ask(value)
    own[Word.sum] ^= answer
    if round < Task.probes { probe(UInt32(UInt(bitPattern: refusals()))) }
    if value & 12 == 0 { yield() }
  }
}

private func float(_ own: UnsafeMutablePointer<UInt32>) {
  for _ in 0..<Task.rounds {
    let value = next(&own[Word.random])
    mixFloats(own + Word.floats, 1 + value & 1)
    if value & 2 == 0 { yield() }
  }
  for word in 0..<16 { own[Word.sum] = own[Word.sum] &* 33 ^ own[Word.floats + word] }
}

/// Privileged: sections that interrupts of lesser priority must not see.
private func exclude(_ own: UnsafeMutablePointer<UInt32>) {
  for _ in 0..<Task.rounds {
    let value = next(&own[Word.random])
    setPriorityMask(0x40)
    changeShared(by: value)
    setPriorityMask(0)
    if value & 1 == 0 { yield() }
    own[Word.sum] = own[Word.sum] &+ value
  }
}

private func changeShared(by value: UInt32) {
  if shared.0 != shared.1 { failures |= Failure.shared }
  shared.0 = shared.0 &+ value
  spin(1 + value & 3)
  shared.1 = shared.1 &+ value
}

@c(runTask)
func runTask(_ number: UInt32) {
  let own = taskMemory() + Int(number) * Task.words
  switch number {
  case 0: compute(own)
  case 1, 2: float(own)
  default: exclude(own)
  }
  finish()
}

// MARK: Switches

@c @implementation
func firstTask() -> UnsafeMutablePointer<UInt32> {
  enter(0)
  return kept(0)
}

@c @implementation
func switchTask(_ stack: UnsafeMutablePointer<UInt32>) -> UnsafeMutablePointer<UInt32> {
  switches &+= 1
  keep(stack, of: current)
  repeat { current = (current + 1) & (Task.count - 1) } while finished >> UInt32(current) & 1 == 1
  enter(current)
  return kept(current)
}

private func keep(_ stack: UnsafeMutablePointer<UInt32>, of task: Int) {
  memory(task)[Word.stack] = UInt32(UInt(bitPattern: stack))
}

private func kept(_ task: Int) -> UnsafeMutablePointer<UInt32> {
  memory(task) + (Int(memory(task)[Word.stack]) - Int(bitPattern: memory(task))) / 4
}

/// The MPU's region 1 is the running task's memory; the last task is privileged.
private func enter(_ task: Int) {
  let base = UInt32(UInt(bitPattern: memory(task)))
  register(0xE000_ED9C).store(base | 1 << 4 | 1)
  register(0xE000_EDA0).store(1 << 28 | 3 << 24 | 9 << 1 | 1)
  setControl(task == Task.count - 1 ? 2 : 3)
}

// MARK: Exceptions

@c @implementation
func service(_ frame: UnsafeMutablePointer<ExceptionFrame>) {
  let code = UnsafePointer<UInt8>(bitPattern: UInt(frame.pointee.pc) - 2)
  switch code?.pointee {
  case 1: register(0xE000_ED04).store(1 << 28)
  case 2: frame.pointee.r0 = frame.pointee.r0 &* 2_654_435_761 >> 3
  default:
    finished |= 1 << UInt32(current)
    if finished == 1 << UInt32(Task.count) - 1 { report() }
    register(0xE000_ED04).store(1 << 28)
  }
}

/// IRQ n has the priority 7 - n, and pends the next one; the first also asks for a switch.
@c @implementation
func interruptNested(_ number: UInt32) {
  if number != 0 && depth == 0 && interrupts & 7 != 0 { failures |= Failure.nested }
  depth += 1
  interrupts += 1
  if number < 6 { changeShared(by: number) }
  clobber()
  if number == 0 { register(0xE000_ED04).store(1 << 28) }
  if number < 7 { register(0xE000_E200).store(1 << (number + 1)) }
  clobber()
  depth -= 1
}

// MARK: Beginning and end

@c(main)
func main() -> Never {
  console.configure()
  register(0xE000_ED08).store(tortureVectors())
  register(0xE000_ED88).store(0xF << 20)
  register(0xE000_EDFC).store(1 << 24)
  register(0xE000_1000).store(1)
  // SVCall 3, PendSV 7, MemManage enabled at 0; IRQ n at 7 - n, of 3 bits.
  register(0xE000_ED1C).store(0x6000_0000)
  register(0xE000_ED20).store(0x00E0_0000)
  register(0xE000_ED24).store(1 << 16)
  register(0xE000_E400).store(0x80A0_C0E0)
  register(0xE000_E404).store(0x0020_4060)
  register(0xE000_E100).store(0xFF)
  // Region 0: all of flash, for reading and executing.
  register(0xE000_ED98).store(0)
  register(0xE000_ED9C).store(0)
  register(0xE000_EDA0).store(6 << 24 | 20 << 1 | 1)
  register(0xE000_ED94).store(5)
  for task in 0..<Task.count { prepare(task) }
  startTasks()
  while true {}
}

private func prepare(_ task: Int) {
  let own = memory(task)
  own[Word.random] = 0x1234_5678 &* UInt32(task + 1)
  for word in 0..<16 { own[Word.floats + word] = 0x3F80_0000 + UInt32(word) << 18 }
  // r4 to r11 and EXC_RETURN; then the frame: r0, PC and xPSR.
  let frame = own + (Task.words - 8)
  frame[0] = UInt32(task)
  frame[5] = 0xFFFF_FFFF
  frame[6] = taskEntry() & ~1
  frame[7] = 1 << 24
  let stack = frame - 9
  stack[8] = 0xFFFF_FFFD
  keep(stack, of: task)
}

private func report() {
  if refusals().pointee != Task.probes { failures |= Failure.refusals }
  console.print("torture:")
  for task in 0..<Task.count {
    console.print(" ")
    console.print(UInt(memory(task)[Word.sum]))
  }
  console.print(failures == 0 ? " passed\n" : " FAILED\n")
  console.print("switches ")
  console.print(UInt(switches))
  console.print(", interrupts ")
  console.print(UInt(interrupts))
  console.print(", cycles of a switch ")
  console.print(UInt(switchCycles()[0]))
  console.print(" to ")
  console.print(UInt(switchCycles()[1]))
  console.print("\n")
  Power.off(success: failures == 0)
}
