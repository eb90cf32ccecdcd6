import CElf

/// Why a variable cannot be had, as one sentence.
public struct VariableError: Error, CustomStringConvertible, Hashable, Sendable {
  public let description: String
  public init(_ description: String) { self.description = description }
}

extension DebugInfo {
  /// A variable that has its place in memory for as long as the program runs, or a part of one.
  public struct Variable: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
      case unsigned
      case signed
      case boolean
      case floatingPoint
      /// Of C, C++ and Rust with what it leads to; Swift's say no more than where.
      case pointer
      /// A structure, an array, an enumeration with payloads.
      case other
    }
    public let address: UInt64
    /// In bytes.
    public let size: UInt64
    public let kind: Kind
    /// As the source calls its type.
    public let type: String
    /// Which bits of its bytes it is; nil: all.
    public var field: BitField?
  }

  /// A member like C's `unsigned ready : 1`.
  public struct BitField: Sendable, Hashable {
    /// Below it in its first byte.
    public let shift: Int
    /// In bits, 1 to 64.
    public let width: Int

    /// Of the bytes that it has a part of.
    var size: UInt64 { UInt64(shift + width + 7) / 8 }

    /// What it is, as a number of 8 bytes, a signed one with its sign.
    public func value(in bytes: [UInt8], _ kind: Variable.Kind) -> [UInt8] {
      let all = bytes.prefix(9).reversed().reduce(0 as UInt128) { $0 << 8 | UInt128($1) }
      var bits = UInt64(truncatingIfNeeded: all >> UInt128(shift)) << UInt64(64 - width)
      bits =
        kind == .signed
        ? UInt64(bitPattern: Int64(bitPattern: bits) >> Int64(64 - width))
        : bits >> UInt64(64 - width)
      return (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    }
  }

  /// A variable by its name, with members and elements behind it: `ticks`, `table[3].sum`.
  ///
  /// Names are those of the source, in C and in Swift; where several variables share one, the path begins with the file's name:
  /// `Tasks.swift:ticks`. What assembly defines is found by its symbol. A path may lead along pointers: `head->next->count`, `text[3]`.
  ///
  /// - Parameter memory: what it has at an address, 4 or 8 bytes; without it there is no way along pointers.
  public func variable(
    _ path: String, memory: (_ address: UInt64, _ size: Int) -> UInt64? = { _, _ in nil }
  ) throws(VariableError) -> Variable {
    let steps = VariablePath(path)
    guard globals.variables[steps.name] != nil else { return try symbolVariable(path, steps) }
    let (address, part, seen) = try place(path, memory)
    guard let size = part.size else {
      throw VariableError("\(seen) is a \(part.type.name), of no known size")
    }
    return Variable(
      address: address, size: size, kind: part.type.kind, type: part.type.name, field: part.field)
  }

  /// What a variable is made of.
  public enum Parts: Sendable, Hashable {
    case members([String])
    /// So many of an array.
    case elements(UInt64)
    /// The members of what a pointer leads to; none: that is one value.
    case pointee([String])
  }

  /// nil: it is one value, or its debug information does not tell.
  public func parts(
    of path: String, memory: (_ address: UInt64, _ size: Int) -> UInt64? = { _, _ in nil }
  ) -> Parts? {
    try? place(path, memory).part.type.parts
  }

  /// Names for `variable`, by the file that has them; sorted.
  public var variableNames: [(file: String, name: String)] {
    globals.variables.compactMap { path, found in
      guard let file = found.first?.file, path.hasPrefix(file + ":") else { return nil }
      return (file, String(path.dropFirst(file.utf8.count + 1)))
    }.sorted { $0 < $1 }
  }

  private func place(
    _ path: String, _ memory: (_ address: UInt64, _ size: Int) -> UInt64?
  ) throws(VariableError) -> (address: UInt64, part: VariableType.Part, seen: String) {
    var steps = VariablePath(path)
    let name = steps.name
    let found = globals.variables[name] ?? []
    guard let first = found.first else { throw VariableError("there is no variable \(name)") }
    if found.count > 1 {
      let names = found.map { "\($0.file):\(name)" }.joined(separator: ", ")
      throw VariableError("there are several \(name): \(names)")
    }
    var (address, part) = (first.address, VariableType.Part(offset: 0, type: first.type))
    var seen = name
    while let step = steps.next() {
      let next = try part.type.part(step, of: seen)
      if part.type.isPointer {
        guard let size = part.type.size, let target = memory(address, Int(clamping: size)) else {
          throw VariableError("\(seen) cannot be followed: it is not in memory")
        }
        address = target
      }
      seen += step.written
      address &+= next.offset
      part = next
    }
    if let rest = steps.unread {
      throw VariableError("\(path): what is \"\(rest)\" behind \(seen)?")
    }
    return (address, part, seen)
  }

  private func symbolVariable(_ path: String, _ steps: VariablePath) throws(VariableError)
    -> Variable
  {
    guard steps.name == path, let address = address(ofSymbol: path),
      let symbol = sizedSymbol(at: address)
    else {
      throw VariableError(
        "there is no variable \(steps.name) in \(imagePath); was it built without -g, or optimised away?"
      )
    }
    return Variable(address: address, size: symbol.size, kind: .unsigned, type: "symbol")
  }
}

/// Every variable with an address, by its name, and by file and name.
struct GlobalVariables {
  struct Global {
    let address: UInt64
    let type: VariableType
    let file: String
  }
  private(set) var variables: [String: [Global]] = [:]

  init(_ dwarf: OpaquePointer?) {
    for unit in DIE.units(dwarf) { collect(unit, depth: 0) }
  }

  private mutating func collect(_ parent: Dwarf_Die, depth: Int) {
    // A damaged file may nest without end.
    if depth == 16 { return }
    for child in DIE.children(parent) {
      var child = child
      switch Int(dwarf_tag(&child)) {
      case DW_TAG_variable: add(child)
      case DW_TAG_module, DW_TAG_namespace, DW_TAG_structure_type, DW_TAG_class_type,
        DW_TAG_enumeration_type, DW_TAG_subprogram, DW_TAG_lexical_block:
        collect(child, depth: depth + 1)
      default: break
      }
    }
  }

  private mutating func add(_ die: Dwarf_Die) {
    var die = die
    var attribute = Dwarf_Attribute()
    var operations: UnsafeMutablePointer<Dwarf_Op>?
    var count = 0
    guard dwarf_attr_integrate(&die, UInt32(DW_AT_location), &attribute) != nil,
      dwarf_getlocation(&attribute, &operations, &count) == 0,
      let address = Self.address(
        &attribute, UnsafeBufferPointer(start: operations, count: count)),
      let name = DIE.string(&die, UInt32(DW_AT_name)), let type = VariableType(of: die)
    else { return }
    let file = dwarf_decl_file(&die).map { String(cString: $0) } ?? ""
    let global = Global(
      address: address, type: type,
      file: file.split(separator: "/").last.map(String.init) ?? "")
    for key in [name, "\(global.file):\(name)"]
    where variables[key]?.contains(where: { $0.address == global.address }) != true {
      variables[key, default: []].append(global)
    }
  }

  /// An address, or one and a distance from it, as of variables that the compiler has put side by side.
  private static func address(
    _ location: inout Dwarf_Attribute, _ operations: UnsafeBufferPointer<Dwarf_Op>
  ) -> UInt64? {
    guard let first = operations.baseAddress else { return nil }
    var address: UInt64
    switch Int(first.pointee.atom) {
    case DW_OP_addr: address = first.pointee.number
    case DW_OP_addrx:
      var entry = Dwarf_Attribute()
      address = 0
      guard dwarf_getlocation_attr(&location, first, &entry) == 0,
        dwarf_formaddr(&entry, &address) == 0
      else { return nil }
    default: return nil
    }
    if operations.count == 2, Int(operations[1].atom) == DW_OP_plus_uconst {
      address &+= operations[1].number
    } else if operations.count > 1 {
      return nil
    }
    // Else the linker has left it out: see Sources/Firmware/build.
    return address != 0 && address & 0xFFFF_FFF0 != 0xFFFF_FFF0 ? address : nil
  }
}

extension VariableType {
  func part(_ step: VariablePath.Step, of seen: String) throws(VariableError) -> Part {
    guard let part = part(step) else {
      throw VariableError(
        step.follows && !isPointer
          ? "\(seen), a \(name), is no pointer"
          : "\(seen), a \(name), has no \(step.text) that its debug information tells of")
    }
    return part
  }
}

/// `file:name.member[3]->count`, a step at a time.
struct VariablePath {
  let name: String
  private var rest: Substring

  struct Step {
    /// For a person: `sum`, `[3]`.
    var text: String
    var written: String
    /// Of an element.
    var number: Int64?
    /// An arrow.
    var follows = false
  }

  init(_ path: String) {
    // A file's name has a dot of its own.
    let start = path.firstIndex(of: ":").map(path.index(after:)) ?? path.startIndex
    let end = Self.end(of: path[start...])
    name = String(path[..<end])
    rest = path[end...]
  }

  /// What `next` could not read.
  var unread: String? { rest.isEmpty ? nil : String(rest) }

  mutating func next() -> Step? {
    guard let first = rest.first else { return nil }
    let inside = rest.dropFirst()
    if first == "[" {
      guard let close = inside.firstIndex(of: "]"), let number = Int64(inside[..<close]) else {
        return nil
      }
      rest = inside[inside.index(after: close)...]
      return Step(text: "[\(number)]", written: "[\(number)]", number: number)
    }
    let follows = rest.hasPrefix("->")
    let member = follows ? inside.dropFirst() : inside
    let end = Self.end(of: member)
    guard follows || first == ".", end > member.startIndex else { return nil }
    let written = String(rest[..<end])
    rest = member[end...]
    return Step(text: String(member[..<end]), written: written, follows: follows)
  }

  /// Of a name.
  private static func end(of text: Substring) -> Substring.Index {
    text.indices.first { ".[".contains(text[$0]) || text[$0...].hasPrefix("->") } ?? text.endIndex
  }
}
