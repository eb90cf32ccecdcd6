/// Events in the order in which they happened: a value that stays as it is while the machine runs
/// on.
public struct Trace: RandomAccessCollection, Sendable {
  fileprivate var chunks: [Chunk]
  public let count: Int

  public var startIndex: Int { 0 }
  public var endIndex: Int { count }
  public subscript(position: Int) -> Event {
    precondition(position >= 0 && position < count, "event \(position) of \(count)")
    return chunks[position / Chunk.capacity].events[position % Chunk.capacity]
  }

  /// The records themselves, some at a time.
  func withBuffers(_ body: (UnsafeBufferPointer<Event>) -> Void) {
    var left = count
    for chunk in chunks where left > 0 {
      let here = Swift.min(left, Chunk.capacity)
      body(UnsafeBufferPointer(start: chunk.events, count: here))
      left -= here
    }
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
  /// What is to be said at all: for the trace, or for the ring of the latest.
  let mask: Event.Mask
  private let kept: Event.Mask
  private let ring: Ring?
  @exclusivity(unchecked) private var chunks: [Chunk] = []
  @exclusivity(unchecked) private var tail: UnsafeMutablePointer<Event>?
  @exclusivity(unchecked) private var room = 0

  /// - Parameter recent: kinds of which only the latest are kept, beside the trace.
  init(mask: Event.Mask, recent: Event.Mask = []) {
    kept = mask.union(.visible)
    self.mask = kept.union(recent)
    ring = recent.isEmpty ? nil : Ring()
  }

  /// Goes on behind these. The last chunk is copied: its room may be another recorder's by now.
  convenience init(mask: Event.Mask, recent: Event.Mask = [], continuing trace: Trace) {
    self.init(mask: mask, recent: recent)
    let last = trace.count % Chunk.capacity
    chunks = trace.chunks
    if last == 0 { return }
    let full = chunks.removeLast()
    grow()
    for position in 0..<last { append(full.events[position]) }
  }

  /// The events so far.
  var trace: Trace { Trace(chunks: chunks, count: count) }
  var count: Int { chunks.count * Chunk.capacity - room }

  /// The latest events of all kinds that were asked for.
  var recent: [Event] { ring?.events ?? Array(trace.suffix(Ring.capacity)) }

  @inline(__always) func wants(_ kind: Event.Kind) -> Bool { mask.contains(kind) }

  /// Keeps the event if its kind is wanted; true: the observer waited for it.
  func record(_ event: Event) -> Bool {
    if !mask.contains(rawKind: event.rawKind) { return false }
    ring?.append(event)
    if !kept.contains(rawKind: event.rawKind) { return false }
    append(event)
    // The test keeps the closure's reference count off the usual way.
    return isObserved && observer?(event) == true
  }

  private func append(_ event: Event) {
    if room == 0 { grow() }
    // grow() leaves a tail.
    tail.unsafelyUnwrapped.initialize(to: event)
    tail = tail.unsafelyUnwrapped + 1
    room -= 1
  }

  private func grow() {
    let chunk = Chunk()
    chunks.append(chunk)
    tail = chunk.events
    room = Chunk.capacity
  }
}

/// The latest events, however many there were: what is known of the last moments of a run that goes on for days.
private final class Ring {
  /// Enough for the last few things that happened, though some of them be lines of text, which are an event a byte.
  static let capacity = 256
  private let places = UnsafeMutablePointer<Event>.allocate(capacity: capacity)
  @exclusivity(unchecked) private var count = 0

  deinit { places.deallocate() }

  @inline(__always) func append(_ event: Event) {
    (places + count % Self.capacity).initialize(to: event)
    count += 1
  }

  /// The oldest first.
  var events: [Event] {
    (max(0, count - Self.capacity)..<count).map { places[$0 % Self.capacity] }
  }
}
