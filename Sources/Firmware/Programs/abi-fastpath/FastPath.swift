/// The same operation by two ways: with its arguments in registers, and with a context in a ring of shared memory, which another
/// hart (RV64) or an interrupt (Cortex-M4) takes it from. The same 10,000 calls by both: same results, same errors.

private let calls = 10_000

/// A call as it lies in memory: arguments, then the answer, then the word that says whose it is.
struct Context: BitwiseCopyable {
  var block: UInt32 = 0
  var offset: UInt32 = 0
  var count: UInt32 = 0
  var answer: Int32 = 0
  /// 0: the caller's; 1: to be done.
  var owner: UInt32 = 0
}

private nonisolated(unsafe) var ring = InlineArray<8, Context>(repeating: Context())

private struct Tally {
  var hash: UInt32 = 0x811C_9DC5
  var failures: UInt32 = 0

  mutating func add(_ answer: Int32) {
    if answer < 0 { failures &+= 1 }
    hash = (hash ^ UInt32(bitPattern: answer)) &* 0x0100_0193
  }
}

@c(main)
func main() -> Never {
  console.configure()
  Service.fill()
  startCounting()
  startServer()
  let (registers, registerCost) = measure { calls, tally in
    for _ in 0..<10_000 {
      let call = calls.nextCall()
      tally.add(Service.sum(call.block, call.offset, call.count))
    }
  }
  let (shared, sharedCost) = measure { calls, tally in
    // The answers come back in the order of the calls: as many are under way as the ring holds.
    for number in 0..<10_000 {
      let slot = number % 8
      if number >= 8 { tally.add(answer(in: slot)) }
      let call = calls.nextCall()
      ring[slot].block = call.block
      ring[slot].offset = call.offset
      ring[slot].count = call.count
      storeBehindAll(&ring[slot].owner, 1)
      ringTheBell()
    }
    for number in 10_000..<10_008 { tally.add(answer(in: number % 8)) }
  }
  tell("registers", registers, registerCost)
  tell("context", shared, sharedCost)
  let isSame = registers.hash == shared.hash && registers.failures == shared.failures
  console.print(isSame ? "the same\n" : "not the same\n")
  Power.off(success: isSame)
}

private func measure(
  _ body: (inout Generator, inout Tally) -> Void
) -> (Tally, instructions: UInt32) {
  var generator = Generator(seed: 2_463_534_242)
  var tally = Tally()
  let begin = instructionCount()
  body(&generator, &tally)
  return (tally, instructionCount() &- begin)
}

extension Generator {
  /// One in a few is wrong, in each of the ways.
  fileprivate mutating func nextCall() -> (block: UInt32, offset: UInt32, count: UInt32) {
    let bits = next()
    return (bits & 0x1F % 18, bits &>> 8 & 0x3F, bits &>> 16 & 0x1F)
  }
}

@inline(never)
private func answer(in slot: Int) -> Int32 {
  while loadAgain(&ring[slot].owner) != 0 {}
  return ring[slot].answer
}

/// The other side: whatever lies in that slot, if it is to be done.
func serve(slot: Int) -> Bool {
  if loadAgain(&ring[slot].owner) == 0 { return false }
  ring[slot].answer = Service.sum(ring[slot].block, ring[slot].offset, ring[slot].count)
  storeBehindAll(&ring[slot].owner, 0)
  return true
}

private func tell(_ way: StaticString, _ tally: Tally, _ instructions: UInt32) {
  console.print(way)
  console.print(": hash ")
  console.print(address: UInt(tally.hash))
  console.print(", failures ")
  console.print(UInt(tally.failures))
  console.print(", instructions a call ")
  console.print(UInt(instructions / UInt32(calls)))
  console.print("\n")
}
