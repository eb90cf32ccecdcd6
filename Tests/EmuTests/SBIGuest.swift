@testable import Emu

/// S-mode guests that call the SBI and note what it answers. t0 points at the next free place for an
/// answer all along.
extension Assembler {
  mutating func li(_ rd: Register, _ value: Int) {
    if -2048...2047 ~= value { return addi(rd, .zero, value) }
    lui(rd, UInt32(truncatingIfNeeded: (value + 0x800) >> 12) & 0xF_FFFF)
    // addiw: the upper half is the sign's.
    emit(
      UInt32(truncatingIfNeeded: value) << 20 | rd.rawValue << 15 | rd.rawValue << 7 | 0x1B)
  }

  mutating func sd(_ rs2: Register, _ rs1: Register, _ offset: Int) {
    let value = UInt32(truncatingIfNeeded: offset)
    emit(
      (value >> 5 & 0x7F) << 25 | rs2.rawValue << 20 | rs1.rawValue << 15 | 3 << 12
        | (value & 31) << 7 | 0x23)
  }

  mutating func beginNotes(_ hart: Int = 0) {
    lui(.t0, UInt32(truncatingIfNeeded: (SBIGuest.notes + hart * 0x1000) >> 12))
    slli(.t0, .t0, 32)
    emit(32 << 20 | 5 << 15 | 5 << 12 | 5 << 7 | 0x13)  // srli t0, t0, 32
  }

  /// So many turns of two instructions. Uses s0.
  mutating func busy(_ label: String, _ turns: Int) {
    li(.s0, turns)
    self.label(label)
    addi(.s0, .s0, -1)
    bne(.s0, .zero, label)
  }

  /// What a hart does that waits for a software interrupt: s1 counts it.
  mutating func sleeper(_ label: String) {
    self.label(label)
    addi(.t1, .zero, 2)
    csrw(0x104, .t1)
    wfi()
    addi(.s1, .s1, 1)
    wfi()
  }

  /// A call with these in a0 and up, behind what was put there already; a0 and a1 are noted.
  mutating func call(_ identifier: SBI.Extension, _ function: Int, _ arguments: Int...) {
    call(Int(identifier.rawValue), function, arguments)
  }

  mutating func call(_ identifier: Int, _ function: Int, _ arguments: [Int]) {
    let places: [Register] = [.a0, .a1, .a2, .a3, .a4, .a5]
    for (place, argument) in zip(places, arguments) { li(place, argument) }
    li(.a7, identifier)
    li(.a6, function)
    ecall()
    note(.a0)
    note(.a1)
  }

  mutating func note(_ register: Register) {
    sd(register, .t0, 0)
    addi(.t0, .t0, 8)
  }

  /// Ends the run by the beeper.
  mutating func end() {
    lui(.t1, 0x10000)
    sw(.zero, .t1, 12)
    label("spin\(code.count)")
    j("spin\(code.count)")
  }

  mutating func fence() { emit(0x1200_0073) }
}

enum SBIGuest {
  static let notes = 0x8080_0000

  static func machine(
    harts: Int = 1, input: String = "", _ build: (inout Assembler) -> Void
  ) throws -> Machine {
    var board = Board.test
    board.harts = harts
    var options = MachineOptions()
    options.mode = .supervisor
    options.input = Array(input.utf8)
    options.deviceTree = (BootTests.emptyTree, "tree")
    return try Machine.running(Assembler.program(build), board: board, options: options)
  }

  /// What was noted by then.
  static func notes(_ machine: Machine, _ count: Int, hart: Int = 0) -> [Int64] {
    (0..<count).map {
      machine.memory.load(UInt64(notes + hart * 0x1000 + $0 * 8), as: Int64.self) ?? 0
    }
  }
}
