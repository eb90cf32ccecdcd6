import CElf
import Glibc

/// Where the variables of a function are (DWARF 5, 3.3, 3.4 and 4.1), for the instruction that a frame stands at.
struct LocalScopes {
  /// A block, a function that was inlined, or the function itself.
  struct Scope {
    let variables: [Entry]
    /// Of the innermost function around it, as its source calls it, and as people do.
    let function: String
    fileprivate let symbol: String

    /// `Tasks.Queue.take() -> Int` is called that, `Tasks.Queue.take`, `Queue.take` and `take`.
    func isCalled(_ name: String) -> Bool {
      let path = symbol.prefix { $0 != "(" && $0 != " " && $0 != "<" }
      return name == function || name == symbol || path == name || path.hasSuffix("." + name)
    }
  }

  struct Entry {
    let name: String
    fileprivate let die: Dwarf_Die
  }

  /// The inner ones first.
  private(set) var all: [Scope] = []
  private let site: UInt64
  private let unwinder: Unwinder?
  private var surroundings: DWARFExpression.Surroundings

  init(
    _ debug: DebugInfo, _ frame: DebugInfo.Frame,
    _ memory: @escaping (_ address: UInt64, _ size: Int) -> UInt64?
  ) {
    site = frame.unwound.site
    surroundings = .init(frame: frame.unwound, read: { _ in nil })
    unwinder = debug.machine.map {
      Unwinder(frames: debug.dwarf?.frames, machine: $0, memory: memory)
    }
    guard let unwinder else { return }
    surroundings.read = { unwinder.read($0) }
    surroundings.cfa = unwinder.cfa(of: frame.unwound)
    let chain = Self.chain(at: site, debug)
    if let function = chain.last { surroundings.base = base(of: function) }
    for (number, die) in chain.enumerated() {
      guard var function = chain[number...].first(where: Self.isFunction) else { continue }
      let name = dwarf_diename(&function).map { String(cString: $0) } ?? "a function"
      let linkage = DIE.string(&function, UInt32(DW_AT_linkage_name)) ?? name
      all.append(
        Scope(variables: Self.variables(die), function: name, symbol: demangled(linkage)))
    }
  }

  /// Entries that lie one in the other around an instruction, up to its function.
  private static func chain(at site: UInt64, _ debug: DebugInfo) -> [Dwarf_Die] {
    // What the linker has left out may lie at any small address by its debug information.
    let symbol = debug.symbols.symbol(at: site)
    for var unit in DIE.units(debug.dwarf?.dwarf) where dwarf_haspc(&unit, site) > 0 {
      guard var inner = scopes({ dwarf_getscopes(&unit, site, &$0) }).first else { continue }
      let around = scopes { dwarf_getscopes_die(&inner, &$0) }
      guard let end = around.firstIndex(where: { tag($0) == DW_TAG_subprogram }) else { continue }
      var function = around[end]
      var start: Dwarf_Addr = 0
      if let symbol, symbol.size > 0, dwarf_entrypc(&function, &start) == 0,
        start & ~1 != symbol.address & ~1
      {
        continue
      }
      return Array(around[...end])
    }
    return []
  }

  private static func scopes(
    _ find: (inout UnsafeMutablePointer<Dwarf_Die>?) -> Int32
  ) -> [Dwarf_Die] {
    var found: UnsafeMutablePointer<Dwarf_Die>?
    let count = find(&found)
    guard count > 0, let found else { return [] }
    defer { free(found) }
    return Array(UnsafeBufferPointer(start: found, count: Int(count)))
  }

  private static func tag(_ die: Dwarf_Die) -> Int {
    var die = die
    return Int(dwarf_tag(&die))
  }

  private static func isFunction(_ die: Dwarf_Die) -> Bool {
    [DW_TAG_subprogram, DW_TAG_inlined_subroutine].contains(tag(die))
  }

  private static func variables(_ die: Dwarf_Die) -> [Entry] {
    DIE.children(die).compactMap { child in
      var child = child
      guard [DW_TAG_variable, DW_TAG_formal_parameter].contains(tag(child)),
        let name = dwarf_diename(&child)
      else { return nil }
      return Entry(name: String(cString: name), die: child)
    }
  }

  // MARK: Places

  private func base(of function: Dwarf_Die) -> UInt64? {
    var attribute = Dwarf_Attribute()
    var function = function
    guard dwarf_attr_integrate(&function, UInt32(DW_AT_frame_base), &attribute) != nil else {
      return nil
    }
    return expression(&attribute)?.address(in: surroundings)
  }

  private func expression(_ attribute: inout Dwarf_Attribute) -> DWARFExpression? {
    var operations: UnsafeMutablePointer<Dwarf_Op>?
    var count = 0
    guard dwarf_getlocation_addr(&attribute, site, &operations, &count, 1) == 1 else { return nil }
    return DWARFExpression(operations, count)
  }

  func local(
    _ path: VariablePath, _ entry: Entry, _ scope: Scope
  ) throws(VariableError) -> DebugInfo.Local {
    var steps = path
    guard let whole = VariableType(of: entry.die) else {
      throw VariableError("\(entry.name) of \(scope.function) has no type")
    }
    var part = VariableType.Part(offset: 0, type: whole)
    var pieces = pieces(entry.die, size: whole.size ?? 0)
    var seen = entry.name
    while let step = steps.next() {
      let next = try part.type.part(step, of: seen)
      if part.type.isPointer {
        guard let target = number(in: pieces) else {
          throw VariableError(
            "\(seen) of \(scope.function) cannot be followed: it is optimised out")
        }
        pieces = [.init(place: .memory(target &+ next.offset), size: next.size ?? 0)]
      } else {
        pieces = Self.part(of: pieces, from: next.offset, size: next.size ?? 0)
      }
      seen += step.written
      part = next
    }
    if let rest = steps.unread { throw VariableError("what is \"\(rest)\" behind \(seen)?") }
    return DebugInfo.Local(
      name: seen, function: scope.function, kind: part.type.kind, type: part.type.name,
      size: part.size ?? 0, pieces: pieces, parts: part.type.parts, field: part.field)
  }

  /// Of a pointer: it is in one place.
  private func number(in pieces: [DebugInfo.Local.Piece]) -> UInt64? {
    guard pieces.count == 1, let piece = pieces.first else { return nil }
    switch piece.place {
    case .memory(let address): return unwinder?.memory(address, Int(clamping: piece.size))
    case .register(let number, byte: 0):
      let registers = surroundings.frame.registers
      return registers.indices.contains(number) ? registers[number].flatMap { $0 } : nil
    case .value(let bytes):
      return bytes.prefix(Int(clamping: piece.size)).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    case .register, .nowhere: return nil
    }
  }

  private func pieces(_ die: Dwarf_Die, size: UInt64) -> [DebugInfo.Local.Piece] {
    var die = die
    let nowhere = [DebugInfo.Local.Piece(place: .nowhere, size: size)]
    if let bytes = Self.constant(die, size: size) {
      return [.init(place: .value(bytes), size: size)]
    }
    var attribute = Dwarf_Attribute()
    guard let unwinder, dwarf_attr_integrate(&die, UInt32(DW_AT_location), &attribute) != nil,
      let expression = expression(&attribute)
    else { return nowhere }
    let found = withUnsafeMutablePointer(to: &attribute) { attribute in
      var surroundings = surroundings
      surroundings.address = { Self.address(attribute, $0) }
      surroundings.block = { Self.block(attribute, $0) }
      return expression.pieces(size: size, in: surroundings)
    }
    return (found ?? nowhere).map { piece in
      guard case .memory(let address) = piece.place else { return piece }
      return .init(place: .memory(unwinder.trimmed(address)), size: piece.size)
    }
  }

  /// Bytes of a value from one on, of `size` bytes.
  private static func part(
    of pieces: [DebugInfo.Local.Piece], from offset: UInt64, size: UInt64
  ) -> [DebugInfo.Local.Piece] {
    var part: [DebugInfo.Local.Piece] = []
    var start: UInt64 = 0
    for piece in pieces {
      let (from, to) = (max(offset, start), min(offset + size, start + piece.size))
      if from < to {
        let skipped = from - start
        let place: DebugInfo.Local.Piece.Place =
          switch piece.place {
          case .memory(let address): .memory(address &+ skipped)
          case .register(let number, let byte): .register(number, byte: byte + skipped)
          case .value(let bytes): .value(Array(bytes.dropFirst(Int(clamping: skipped))))
          case .nowhere: .nowhere
          }
        part.append(.init(place: place, size: to - from))
      }
      start += piece.size
    }
    return part
  }

  // MARK: What stands in the debug information itself

  private static func constant(_ die: Dwarf_Die, size: UInt64) -> [UInt8]? {
    var die = die
    var attribute = Dwarf_Attribute()
    guard dwarf_attr_integrate(&die, UInt32(DW_AT_const_value), &attribute) != nil else {
      return nil
    }
    var number: Dwarf_Word = 0
    if dwarf_formudata(&attribute, &number) == 0 {
      return (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    var signed: Dwarf_Sword = 0
    if dwarf_formsdata(&attribute, &signed) == 0 {
      return (0..<8).map { UInt8(truncatingIfNeeded: signed >> (8 * $0)) }
    }
    return block(&attribute)
  }

  private static func block(_ attribute: inout Dwarf_Attribute) -> [UInt8]? {
    var block = Dwarf_Block()
    guard dwarf_formblock(&attribute, &block) == 0, let data = block.data else { return nil }
    return Array(UnsafeBufferPointer(start: data, count: Int(block.length)))
  }

  private static func address(
    _ attribute: UnsafeMutablePointer<Dwarf_Attribute>, _ operation: UnsafePointer<Dwarf_Op>
  ) -> UInt64? {
    var entry = Dwarf_Attribute()
    var address: Dwarf_Addr = 0
    guard dwarf_getlocation_attr(attribute, operation, &entry) == 0,
      dwarf_formaddr(&entry, &address) == 0
    else { return nil }
    return address
  }

  private static func block(
    _ attribute: UnsafeMutablePointer<Dwarf_Attribute>, _ operation: UnsafePointer<Dwarf_Op>
  ) -> [UInt8]? {
    var block = Dwarf_Block()
    guard dwarf_getlocation_implicit_value(attribute, operation, &block) == 0,
      let data = block.data
    else { return nil }
    return Array(UnsafeBufferPointer(start: data, count: Int(block.length)))
  }
}
