/// A little of each part of the runtime that a program can do without; what a trait leaves out is not in the image.

@_silgen_name("result") nonisolated(unsafe) var result: UInt32 = 1

#if Scheduler
  private nonisolated(unsafe) var scheduler = Scheduler<4, 1>()
  private nonisolated(unsafe) var channel = Channel<UInt32, 4>(filledWith: 0)
#endif

@c(main)
func main() -> Never {
  #if Console
    console.configure()
    console.print("console\n")
  #endif
  #if Allocator
    var numbers: [UInt32] = []
    for number in 0..<10 as Range<UInt32> { numbers.append(number) }
    result &+= numbers.reduce(0, &+)
  #endif
  #if FloatingPoint
    result &+= root(of: 2).bitPattern
  #endif
  #if Scheduler
    for task in 0..<4 as Range<UInt16> { scheduler.wake(task) }
    while let task = scheduler.next(now: 0) {
      _ = channel.send(UInt32(task))
      result &+= channel.receive() ?? 0
    }
  #endif
  Power.off(success: true)
}

#if FloatingPoint
  /// Newton's way, a few steps of it.
  @inline(never)
  private func root(of number: Float) -> Float {
    var root = number
    for _ in 0..<8 { root = (root + number / root) * 0.5 }
    return root
  }
#endif
