/// Events in the order in which they happened: a value that stays as it is while the machine runs
/// on. Positions count from power-on; of a long run only the latest events are there, see
/// `MachineOptions.keptEvents`.
public struct Trace: RandomAccessCollection, Sendable {
  fileprivate let chunks: [Chunk]
  /// How many events are not kept any more: all from power-on to here.
  public let startIndex: Int
  /// How many events there were in all.
  public let endIndex: Int
  /// What the digest is made of, up to a place that is still kept.
  let digested: VisibleDigest

  public subscript(position: Int) -> Event {
    precondition(
      position >= startIndex && position < endIndex,
      "event \(position), of which those from \(startIndex) to \(endIndex) are kept")
    let place = position - startIndex
    return chunks[place / Chunk.capacity].events[place % Chunk.capacity]
  }

  /// Those from a position on, in pieces that lie side by side: for who reads millions.
  public func forEachPiece<E: Error>(
    from position: Int, _ body: (UnsafeBufferPointer<Event>) throws(E) -> Void
  ) throws(E) {
    precondition(position >= startIndex, "event \(position), but they are kept from \(startIndex)")
    var place = position - startIndex
    while place < count {
      let first = place % Chunk.capacity
      let number = Swift.min(count - place, Chunk.capacity - first)
      let chunk = chunks[place / Chunk.capacity]
      try body(UnsafeBufferPointer(start: chunk.events + first, count: number))
      place += number
    }
  }
}

extension Trace {
  /// Those that are kept of a trace that was written somewhere; nil: its parts do not fit.
  init?(_ events: [Event], from start: Int, _ digested: VisibleDigest) {
    let size = Chunk.capacity
    guard start >= 0, start < 1 << 62, start % size == 0, digested.end % size == 0,
      start...start + events.count ~= digested.end, digested.count <= UInt64(digested.end)
    else { return nil }
    chunks = stride(from: 0, to: events.count, by: size).map { first in
      let chunk = Chunk()
      let part = events[first..<Swift.min(first + size, events.count)]
      _ = UnsafeMutableBufferPointer(start: chunk.events, count: size).initialize(from: part)
      return chunk
    }
    startIndex = start
    endIndex = start + events.count
    self.digested = digested
  }
}

/// Events are only ever added behind those that a `Trace` counts, so sharing a chunk between
/// threads is sound.
private final class Chunk: @unchecked Sendable {
  static let capacity = 1024
  let events = UnsafeMutablePointer<Event>.allocate(capacity: capacity)
  deinit { events.deallocate() }
}

/// Where events are written. Not on any path that allocates but once in 1,024 events.
final class Recorder {
  /// Sees every recorded event as it happens; true: somebody waited for it.
  @exclusivity(unchecked) var observer: ((Event) -> Bool)? {
    didSet { isObserved = observer != nil }
  }
  @exclusivity(unchecked) private var isObserved = false
  /// Somebody waits for the first chunk to be filled behind that many events.
  @exclusivity(unchecked) var pauseAt = Int.max
  /// What is to be said at all: for the trace, or for the ring of the latest.
  let mask: Event.Mask
  private let kept: Event.Mask
  private let ring: Ring?
  /// Chunks that are kept at least, and at most an eighth more and one.
  private let keptChunks: Int
  @exclusivity(unchecked) private var chunks: [Chunk] = []
  /// Events in chunks that are not kept any more.
  @exclusivity(unchecked) private var forgotten = 0
  /// Never behind what is kept.
  @exclusivity(unchecked) private var digested = VisibleDigest()
  @exclusivity(unchecked) private var tail: UnsafeMutablePointer<Event>?
  @exclusivity(unchecked) private var room = 0

  /// - Parameters:
  ///   - recent: kinds of which only the latest are kept, beside the trace.
  ///   - keeping: how many events the trace has at least, if there were so many.
  init(mask: Event.Mask, recent: Event.Mask = [], keeping: Int = .max) {
    kept = mask.union(.visible)
    self.mask = kept.union(recent)
    ring = recent.isEmpty ? nil : Ring()
    keptChunks = max(1, keeping / Chunk.capacity + (keeping % Chunk.capacity == 0 ? 0 : 1))
  }

  deinit { ring?.deallocate() }

  /// Goes on behind these. The last chunk is copied: its room may be another recorder's by now.
  convenience init(
    mask: Event.Mask, recent: Event.Mask = [], keeping: Int = .max, continuing trace: Trace
  ) {
    self.init(mask: mask, recent: recent, keeping: keeping)
    forgotten = trace.startIndex
    digested = trace.digested
    let last = trace.count % Chunk.capacity
    chunks = Array(trace.chunks.prefix((trace.count + Chunk.capacity - 1) / Chunk.capacity))
    if last == 0 { return }
    let full = chunks.removeLast()
    grow()
    for position in 0..<last { append(full.events[position]) }
  }

  /// The events so far.
  var trace: Trace {
    Trace(chunks: chunks, startIndex: forgotten, endIndex: count, digested: digested)
  }
  /// Of all that there were.
  var count: Int { forgotten + chunks.count * Chunk.capacity - room }

  /// The latest events of all kinds that were asked for.
  var recent: [Event] { ring?.events ?? Array(trace.suffix(Ring.capacity)) }

  @inline(__always) func wants(_ kind: Event.Kind) -> Bool { mask.contains(kind) }

  /// Keeps the event if its kind is wanted; true: somebody waited for it.
  func record(_ event: Event) -> Bool {
    if !mask.contains(rawKind: event.rawKind) { return false }
    ring?.append(event)
    if !kept.contains(rawKind: event.rawKind) { return false }
    append(event)
    // The tests keep the closure's reference count off the usual way.
    let isFull = room == 0 && count >= pauseAt
    return isObserved && observer?(event) == true || isFull
  }

  private func append(_ event: Event) {
    if room == 0 { grow() }
    // grow() leaves a tail.
    tail.unsafelyUnwrapped.initialize(to: event)
    tail = tail.unsafelyUnwrapped + 1
    room -= 1
  }

  private func grow() {
    let older = chunks.count - keptChunks
    if older > keptChunks / 8 { forget(older) }
    let chunk = Chunk()
    chunks.append(chunk)
    tail = chunk.events
    room = Chunk.capacity
  }

  private func forget(_ number: Int) {
    digest(to: forgotten + number * Chunk.capacity)
    chunks.removeFirst(number)
    forgotten += number * Chunk.capacity
  }

  // MARK: Digest

  /// What the digest begins with. Once, before the first event.
  func begin(_ heading: CanonicalBytes) { digested.hash.update(heading) }

  /// The visible events so far, full chunks only once.
  func digest() -> VisibleDigest {
    digest(to: count / Chunk.capacity * Chunk.capacity)
    var result = digested
    let rest = count - digested.end
    if rest > 0, let last = chunks.last {
      result.add(UnsafeBufferPointer(start: last.events, count: rest))
    }
    return result
  }

  /// Up to the end of a chunk.
  private func digest(to end: Int) {
    while digested.end < end {
      let chunk = chunks[(digested.end - forgotten) / Chunk.capacity]
      digested.add(UnsafeBufferPointer(start: chunk.events, count: Chunk.capacity))
    }
  }
}

/// The latest events, however many there were: what is known of the last moments of a run that goes on for days.
private struct Ring {
  /// Enough for the last few things that happened, though some of them be lines of text, which are an event a byte.
  static let capacity = 256
  private let places = UnsafeMutablePointer<Event>.allocate(capacity: capacity)
  private let counter = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  private var count: Int { counter.pointee }

  init() { counter.initialize(to: 0) }

  func deallocate() {
    places.deallocate()
    counter.deallocate()
  }

  @inline(__always) func append(_ event: Event) {
    (places + (count & (Self.capacity - 1))).initialize(to: event)
    counter.pointee &+= 1
  }

  /// The oldest first.
  var events: [Event] {
    (max(0, count - Self.capacity)..<count).map { places[$0 % Self.capacity] }
  }
}
