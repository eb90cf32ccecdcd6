import CNettle
import Glibc

/// SHA-256, by way of libnettle.
public struct SHA256: Sendable {
  private var context = sha256_ctx()
  public init() { nettle_sha256_init(&context) }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    nettle_sha256_update(&context, bytes.count, base.assumingMemoryBound(to: UInt8.self))
  }

  mutating func update(_ bytes: CanonicalBytes) {
    bytes.bytes.withUnsafeBytes { update($0) }
  }

  /// 32 bytes. Starts anew.
  public mutating func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
    nettle_sha256_digest(&context, digest.count, &digest)
    return digest
  }

  public static func hex(_ digest: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

/// In the middle of its work: what it has taken in, and what does not fill a block yet.
extension SHA256: Codable {
  private enum Keys: String, CodingKey {
    case state
    case blocks
    case rest
  }

  public func encode(to encoder: any Encoder) throws {
    var context = context
    var keys = encoder.container(keyedBy: Keys.self)
    let state = withUnsafeBytes(of: &context.state) { Array($0.bindMemory(to: UInt32.self)) }
    try keys.encode(state, forKey: .state)
    try keys.encode(context.count, forKey: .blocks)
    let rest = withUnsafeBytes(of: &context.block) { Array($0.prefix(Int(context.index))) }
    try keys.encode(rest, forKey: .rest)
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let keys = try decoder.container(keyedBy: Keys.self)
    let state = try keys.decode([UInt32].self, forKey: .state)
    context.count = try keys.decode(UInt64.self, forKey: .blocks)
    let rest = try keys.decode([UInt8].self, forKey: .rest)
    guard state.count == 8, rest.count < MemoryLayout.size(ofValue: context.block) else {
      throw Unreadable("a hash of another kind")
    }
    withUnsafeMutableBytes(of: &context.state) {
      $0.copyBytes(from: state.withUnsafeBytes(Array.init))
    }
    withUnsafeMutableBytes(of: &context.block) { $0.copyBytes(from: rest) }
    context.index = UInt32(rest.count)
  }
}

/// The bytes are specified in docs/digest.md; a change there or here is a new schema.
extension Machine {
  private var schema: UInt32 { options.timing == .unit ? 1 : 2 }

  /// SHA-256 over what could be seen of the run so far, and how it ended: the golden value of a
  /// test. The same on every host, however the run was sliced, pooled, traced or threaded.
  public var traceDigest: String {
    let visible = bus.recorder.digest()
    var hash = visible.hash
    var tail = CanonicalBytes()
    tail.append(visible.count)
    tail.append(stop?.reason.number ?? 0)
    tail.append(stop?.code ?? 0)
    let traps = traps
    for number in [
      index, now, retired, traps.ecall, traps.ebreak, traps.svc, traps.interrupts, traps.faults,
      flow,
    ] { tail.append(number) }
    hash.update(tail)
    return SHA256.hex(hash.finish())
  }

  /// SHA-256 over the machine as it is: registers, devices, memory. For comparing runs of one
  /// version, never golden.
  public var stateDigest: String {
    var hash = SHA256()
    var bytes = heading("emurun state")
    bytes.append(index)
    bytes.append(now)
    bytes.append(bus.timeOffset)
    if clock.hasChanged {
      bytes.append(clock.frequency.numerator)
      bytes.append(clock.frequency.denominator)
      bytes.append(nanoseconds)
    }
    if harts.count > 1 { bus.turns.encode(into: &bytes, at: index) }
    for hart in harts {
      bytes.append(hart.sleep?.rawValue ?? 0)
      hart.encode(into: &bytes)
    }
    for slot in bus.slots { bytes.append(encoding: slot.state) }
    if let htif { bytes.append(encoding: htif.state) }
    hash.update(bytes)
    memory.collectDirty()
    for block in memory.blocks { hash.update(block) }
    return SHA256.hex(hash.finish())
  }

  /// What a trace's digest begins with.
  var traceHeading: CanonicalBytes { heading("emurun trace") }

  private func heading(_ what: String) -> CanonicalBytes {
    var bytes = CanonicalBytes()
    bytes.append(what)
    bytes.append(schema)
    bytes.append(board.name)
    bytes.append(UInt32(board.revision))
    if options.timing != .unit { bytes.append(options.timing.rawValue) }
    if harts.count > 1 {
      bytes.append(UInt32(harts.count))
      bytes.append(options.quantum)
    }
    return bytes
  }
}

/// Those events that are recorded in every run, as their 32 bytes, behind a heading.
struct VisibleDigest: Sendable, Codable {
  var hash = SHA256()
  /// How many of the events were visible.
  private(set) var count: UInt64 = 0
  /// How many events went by.
  private(set) var end = 0

  /// Runs of visible ones go in at once.
  mutating func add(_ events: UnsafeBufferPointer<Event>) {
    var start = 0
    for position in 0...events.count {
      if position < events.count && Event.Mask.visible.contains(rawKind: events[position].rawKind) {
        continue
      }
      if start < position {
        hash.update(
          UnsafeRawBufferPointer(
            rebasing: UnsafeRawBufferPointer(events)[start * 32..<position * 32]))
        count += UInt64(position - start)
      }
      start = position + 1
    }
    end += events.count
  }
}

extension SHA256 {
  /// Number and hash of each page that is not all zeros.
  fileprivate mutating func update(_ block: Memory.Block) {
    var heading = CanonicalBytes()
    heading.append(block.region.address)
    heading.append(block.region.size)
    update(heading)
    let size = Int(Memory.pageSize)
    for page in block.touchedPages {
      let start = block.bytes + page * size
      // All zeros: the first byte is, and each is like the one behind it.
      if start[0] == 0 && memcmp(start, start + 1, size - 1) == 0 { continue }
      var hash = SHA256()
      hash.update(UnsafeRawBufferPointer(start: start, count: size))
      var entry = CanonicalBytes()
      entry.append(UInt64(page))
      entry.append(raw: hash.finish())
      update(entry)
    }
    var end = CanonicalBytes()
    end.append(UInt64.max)
    update(end)
  }
}
