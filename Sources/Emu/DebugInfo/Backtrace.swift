extension DebugInfo {
  /// One line of a backtrace.
  public struct Frame: Sendable, CustomStringConvertible {
    /// The instruction that did not finish, or for a caller the one it will go on with.
    public let pc: UInt64
    /// The function and how far into it `pc` is.
    public let symbol: (name: String, offset: UInt64)?
    public let line: (file: String, line: Int)?
    /// In that frame: for a caller, as it was before the call; nil: not known.
    public let stackPointer: UInt64?
    let unwound: Unwinder.Frame
    /// The function's name, a Swift one as people write it.
    public var function: String? { symbol.map { demangled($0.name) } }

    public var description: String {
      var text = "0x" + String(pc, radix: 16)
      if let symbol { text += " in \(DebugInfo.words(symbol))" }
      if let line { text += " at \(line.file):\(line.line)" }
      return text
    }
  }

  /// A number for `registers` beside DWARF's: a Cortex-M's process stack pointer, for the way out
  /// of an exception handler.
  public static let processStackPointer = -1

  /// A backtrace longer than this says nothing more.
  public static let mostFrames = 64

  /// The calls that led to `pc`, the innermost first: there is always at least that one.
  ///
  /// `registers` gives the value of a register by its DWARF number (RISC-V: x0 to x31 are 0 to
  /// 31; Arm: r0 to r15 are 0 to 15), `memory` a little-endian integer of 4 or 8 bytes as the
  /// program would read it there. Both may say nil for what they do not know.
  public func backtrace(
    pc: UInt64, most: Int = mostFrames, registers: (Int) -> UInt64?,
    memory: (_ address: UInt64, _ size: Int) -> UInt64?
  ) -> [Frame] {
    guard let machine else {
      return [frame(Unwinder.Frame(pc: pc, registers: [], isExact: true), stackPointer: nil)]
    }
    return withoutActuallyEscaping(memory) { memory in
      let unwinder = Unwinder(frames: dwarf?.frames, machine: machine, memory: memory)
      let values = (0..<Unwinder.registerCount(machine)).map(registers)
      var current = Unwinder.Frame(pc: pc, registers: values, isExact: true)
      current.pc = instruction(pc)
      func frame(_ current: Unwinder.Frame) -> Frame {
        self.frame(current, stackPointer: current.registers[unwinder.stackPointer])
      }
      var trace = [frame(current)]
      var seen: Set<Place> = [Place(current, unwinder)]
      while trace.count < most,
        let next = caller(of: current, isInnermost: trace.count == 1, unwinder, registers),
        trace.count > 1 || !isLeftover(next, of: current, unwinder),
        seen.insert(Place(next, unwinder)).inserted
      {
        current = next
        trace.append(frame(current))
      }
      return trace
    }
  }

  /// A frame that comes back is a loop: a stack is used up from frame to frame.
  private struct Place: Hashable {
    let pc: UInt64
    let stackPointer: UInt64?

    init(_ frame: Unwinder.Frame, _ unwinder: Unwinder) {
      pc = frame.pc
      stackPointer = frame.registers[unwinder.stackPointer]
    }
  }

  private func caller(
    of frame: Unwinder.Frame, isInnermost: Bool, _ unwinder: Unwinder,
    _ registers: (Int) -> UInt64?
  ) -> Unwinder.Frame? {
    let found: Unwinder.Frame? =
      switch unwinder.step(from: frame) {
      case .caller(let caller): caller
      case .end: nil
      case .noInformation: isInnermost ? leafCaller(of: frame, unwinder) : nil
      }
    guard var caller = found else { return nil }
    if unwinder.machine == .arm, ExceptionFrame.isReturn(caller.pc) {
      let interrupted = ExceptionFrame.interrupted(
        caller, exceptionReturn: caller.pc,
        processStack: registers(Self.processStackPointer), unwinder)
      guard let interrupted else { return nil }
      caller = interrupted
    }
    caller.pc = instruction(caller.pc)
    // Start-up code leaves 0 for a return address; a vector table may be there, never code.
    return caller.pc != 0 && isCode(caller.pc) ? caller : nil
  }

  /// Without frame information (assembly, a jump into nowhere) the innermost function is taken
  /// for one that has not touched the stack: its return address is where the call left it.
  private func leafCaller(of frame: Unwinder.Frame, _ unwinder: Unwinder) -> Unwinder.Frame? {
    guard let address = frame.registers[unwinder.returnAddress] else { return nil }
    var caller = frame
    caller.pc = address
    caller.isExact = false
    return caller
  }

  /// A function that never returns does not save its return address. By its frame information,
  /// or without any, that is still in its register, where in truth the last call from the
  /// function has left another one: of a place in the function itself, which again saves none.
  private func isLeftover(
    _ caller: Unwinder.Frame, of frame: Unwinder.Frame, _ unwinder: Unwinder
  ) -> Bool {
    guard let function = symbol(at: frame.site), let other = symbol(at: caller.site),
      frame.site - function.offset == caller.site - other.offset
    else { return false }
    switch unwinder.step(from: caller) {
    case .caller(var next):
      next.pc = instruction(next.pc)
      return Place(next, unwinder) == Place(caller, unwinder)
    case .end: return false
    case .noInformation: return true
    }
  }

  /// Where the instruction is: an Arm address may carry the Thumb bit.
  private func instruction(_ address: UInt64) -> UInt64 {
    machine == .arm ? address & 0xFFFF_FFFE : address
  }

  private func frame(_ unwound: Unwinder.Frame, stackPointer: UInt64?) -> Frame {
    // A return address may be the first one of the next function: the call decides.
    let (pc, site) = (unwound.pc, unwound.site)
    let symbol = symbol(at: site).map { (name: $0.name, offset: $0.offset + (pc - site)) }
    return Frame(
      pc: pc, symbol: symbol, line: sourceLine(at: site), stackPointer: stackPointer,
      unwound: unwound)
  }
}
