/// Five thousand connections on one core. A timer interrupt is the line: it puts bytes into a channel. A reader task finds the
/// frames in them and hands each to its connection, a task with eight bytes of state, which holds it against what has to come next.

let connections = 5_000
let rounds = 4
private let reader = UInt16(connections)
private let reporter = UInt16(connections + 1)

private nonisolated(unsafe) var scheduler = Scheduler<5_002, 2>()
private nonisolated(unsafe) var line = Channel<UInt8, 256>(filledWith: 0)
private nonisolated(unsafe) var table = InlineArray<5_000, Connection>(repeating: Connection())
private nonisolated(unsafe) var parser = Parser()
private nonisolated(unsafe) var source = FrameSource()
private nonisolated(unsafe) var delivered: UInt32 = 0
private nonisolated(unsafe) var misplaced: UInt32 = 0
private nonisolated(unsafe) var steps: UInt32 = 0

/// One end of a conversation: waits for the message with its next sequence number.
struct Connection: BitwiseCopyable {
  var expected: UInt8 = 0
  /// A mailbox for one.
  var isFull = false
  var sequence: UInt8 = 0
  var payload: UInt16 = 0
  var sum: UInt16 = 0

  /// False: that was not the message that had to come.
  mutating func take(by connection: UInt16) -> Bool {
    isFull = false
    let isRight = sequence == expected && payload == Frame.payload(connection, sequence)
    expected &+= 1
    sum &+= payload
    return isRight
  }
}

@c(main)
func main() -> Never {
  console.configure()
  LED.panic.configure()
  scheduler.wake(reporter)
  startLine()
  let begin = cycleCount()
  while delivered < UInt32(connections * rounds) {
    if let task = scheduler.next(now: time()) { step(task) } else { idleHook() }
  }
  let cycles = cycleCount() &- begin
  stopLine()
  var lost: UInt32 = 0
  for number in 0..<connections where Int(table[number].expected) != rounds { lost += 1 }
  tell("connections ", UInt32(connections))
  tell("messages ", delivered)
  tell("short of some ", lost)
  tell("out of place ", misplaced)
  tell("steps ", steps)
  tell("bytes a task ", UInt32(MemoryLayout<Connection>.stride))
  tell("instructions a message ", cycles / delivered)
  Power.off(success: lost == 0 && misplaced == 0)
}

private func tell(_ what: StaticString, _ number: UInt32) {
  console.print(what)
  console.print(UInt(number))
  console.print("\n")
}

private func step(_ task: UInt16) {
  steps &+= 1
  switch task {
  case reader: read()
  case reporter:
    LED.panic.toggle()
    scheduler.wake(reporter, at: time() + ticksAReport)
  default:
    if !table[Int(task)].take(by: task) { misplaced += 1 }
    delivered += 1
    // The reader may be waiting for this mailbox.
    if parser.frame?.connection == task { scheduler.wake(reader) }
  }
}

/// Until the line is empty, or a frame is for a mailbox that is full: then it stays, and so does all behind it.
private func read() {
  while true {
    if let frame = parser.frame {
      let number = Int(frame.connection)
      if table[number].isFull { return }
      table[number].isFull = true
      table[number].sequence = frame.sequence
      table[number].payload = frame.payload
      parser.frame = nil
      scheduler.wake(frame.connection)
    }
    guard let byte = line.receive() else { return }
    parser.feed(byte)
  }
}

/// The interrupt: as much as there is room for.
func lineTick() {
  while let byte = source.next, line.send(byte) { source.advance() }
  scheduler.wake(reader)
}
