/// Runs into each of Swift's own checks in turn. There is no text in the image: what died, and in which line, is read out of
/// its debug information, by the address alone.

@section(".noinit") private nonisolated(unsafe) var stage: UInt32 = 0
@section(".noinit") private nonisolated(unsafe) var check: UInt32 = 0

private nonisolated(unsafe) var zero: UInt32 = 0

/// No compiler can know it.
private func unknown(_ value: UInt32) -> Int {
  Int(truncatingIfNeeded: loadAgain(&zero) &+ value)
}

@c(main)
func main() -> Never {
  if loadAgain(&check) != ~loadAgain(&stage) { begin(stage: 0) }
  switch loadAgain(&stage) {
  case 0: overflow()
  case 1: leaveBounds()
  case 2: unwrapNil()
  case 3: divideByZero()
  default: halted()
  }
  halted()
}

@inline(never) private func overflow() {
  result = Int.max - unknown(1) + unknown(2)
}

@inline(never) private func leaveBounds() {
  let numbers: InlineArray<4, Int> = [1, 2, 3, 4]
  result = numbers[unknown(4)]
}

@inline(never) private func unwrapNil() {
  let nothing: Int? = unknown(0) == 0 ? nil : 1
  // swift-format-ignore: NeverForceUnwrap
  result = nothing!
}

@inline(never) private func divideByZero() {
  result = 100 / unknown(0)
}

private nonisolated(unsafe) var result = 0

/// On to the next.
@c @implementation
func panicHook(_ number: UInt32) -> Never {
  begin(stage: stage + 1)
  Power.reset()
}

private func begin(stage new: UInt32) {
  stage = new
  check = ~new
}
