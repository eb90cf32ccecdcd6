#if Scheduler
  /// A cooperative scheduler for one core. A task is a number: its state lies in the program, and a step of it runs from wherever
  /// it stood to where it next has to wait. Nothing is allocated, nothing is searched but the few timers.
  struct Scheduler<let tasks: Int, let timers: Int>: ~Copyable {
    /// Who is ready, in the order in which they became so, and each at most once.
    private var queue = InlineArray<tasks, UInt16>(repeating: 0)
    private var queued = InlineArray<tasks, Bool>(repeating: false)
    private var first = 0
    private var count = 0
    /// A time of 0 is a timer that is free.
    private var alarms = InlineArray<timers, (time: UInt64, task: UInt16)>(repeating: (0, 0))

    /// The task gets a step. From a task or from an interrupt.
    mutating func wake(_ task: UInt16) {
      withoutInterrupts {
        if queued[Int(task)] { return }
        queued[Int(task)] = true
        let last = first + count
        queue[last < tasks ? last : last - tasks] = task
        count += 1
      }
    }

    /// The same when `time` has come.
    mutating func wake(_ task: UInt16, at time: UInt64) {
      for slot in 0..<timers where alarms[slot].time == 0 {
        alarms[slot] = (time, task)
        return
      }
      panic("no timer is left")
    }

    /// The next task that is ready; nil: none is.
    mutating func next(now: UInt64) -> UInt16? {
      for slot in 0..<timers where 1...max(now, 1) ~= alarms[slot].time {
        alarms[slot].time = 0
        wake(alarms[slot].task)
      }
      return withoutInterrupts {
        if count == 0 { return nil }
        let task = queue[first]
        first = first + 1 < tasks ? first + 1 : 0
        count -= 1
        queued[Int(task)] = false
        return task
      }
    }
  }

  /// From one writer to one reader, either of which may be an interrupt. Full is for the writer to see, empty for the reader.
  struct Channel<Element: BitwiseCopyable, let capacity: Int>: ~Copyable {
    private var elements: InlineArray<capacity, Element>
    /// Each counts on and on, and only one side writes it.
    private var written: UInt32 = 0
    private var read: UInt32 = 0

    init(filledWith element: Element) { elements = InlineArray(repeating: element) }

    mutating func send(_ element: Element) -> Bool {
      if written &- loadAgain(&read) == UInt32(capacity) { return false }
      elements[Int(written % UInt32(capacity))] = element
      storeBehindAll(&written, written &+ 1)
      return true
    }

    mutating func receive() -> Element? {
      if loadAgain(&written) == read { return nil }
      let element = elements[Int(read % UInt32(capacity))]
      storeBehindAll(&read, read &+ 1)
      return element
    }
  }
#endif
