import CoreShim
import Glibc

/// RAM and flash of a machine, by physical address: for its host, for DMA and for the exception
/// models. Devices are not seen.
///
/// Every write here is one "by anybody but the guest": it marks the dirty log and drops the code
/// translated from those bytes.
public final class Memory {
  static let pageSize: UInt64 = 4096

  struct Block {
    let region: Board.Region
    /// A `CoreMemory`.
    let handle: OpaquePointer
    let bytes: UnsafeMutablePointer<UInt8>
    /// One bit a page: it may hold something other than zeros.
    let touched: UnsafeMutablePointer<UInt64>
    /// Likewise: it was written since its rig was brought to some content.
    let dirty: UnsafeMutablePointer<UInt64>

    var pages: Int { Int(region.size / Memory.pageSize) }
    var words: Int { (pages + 63) / 64 }

    /// In ascending order.
    var touchedPages: [Int] { pages(in: touched) }
    var dirtyPages: [Int] { pages(in: dirty) }

    private func pages(in set: UnsafeMutablePointer<UInt64>) -> [Int] {
      var all: [Int] = []
      for word in 0..<words {
        var rest = set[word]
        while rest != 0 {
          all.append(word * 64 + rest.trailingZeroBitCount)
          rest &= rest - 1
        }
      }
      return all
    }
  }

  let blocks: [Block]

  /// nil: the host has no memory for it.
  init?(_ regions: [Board.Region]) {
    var blocks: [Block] = []
    for region in regions {
      guard let handle = core_memory_new(region.size), let bytes = core_memory_bytes(handle) else {
        for block in blocks { core_memory_free(block.handle) }
        return nil
      }
      let words = (Int(region.size / Self.pageSize) + 63) / 64
      func bits() -> UnsafeMutablePointer<UInt64> {
        let set = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
        set.initialize(repeating: 0, count: words)
        return set
      }
      blocks.append(
        Block(region: region, handle: handle, bytes: bytes, touched: bits(), dirty: bits()))
    }
    self.blocks = blocks
  }

  deinit {
    for block in blocks {
      core_memory_free(block.handle)
      block.touched.deallocate()
      block.dirty.deallocate()
    }
  }

  /// The block that holds all of `count` bytes at an address, and where in it they are.
  @inline(__always) func find(_ address: UInt64, _ count: UInt64) -> (block: Block, offset: UInt64)?
  {
    for block in blocks {
      let offset = address &- block.region.address
      if offset < block.region.size && count <= block.region.size - offset {
        return (block, offset)
      }
    }
    return nil
  }

  /// Does the guest see memory there that holds all of it?
  public func contains(_ address: UInt64, count: UInt64 = 1) -> Bool { find(address, count) != nil }

  /// Little-endian, at any alignment; nil: no memory there.
  public func load<T: FixedWidthInteger>(_ address: UInt64, as type: T.Type = T.self) -> T? {
    guard let (block, offset) = find(address, UInt64(MemoryLayout<T>.size)) else { return nil }
    if isHeard { loaded(address, UInt64(MemoryLayout<T>.size)) }
    return UnsafeRawPointer(block.bytes + Int(offset)).loadUnaligned(as: T.self)
  }

  /// False: no memory there, and nothing was written. Flash can be written: whether the guest may
  /// is the bus's affair.
  @discardableResult
  public func store<T: FixedWidthInteger>(_ value: T, at address: UInt64) -> Bool {
    guard let (block, offset) = find(address, UInt64(MemoryLayout<T>.size)) else { return false }
    UnsafeMutableRawPointer(block.bytes + Int(offset)).storeBytes(of: value, as: T.self)
    written(block, offset, UInt64(MemoryLayout<T>.size))
    return true
  }

  /// The same, of 1, 2, 4 or 8 bytes.
  func load(_ address: UInt64, width: UInt8) -> UInt64? {
    switch width {
    case 1: load(address, as: UInt8.self).map(UInt64.init)
    case 2: load(address, as: UInt16.self).map(UInt64.init)
    case 4: load(address, as: UInt32.self).map(UInt64.init)
    default: load(address, as: UInt64.self)
    }
  }

  /// False, too, where the guest may only read.
  func store(_ value: UInt64, width: UInt8, at address: UInt64) -> Bool {
    if !isWritable(address, count: UInt64(width)) { return false }
    return switch width {
    case 1: store(UInt8(truncatingIfNeeded: value), at: address)
    case 2: store(UInt16(truncatingIfNeeded: value), at: address)
    case 4: store(UInt32(truncatingIfNeeded: value), at: address)
    default: store(value, at: address)
    }
  }

  public func read(_ address: UInt64, count: Int) -> [UInt8]? {
    guard count >= 0, let (block, offset) = find(address, UInt64(count)) else { return nil }
    if isHeard { loaded(address, UInt64(count)) }
    return Array(UnsafeBufferPointer(start: block.bytes + Int(offset), count: count))
  }

  @discardableResult
  public func write(_ bytes: [UInt8], at address: UInt64) -> Bool {
    guard let (block, offset) = find(address, UInt64(bytes.count)) else { return false }
    bytes.withUnsafeBufferPointer { from in
      guard let base = from.baseAddress else { return }
      memcpy(block.bytes + Int(offset), base, from.count)
    }
    written(block, offset, UInt64(bytes.count))
    return true
  }

  /// The bytes there, for the length of a call; nil: no memory holds them all.
  @inline(__always) public func withBytes<R>(
    at address: UInt64, count: UInt64, _ body: (UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R? {
    guard let (block, offset) = find(address, count) else { return nil }
    if isHeard { loaded(address, count) }
    return try body(
      UnsafeRawBufferPointer(start: block.bytes + Int(offset), count: Int(count)))
  }

  /// The same, to be written, as a device does it by DMA; nil, too, where the guest may only read.
  @inline(__always) public func withWritableBytes<R>(
    at address: UInt64, count: UInt64, _ body: (UnsafeMutableRawBufferPointer) throws -> R
  ) rethrows -> R? {
    guard let (block, offset) = find(address, count), block.region.writable else { return nil }
    defer { written(block, offset, count) }
    return try body(
      UnsafeMutableRawBufferPointer(start: block.bytes + Int(offset), count: Int(count)))
  }

  /// The whole of the memory around an address, for as long as this lives, and where it begins; nil: there is none.
  package func surroundings(
    of address: UInt64
  ) -> (start: UInt64, bytes: UnsafeRawBufferPointer)? {
    find(address, 1).map { block, _ in
      let size = Int(block.region.size)
      return (block.region.address, UnsafeRawBufferPointer(start: block.bytes, count: size))
    }
  }

  /// May the guest write all of it?
  public func isWritable(_ address: UInt64, count: UInt64) -> Bool {
    find(address, count)?.block.region.writable ?? false
  }

  /// Bytes up to a zero, for strings that a guest points at; nil: they run out of memory before
  /// that.
  public func string(at address: UInt64, limit: Int = 65_536) -> [UInt8]? {
    guard let (block, offset) = find(address, 1) else { return nil }
    let room = Int(min(block.region.size - offset, UInt64(limit)))
    let start = block.bytes + Int(offset)
    guard let end = memchr(start, 0, room) else { return nil }
    return Array(
      UnsafeRawBufferPointer(start: start, count: UnsafeRawPointer(end) - UnsafeRawPointer(start)))
  }

  // MARK: Watches

  private var watches: [(range: Range<UInt64>, action: (Storer) -> Void)] = []
  private(set) var isWatched = false

  /// `action` is called directly behind each store of a guest that touches these bytes, and within each write of anybody else
  /// that does. False: no memory there, or 32 watches are there already.
  @discardableResult
  func watch(_ address: UInt64, count: UInt64, _ action: @escaping (Storer) -> Void) -> Bool {
    guard let (block, offset) = find(address, count),
      core_memory_watch(block.handle, offset, count)
    else { return false }
    watches.append((address..<address + count, action))
    isWatched = true
    return true
  }

  func unwatch(_ address: UInt64, count: UInt64) {
    guard let number = watches.lastIndex(where: { $0.range == address..<address + count }),
      let (block, offset) = find(address, count)
    else { return }
    core_memory_unwatch(block.handle, offset, count)
    watches.remove(at: number)
    isWatched = !watches.isEmpty || isHeard
  }

  private func written(_ block: Block, _ offset: UInt64, _ count: UInt64) {
    core_memory_written(block.handle, offset, count)
    if !isWatched { return }
    touched(block.region.address + offset, count, by: storer)
  }

  /// Bytes that somebody has stored are watched, perhaps.
  func touched(_ address: UInt64, _ count: UInt64, by storer: Storer) {
    for watch in watches where watch.range.overlaps(address..<address + count) {
      watch.action(storer)
    }
    if case .instruction = storer { return }
    tell(address, count, by: storer, isStore: true)
  }

  /// A guest's store into watched bytes is done.
  func stored(_ store: CoreStore, by storer: Storer) {
    guard let block = blocks.first(where: { $0.handle == store.memory }) else { return }
    touched(block.region.address + store.offset, store.length, by: storer)
  }

  // MARK: Who uses it beside instructions

  /// Whoever was handed this memory last: a device's slot, or `Event.core`.
  @exclusivity(unchecked) var user = Event.core
  /// Told of what no instruction does: what devices read and write by themselves, what a core stacks, what a call's answer writes.
  @exclusivity(unchecked) var listener: ((Transfer) -> Void)? {
    didSet {
      isHeard = listener != nil
      isWatched = !watches.isEmpty || isHeard
    }
  }
  @exclusivity(unchecked) private(set) var isHeard = false

  private var storer: Storer { user == Event.core ? .core : .device(Int(user)) }

  /// Cores load for what is seen elsewhere: the walks of page tables, the frames of exceptions.
  private func loaded(_ address: UInt64, _ count: UInt64) {
    if user != Event.core { tell(address, count, by: storer, isStore: false) }
  }

  /// A device has moved bytes of another one.
  func transferred(_ address: UInt64, _ count: UInt64, isStore: Bool) {
    tell(address, count, by: storer, isStore: isStore)
  }

  /// An instruction has stored there by another address.
  func storedByAlias(_ address: UInt64, _ count: UInt64) {
    tell(address, count, by: .core, isStore: true)
  }

  private func tell(_ address: UInt64, _ count: UInt64, by storer: Storer, isStore: Bool) {
    listener?(
      Transfer(by: storer, range: address..<address &+ max(count, 1), isStore: isStore))
  }

  /// Adds what was written since the last call to `touched` and `dirty`.
  func collectDirty() {
    for block in blocks {
      var sets = (block.touched, block.dirty)
      _ = core_memory_take_dirty(
        block.handle,
        { sets, offset in
          typealias Set = UnsafeMutablePointer<UInt64>
          guard let (touched, dirty) = sets?.assumingMemoryBound(to: (Set, Set).self).pointee
          else { return }
          let page = Int(offset / Memory.pageSize)
          touched[page / 64] |= 1 << UInt64(page % 64)
          dirty[page / 64] |= 1 << UInt64(page % 64)
        }, &sets)
    }
  }
}

/// Who stored into memory.
public enum Storer: Sendable, Hashable {
  /// The instruction behind so many.
  case instruction(hart: Int, pc: UInt64, index: UInt64)
  /// A core itself or what answers its calls: the stacking of an exception, SBI, semihosting, HTIF.
  case core
  /// By its place on the board.
  case device(Int)
}

/// Bytes that no instruction reads or writes, in memory or of a device: DMA, the stacking of exceptions, answers to calls.
public struct Transfer: Sendable, Hashable {
  public var by: Storer
  /// Physical.
  public var range: Range<UInt64>
  public var isStore: Bool
}
