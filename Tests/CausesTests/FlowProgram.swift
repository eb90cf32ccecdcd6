import Causes
import Emu

/// A program whose flow of data is known, since it is made with it: straight machine code for RV64 or Thumb.
struct FlowProgram {
  /// Who wrote a register or some bytes, and of what.
  final class Definition {
    /// Of the instruction; nil: nobody did.
    let index: UInt64?
    let sources: [Definition]
    /// It depends on the other values whether these make a difference.
    let possible: [Definition]

    init(
      _ index: UInt64?, _ sources: [Definition] = [], possible: [Definition] = []
    ) {
      self.index = index
      self.sources = sources
      self.possible = possible
    }
  }

  private struct Store {
    var range: Range<UInt64>
    var index: UInt64
    var sources: [Definition]
  }

  let isThumb: Bool
  private var code: [UInt32] = []
  private(set) var registers: [Definition]
  private(set) var flags = Definition(nil)
  private var stores: [Store] = []
  private var random: UInt64
  /// Instructions before the first one here.
  private let first: UInt64

  static let registerCount = 6
  static let slotCount = 8
  /// Where the slots are, and where the stack ends.
  var base: UInt64 { isThumb ? 0x2000_0080 : 0x8000_1000 }
  private static let stack: UInt64 = 0x2000_1000
  var wordSize: Int { isThumb ? 4 : 8 }

  init(isThumb: Bool, seed: UInt64, count: Int) {
    self.isThumb = isThumb
    // The reset ROM's six, and one that makes the base.
    first = isThumb ? 3 : 7
    registers = Array(repeating: Definition(nil), count: Self.registerCount)
    if isThumb {
      // movs, lsls and adds of r7.
      flags = Definition(2, [Definition(1, [Definition(0)])])
    }
    random = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    for register in 0..<Self.registerCount { set(register, 1 + below(100)) }
    for _ in 0..<count { addInstruction() }
  }

  private mutating func below(_ limit: Int) -> Int {
    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(random >> 33) % limit
  }

  private mutating func addInstruction() {
    let (to, from) = (below(Self.registerCount), below(Self.registerCount))
    let (other, slot) = (below(Self.registerCount), below(Self.slotCount))
    switch below(12) {
    case 0: set(to, 1 + below(100))
    case 1, 2: add(to, from, other)
    case 3: exclusiveOr(to, other)
    case 4, 5: store(from, slot)
    case 6: storeByte(from, slot, below(isThumb ? 1 : 8))
    case 7, 8: load(to, slot)
    case 9: loadByte(to, slot, below(isThumb ? 1 : 8))
    default: isThumb ? below(2) == 0 ? addWithCarry(to, other) : exchange() : swap(to, from)
    }
  }

  // MARK: Instructions

  private var index: UInt64 { first + UInt64(code.count) }
  private func number(_ register: Int) -> UInt32 { UInt32(isThumb ? register : 10 + register) }

  /// movs; li.
  private mutating func set(_ to: Int, _ value: Int) {
    registers[to] = Definition(index)
    // N and Z; C and V stay.
    if isThumb { flags = Definition(index, [flags]) }
    code.append(
      isThumb
        ? 0x2000 | number(to) << 8 | UInt32(value) : UInt32(value) << 20 | number(to) << 7 | 0x13)
  }

  private mutating func add(_ to: Int, _ one: Int, _ other: Int) {
    let sources = one == other ? [registers[one]] : [registers[one], registers[other]]
    let (a, b, d) = (number(one), number(other), number(to))
    if isThumb { flags = Definition(index, sources) }
    registers[to] = Definition(index, sources)
    code.append(
      isThumb ? 0x1800 | b << 6 | a << 3 | d : b << 20 | a << 15 | d << 7 | 0x33)
  }

  /// eors; xor. Of a register with itself it is a constant.
  private mutating func exclusiveOr(_ to: Int, _ other: Int) {
    let sources = to == other ? [] : [registers[to], registers[other]]
    let (b, d) = (number(other), number(to))
    if isThumb { flags = Definition(index, sources + [flags]) }
    registers[to] = Definition(index, sources)
    code.append(isThumb ? 0x4040 | b << 3 | d : b << 20 | d << 15 | 4 << 12 | d << 7 | 0x33)
  }

  /// adcs
  private mutating func addWithCarry(_ to: Int, _ other: Int) {
    let registers = to == other ? [registers[to]] : [registers[to], registers[other]]
    self.registers[to] = Definition(index, registers + [flags])
    flags = Definition(index, registers, possible: [flags])
    code.append(0x4140 | number(other) << 3 | number(to))
  }

  private func address(_ slot: Int) -> UInt64 { base + UInt64(slot * wordSize) }

  private mutating func store(_ from: Int, _ slot: Int) {
    note(address(slot), wordSize, [registers[from]])
    code.append(
      isThumb
        ? 0x6000 | UInt32(slot) << 6 | 7 << 3 | number(from)
        : Self.store(number(from), 3, UInt32(slot * 8)))
  }

  private mutating func storeByte(_ from: Int, _ slot: Int, _ byte: Int) {
    note(address(slot) + UInt64(byte), 1, [registers[from]])
    let offset = UInt32(slot * wordSize + byte)
    code.append(
      isThumb ? 0x7000 | offset << 6 | 7 << 3 | number(from) : Self.store(number(from), 0, offset))
  }

  private static func store(_ from: UInt32, _ width: UInt32, _ offset: UInt32) -> UInt32 {
    (offset >> 5) << 25 | from << 20 | 8 << 15 | width << 12 | (offset & 31) << 7 | 0x23
  }

  private mutating func load(_ to: Int, _ slot: Int) {
    registers[to] = Definition(index, [bytes(address(slot), wordSize)])
    code.append(
      isThumb
        ? 0x6800 | UInt32(slot) << 6 | 7 << 3 | number(to)
        : UInt32(slot * 8) << 20 | 8 << 15 | 3 << 12 | number(to) << 7 | 0x03)
  }

  private mutating func loadByte(_ to: Int, _ slot: Int, _ byte: Int) {
    registers[to] = Definition(index, [bytes(address(slot) + UInt64(byte), 1)])
    let offset = UInt32(slot * wordSize + byte)
    code.append(
      isThumb
        ? 0x7800 | offset << 6 | 7 << 3 | number(to)
        : offset << 20 | 8 << 15 | 4 << 12 | number(to) << 7 | 0x03)
  }

  /// amoadd.d of the first slot.
  private mutating func swap(_ to: Int, _ from: Int) {
    let old = bytes(base, 8)
    note(base, 8, [registers[from], old])
    registers[to] = Definition(index, [old])
    code.append(number(from) << 20 | 8 << 15 | 3 << 12 | number(to) << 7 | 0x2F)
  }

  /// push of some registers, and pop of as many others.
  private mutating func exchange() {
    let count = 2 + below(2)
    var (out, back): ([Int], [Int]) = ([], [])
    while out.count < count {
      let register = below(Self.registerCount)
      if !out.contains(register) { out.append(register) }
    }
    while back.count < count {
      let register = below(Self.registerCount)
      if !back.contains(register) { back.append(register) }
    }
    let bottom = Self.stack - UInt64(4 * count)
    for (place, register) in out.sorted().enumerated() {
      note(bottom + UInt64(4 * place), 4, [registers[register]])
    }
    code.append(0xB400 | out.reduce(0) { $0 | 1 << UInt32($1) })
    let popped = back.sorted().enumerated().map { ($1, bytes(bottom + UInt64(4 * $0), 4)) }
    for (place, (register, source)) in popped.enumerated() where out.sorted()[place] != register {
      // One that comes back to where it was is only saved.
      registers[register] = Definition(index, [source])
    }
    code.append(0xBC00 | back.reduce(0) { $0 | 1 << UInt32($1) })
  }

  // MARK: Memory

  private mutating func note(_ address: UInt64, _ size: Int, _ sources: [Definition]) {
    stores.append(Store(range: address..<address + UInt64(size), index: index, sources: sources))
  }

  func bytes(_ address: UInt64, _ size: Int) -> Definition {
    definition(address..<address + UInt64(size), before: stores.count)
  }

  private func definition(_ range: Range<UInt64>, before count: Int) -> Definition {
    guard let last = stores[..<count].lastIndex(where: { $0.range.overlaps(range) }) else {
      return Definition(nil)
    }
    let store = stores[last]
    var sources = store.sources
    if range.lowerBound < store.range.lowerBound {
      sources.append(definition(range.lowerBound..<store.range.lowerBound, before: last))
    }
    if range.upperBound > store.range.upperBound {
      sources.append(definition(store.range.upperBound..<range.upperBound, before: last))
    }
    return Definition(store.index, sources)
  }

  // MARK: To be run

  /// As a raw image that comes to rest behind its last instruction.
  var image: [UInt8] {
    func bytes(_ value: UInt32, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }
    if isThumb {
      // SP, PC; then r7 = 0x20 << 24 | 0x80.
      let halves = [0x2720, 0x063F, 0x3780] + code + [0xE7FE]
      return bytes(UInt32(Self.stack), 4) + bytes(9, 4) + halves.flatMap { bytes($0, 2) }
    }
    // auipc s0, 1.
    return ([0x0000_1417] + code + [0x0000_006F]).flatMap { bytes($0, 4) }
  }

  /// Instructions up to its end.
  var length: UInt64 { index }

  func place(ofRegister number: Int) -> ValuePlace {
    .register(isThumb ? .r(number) : .x(10 + number), hart: 0)
  }
  func place(ofSlot number: Int) -> ValuePlace { .memory(address(number), size: wordSize) }
  func definition(ofSlot number: Int) -> Definition { bytes(address(number), wordSize) }
}
