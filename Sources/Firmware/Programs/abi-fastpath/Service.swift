/// What is called, by whichever way: a sum over part of a block of shared memory. Its answer is that sum, or why not.
enum Service {
  static let blocks = 16
  static let blockSize = 64

  private nonisolated(unsafe) static var memory = InlineArray<1_024, UInt8>(repeating: 0)

  enum Failure: Int32 {
    case noSuchBlock = -2
    case outOfBounds = -14
    case nothingToDo = -22
  }

  static func fill() {
    var generator = Generator(seed: 1)
    for index in 0..<(blocks * blockSize) {
      memory[index] = UInt8(truncatingIfNeeded: generator.next())
    }
  }

  @inline(never)
  static func sum(_ block: UInt32, _ offset: UInt32, _ count: UInt32) -> Int32 {
    if block >= UInt32(blocks) { return Failure.noSuchBlock.rawValue }
    if count == 0 { return Failure.nothingToDo.rawValue }
    if offset > UInt32(blockSize) || count > UInt32(blockSize) - offset {
      return Failure.outOfBounds.rawValue
    }
    var sum: Int32 = 0
    let start = Int(block) * blockSize + Int(offset)
    for index in start..<(start + Int(count)) { sum &+= Int32(memory[index]) }
    return sum
  }
}

/// xorshift32: a seed gives the same calls everywhere.
struct Generator {
  private var state: UInt32
  init(seed: UInt32) { state = seed }

  mutating func next() -> UInt32 {
    state ^= state &<< 13
    state ^= state &>> 17
    state ^= state &<< 5
    return state
  }
}
