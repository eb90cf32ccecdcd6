import Emu

/// A value as people name it.
public struct ValueExpression {
  private let machine: Machine
  private let debug: DebugInfo

  /// - Parameter machine: where the names are looked up: addresses as its harts have them there.
  public init(_ machine: Machine, _ debug: DebugInfo) {
    self.machine = machine
    self.debug = debug
  }

  /// A register (`a0`, `r3`, `hart1:a0`), an LED of the board, an address with a number of bytes (`0x20000010:4`), a variable of
  /// the source or a part of it (`ticks`, `table[3].sum`), or one of the function that the machine is in (`count`, `main::count`);
  /// the first of these that there is.
  public func place(_ text: String) throws(VariableError) -> ValuePlace {
    if let register = try register(text) { return register }
    if let led = machine.board.leds.first(where: { $0.name == text }),
      let device = machine.board.slot(of: led.device)
    {
      return .pin(led.pin, device: device)
    }
    if text.hasPrefix("0x") { return try address(text) }
    let variable: DebugInfo.Variable
    do { variable = try machine.variable(text, debug) } catch let missing {
      let found: (local: DebugInfo.Local, frame: DebugInfo.Frame, level: Int)
      do { found = try machine.local(text, debug) } catch {
        let why = text.contains("::") ? error : missing
        throw VariableError("\(text) is no register, no LED and no variable: \(why.description)")
      }
      return try place(of: found.local, isCaller: found.level > 0, text)
    }
    if let field = variable.field {
      throw VariableError("\(text) is bits of a byte: " + Self.bytes(variable.address, field))
    }
    guard 1...8 ~= variable.size else {
      throw VariableError("\(text) has \(variable.size) bytes: name a part of it of 8 at most")
    }
    return try memory(variable.address, size: Int(variable.size), text)
  }

  private static func bytes(_ address: UInt64, _ field: DebugInfo.BitField) -> String {
    "ask for 0x\(String(address, radix: 16)):\((field.shift + field.width + 7) / 8)"
  }

  private func address(_ text: String) throws(VariableError) -> ValuePlace {
    let parts = text.dropFirst(2).split(separator: ":", omittingEmptySubsequences: false)
    let size = parts.count == 2 ? Int(parts[1]) : machine.board.core.machine == .arm ? 4 : 8
    guard parts.count <= 2, let address = UInt64(parts[0], radix: 16), let size, 1...8 ~= size
    else {
      throw VariableError("\(text): an address and its bytes, 1 to 8, are 0x20000010:4")
    }
    return try memory(address, size: size, text)
  }

  private func place(
    of local: DebugInfo.Local, isCaller: Bool, _ text: String
  ) throws(VariableError) -> ValuePlace {
    guard 1...8 ~= local.size else {
      throw VariableError("\(text) has \(local.size) bytes: name a part of it of 8 at most")
    }
    if local.field != nil {
      throw VariableError("\(text) is bits of a byte: ask for what they are a part of")
    }
    guard let piece = local.pieces.first, local.pieces.count == 1 else {
      throw VariableError("\(text) is in \(local.pieces.count) places: name a part of it")
    }
    switch piece.place {
    case .memory(let address): return try memory(address, size: Int(local.size), text)
    case .register(let number, let byte):
      guard !isCaller else {
        throw VariableError("\(text) is in a register of a caller, which is another's by now")
      }
      guard byte == 0, let register = RegisterName(dwarf: number, machine.board.core.machine)
      else { throw VariableError("\(text) is a part of a register: ask for that") }
      return .register(register, hart: Int(machine.hart.number))
    case .value:
      throw VariableError("\(text) is known by its debug information alone: nothing wrote it")
    case .nowhere: throw VariableError(local.lossWords)
    }
  }

  private func memory(
    _ address: UInt64, size: Int, _ text: String
  ) throws(VariableError) -> ValuePlace {
    let hart = Int(machine.hart.number)
    guard let physical = machine.physical(address, hart: hart), physical < 1 << 62,
      address <= .max - 8
    else { throw VariableError("\(text): there is nothing at 0x\(String(address, radix: 16))") }
    let bytes = ValuePlace.Bytes(address, physical: physical, size: size, hart: hart)
    guard machine.value(of: .memory(bytes)) != nil else {
      throw VariableError("\(text): there is nothing at 0x\(String(address, radix: 16))")
    }
    return .memory(bytes)
  }

  private func register(_ text: String) throws(VariableError) -> ValuePlace? {
    var (name, hart) = (text[...], Int(machine.hart.number))
    if let colon = text.firstIndex(of: ":"), text.hasPrefix("hart") {
      guard let number = Int(text[..<colon].dropFirst(4)), machine.harts.indices.contains(number)
      else {
        throw VariableError("\(text): there are harts 0 to \(machine.harts.count - 1)")
      }
      (name, hart) = (text[text.index(after: colon)...], number)
    }
    return Self.registers(machine.board.core.machine).first { $0.name == name }
      .map { .register($0.register, hart: hart) }
  }

  /// Those that a value can be asked of, by the names that people use.
  static func registers(_ machine: Image.Machine) -> [(name: String, register: RegisterName)] {
    switch machine {
    case .riscv64:
      let names = DebugInfo.registerNames(.riscv64).enumerated().dropFirst()
      return names.map { ($0.element, .x($0.offset)) }
        + (1...31).map { ("x\($0)", .x($0)) } + (0...31).map { ("f\($0)", .f($0)) }
    case .arm:
      return (0...12).map { ("r\($0)", .r($0)) }
        + [
          ("sp", .r(13)), ("lr", .r(14)), ("flags", .xpsr), ("msp", .msp), ("psp", .psp),
          ("primask", .primask), ("basepri", .basepri), ("faultmask", .faultmask),
          ("control", .control), ("fpscr", .fpscr),
        ] + (0...31).map { ("s\($0)", .s($0)) }
    }
  }

  static func name(_ register: RegisterName, _ machine: Image.Machine) -> String {
    if case .csr(let number) = register {
      return "csr 0x" + String(number, radix: 16)
    }
    return registers(machine).first { $0.register == register }?.name ?? "\(register)"
  }
}
