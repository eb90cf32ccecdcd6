import CElf

extension DebugInfo {
  /// One of Swift's own checks that an instruction is the end of.
  public struct RuntimeCheck: Sendable, Hashable {
    /// As the compiler calls it: "arithmetic overflow", "Index out of bounds".
    public let what: String
    /// The line that was checked.
    public let file: String
    public let line: Int
  }

  /// The check that fails with the instruction at an address: the compiler notes each as a function
  /// of that name, called in the line and inlined. (An undefined instruction says no more.)
  public func runtimeCheck(at address: UInt64) -> RuntimeCheck? {
    for unit in DIE.units(dwarf?.dwarf) {
      var unit = unit
      guard dwarf_haspc(&unit, address) > 0 else { continue }
      if let check = check(at: address, in: &unit) { return check }
    }
    return nil
  }

  private func check(at address: UInt64, in unit: inout Dwarf_Die) -> RuntimeCheck? {
    var scopes = scopes(at: address, below: unit, depth: 0)
    let failure = "Swift runtime failure: "
    guard var innermost = scopes.first,
      let name = dwarf_diename(&innermost).map({ String(cString: $0) }), name.hasPrefix(failure)
    else { return nil }
    let what = String(name.dropFirst(failure.count))
    // What of the library was inlined as well has no line in the program: look further out.
    for index in scopes.indices {
      guard dwarf_tag(&scopes[index]) == DW_TAG_inlined_subroutine,
        let line = DIE.constant(&scopes[index], UInt32(DW_AT_call_line)), line > 0,
        let number = DIE.constant(&scopes[index], UInt32(DW_AT_call_file)),
        let file = file(number, in: &unit)
      else { continue }
      return RuntimeCheck(what: what, file: file, line: Int(line))
    }
    return nil
  }

  /// The functions and blocks around an address, the innermost first. (libdw's own search does not look into
  /// modules and types, where Swift's functions are.)
  private func scopes(at address: UInt64, below parent: Dwarf_Die, depth: Int) -> [Dwarf_Die] {
    // A damaged file may nest without end.
    if depth == 64 { return [] }
    for child in DIE.children(parent) {
      var child = child
      switch Int(dwarf_tag(&child)) {
      case DW_TAG_subprogram, DW_TAG_inlined_subroutine, DW_TAG_lexical_block:
        guard dwarf_haspc(&child, address) > 0 else { continue }
        return scopes(at: address, below: child, depth: depth + 1) + [child]
      case DW_TAG_module, DW_TAG_namespace, DW_TAG_structure_type, DW_TAG_class_type,
        DW_TAG_enumeration_type:
        let found = scopes(at: address, below: child, depth: depth + 1)
        if !found.isEmpty { return found }
      default: continue
      }
    }
    return []
  }

  /// "<compiler-generated>" is none.
  private func file(_ number: Dwarf_Word, in unit: inout Dwarf_Die) -> String? {
    var files: OpaquePointer?
    var count = 0
    guard dwarf_getsrcfiles(&unit, &files, &count) == 0, number < count,
      let name = dwarf_filesrc(files, Int(number), nil, nil).map({ String(cString: $0) }),
      !name.hasSuffix(">")
    else { return nil }
    return name.hasPrefix("./") ? String(name.dropFirst(2)) : name
  }
}
