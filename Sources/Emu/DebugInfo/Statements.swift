import CElf

/// Lines of source as places to stop at: forwards from a line to its code, and from code to the lines around it.
extension DebugInfo {
  /// Where the code of a line begins.
  public struct Statement: Sendable, Hashable {
    public let address: UInt64
    public let file: String
    public let line: Int
    /// The calls around it that the compiler has made no calls of, the outermost first; each has a number.
    public let inlined: [UInt64]
  }

  /// The code of the function around an address.
  public func function(around address: UInt64) -> Range<UInt64>? {
    guard let symbol = symbols.symbol(at: address), symbol.isFunction, symbol.size > 0 else {
      return nil
    }
    return symbol.address..<symbol.address &+ symbol.size
  }

  /// Of the function around an address, in the order of their addresses.
  public func statements(around address: UInt64) -> [Statement] {
    guard let code = function(around: address) else { return [] }
    let calls = inlinedCalls(in: code)
    return lines.beginnings(in: code).map { beginning in
      Statement(
        address: beginning.address, file: beginning.file, line: beginning.line,
        inlined: calls.around(beginning.address))
    }
  }

  /// The calls around an address that the compiler has made no calls of, the outermost first.
  public func inlinedCalls(around address: UInt64) -> [UInt64] {
    function(around: address).map { inlinedCalls(in: $0).around(address) } ?? []
  }

  /// Where a line begins, once in each function and each call that is none. Of a line that there is no code of, the next one
  /// that there is.
  ///
  /// - Parameter isMeant: by a file's name as the image has it, often from the folder where it was built.
  public func places(ofLine line: Int, inFile isMeant: (String) -> Bool) -> [Statement] {
    guard let found = lines.beginnings(ofLine: line, inFile: isMeant) else { return [] }
    struct Home: Hashable {
      var function: UInt64?
      var inlined: [UInt64]
    }
    var homes: Set<Home> = []
    // A linker leaves lines of code that it has left out somewhere behind the end, or at 0.
    return found.addresses.filter(isCode).sorted().compactMap { address in
      let inlined = inlinedCalls(around: address)
      let home = Home(function: function(around: address)?.lowerBound, inlined: inlined)
      guard homes.insert(home).inserted else { return nil }
      return Statement(address: address, file: found.file, line: found.line, inlined: inlined)
    }
  }

  private func inlinedCalls(in function: Range<UInt64>) -> InlinedCalls {
    var calls = InlinedCalls()
    for unit in DIE.units(dwarf?.dwarf) {
      var unit = unit
      guard dwarf_haspc(&unit, function.lowerBound) > 0 else { continue }
      calls.collect(below: unit, function, depth: 0)
    }
    return calls
  }
}

/// Those in one function: the code of each, outer ones before those in them.
private struct InlinedCalls {
  private var calls: [(number: UInt64, code: [Range<UInt64>])] = []

  func around(_ address: UInt64) -> [UInt64] {
    calls.filter { call in call.code.contains { $0.contains(address) } }.map(\.number)
  }

  mutating func collect(below parent: Dwarf_Die, _ function: Range<UInt64>, depth: Int) {
    // A damaged file may nest without end.
    if depth == 64 { return }
    for child in DIE.children(parent) {
      var child = child
      switch Int(dwarf_tag(&child)) {
      case DW_TAG_subprogram where dwarf_haspc(&child, function.lowerBound) <= 0: continue
      case DW_TAG_inlined_subroutine:
        calls.append((UInt64(dwarf_dieoffset(&child)), DIE.code(&child)))
      case DW_TAG_subprogram, DW_TAG_lexical_block, DW_TAG_module, DW_TAG_namespace,
        DW_TAG_structure_type, DW_TAG_class_type, DW_TAG_enumeration_type:
        break
      default: continue
      }
      collect(below: child, function, depth: depth + 1)
    }
  }
}

extension DIE {
  fileprivate static func code(_ die: inout Dwarf_Die) -> [Range<UInt64>] {
    var ranges: [Range<UInt64>] = []
    var base: Dwarf_Addr = 0
    var start: Dwarf_Addr = 0
    var end: Dwarf_Addr = 0
    var offset = 0
    while true {
      offset = dwarf_ranges(&die, offset, &base, &start, &end)
      guard offset > 0, ranges.count < 1 << 12 else { return ranges }
      if start < end { ranges.append(start..<end) }
    }
  }
}
