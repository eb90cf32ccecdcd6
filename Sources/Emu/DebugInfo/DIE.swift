import CElf

/// libdw's entries, without its pointers to attributes.
enum DIE {
  static func reference(_ die: inout Dwarf_Die, _ name: UInt32) -> Dwarf_Die? {
    var attribute = Dwarf_Attribute()
    var target = Dwarf_Die()
    guard dwarf_attr_integrate(&die, name, &attribute) != nil,
      dwarf_formref_die(&attribute, &target) != nil
    else { return nil }
    return target
  }

  static func constant(_ die: inout Dwarf_Die, _ name: UInt32) -> UInt64? {
    var attribute = Dwarf_Attribute()
    var value: Dwarf_Word = 0
    guard dwarf_attr_integrate(&die, name, &attribute) != nil,
      dwarf_formudata(&attribute, &value) == 0
    else { return nil }
    return value
  }

  static func string(_ die: inout Dwarf_Die, _ name: UInt32) -> String? {
    var attribute = Dwarf_Attribute()
    guard dwarf_attr_integrate(&die, name, &attribute) != nil else { return nil }
    return dwarf_formstring(&attribute).map { String(cString: $0) }
  }

  static func children(_ parent: Dwarf_Die) -> [Dwarf_Die] {
    var parent = parent
    var child = Dwarf_Die()
    guard dwarf_child(&parent, &child) == 0 else { return [] }
    var all: [Dwarf_Die] = []
    var next = child
    repeat {
      child = next
      all.append(child)
    } while dwarf_siblingof(&child, &next) == 0
    return all
  }

  /// The compilation units of a file.
  static func units(_ dwarf: OpaquePointer?) -> [Dwarf_Die] {
    guard let dwarf else { return [] }
    var all: [Dwarf_Die] = []
    var offset: Dwarf_Off = 0
    var next: Dwarf_Off = 0
    var headerSize = 0
    while dwarf_nextcu(dwarf, offset, &next, &headerSize, nil, nil, nil) == 0, next > offset {
      var unit = Dwarf_Die()
      if dwarf_offdie(dwarf, offset + UInt64(headerSize), &unit) != nil { all.append(unit) }
      offset = next
    }
    return all
  }
}
