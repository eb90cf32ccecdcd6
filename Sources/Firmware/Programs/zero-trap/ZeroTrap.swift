/// A computation that in its whole life never leaves the straight path: no call to anybody below it, no
/// trap, no interrupt, and no check left in the image that could become one. Arithmetic wraps (`&+`), the
/// table is reached through a pointer, and what it is made of lies in static memory.
///
/// It sieves the primes below 2,048 and hashes them.

private let limit: UInt32 = 2_048

/// A bit a number: set where it is composite.
private nonisolated(unsafe) var composites = InlineArray<64, UInt32>(repeating: 0)

/// For whoever looks: the FNV-1a hash of the primes, as words.
@_silgen_name("result") nonisolated(unsafe) var result: UInt32 = 0

@c(main)
func main() -> Never {
  result = withUnsafeMutablePointer(to: &composites) {
    $0.withMemoryRebound(to: UInt32.self, capacity: 64) { hashOfPrimes(in: $0) }
  }
  finish()
}

private func hashOfPrimes(in composites: UnsafeMutablePointer<UInt32>) -> UInt32 {
  var hash: UInt32 = 0x811C_9DC5
  var number: UInt32 = 2
  while number < limit {
    if composites[Int(truncatingIfNeeded: number &>> 5)] & 1 &<< number == 0 {
      hash = (hash ^ number) &* 0x0100_0193
      var multiple = number &* number
      while multiple < limit {
        composites[Int(truncatingIfNeeded: multiple &>> 5)] |= 1 &<< multiple
        multiple = multiple &+ number
      }
    }
    number = number &+ 1
  }
  return hash
}

/// A store to the finisher where the board has one; then the loop at the symbol `halted`.
private func finish() -> Never {
  #if RV64Machine
    Power.off(success: true)
  #else
    halted()
  #endif
}
