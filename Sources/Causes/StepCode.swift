import Emu
import MachineCode

/// An instruction as the decoders have it: which registers it may be about. What it does with them is tried, not read here.
struct StepCode {
  private let operation: Operation
  private let word: UInt32
  private let isThumb: Bool

  init(_ machine: Machine, at pc: UInt64) {
    self.init(
      UInt32(truncatingIfNeeded: Machine.number(machine.peek(pc, count: 4))), at: pc,
      machine.board.core.machine)
  }

  init(_ word: UInt32, at pc: UInt64, _ machine: Image.Machine) {
    self.word = word
    isThumb = machine == .arm
    operation =
      isThumb
      ? ThumbDecoder().decode(word, at: pc).operation
      : RV64Decoder().decode(word, at: pc).operation
  }

  /// One that somebody else answers: ECALL, EBREAK, SVC, BKPT.
  var isCall: Bool {
    switch operation {
    case .system(.supervisorCall, _), .system(.breakpoint, _): true
    default: false
    }
  }

  private var isFloatingPoint: Bool {
    switch operation {
    case .floatingPoint, .accessFP: true
    default: isThumb && word >> 8 & 0xEC == 0xEC
    }
  }

  /// Where what it loads goes, or what it stores: another address is another place then, and no other value.
  func loads(_ place: ValuePlace) -> Bool {
    guard case .register = place else { return true }
    return isLoad(of: place)
  }

  func isLoad(of place: ValuePlace) -> Bool {
    guard case .register(let register, _) = place else { return false }
    switch (operation, register) {
    case (.load(let target, _), .x(let number)), (.load(let target, _), .r(let number)):
      return Int(target) == number
    case (.loadPair(let first, let second, _), .r(let number)):
      return Int(first) == number || Int(second) == number
    case (.loadMany(let list, _, _, _), .r(let number)): return list >> UInt16(number) & 1 == 1
    case (.atomic(let target, _, let reads, _), .x(let number)),
      (.atomic(let target, _, let reads, _), .r(let number)):
      return reads && target.map { Int($0) == number } ?? false
    case (.accessFP(_, let isStore, _), .f), (.accessFP(_, let isStore, _), .s): return !isStore
    default: return false
    }
  }

  /// Bytes that it loads or stores from its lowest address on, in as many accesses as it takes; nil: it makes one access.
  var extent: Int? {
    switch operation {
    case .loadMany(let list, _, _, _), .storeMany(let list, _, _, _):
      4 * list.nonzeroBitCount
    case .loadPair, .storePair: 8
    case .accessFP(_, _, let count): isThumb ? 4 * Int(count) : nil
    default: nil
    }
  }

  /// The register's value goes to memory, whatever else it is for.
  func stores(_ register: RegisterName) -> Bool {
    switch (operation, register) {
    case (.store(let operand, _), .x(let number)), (.store(let operand, _), .r(let number)):
      return operand.register.map { Int($0) == number } ?? false
    default: return false
    }
  }

  /// Registers that it may read.
  func candidates(_ machine: Machine, _ place: ValuePlace) -> [RegisterName] {
    var isFP = isFloatingPoint
    if case .register(let register, _) = place { isFP = isFP || register.isFloatingPoint }
    if isThumb {
      var all = named.filter { $0 < 15 }.map { RegisterName.r($0) } + [.xpsr]
      if isFP { all += (0...31).map { .s($0) } + [.fpscr] }
      // MRS (ARM DDI 0403E.e, B5.2.2).
      if word & 0xFFFF == 0xF3EF {
        all += [.msp, .psp, .primask, .basepri, .faultmask, .control]
      }
      return all
    }
    var all = (isCall ? Array(10...17) : named.filter { $0 > 0 }).map { RegisterName.x($0) }
    if isFP { all += (0...31).map { .f($0) } }
    // CSRRW and its kin.
    if word & 0x7F == 0x73, word >> 12 & 3 != 0 { all.append(.csr(UInt16(word >> 20))) }
    return all
  }

  /// Every integer register that it may name, wherever in its bits a name may be, in order.
  private var named: [Int] {
    func field(_ shift: Int, _ bits: Int) -> Int { Int(word >> UInt32(shift)) & (1 << bits - 1) }
    let isWide = isThumb ? word >> 11 & 31 >= 29 : word & 3 == 3
    var all: Set<Int>
    switch (isThumb, isWide) {
    case (true, false):
      all = [
        field(0, 3), field(3, 3), field(6, 3), field(8, 3), field(3, 4),
        field(0, 3) | field(7, 1) << 3, 13,
      ]
    case (true, true):
      all = [field(0, 4), field(28, 4), field(24, 4), field(16, 4), 13]
    case (false, true): all = [field(7, 5), field(15, 5), field(20, 5), field(27, 5)]
    case (false, false): all = [field(7, 5), field(2, 5), 8 + field(7, 3), 8 + field(2, 3), 2]
    }
    if case .storeMany = operation { all = Set(0...14) }
    if isThumb && isCall { all.formUnion(0...3) }
    return all.sorted()
  }

  /// By what it says; in an IT block it may do nothing.
  func writes(_ register: RegisterName) -> Bool { writes & Self.bit(register) != 0 }

  /// A register that instructions tell by name that they write it.
  static func names(_ register: RegisterName) -> Bool { bit(register) != 0 }

  fileprivate static func bit(_ register: RegisterName) -> UInt32 {
    switch register {
    case .x(let number), .r(let number): 1 << UInt32(number)
    case .xpsr: 1 << 16
    default: 0
    }
  }

  /// Integer registers that it writes, by bits; 16: Arm's flags.
  fileprivate var writes: UInt32 {
    func base(_ access: MemoryAccess) -> UInt32 { access.writesBack ? 1 << UInt32(access.base) : 0 }
    switch operation {
    case .set(let register, _, _, _, _, let setsFlags):
      return 1 << UInt32(register) | (setsFlags ? 1 << 16 : 0)
    case .moveTop(let register, _): return 1 << UInt32(register)
    case .compare: return 1 << 16
    case .load(let register, let access): return 1 << UInt32(register) | base(access)
    case .store(_, let access), .storePair(_, _, let access), .accessFP(let access, _, _):
      return base(access)
    case .loadPair(let first, let second, let access):
      return 1 << UInt32(first) | 1 << UInt32(second) | base(access)
    case .loadMany(let list, let base, _, let writesBack):
      return UInt32(list) | (writesBack ? 1 << UInt32(base) : 0)
    case .storeMany(_, let base, _, let writesBack): return writesBack ? 1 << UInt32(base) : 0
    case .atomic(let register, let access, _, _):
      return base(access) | (register.map { 1 << UInt32($0) } ?? 0)
    case .system(.supervisorCall, _), .system(.breakpoint, _): return isThumb ? 0xF : 3 << 10
    case .clobber(let list), .floatingPoint(let list), .system(_, let list): return list
    case .call(_, let link): return 1 << UInt32(link)
    case .indirect(_, _, let link): return link.map { 1 << UInt32($0) } ?? 0
    case .branch, .jump, .tableBranch, .ifThen, .undecodable: return 0
    }
  }
}

/// Which instructions write a register, as far as they say so; decoded once each.
struct WriteDecoder {
  private let bit: UInt32
  private var known: [UInt64: UInt32] = [:]

  init(_ register: RegisterName) { bit = StepCode.bit(register) }

  mutating func writes(at pc: UInt64, _ machine: Machine) -> Bool {
    if bit == 0 { return false }
    if let writes = known[pc] { return writes & bit != 0 }
    let writes = StepCode(machine, at: pc).writes
    known[pc] = writes
    return writes & bit != 0
  }
}
