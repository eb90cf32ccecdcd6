extension Machine {
  /// The calls that led to where the machine stands, or would have led to `pc` with its registers; the innermost first.
  ///
  /// - Parameter hart: nil: the one whose turn it is.
  public func backtrace(
    _ debug: DebugInfo, from pc: UInt64? = nil, hart number: Int? = nil,
    most: Int = DebugInfo.mostFrames
  ) -> [DebugInfo.Frame] {
    let hart = number.map { harts[$0] } ?? hart
    let names = DebugInfo.registerNames(board.core.machine)
    var values: [Int: UInt64] = [:]
    for register in hart.registers {
      if let number = names.firstIndex(of: register.name) { values[number] = register.value }
      if register.name == "psp" { values[DebugInfo.processStackPointer] = register.value }
    }
    return debug.backtrace(
      pc: pc ?? hart.pc, most: most, registers: { values[$0] }, memory: memory.word)
  }

  /// What it was made with; with a firmware, its payload.
  public var image: Image { boot.image }
}

extension DebugInfo {
  /// In the order of the numbers that DWARF gives them.
  public static func registerNames(_ machine: Image.Machine) -> [String] {
    switch machine {
    case .riscv64:
      ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"]
        + (0..<8).map { "a\($0)" } + (2..<12).map { "s\($0)" } + (3..<7).map { "t\($0)" }
    case .arm: (0..<13).map { "r\($0)" } + ["sp", "lr", "pc"]
    }
  }
}
