import CElf

/// A type as DWARF has it: how large, where its parts are, how its bits are read.
struct VariableType {
  private var die: Dwarf_Die
  /// C's table[2][3] is one entry with two ranges: so many of them lie behind.
  private var dimension = 0

  init?(of die: Dwarf_Die) {
    var die = die
    guard var type = DIE.reference(&die, UInt32(DW_AT_type)) else { return nil }
    self.init(type: &type)
  }

  /// Through typedefs and qualifiers. A damaged file may make a circle of them.
  private init?(type: inout Dwarf_Die) {
    for _ in 0..<32 {
      switch Int(dwarf_tag(&type)) {
      case DW_TAG_typedef, DW_TAG_const_type, DW_TAG_volatile_type, DW_TAG_atomic_type:
        guard let next = DIE.reference(&type, UInt32(DW_AT_type)) else { return nil }
        type = next
      default:
        die = type
        return
      }
    }
    return nil
  }

  var name: String { name(depth: 0) }

  /// A damaged file may make a circle of them.
  private func name(depth: Int) -> String {
    var die = die
    func inner() -> String? {
      depth < 8 ? VariableType(of: die)?.name(depth: depth + 1) : nil
    }
    switch Int(dwarf_tag(&die)) {
    case DW_TAG_array_type:
      let counts = DIE.children(die).dropFirst(dimension).map { range in
        "[" + (Self.count(range).map(String.init) ?? "") + "]"
      }
      return (inner() ?? "unnamed") + counts.joined()
    case DW_TAG_pointer_type: return (inner() ?? "void") + " *"
    case DW_TAG_reference_type, DW_TAG_rvalue_reference_type:
      return (inner() ?? "void") + " &"
    case DW_TAG_subroutine_type: return "function"
    default: return ownName
    }
  }

  private var ownName: String {
    var die = die
    return dwarf_diename(&die).map { String(cString: $0) } ?? "unnamed"
  }

  /// Bytes of which offsets and sizes can be summed; no variable has so many, but a damaged file may say so.
  static let mostBytes: UInt64 = 1 << 40

  var size: UInt64? { statedSize.flatMap { $0 <= Self.mostBytes ? $0 : nil } }

  private var statedSize: UInt64? {
    var die = die
    if dimension == 0, let size = DIE.constant(&die, UInt32(DW_AT_byte_size)) { return size }
    if isPointer {
      var unit = Dwarf_Die()
      var size: UInt8 = 0
      return dwarf_diecu(&die, &unit, &size, nil) == nil ? nil : UInt64(size)
    }
    guard Int(dwarf_tag(&die)) == DW_TAG_array_type, let stride = element?.stride, let count
    else { return nil }
    let (size, overflow) = stride.multipliedReportingOverflow(by: count)
    return overflow ? nil : size
  }

  var kind: DebugInfo.Variable.Kind {
    var die = die
    switch Int(dwarf_tag(&die)) {
    case DW_TAG_base_type:
      switch DIE.constant(&die, UInt32(DW_AT_encoding)).map(Int.init) {
      case DW_ATE_boolean: return .boolean
      case DW_ATE_float: return .floatingPoint
      case DW_ATE_signed, DW_ATE_signed_char: return .signed
      default: return .unsigned
      }
    case DW_TAG_pointer_type, DW_TAG_reference_type, DW_TAG_rvalue_reference_type:
      return .pointer
    case DW_TAG_enumeration_type:
      // By the type that it is kept as; not of Swift's, which have none.
      return VariableType(of: die)?.kind == .signed ? .signed : .unsigned
    case DW_TAG_structure_type where isOfSwiftsLibrary:
      switch name {
      case "Bool": return .boolean
      case "Float", "Double": return .floatingPoint
      case let name where name.hasPrefix("Int"): return .signed
      case let name where name.hasPrefix("UInt"): return .unsigned
      case let name where name.hasPrefix("Unsafe"): return .pointer
      default: return .other
      }
    default: return .other
    }
  }

  // MARK: Parts

  var parts: DebugInfo.Parts? {
    if let pointee {
      guard pointee.kind == .other, let parts = pointee.parts else { return .pointee([]) }
      guard case .members(let names) = parts else { return nil }
      return .pointee(names)
    }
    if kind != .other { return nil }
    if let count, element(0) != nil || count == 0 { return .elements(count) }
    let names = memberNames
    return names.isEmpty ? nil : .members(names)
  }

  struct Part {
    var offset: UInt64
    var type: VariableType
    var field: DebugInfo.BitField?

    var size: UInt64? { field.map(\.size) ?? type.size }
  }

  /// Where a path leads to from here; nil: nowhere. What a pointer leads to lies where it points.
  func part(_ step: VariablePath.Step) -> Part? {
    guard isPointer else {
      return step.follows
        ? nil : step.number.map { UInt64(exactly: $0).flatMap(element) } ?? member(step.text)
    }
    guard let pointee else { return nil }
    guard let number = step.number else { return pointee.member(step.text) }
    guard let stride = pointee.stride.flatMap(Int64.init(exactly:)) else { return nil }
    let (offset, overflow) = number.multipliedReportingOverflow(by: stride)
    if overflow || offset.magnitude > Self.mostBytes { return nil }
    return Part(offset: UInt64(bitPattern: offset), type: pointee)
  }

  var isPointer: Bool {
    var die = die
    return [DW_TAG_pointer_type, DW_TAG_reference_type, DW_TAG_rvalue_reference_type]
      .contains(Int(dwarf_tag(&die)))
  }

  /// What a pointer of C leads to; nil: it is none, or leads to no value, as those of functions do.
  private var pointee: VariableType? {
    guard isPointer, let pointee = VariableType(of: die), pointee.size ?? 0 > 0 else { return nil }
    return pointee
  }

  func member(_ wanted: String) -> Part? { member(wanted, depth: 0) }

  private func member(_ wanted: String, depth: Int) -> Part? {
    // Swift's offsets are found by its rule: those in its DWARF know no alignment.
    var end: UInt64? = 0
    for member in members {
      var member = member
      guard let type = VariableType(of: member) else { continue }
      var offset: UInt64? = DIE.constant(&member, UInt32(DW_AT_data_member_location)) ?? 0
      if isSwift {
        offset = end.flatMap { end in type.alignment.map { (end + $0 - 1) / $0 * $0 } }
        end = offset.flatMap { offset in type.size.map { offset + $0 } }
      }
      guard let name = dwarf_diename(&member).map({ String(cString: $0) }) else {
        // What an unnamed structure or union has is a member of the one around it. A damaged file may make a circle of them.
        guard depth < 8, let offset, var part = type.member(wanted, depth: depth + 1) else {
          continue
        }
        part.offset = Swift.min(part.offset, Self.mostBytes) + Swift.min(offset, Self.mostBytes)
        return part.offset <= Self.mostBytes ? part : nil
      }
      if name != wanted { continue }
      if let width = DIE.constant(&member, UInt32(DW_AT_bit_size)) {
        return Self.part(&member, width, at: offset ?? 0, type)
      }
      return offset.flatMap { $0 <= Self.mostBytes ? Part(offset: $0, type: type) : nil }
    }
    return nil
  }

  /// A bit-field (DWARF 5, 5.7.6; until version 3 counted from the upper end of what it is kept in).
  private static func part(
    _ member: inout Dwarf_Die, _ width: UInt64, at offset: UInt64, _ type: VariableType
  ) -> Part? {
    guard 1...64 ~= width, offset <= mostBytes else { return nil }
    var start = 8 * offset
    if let bit = DIE.constant(&member, UInt32(DW_AT_data_bit_offset)) {
      guard bit <= 8 * mostBytes else { return nil }
      start += bit
    } else if let bit = DIE.constant(&member, UInt32(DW_AT_bit_offset)) {
      let room = 8 * (DIE.constant(&member, UInt32(DW_AT_byte_size)) ?? type.size ?? 0)
      guard 8...128 ~= room, bit <= room, bit + width <= room else { return nil }
      start += room - bit - width
    }
    let field = DebugInfo.BitField(shift: Int(start % 8), width: Int(width))
    return Part(offset: start / 8, type: type, field: field)
  }

  var memberNames: [String] { memberNames(depth: 0) }

  private func memberNames(depth: Int) -> [String] {
    members.flatMap { member in
      var member = member
      if let name = dwarf_diename(&member) { return [String(cString: name)] }
      return depth < 8 ? VariableType(of: member)?.memberNames(depth: depth + 1) ?? [] : []
    }
  }

  func element(_ number: UInt64) -> Part? {
    guard let element, let stride = element.stride, let count, number < count else { return nil }
    let (offset, overflow) = number.multipliedReportingOverflow(by: stride)
    return overflow || offset > Self.mostBytes ? nil : Part(offset: offset, type: element)
  }

  /// Of an array.
  var count: UInt64? {
    var die = die
    if Int(dwarf_tag(&die)) == DW_TAG_array_type {
      return DIE.children(die).dropFirst(dimension).first.flatMap(Self.count)
    }
    guard let size, let stride = element?.stride, stride > 0 else { return nil }
    return size / stride
  }

  private static func count(_ range: Dwarf_Die) -> UInt64? {
    var range = range
    if let count = DIE.constant(&range, UInt32(DW_AT_count)) { return count }
    return DIE.constant(&range, UInt32(DW_AT_upper_bound)).flatMap { $0 == .max ? nil : $0 + 1 }
  }

  /// What a C array or Swift's InlineArray is made of.
  private var element: VariableType? {
    var die = die
    if Int(dwarf_tag(&die)) == DW_TAG_array_type {
      if DIE.children(die).count <= dimension + 1 { return VariableType(of: die) }
      var row = self
      row.dimension += 1
      return row
    }
    guard name == "InlineArray", isOfSwiftsLibrary else { return nil }
    let parameters = DIE.children(die).filter { child in
      var child = child
      return Int(dwarf_tag(&child)) == DW_TAG_template_type_parameter
    }
    return parameters.count == 2 ? VariableType(of: parameters[1]) : nil
  }

  private var members: [Dwarf_Die] {
    DIE.children(die).filter { child in
      var child = child
      return Int(dwarf_tag(&child)) == DW_TAG_member
    }
  }

  // MARK: Swift's layout

  private var linkageName: String {
    var die = die
    return DIE.string(&die, UInt32(DW_AT_linkage_name)) ?? ""
  }

  private var isSwift: Bool { linkageName.hasPrefix("$") }
  /// "s" and the standard abbreviations "S…" behind "$e" (Embedded) or "$s".
  private var isOfSwiftsLibrary: Bool {
    let name = linkageName.dropFirst(2)
    return name.hasPrefix("s") || name.hasPrefix("S")
  }

  private var stride: UInt64? {
    guard let size, size > 0 else { return nil }
    guard isSwift else { return size }
    return alignment.map { (size + $0 - 1) / $0 * $0 }
  }

  /// nil: DWARF does not tell, as of enumerations with payloads.
  private var alignment: UInt64? {
    if kind != .other { return size.flatMap { $0 > 0 && $0 & ($0 - 1) == 0 ? $0 : nil } }
    if let element { return element.alignment }
    let members = members
    if members.isEmpty { return nil }
    var most: UInt64 = 1
    for member in members {
      guard let alignment = VariableType(of: member)?.alignment else { return nil }
      most = max(most, alignment)
    }
    return most
  }
}
