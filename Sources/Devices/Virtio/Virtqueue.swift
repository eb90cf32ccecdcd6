import Emu

/// A split virtqueue, the device's side: OASIS VIRTIO 1.2, section 2.7.
///
/// Everything in it but its indexes lies in guest memory and is not trusted: a ring outside of RAM, an index that jumps and a
/// chain that comes back to itself are errors, of which each has a name.
struct Virtqueue: Codable, Hashable, Sendable {
  /// The number of descriptors, a power of 2; 0: never set up.
  var size: UInt16 = 0
  var isReady = false
  /// Physical addresses of the descriptor table and of the rings.
  var descriptors: UInt64 = 0
  var available: UInt64 = 0
  var used: UInt64 = 0

  /// The next entry of the available ring to be looked at, and of the used ring to be written.
  private(set) var nextAvailable: UInt16 = 0
  private(set) var nextUsed: UInt16 = 0
  /// What `nextUsed` was when it was last decided whether to interrupt.
  private var signalled: UInt16 = 0

  /// "The maximum Queue Size value is 32768"; QEMU has this.
  static let mostDescriptors: UInt16 = 1024

  var isSound: Bool { size <= Self.mostDescriptors && size & (size &- 1) == 0 }

  /// From its first entries.
  mutating func start() {
    nextAvailable = 0
    nextUsed = 0
    signalled = 0
  }

  enum Failure: String, Error {
    case ring = "a ring that is not in RAM"
    case availableIndex = "an available index that is more than a queue ahead"
    case descriptorIndex = "a descriptor index beyond its table"
    case loop = "a descriptor chain longer than its table, or in a circle"
    case indirect = "an indirect descriptor table that may not be one"
    case order = "a readable descriptor behind a writable one"
    case buffer = "a buffer that is not in RAM"
  }

  /// What of the ring format is negotiated.
  struct Format {
    var indirect: Bool
    var eventIndex: Bool
  }

  private enum Flags {
    static let next: UInt16 = 1
    static let write: UInt16 = 2
    static let indirect: UInt16 = 4
    static let noInterrupt: UInt16 = 1
  }

  /// The next request, which stays the next one until it is completed; nil: there is none.
  func next(_ memory: Memory, _ format: Format) throws(Failure) -> VirtioChain? {
    guard let index: UInt16 = memory.load(available &+ 2) else { throw .ring }
    let waiting = index &- nextAvailable
    if waiting == 0 { return nil }
    if waiting > size { throw .availableIndex }
    let place = available &+ 4 &+ 2 * UInt64(nextAvailable & (size - 1))
    guard let head: UInt16 = memory.load(place) else { throw .ring }
    return try chain(from: head, memory, format)
  }

  /// "The device MUST handle the case of zero or more normal chained descriptors followed by a single descriptor with
  /// flags&VIRTQ_DESC_F_INDIRECT."
  private func chain(
    from head: UInt16, _ memory: Memory, _ format: Format
  ) throws(Failure) -> VirtioChain {
    var chain = VirtioChain(head: head)
    var table = descriptors
    var count = UInt32(size)
    var steps = count
    var number = UInt32(head)
    var isIndirect = false
    while true {
      if number >= count { throw .descriptorIndex }
      if steps == 0 { throw .loop }
      steps -= 1
      let place = table &+ 16 * UInt64(number)
      guard let address: UInt64 = memory.load(place), let rest: UInt64 = memory.load(place &+ 8)
      else { throw .ring }
      let length = UInt32(truncatingIfNeeded: rest)
      let flags = UInt16(truncatingIfNeeded: rest >> 32)
      if flags & Flags.indirect != 0 {
        guard format.indirect, !isIndirect, flags & Flags.next == 0, length > 0, length % 16 == 0
        else { throw .indirect }
        isIndirect = true
        table = address
        count = length / 16
        steps = min(count, UInt32(Self.mostDescriptors))
        number = 0
        continue
      }
      try chain.append(address, length, isWritable: flags & Flags.write != 0, memory)
      if flags & Flags.next == 0 { return chain }
      number = UInt32(truncatingIfNeeded: rest >> 48)
    }
  }

  /// Gives the next request back.
  mutating func complete(
    _ chain: VirtioChain, written: UInt32, _ memory: Memory
  ) throws(Failure) {
    let place = used &+ 4 &+ 8 * UInt64(nextUsed & (size - 1))
    let element = UInt64(chain.head) | UInt64(written) << 32
    guard memory.isWritable(place, count: 8), memory.store(element, at: place) else { throw .ring }
    nextAvailable &+= 1
    nextUsed &+= 1
    try store(nextUsed, at: used &+ 2, memory)
  }

  /// Whether the driver wants to hear of what was completed since this was last asked. Sections 2.7.7.2 and 2.7.10.
  mutating func wantsInterrupt(_ memory: Memory, _ format: Format) throws(Failure) -> Bool {
    let old = signalled
    signalled = nextUsed
    if old == nextUsed { return false }
    if !format.eventIndex {
      guard let flags: UInt16 = memory.load(available) else { throw .ring }
      return flags & Flags.noInterrupt == 0
    }
    guard let event: UInt16 = memory.load(available &+ 4 &+ 2 * UInt64(size)) else { throw .ring }
    return nextUsed &- event &- 1 < nextUsed &- old
  }

  /// "avail_event": the driver is to notify of the next request.
  func askForNotification(_ memory: Memory, _ format: Format) throws(Failure) {
    if format.eventIndex {
      try store(nextAvailable, at: used &+ 4 &+ 8 * UInt64(size), memory)
    }
  }

  private func store(_ value: UInt16, at place: UInt64, _ memory: Memory) throws(Failure) {
    guard memory.isWritable(place, count: 2), memory.store(value, at: place) else { throw .ring }
  }
}

/// A request: the buffers that a driver hands over in one chain of descriptors, all of them in RAM.
public struct VirtioChain {
  struct Span {
    var address: UInt64
    var count: UInt64
  }

  let head: UInt16
  private(set) var readable: [Span] = []
  private(set) var writable: [Span] = []
  private(set) var readableBytes: UInt64 = 0
  private(set) var writableBytes: UInt64 = 0

  init(head: UInt16) { self.head = head }

  /// "The driver MUST place any device-writable descriptor elements after any device-readable descriptor elements."
  fileprivate mutating func append(
    _ address: UInt64, _ length: UInt32, isWritable: Bool, _ memory: Memory
  ) throws(Virtqueue.Failure) {
    let span = Span(address: address, count: UInt64(length))
    if isWritable {
      guard memory.isWritable(address, count: span.count) else { throw .buffer }
      writable.append(span)
      writableBytes += span.count
    } else {
      if !writable.isEmpty { throw .order }
      guard memory.contains(address, count: span.count) else { throw .buffer }
      readable.append(span)
      readableBytes += span.count
    }
  }

  /// The readable bytes of a range, piece by piece, until `body` says false.
  func read(
    _ range: Range<UInt64>, _ memory: Memory, _ body: (UnsafeRawBufferPointer) -> Bool
  ) -> Bool {
    Self.pieces(of: readable, range) { piece in
      memory.withBytes(at: piece.address, count: piece.count, body) ?? false
    }
  }

  /// The same for writable bytes.
  func write(
    _ range: Range<UInt64>, _ memory: Memory, _ body: (UnsafeMutableRawBufferPointer) -> Bool
  ) -> Bool {
    Self.pieces(of: writable, range) { piece in
      memory.withWritableBytes(at: piece.address, count: piece.count, body) ?? false
    }
  }

  /// Little-endian, from any place among the readable bytes; nil: there are not so many.
  func load<T: FixedWidthInteger>(_ offset: UInt64, _ memory: Memory) -> T? {
    var value: T = 0
    var done = 0
    let size = UInt64(MemoryLayout<T>.size)
    guard offset &+ size <= readableBytes else { return nil }
    let isWhole = read(offset..<offset + size, memory) { piece in
      for byte in piece {
        value |= T(truncatingIfNeeded: byte) << (8 * done)
        done += 1
      }
      return true
    }
    return isWhole ? value : nil
  }

  private static func pieces(
    of spans: [Span], _ range: Range<UInt64>, _ body: (Span) -> Bool
  ) -> Bool {
    var start: UInt64 = 0
    for span in spans {
      let end = start + span.count
      let from = max(start, range.lowerBound)
      let to = min(end, range.upperBound)
      if from < to && !body(Span(address: span.address + (from - start), count: to - from)) {
        return false
      }
      if end >= range.upperBound { break }
      start = end
    }
    return true
  }
}
