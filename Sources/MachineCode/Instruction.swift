/// An instruction by what it does to the integer registers, to memory and to the way that the
/// program takes. What is not told apart here is told as the worst that it may be.
public struct Instruction: Sendable, Hashable {
  public var address: UInt64
  /// In bytes.
  public var size: UInt64
  public var operation: Operation
  /// Thumb, in an IT block or of a conditional branch: when it does anything.
  public var condition = Condition.always
  /// The word or words, the first halfword lowest.
  public var encoding: UInt32

  public var end: UInt64 { address &+ size }

  /// The way may go on elsewhere.
  package var mayJump: Bool {
    switch operation {
    case .branch, .jump, .call, .indirect, .tableBranch: true
    // Of Arm; nobody asks of RV64, which has no blocks.
    case .load(15, _): true
    case .set(15, _, _, _, _, _): true
    case .loadMany(let list, _, _, _): list >> 15 == 1
    default: false
    }
  }

  package var isCall: Bool {
    switch operation {
    case .call, .indirect(_, _, .some): true
    default: false
    }
  }

  /// The register that an address is taken from and that becomes another one by it.
  package var writtenBase: RegisterNumber? {
    switch operation {
    case .load(_, let access), .store(_, let access), .loadPair(_, _, let access),
      .storePair(_, _, let access), .accessFP(let access, _, _):
      access.writesBack ? access.base : nil
    case .storeMany(_, let base, _, true): base
    default: nil
    }
  }

  /// Arm.
  package var setsFlags: Bool {
    switch operation {
    case .compare: true
    case .set(_, _, _, _, _, let setsFlags): setsFlags
    case .clobber(let list), .floatingPoint(let list), .system(_, let list): list >> 16 & 1 == 1
    default: false
    }
  }
}

/// RISC-V: x0 to x31. Arm: r0 to r15.
public typealias RegisterNumber = UInt8

/// A register, shifted, or a constant.
public struct Operand: Sendable, Hashable {
  public enum Shift: Sendable, Hashable {
    case left
    case right
    /// Arithmetic.
    case signedRight
    case rotate
  }
  /// nil: the constant.
  public var register: RegisterNumber?
  public var constant: UInt64 = 0
  public var shift = Shift.left
  public var amount: UInt8 = 0

  package static func register(_ number: RegisterNumber) -> Operand { Operand(register: number) }
  package static func constant(_ value: UInt64) -> Operand {
    Operand(register: nil, constant: value)
  }
}

public enum Arithmetic: Sendable, Hashable {
  case add
  case subtract
  case and
  case or
  case xor
  /// And with the complement.
  case clear
  case multiply
  case shiftLeft
  case shiftRight
  case shiftRightSigned
  /// RISC-V's `slt` and `sltu`.
  case less
  case lessUnsigned
}

public struct MemoryAccess: Sendable, Hashable {
  public var base: RegisterNumber
  /// Added to the base.
  public var offset: Operand
  public var size: UInt8
  public var isSigned = false
  /// The base becomes the address: before the access, or (the offset then not being part of the
  /// address) behind it.
  public var writesBack = false
  public var isPostIndexed = false
  /// Faults, or may fault, where the address is no multiple of this.
  public var alignment: UInt8 = 1
  /// The PC as a base is that of the instruction, aligned to words.
  public var isPCRelative = false
}

extension MemoryAccess {
  /// A word of 32 bits where a register points.
  package init(wordAt base: RegisterNumber, alignment: UInt8 = 1) {
    self.init(base: base, offset: .constant(0), size: 4, alignment: alignment)
  }
}

public enum Operation: Sendable, Hashable {
  case set(RegisterNumber, Arithmetic, Operand, Operand, isWord: Bool, setsFlags: Bool)
  /// MOVT: the upper half.
  case moveTop(RegisterNumber, UInt64)
  /// Arm: flags by the difference of two values.
  case compare(Operand, Operand)
  case load(RegisterNumber, MemoryAccess)
  case store(Operand, MemoryAccess)
  /// A pair, LDRD and STRD.
  case loadPair(RegisterNumber, RegisterNumber, MemoryAccess)
  case storePair(RegisterNumber, RegisterNumber, MemoryAccess)
  /// LDM and its kin: the registers by bits, upwards from the base (`isDown`: below it).
  case loadMany(UInt16, base: RegisterNumber, isDown: Bool, writesBack: Bool)
  case storeMany(UInt16, base: RegisterNumber, isDown: Bool, writesBack: Bool)
  /// FP loads and stores: no integer register but a base that is written back.
  case accessFP(MemoryAccess, isStore: Bool, count: UInt8)
  /// LR, SC, AMO, LDREX, STREX: a read, a write, or both.
  case atomic(RegisterNumber?, MemoryAccess, reads: Bool, writes: Bool)
  /// Registers by bits get values that are not followed; on Arm bit 16 is the flags.
  case clobber(UInt32)
  /// RISC-V: when the comparison holds.
  case branch(Comparison, RegisterNumber, RegisterNumber, to: UInt64)
  case jump(to: UInt64)
  case call(to: UInt64, link: RegisterNumber)
  case indirect(RegisterNumber, offset: UInt64, link: RegisterNumber?)
  /// TBB, TBH.
  case tableBranch(base: RegisterNumber, index: RegisterNumber, size: UInt8)
  /// IT: of the next instructions, in the order of the block.
  case ifThen([Condition])
  case system(SystemClass, clobbers: UInt32)
  /// FP arithmetic, by the integer registers that it writes.
  case floatingPoint(clobbers: UInt32)
  case undecodable
}

/// What leaves the straight path, or may let something else leave it.
public enum SystemClass: String, Sendable, CaseIterable {
  case supervisorCall = "supervisor call"
  case breakpoint
  case undefined = "undefined instruction"
  case controlRegister = "control register"
  case wait = "wait for interrupt"
  case interruptMask = "interrupt mask"
  case trapReturn = "return from a trap"
  /// Barriers, hints: nothing that anybody would notice.
  case harmless
  case addressTranslation = "address translation"
}

public enum Comparison: Sendable, Hashable {
  case equal
  case notEqual
  case less
  case greaterOrEqual
  case lessUnsigned
  case greaterOrEqualUnsigned
}

/// Arm's condition codes by their numbers.
public struct Condition: Sendable, Hashable {
  public let code: UInt8
  public static let always = Condition(code: 14)
  package var inverted: Condition { Condition(code: code ^ 1) }
}
