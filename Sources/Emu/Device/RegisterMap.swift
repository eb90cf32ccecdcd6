/// What a device's registers are, written once: the slot checks accesses by it, findings take their
/// names from it, and
/// `emurun boards`, a debugger and a conformance test read it.
///
/// Nothing in a window is silent. An offset is a register; or a register that is declared *not
/// modelled*; or reserved. Touching the last two is a finding with a name.
public struct RegisterMap: Sendable {
  public struct Widths: OptionSet, Sendable, Hashable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let byte = Widths(rawValue: 1)
    public static let half = Widths(rawValue: 2)
    public static let word = Widths(rawValue: 4)
    public static let double = Widths(rawValue: 8)
  }

  public enum Permission: Sendable, Hashable {
    case readWrite
    case readOnly
    case writeOnly
  }

  /// A named part of a register. `modelled: false`: software that sets one of these bits gets a
  /// finding, not silence.
  public struct Field: Sendable, Hashable {
    public var name: String
    public var bits: ClosedRange<Int>
    public var permission: Permission
    public var modelled: Bool

    public init(
      _ name: String, _ bits: ClosedRange<Int>, _ permission: Permission = .readWrite,
      modelled: Bool = true
    ) {
      self.name = name
      self.bits = bits
      self.permission = permission
      self.modelled = modelled
    }

    public init(
      _ name: String, _ bit: Int, _ permission: Permission = .readWrite, modelled: Bool = true
    ) { self.init(name, bit...bit, permission, modelled: modelled) }

    /// Its bits in the register.
    public var mask: UInt64 {
      (bits.count == 64 ? UInt64.max : (1 << UInt64(bits.count)) - 1) << UInt64(bits.lowerBound)
    }
  }

  /// A register, or `count` equal ones `size` bytes apart ("SETENABLE0"...).
  public struct Register: Sendable, Hashable {
    public var name: String
    public var offset: UInt64
    /// Bytes of one register: a power of two.
    public var size: UInt64
    public var count: UInt64
    /// Accesses of other widths are faults. One that is wider than the register reaches this
    /// register and no other.
    public var widths: Widths
    public var permission: Permission
    public var reset: UInt64
    public var fields: [Field]
    public var modelled: Bool

    /// - Parameters:
    ///   - size: 4 bytes unless told.
    ///   - widths: the full size only, unless told.
    public init(
      _ name: String, _ offset: UInt64, size: UInt64 = 4, count: UInt64 = 1, widths: Widths? = nil,
      _ permission: Permission = .readWrite, reset: UInt64 = 0, fields: [Field] = [],
      modelled: Bool = true
    ) {
      self.name = name
      self.offset = offset
      self.size = size
      self.count = count
      self.widths = widths ?? Widths(rawValue: UInt8(size))
      self.permission = permission
      self.reset = reset
      self.fields = fields
      self.modelled = modelled
    }

    public static func notModelled(
      _ name: String, _ offset: UInt64, size: UInt64 = 4, count: UInt64 = 1, reset: UInt64 = 0
    ) -> Register {
      Register(
        name, offset, size: size, count: count, widths: [.byte, .half, .word, .double],
        reset: reset, modelled: false)
    }

    var end: UInt64 { offset + size * count }

    /// "NAME", or "NAME3" where there are several.
    func name(at offset: UInt64) -> String {
      count == 1 ? name : name + String((offset - self.offset) / size)
    }
  }

  /// What an offset does that no register covers.
  public enum Reserved: Sendable, Hashable {
    /// A precise guest fault, as an address that nothing answers.
    case fault
    /// Reads as zero, writes are ignored; a finding either way.
    case zero
  }

  /// In order of their offsets.
  public private(set) var registers: [Register]
  public var reserved: Reserved

  public init(_ registers: [Register], reserved: Reserved = .zero) {
    self.registers = registers.sorted { $0.offset < $1.offset }
    self.reserved = reserved
    for one in registers {
      precondition(one.size & (one.size - 1) == 0, "register \(one.name): size \(one.size)")
    }
    for (one, next) in zip(self.registers, self.registers.dropFirst()) {
      precondition(one.end <= next.offset, "registers \(one.name) and \(next.name) overlap")
    }
  }
}
