/// A register map made ready for the access path: sorted, flat, found by bisection of the few that an offset's 16 bytes have. Made once
/// for a board.
final class RegisterTable: @unchecked Sendable {
  struct Entry {
    var start: UInt64
    var end: UInt64
    /// Bytes of one register, a power of two.
    var size: UInt64
    var widths: UInt8
    var modelled: Bool
    var isReadOnly: Bool
    /// Bits that a store may not set without a finding.
    var doubtfulBits: UInt64
  }

  enum Answer {
    case device
    /// The device, for a store to this entry that is a finding as well: see `doubt`.
    case doubtful(Int)
    /// A finding.
    case fault(Finding.Kind)
    /// Reads as that, ignores writes; a finding.
    case notModelled(UInt64, Finding.Kind)
  }

  let map: RegisterMap
  private let entries: UnsafeMutablePointer<Entry>
  private let count: Int
  /// By the part of a window that an offset is in, the first entry that does not end before it; the last part is all the rest.
  private let first: UnsafeMutablePointer<UInt32>
  private static let partShift: UInt64 = 4
  private static let parts = 256

  init(_ map: RegisterMap) {
    self.map = map
    count = map.registers.count
    entries = .allocate(capacity: count)
    for (number, register) in map.registers.enumerated() {
      // All widths that lie within it, of a register that is only declared.
      let widths =
        register.modelled
        ? register.widths.rawValue
        : register.widths.rawValue & UInt8(truncatingIfNeeded: register.size * 2 - 1)
      let bits = register.fields.filter { !$0.modelled }.reduce(UInt64(0)) { $0 | $1.mask }
      (entries + number).initialize(
        to: Entry(
          start: register.offset, end: register.end, size: register.size,
          widths: widths, modelled: register.modelled,
          isReadOnly: register.permission == .readOnly, doubtfulBits: bits))
    }
    first = .allocate(capacity: Self.parts + 1)
    var number = 0
    for part in 0...Self.parts {
      while part < Self.parts, number < count,
        entries[number].end <= UInt64(part) << Self.partShift
      { number += 1 }
      first[part] = UInt32(part < Self.parts ? number : count)
    }
  }

  deinit {
    entries.deallocate()
    first.deallocate()
  }

  /// The register that covers an offset.
  @inline(__always) private func find(_ offset: UInt64) -> Int? {
    let part = Int(truncatingIfNeeded: min(offset >> Self.partShift, UInt64(Self.parts - 1)))
    var low = Int(first[part])
    var high = Int(first[part + 1])
    while low < high {
      let middle = (low + high) >> 1
      if entries[middle].end <= offset { low = middle + 1 } else { high = middle }
    }
    return low < count && entries[low].start <= offset ? low : nil
  }

  /// Who answers this access.
  ///
  /// - Parameter value: that is stored.
  @inline(__always) func answer(_ access: Access, isStore: Bool, _ value: UInt64) -> Answer {
    guard let number = find(access.offset) else {
      if case .fault = map.reserved { return .fault(.reserved) }
      return .notModelled(0, .reserved)
    }
    let entry = entries + number
    if entry.pointee.widths & access.width == 0 { return .fault(.wrongWidth) }
    if !entry.pointee.modelled {
      let within = (access.offset - entry.pointee.start) & (entry.pointee.size - 1)
      let mask = UInt64.max >> (64 - UInt64(access.width) * 8)
      return .notModelled(map.registers[number].reset >> (within * 8) & mask, .notModelled)
    }
    if !isStore { return .device }
    return doubtfulBits(entry, access, value) == 0 && !entry.pointee.isReadOnly
      ? .device : .doubtful(number)
  }

  @inline(__always) private func doubtfulBits(
    _ entry: UnsafeMutablePointer<Entry>, _ access: Access, _ value: UInt64
  ) -> UInt64 {
    let shift = ((access.offset - entry.pointee.start) & (entry.pointee.size - 1)) * 8
    return (value << shift) & entry.pointee.doubtfulBits
  }

  /// What is wrong with a doubtful store: it goes to what can only be read, or sets bits of a declared field that is not modelled,
  /// the first of which is named.
  @inline(never) func doubt(
    _ number: Int, _ access: Access, _ value: UInt64
  ) -> (name: String, kind: Finding.Kind) {
    let register = map.registers[number]
    if entries[number].isReadOnly { return (register.name(at: access.offset), .readOnly) }
    let set = doubtfulBits(entries + number, access, value)
    let field = register.fields.first { !$0.modelled && $0.mask & set != 0 }
    return (register.name(at: access.offset) + "." + (field?.name ?? ""), .notModelled)
  }

  /// Of an access that faults.
  func refusal(_ access: Access) -> String {
    guard let number = find(access.offset) else { return name(at: access.offset) }
    let widths = [1, 2, 4, 8].filter { entries[number].widths & UInt8($0) != 0 }
    return "\(name(at: access.offset)), \(access.width) bytes, which takes "
      + widths.map(String.init).joined(separator: ", ")
  }

  /// "NAME", or "+0x40" for an offset that has none.
  func name(at offset: UInt64) -> String {
    guard let number = find(offset) else { return "+0x" + String(offset, radix: 16) }
    return map.registers[number].name(at: offset)
  }
}
