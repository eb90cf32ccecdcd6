/// Whose turn it is. Harts run one at a time: each that is awake gets a turn of `quantum` attempts,
/// in the order of their numbers, round and round; a turn also ends where its hart begins to wait.
///
/// A hart that is awake alone is not stopped at the ends of its turns: nobody would notice. Nothing
/// here depends on how often the host stops the machine. See docs/time.md.
struct Turns: Sendable, Codable {
  let quantum: UInt64
  /// A bit a hart.
  private(set) var awake: UInt64
  /// Whose turn it is, or, where nobody is awake, was.
  private(set) var hart = 0
  /// The machine's index at which the turn ends, or for a hart that is alone has ended at least
  /// once; 0: it is over.
  private(set) var end: UInt64

  /// All are awake, and hart 0 has its turn.
  init(harts: Int, quantum: UInt64, index: UInt64 = 0) {
    precondition(quantum > 0, "a turn of nothing")
    self.quantum = quantum
    awake = 1 << UInt64(harts) - 1
    end = index + quantum
  }

  /// Could turns of that many harts be so?
  func isSound(harts: Int, quantum: UInt64) -> Bool {
    self.quantum == quantum && awake >> UInt64(harts) == 0 && 0..<harts ~= hart && end < 1 << 63
  }

  var isAlone: Bool { awake == 1 << UInt64(hart) }

  /// Does the turn go on with the instruction of that index?
  @inline(__always) func goesOn(at index: UInt64) -> Bool {
    index < end || isAlone && end != 0
  }

  /// Attempts before the turn ends.
  @inline(__always) func left(at index: UInt64) -> UInt64 { isAlone ? .max : end - index }

  /// The turn goes to the next hart that is awake; false: none is.
  mutating func pass(at index: UInt64) -> Bool {
    if awake == 0 { return false }
    let behind = awake & ~(2 << UInt64(hart) - 1)
    hart = (behind == 0 ? awake : behind).trailingZeroBitCount
    end = index + quantum
    return true
  }

  /// Whoever has the turn gives it up.
  mutating func finish() { end = 0 }

  mutating func fallAsleep(_ hart: Int) { awake &= ~(1 << UInt64(hart)) }

  /// It may have turns again. `index`: of the first instruction that this can have an effect on.
  mutating func wake(_ hart: Int, at index: UInt64) {
    if isAlone && index > end && end != 0 {
      end += (index - end + quantum - 1) / quantum * quantum
    }
    awake |= 1 << UInt64(hart)
  }

  /// The same for every way to get to that index.
  func encode(into bytes: inout CanonicalBytes, at index: UInt64) {
    bytes.append(quantum)
    bytes.append(awake)
    bytes.append(UInt8(hart))
    let isOver = end == 0
    bytes.append(
      isOver ? 0 : index <= end ? end - index : (quantum - (index - end) % quantum) % quantum)
  }
}
