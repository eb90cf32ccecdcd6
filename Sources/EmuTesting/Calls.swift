import Emu

extension Condition {
  /// A call of a function, by its symbol or the name in its source; the machine stands before its first instruction. Where it
  /// stands there already, the next call.
  public static func call(of function: String) -> Condition {
    var condition = Condition("a call of \(function)")
    condition.call = { machine throws(VariableError) in try machine.function(function) }
    return condition
  }
}

extension Machine {
  /// How many instructions the next call of a function takes, from its first one to the return, with all that it calls and
  /// all that interrupts it: a budget for a handler. The machine then stands where the function has returned to.
  ///
  /// - Parameter limit: of virtual time, for the call to come and to return.
  public func instructions(in function: String, limit: Duration) throws -> UInt64 {
    try advance(until: .call(of: function), limit: limit)
    let start = retired
    let caller = caller
    var bound = RunLimit(moment: clock.moment(at: now) + limit)
    bound.breakpoints.addresses = [caller.pc]
    while true {
      guard case .breakpoint = runKeeping(until: bound) else {
        throw RunFailure(self, "\(function) to return to 0x\(String(caller.pc, radix: 16))")
      }
      // The function may call itself.
      if register("sp") >= caller.stackPointer { return retired - start }
    }
  }

  /// Where the function returns to that has just been entered, and how much stack is gone by then at most.
  private var caller: (pc: UInt64, stackPointer: UInt64) {
    switch board.core.machine {
    case .arm:
      let lr = register("lr")
      // An exception's: the frame is on the stack that it came from (ARM DDI 0403E.e, B1.5.8).
      guard lr >> 24 == 0xFF else { return (lr & ~1, register("sp")) }
      let frame = lr & 4 == 0 ? register("sp") : register("psp")
      let pc = memory.load(frame + 24, as: UInt32.self).map(UInt64.init) ?? 0
      return (pc & ~1, frame + 1)
    case .riscv64:
      for (vector, epc) in [("mtvec", "mepc"), ("stvec", "sepc")]
      where register(vector) & ~3 == pc {
        return (register(epc), 0)
      }
      return (register("ra"), register("sp"))
    }
  }

  private func register(_ name: String) -> UInt64 {
    registers.first { $0.name == name }?.value ?? 0
  }

  /// Where a function begins.
  fileprivate func function(_ name: String) throws(VariableError) -> UInt64 {
    let found: [UInt64: String] = SharedDebugInfo.of(image) { debug in
      if let exact = debug.address(ofSymbol: name) { return [exact: name] }
      var found: [UInt64: String] = [:]
      for symbol in image.symbols() where symbol.isFunction {
        guard let words = debug.place(at: symbol.address) else { continue }
        // "Tasks.Queue.take() -> Int" is meant by "Tasks.Queue.take", "Queue.take" and "take".
        let path = words.prefix { $0 != "(" && $0 != " " && $0 != "<" }
        if path == name || path.hasSuffix("." + name) || path.hasSuffix("::" + name) {
          found[symbol.address] = words
        }
      }
      return found
    }
    guard let first = found.first else {
      throw VariableError("there is no function \(name) in \(image.path)")
    }
    if found.count > 1 {
      let all = found.values.sorted().joined(separator: ", ")
      throw VariableError("there are several functions \(name): \(all)")
    }
    return board.core.machine == .arm ? first.key & ~1 : first.key
  }
}
