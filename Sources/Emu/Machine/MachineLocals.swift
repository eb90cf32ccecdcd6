extension Memory {
  /// Of the stack, of 4 or 8 bytes.
  func word(_ address: UInt64, _ size: Int) -> UInt64? {
    switch size {
    case 4: load(address, as: UInt32.self).map(UInt64.init)
    case 8: load(address, as: UInt64.self)
    default: nil
    }
  }
}

/// Variables and parameters of functions, where the machine stands.
extension Machine {
  /// One that lives as long as the firmware, or what pointers in it lead to now.
  public func variable(
    _ path: String, _ debug: DebugInfo, hart: Int? = nil
  ) throws(VariableError) -> DebugInfo.Variable {
    try debug.variable(path) { word(at: $0, size: $1, hart: hart) }
  }

  public func parts(of path: String, _ debug: DebugInfo, hart: Int? = nil) -> DebugInfo.Parts? {
    debug.parts(of: path) { word(at: $0, size: $1, hart: hart) }
  }

  /// As a hart sees it.
  private func word(at address: UInt64, size: Int, hart: Int?) -> UInt64? {
    let bytes = peek(address, count: size, hart: hart ?? Int(self.hart.number))
    guard [4, 8].contains(size), bytes.count == size else { return nil }
    return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// - Parameter frame: of `backtrace`, as the machine stands now.
  public func locals(_ debug: DebugInfo, in frame: DebugInfo.Frame) -> [DebugInfo.Local] {
    debug.locals(in: frame, memory: memory.word)
  }

  public func local(
    _ path: String, _ debug: DebugInfo, in frame: DebugInfo.Frame
  ) throws(VariableError) -> DebugInfo.Local {
    try debug.local(path, in: frame, memory: memory.word)
  }

  /// By its name in the function that a hart is in; `function::variable`: in the innermost call of that function.
  ///
  /// - Throws: where there is none; one that is optimised out is there.
  public func local(
    _ path: String, _ debug: DebugInfo, hart: Int? = nil
  ) throws(VariableError) -> (local: DebugInfo.Local, frame: DebugInfo.Frame, level: Int) {
    let isNamed = path.contains("::")
    let frames = backtrace(debug, hart: hart, most: isNamed ? DebugInfo.mostFrames : 1)
    for (level, frame) in frames.enumerated() {
      do throws(VariableError) { return (try local(path, debug, in: frame), frame, level) } catch {
        if level == frames.count - 1 && !isNamed { throw error }
      }
    }
    throw VariableError(
      "there is no \(path) where the machine stands: \(frames.count) calls were looked through")
  }

  /// nil: it is optimised out, or in a register of a caller that nobody has saved.
  public func bytes(
    of local: DebugInfo.Local, in frame: DebugInfo.Frame, hart number: Int? = nil
  ) -> [UInt8]? {
    let hart = number.map { harts[$0] } ?? hart
    var all: [UInt8] = []
    for piece in local.pieces {
      let count = Int(clamping: min(piece.size, 1 << 16))
      let bytes: [UInt8]?
      switch piece.place {
      case .memory(let address): bytes = peek(address, count: count, hart: Int(hart.number))
      case .register(let register, let byte):
        bytes = value(ofRegister: register, in: frame, hart).map { value in
          (min(byte, 8)..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
      case .value(let value): bytes = value
      case .nowhere: bytes = nil
      }
      guard let bytes, bytes.count >= count else { return nil }
      all += bytes.prefix(count)
    }
    return all
  }

  private func value(
    ofRegister number: Int, in frame: DebugInfo.Frame, _ hart: Hart
  ) -> UInt64? {
    let unwound = frame.unwound.registers
    if unwound.indices.contains(number) { return unwound[number] }
    // Of a caller's floating-point registers nothing is known.
    guard frame.pc == hart.pc else { return nil }
    if board.core.machine == .arm, 256..<272 ~= number {
      let (low, high) = (2 * (number - 256), 2 * (number - 256) + 1)
      guard let low = hart.value(of: .s(low)), let high = hart.value(of: .s(high)) else {
        return nil
      }
      return low | high << 32
    }
    return RegisterName(dwarf: number, board.core.machine).flatMap { hart.value(of: $0) }
  }
}

extension RegisterName {
  /// By DWARF's number (RISC-V ELF psABI, DWARF; DWARF for the Arm Architecture, 4.1).
  public init?(dwarf number: Int, _ machine: Image.Machine) {
    switch (machine, number) {
    case (.riscv64, 0...31): self = .x(number)
    case (.riscv64, 32...63): self = .f(number - 32)
    case (.arm, 0...14): self = .r(number)
    case (.arm, 15): self = .pc
    case (.arm, 64...95): self = .s(number - 64)
    default: return nil
    }
  }
}
