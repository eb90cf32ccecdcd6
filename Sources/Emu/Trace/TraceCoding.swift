/// The events that are kept of a trace, each as what differs from the one before: seldom more than ten bytes.
extension CanonicalBytes {
  mutating func append(_ trace: Trace) {
    append(naming: trace.digested)
    append(UInt64(trace.startIndex))
    append(UInt64(trace.count))
    var last = Event.zero
    trace.forEachPiece(from: trace.startIndex) { events in
      for event in events {
        let fields = event.fields
        let changed = zip(fields, last.fields).enumerated().reduce(UInt8(0)) {
          $1.element.0 == $1.element.1 ? $0 : $0 | 1 << UInt8($1.offset)
        }
        append(changed)
        for (number, (new, old)) in zip(fields, last.fields).enumerated()
        where changed >> UInt8(number) & 1 == 1 { append(short: new &- old) }
        last = event
      }
    }
  }
}

extension CanonicalReader {
  mutating func readTrace(_ board: Board, _ bus: Bus.Rest, _ now: Tick) throws(Unreadable) -> Trace
  {
    let digested = try read(naming: VisibleDigest.self)
    let start = try read(UInt64.self)
    let count = try readCount()
    var events: [Event] = []
    events.reserveCapacity(count)
    var last = Event.zero
    var clock = board.clock
    for _ in 0..<count {
      let changed = try read(UInt8.self)
      var fields = last.fields
      for number in fields.indices where changed >> UInt8(number) & 1 == 1 {
        fields[number] &+= try readShort()
      }
      guard changed >> UInt8(fields.count) == 0, let event = Event(fields),
        event.tick >= last.tick, event.tick <= now, event.isSound(on: board, bus),
        clock.tryToFollow(event)
      else { throw Unreadable("an event cannot be so") }
      events.append(event)
      last = event
    }
    guard start < 1 << 62, let trace = Trace(events, from: Int(start), digested) else {
      throw Unreadable("the trace and its digest do not fit")
    }
    return trace
  }
}

extension Event {
  fileprivate static let zero = Event(
    tick: 0, index: 0, source: 0, rawKind: 0, hart: 0, detail: 0, value: 0)

  fileprivate var fields: [UInt64] {
    [tick, index, UInt64(source), UInt64(rawKind), UInt64(hart), UInt64(detail), value]
  }

  fileprivate init?(_ fields: [UInt64]) {
    guard let source = UInt16(exactly: fields[2]), let kind = UInt8(exactly: fields[3]),
      let hart = UInt8(exactly: fields[4]), let detail = UInt32(exactly: fields[5])
    else { return nil }
    self.init(
      tick: fields[0], index: fields[1], source: source, rawKind: kind, hart: hart,
      detail: detail, value: fields[6])
  }

  /// Can it be named?
  fileprivate func isSound(on board: Board, _ bus: Bus.Rest) -> Bool {
    guard let kind = Kind(rawValue: rawKind), Int(hart) < board.harts,
      source == Event.core || Int(source) < board.devices.count
    else { return false }
    switch kind {
    case .pin, .input: return detail < 64
    case .notModelled: return Int(detail) < bus.findings.count
    default: return true
    }
  }
}
