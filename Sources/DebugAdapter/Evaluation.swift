import Debugger
import Emu

/// A value that an expression has, and where it is.
struct Value {
  var number: UInt64
  /// In bytes.
  var size: UInt64
  var kind = DebugInfo.Variable.Kind.unsigned
  /// In memory.
  var address: UInt64?
  var register: RegisterLayout.Entry?
  var type: String?
  /// Members or elements, or what a pointer leads to.
  var hasParts = false
  /// Of a variable or a part of one.
  var path: String?
  /// Of what it points at.
  var pointee: String?
  /// A number as people count, no address.
  var isCount = false
  /// Of something that is no number.
  var bytes: [UInt8] = []

  /// With its sign.
  var extended: UInt64 {
    guard kind == .signed, 1..<8 ~= size else { return number }
    let unused = 64 - 8 * size
    return UInt64(bitPattern: Int64(bitPattern: number << unused) >> Int64(unused))
  }
}

/// Expressions of a debugger: `ticks`, `table[3].sum`, `Tasks.swift:ticks`, `$sp`, `main`, `0x20000000`, `&ticks`, `head->next`, `*head`,
/// `*0x400fe608`, `*(uint8_t *)($sp + 4)`, and these with C's operators.
struct Evaluation {
  let target: Target
  let hart: Int
  let isHex: Bool
  /// Whose variables are looked up first; nil: those alone that live as long as the firmware.
  let frame: FrameID?

  init(_ target: Target, hart: Int, isHex: Bool = false, _ frame: FrameID? = nil) {
    self.target = target
    self.hart = hart
    self.isHex = isHex
    self.frame = frame
  }

  func value(of text: String) throws(Failure) -> Value {
    if text.utf8.count > 1 << 10 { throw Failure("an expression of more than 1024 characters") }
    var parser = ExpressionParser(text, self)
    let value = try parser.expression(depth: 0)
    try parser.end()
    return value
  }

  // MARK: What a name is

  func name(_ name: String) throws(Failure) -> Value {
    if let frame, let (local, call) = target.local(name, in: frame) {
      return named(name, try load(of: local, in: call), local.parts != nil)
    }
    if let variable = try? target.machine.variable(name, target.debug, hart: hart) {
      let hasParts = target.machine.parts(of: name, target.debug, hart: hart) != nil
      return named(name, try load(of: variable), hasParts)
    }
    if let value = try? register(name) { return value }
    if let address = target.debug.address(ofSymbol: name) { return word(address) }
    throw Failure("\(missing(name))")
  }

  private func named(_ name: String, _ value: Value, _ hasParts: Bool) -> Value {
    var value = value
    value.path = name
    value.isCount = value.kind == .signed || value.kind == .unsigned
    if value.kind == .pointer { value.pointee = name + "[0]" }
    // One that leads nowhere has nothing to show.
    value.hasParts = hasParts && !(value.kind == .pointer && value.number == 0)
    return value
  }

  /// Why there is no variable: by the function's own where it has one of that name.
  private func missing(_ name: String) -> VariableError {
    if let frame, let call = target.call(frame) {
      let first = name.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      if target.locals(in: frame).contains(String(first)) {
        do { _ = try target.machine.local(name, target.debug, in: call) } catch { return error }
      }
    }
    do { _ = try target.machine.variable(name, target.debug, hart: hart) } catch { return error }
    return VariableError("there is no \(name)")
  }

  /// What a value points at.
  func content(of value: Value) throws(Failure) -> Value {
    if let pointee = value.pointee, let content = try? name(pointee) { return content }
    return try load(value.number, size: UInt64(target.layout.pc.size), .unsigned)
  }

  private func load(of variable: DebugInfo.Variable) throws(Failure) -> Value {
    let value = try load(
      variable.address, size: variable.size, variable.kind, type: variable.type)
    return variable.field.map { bits($0, of: value) } ?? value
  }

  /// A bit-field has no address, and is not written.
  private func bits(_ field: DebugInfo.BitField, of value: Value) -> Value {
    let bytes = field.value(in: value.bytes, value.kind)
    let number = bytes.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    return Value(number: number, size: 8, kind: value.kind, type: value.type, bytes: bytes)
  }

  private func load(
    of local: DebugInfo.Local, in frame: DebugInfo.Frame
  ) throws(Failure) -> Value {
    guard let bytes = target.machine.bytes(of: local, in: frame, hart: hart) else {
      throw Failure("optimised out")
    }
    var value = Value(number: 0, size: local.size, kind: local.kind, type: local.type)
    value.bytes = Array(bytes.prefix(64))
    value.number = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    if let field = local.field { return bits(field, of: value) }
    guard local.pieces.count == 1, let piece = local.pieces.first else { return value }
    switch piece.place {
    case .memory(let address): value.address = address
    case .register(let number, byte: 0) where self.frame?.level == 0:
      // A caller's is another's by now.
      let names = DebugInfo.registerNames(target.machine.board.core.machine)
      guard names.indices.contains(number) else { break }
      value.register = try? register(names[number]).register
    case .register, .value, .nowhere: break
    }
    return value
  }

  func register(_ name: String) throws(Failure) -> Value {
    let name = ["fp": "fp", "s0": target.isArm ? "s0" : "fp"][name] ?? name
    guard let entry = target.layout.all.first(where: { $0.name == name }),
      let bytes = target.machine.harts[hart].read(entry)
    else { throw Failure("there is no register \(name.prefix(64))") }
    var value = Value(
      number: bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }, size: UInt64(entry.size))
    value.register = entry
    value.bytes = bytes
    return value
  }

  func word(_ number: UInt64) -> Value {
    let size = UInt64(target.layout.pc.size)
    return Value(number: size == 4 ? number & 0xFFFF_FFFF : number, size: size)
  }

  func load(
    _ address: UInt64, size: UInt64, _ kind: DebugInfo.Variable.Kind, type: String? = nil
  ) throws(Failure) -> Value {
    let count = Int(min(size, 64))
    let bytes = target.machine.peek(address, count: count, hart: hart)
    guard bytes.count == count else { throw Failure("there is no memory at 0x\(hex(address))") }
    var value = Value(number: 0, size: size, kind: kind, address: address, type: type)
    value.bytes = bytes
    value.number = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    return value
  }

  // MARK: In words

  func words(_ value: Value) -> String {
    if value.kind == .pointer { return "0x" + hex(value.number) + pointed(value) }
    if value.hasParts { return "{…}" }
    if value.kind == .other || value.size > 8 {
      return value.bytes.map { ($0 < 16 ? "0" : "") + hex(UInt64($0)) }.joined(separator: " ")
        + (value.size > UInt64(value.bytes.count) ? " …" : "")
    }
    if isHex || value.type == nil && !value.isCount { return "0x" + hex(value.number) }
    switch value.kind {
    case .boolean: return value.number & 1 == 0 ? "false" : "true"
    case .floatingPoint where value.size == 4:
      return "\(Float(bitPattern: UInt32(truncatingIfNeeded: value.number)))"
    case .floatingPoint where value.size == 8: return "\(Double(bitPattern: value.number))"
    case .signed: return String(Int64(bitPattern: value.extended))
    case .unsigned, .floatingPoint, .pointer, .other: return String(value.number)
    }
  }

  /// What people want to know of a pointer at once: the text, the function.
  private func pointed(_ value: Value) -> String {
    switch value.type {
    case _ where value.number == 0: return ""
    case "function *":
      let address = target.isArm ? value.number & ~1 : value.number
      return target.debug.place(at: address).map { " <\($0)>" } ?? ""
    case "char *":
      let bytes = target.machine.peek(value.number, count: 64, hart: hart)
      let text = bytes.prefix { $0 != 0 }
      guard let words = String(validating: text, as: UTF8.self), !bytes.isEmpty else { return "" }
      return " \(words.debugDescription)" + (text.count == 64 ? "…" : "")
    default: return ""
    }
  }

  // MARK: Writing

  /// An expression's value, or a number as it is written in source: -1, 1.5, true.
  func write(_ text: String, to path: String) throws(Failure) {
    let place = try value(of: path)
    guard place.size <= 8, !place.hasParts || place.isPointer else {
      throw Failure("\(path) is no single value")
    }
    let number = try number(text, for: place)
    // Of a variable that is less than its register.
    let size = UInt64(place.register?.size ?? Int(place.size))
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    let isWritten: Bool
    if let register = place.register {
      isWritten = target.debuggee.write(register, bytes, hart: hart)
    } else if let address = place.address {
      isWritten = target.machine.poke(address, bytes, hart: hart)
    } else {
      throw Failure("\(path) is nothing that can be written")
    }
    guard isWritten else { throw Failure("\(path) does not take that") }
    target.debuggee.changed(hart: hart)
  }

  private func number(_ text: String, for place: Value) throws(Failure) -> UInt64 {
    let text = String(text.drop { $0 == " " })
    switch place.kind {
    case .boolean where text == "true": return 1
    case .boolean where text == "false": return 0
    case .floatingPoint:
      if place.size == 4, let number = Float(text) { return UInt64(number.bitPattern) }
      if place.size == 8, let number = Double(text) { return number.bitPattern }
    default: if let number = Int64(text) { return UInt64(bitPattern: number) }
    }
    return try value(of: text).number
  }
}
