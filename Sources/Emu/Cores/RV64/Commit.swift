/// What one retired instruction of an RV64 hart did.
public struct Commit: Sendable, Hashable {
  public enum Register: Sendable, Hashable {
    case x(UInt8)
    case f(UInt8)
  }
  public struct CSR: Sendable, Hashable {
    public var number: UInt16
    /// Behind the instruction.
    public var value: UInt64
  }
  /// Addresses as the instruction made them: virtual ones.
  public struct Store: Sendable, Hashable {
    public var address: UInt64
    /// In bytes.
    public var size: UInt8
    public var value: UInt64
  }

  public var hart: UInt8
  /// Of the instruction: 0 U, 1 S, 3 M.
  public var privilege: UInt8
  public var pc: UInt64
  /// 16 bits of a compressed instruction.
  public var encoding: UInt32
  /// The one that it names as its destination, but x0, even where the value is the old one.
  public var register: Register?
  public var value: UInt64 = 0
  public var csrs: [CSR] = []
  public var load: UInt64?
  public var store: Store?

  public var isCompressed: Bool { encoding & 3 != 3 }
}

/// What an encoding says that its instruction does, whatever the state.
struct CommitShape {
  enum Memory { case none, load, store, reserve, conditional, update }
  var register: Commit.Register?
  var memory = Memory.none
  var base = 0
  var offset: Int64 = 0
  /// Log 2 of the bytes accessed.
  var size: UInt32 = 0
  /// What a store stores, or an update takes.
  var source = Commit.Register.x(0)
  /// A CSR instruction that writes it.
  var csr: UInt16?
  /// `mret`, `sret`.
  var returns = false
  /// It can raise floating-point exceptions.
  var computesFloats = false

  init(_ encoding: UInt32) {
    if encoding & 3 == 3 { decode(encoding) } else { decodeCompressed(encoding) }
    if case .x(0)? = register { register = nil }
  }

  private mutating func decode(_ word: UInt32) {
    let rd = UInt8(word >> 7 & 31)
    let function = word >> 12 & 7
    let rs2 = UInt8(word >> 20 & 31)
    let signed = Int32(bitPattern: word)
    base = Int(word >> 15 & 31)
    size = function & 3
    switch word & 0x7F {
    case 0x03, 0x07:
      register = word & 4 == 0 ? .x(rd) : .f(rd)
      memory = .load
      offset = Int64(signed >> 20)
    case 0x23, 0x27:
      source = word & 4 == 0 ? .x(rs2) : .f(rs2)
      memory = .store
      offset = Int64((signed >> 25) << 5) | Int64(rd)
    case 0x2F:
      register = .x(rd)
      source = .x(rs2)
      memory = word >> 27 == 2 ? .reserve : word >> 27 == 3 ? .conditional : .update
    case 0x43, 0x47, 0x4B, 0x4F:
      register = .f(rd)
      computesFloats = true
    case 0x53:
      // Comparisons, classes, and moves and conversions to integers.
      let toInteger = [0x14, 0x18, 0x1C].contains(word >> 27)
      register = toInteger ? .x(rd) : .f(rd)
      computesFloats = true
    case 0x73:
      if function == 0 {
        returns = word == 0x3020_0073 || word == 0x1020_0073
      } else {
        register = .x(rd)
        if function & 3 == 1 || base != 0 { csr = UInt16(word >> 20) }
      }
    case 0x13, 0x17, 0x1B, 0x33, 0x37, 0x3B, 0x67, 0x6F: register = .x(rd)
    default: break
    }
  }

  private mutating func decodeCompressed(_ word: UInt32) {
    let full = UInt8(word >> 7 & 31)
    let low = UInt8(word >> 2 & 7) + 8
    let mid = UInt8(word >> 7 & 7) + 8
    let function = word >> 13
    /// Bits `from` of the word, `count` of them, moved to `to`.
    func bits(_ from: UInt32, _ count: UInt32, _ to: UInt32) -> Int64 {
      let mask: UInt32 = 1 << count - 1
      return Int64((word >> from & mask) << to)
    }
    switch (word & 3, function) {
    case (0, 0): register = .x(low)
    case (0, _):
      base = Int(mid)
      let isWord = function & 3 == 2
      size = isWord ? 2 : 3
      offset = bits(10, 3, 3) | (isWord ? bits(6, 1, 2) | bits(5, 1, 6) : bits(5, 2, 6))
      let isFloat = function & 3 == 1
      if function < 4 {
        memory = .load
        register = isFloat ? .f(low) : .x(low)
      } else {
        memory = .store
        source = isFloat ? .f(low) : .x(low)
      }
    case (1, 0...3): register = .x(full)
    case (1, 4): register = .x(mid)
    case (1, _): break
    case (2, 0): register = .x(full)
    case (2, 4):
      let other = word >> 2 & 31
      if other != 0 { register = .x(full) } else if word >> 12 & 1 == 1 { register = .x(1) }
    case (2, 1...3):
      base = 2
      memory = .load
      size = function == 2 ? 2 : 3
      register = function == 1 ? .f(full) : .x(full)
      offset =
        bits(12, 1, 5) | (size == 2 ? bits(4, 3, 2) | bits(2, 2, 6) : bits(5, 2, 3) | bits(2, 3, 6))
    default:
      base = 2
      memory = .store
      size = function == 6 ? 2 : 3
      let number = UInt8(word >> 2 & 31)
      source = function == 5 ? .f(number) : .x(number)
      offset = size == 2 ? bits(9, 4, 2) | bits(7, 2, 6) : bits(10, 3, 3) | bits(7, 3, 6)
    }
  }
}
