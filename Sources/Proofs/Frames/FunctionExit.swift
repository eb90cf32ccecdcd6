import Emu
import MachineCode

/// How an instruction leaves a function, as the ABIs have it: by the register of the return address, or from the stack.
enum FunctionExit {
  case link
  /// By a load into the PC at this offset from the stack pointer, which moves by so much.
  case load(offset: UInt64, moved: UInt64)
  /// The registers by bits.
  case pop(UInt16, isMoved: Bool)

  /// nil: it does not, or it is one that compilers link parts of functions with.
  init?(_ operation: Operation?, _ program: Program) {
    let isArm = program.machine == .arm
    switch operation {
    case .indirect(let register, 0, nil) where register == program.linkRegister: self = .link
    case .set(15, _, _, _, _, _) where isArm: self = .link
    case .load(15, let access) where isArm:
      let offset = access.offset.constant
      self = .load(
        offset: access.isPostIndexed ? 0 : offset, moved: access.writesBack ? offset : 0)
    case .loadMany(let list, 13, false, let writesBack) where isArm:
      self = .pop(list, isMoved: writesBack)
    default: return nil
    }
  }

  /// What it leaves.
  func taken(_ core: CoreView, _ memory: MemoryView) -> Departure {
    let top = core.stackPointer
    switch self {
    case .link: return Departure(core)
    case .load(let offset, let moved):
      return Departure(
        stackPointer: core.trimmed(top &+ moved), target: memory.word(core.trimmed(top &+ offset)))
    case .pop(let list, let isMoved):
      let bytes = UInt64(4 * list.nonzeroBitCount)
      var after = Departure(
        stackPointer: isMoved ? core.trimmed(top &+ bytes) : top, target: 0, loaded: list,
        from: top)
      after.target = after.value(15, core, memory)
      return after
    }
  }
}

/// The core as an instruction leaves it, with the registers that it loads.
struct Departure {
  let stackPointer: UInt64
  fileprivate(set) var target: UInt64
  fileprivate var loaded: UInt16 = 0
  fileprivate var from: UInt64 = 0

  fileprivate init(stackPointer: UInt64, target: UInt64, loaded: UInt16 = 0, from: UInt64 = 0) {
    (self.stackPointer, self.target, self.loaded, self.from) = (stackPointer, target, loaded, from)
  }

  /// By the link register; before a jump to another function, too, which will find what there is now.
  init(_ core: CoreView) {
    let link = core.returnAddress
    self.init(stackPointer: core.stackPointer, target: core.isArm ? link : link & ~1)
  }

  @inline(__always)
  func value(_ number: RegisterNumber, _ core: CoreView, _ memory: MemoryView) -> UInt64 {
    guard number < 16, loaded >> UInt16(number) & 1 == 1 else { return core.value(number) }
    let below = loaded & (1 << UInt16(number) - 1)
    return memory.word(core.trimmed(from &+ UInt64(4 * below.nonzeroBitCount)))
  }
}

/// What a hart has before an instruction.
struct CoreView {
  let registers: UnsafeRawPointer
  let isArm: Bool
  let pc: UInt64
  let index: UInt64
  let hart: Int

  @inline(__always) func value(_ number: RegisterNumber) -> UInt64 {
    isArm
      ? UInt64(registers.load(fromByteOffset: 4 * Int(number), as: UInt32.self))
      : registers.load(fromByteOffset: 8 * Int(number), as: UInt64.self)
  }

  var stackPointer: UInt64 { value(isArm ? 13 : 2) }
  var returnAddress: UInt64 { value(isArm ? 14 : 1) }
  func trimmed(_ value: UInt64) -> UInt64 { isArm ? value & 0xFFFF_FFFF : value }
}

/// The memory that a stack is in.
struct MemoryView {
  private var start: UInt64 = 0
  private var bytes = UnsafeRawBufferPointer(start: nil, count: 0)

  init() {}

  mutating func move(to address: UInt64, in memory: @autoclosure () -> Memory) {
    if address &- start < UInt64(bytes.count) { return }
    (start, bytes) =
      memory().surroundings(of: address) ?? (0, UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// 0: there is none.
  @inline(__always) func word(_ address: UInt64) -> UInt64 {
    let offset = address &- start
    guard offset < UInt64(bytes.count), UInt64(bytes.count) - offset >= 4 else { return 0 }
    return UInt64(bytes.loadUnaligned(fromByteOffset: Int(offset), as: UInt32.self))
  }
}
