import CoreShim
import Glibc
import Synchronization

/// The engines of a machine, one a hart, and the memory they map, without the board around them. Making one costs milliseconds,
/// so they are kept: a rig that was used before is brought to exactly the content of a new one, and
/// where memory already has that content the code translated from it stays. Nothing that a guest
/// can see tells the two apart.
final class Rig: @unchecked Sendable {
  private struct Key: Hashable, Sendable {
    var isRV64: Bool
    var harts: Int
    var regions: [Board.Region]
  }

  /// By hart.
  let cores: [OpaquePointer]
  let memory: Memory
  private let key: Key
  private let isKept: Bool
  /// What memory held when it was brought to something last: from there on only dirty pages differ.
  private var last: Content?

  private init(_ key: Key, isKept: Bool) throws(MachineError) {
    if let check = core_check() { throw MachineError(.engine, String(cString: check)) }
    guard let memory = Memory(key.regions) else {
      throw MachineError(.engine, "the host has no memory for this board")
    }
    let regions = memory.blocks.map {
      CoreRegion(memory: $0.handle, address: $0.region.address, writable: $0.region.writable)
    }
    let kind = key.isRV64 ? CORE_RV64 : CORE_CORTEX_M4
    var cores: [OpaquePointer] = []
    for hart in 0..<key.harts {
      guard let core = core_open(kind, UInt32(hart), regions, regions.count) else {
        for core in cores { core_close(core) }
        throw MachineError(
          .engine,
          "the engine cannot be opened: the host has no memory left for it, or no address space, "
            + "of which each hart takes 1 GiB (ulimit -v)")
      }
      cores.append(core)
    }
    self.cores = cores
    self.memory = memory
    self.key = key
    self.isKept = isKept
  }

  deinit { for core in cores { core_close(core) } }

  func figures(hart: Int = 0) -> CoreFigures { core_figures(cores[hart]) }

  // MARK: The pool

  private static let pool = Mutex<[Rig]>([])
  /// More of them are more memory, and no faster than as many as there can be threads at work.
  private static let capacity = max(8, 2 * sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  static func take(
    for board: Board, engine: MachineOptions.Engine
  ) throws(MachineError) -> Rig {
    var isRV64 = false
    if case .rv64 = board.core { isRV64 = true }
    let key = Key(isRV64: isRV64, harts: board.harts, regions: board.regions)
    if engine == .fresh { return try Rig(key, isKept: false) }
    let kept = pool.withLock { pool -> Rig? in
      // The one given back last: its memory is warm, and in a test its image is often the same.
      guard let index = pool.lastIndex(where: { $0.key == key }) else { return nil }
      return pool.remove(at: index)
    }
    let rig = if let kept { kept } else { try Rig(key, isKept: true) }
    if engine == .cold { for core in rig.cores { core_drop_code(core) } }
    return rig
  }

  func giveBack() {
    if !isKept { return }
    // The oldest leaves, and is closed outside of the lock.
    let leaving = Self.pool.withLock { pool -> Rig? in
      pool.append(self)
      return pool.count > Self.capacity ? pool.removeFirst() : nil
    }
    _ = leaving
  }

  // MARK: Content

  private static let pageSize = Int(Memory.pageSize)

  /// All memory to that.
  func bring(to content: Content) {
    memory.collectDirty()
    let isBack = last === content
    withUnsafeTemporaryAllocation(byteCount: Self.pageSize, alignment: 64) { page in
      guard let page = page.baseAddress else { return }
      switch content.kind {
      case .extents(let extents):
        for block in memory.blocks { bring(block, to: extents, isBack: isBack, page) }
      case .pages(let pages):
        memset(page, 0, Self.pageSize)
        for (number, block) in memory.blocks.enumerated() {
          if !isBack { block.markDirty(wherePagesDiffer: pages[number], from: last?.pages(number)) }
          bring(block, to: pages[number], zeros: page)
        }
      }
    }
    last = content
  }

  /// All that is in memory now. What was not written since it was brought to something, or asked for last, is shared with that.
  func content() -> Content {
    memory.collectDirty()
    let content = Content(
      memory.blocks.enumerated().map { number, block in
        defer { block.dirty.update(repeating: 0, count: block.words) }
        return block.groups(since: last?.pages(number))
      })
    last = content
    return content
  }

  /// Dirty pages to what they were; the others are so already.
  private func bring(_ block: Memory.Block, to groups: [PageGroup?], zeros: UnsafeRawPointer) {
    for number in block.dirtyPages {
      let page = groups[number / 64]?.pages[number % 64]
      let wanted = page.map { UnsafeRawPointer($0.bytes) } ?? zeros
      if memcmp(block.bytes + number * Self.pageSize, wanted, Self.pageSize) != 0 {
        rewrite(block, number, wanted)
      }
      let bit: UInt64 = 1 << UInt64(number % 64)
      if page == nil {
        block.touched[number / 64] &= ~bit
      } else {
        block.touched[number / 64] |= bit
      }
    }
    block.dirty.update(repeating: 0, count: block.words)
  }

  /// To zero but for these extents, which must lie in memory.
  ///
  /// - Parameter isBack: it had that content before, and only what is dirty since then is another.
  private func bring(
    _ block: Memory.Block, to content: [Extent], isBack: Bool, _ wanted: UnsafeMutableRawPointer
  ) {
    let loaded = content.compactMap { Span($0, in: block) }
    if !isBack {
      for span in loaded {
        for page in span.pages { block.touched[page / 64] |= 1 << UInt64(page % 64) }
      }
    }
    let pages = isBack ? block.dirtyPages : block.touchedPages
    block.dirty.update(repeating: 0, count: block.words)
    for page in pages {
      memset(wanted, 0, Self.pageSize)
      var isLoaded = false
      for span in loaded where span.pages.contains(page) {
        span.copy(to: wanted, page: page)
        isLoaded = true
      }
      if memcmp(block.bytes + page * Self.pageSize, wanted, Self.pageSize) != 0 {
        rewrite(block, page, wanted)
      }
      if !isLoaded { block.touched[page / 64] &= ~(1 << UInt64(page % 64)) }
    }
  }

  /// Only where the bytes differ, since code and data of small programs share pages, and code next
  /// to data is worth keeping.
  private func rewrite(
    _ block: Memory.Block, _ page: Int, _ wanted: UnsafeRawPointer
  ) {
    let grain = 64
    let start = page * Self.pageSize
    for offset in stride(from: 0, to: Self.pageSize, by: grain) {
      let there = block.bytes + start + offset
      if memcmp(there, wanted + offset, grain) == 0 { continue }
      memcpy(there, wanted + offset, grain)
      core_memory_written(block.handle, UInt64(start + offset), UInt64(grain))
    }
  }

  /// The part of an extent's bytes that lies in a block, in offsets from the block's start.
  private struct Span {
    let bytes: [UInt8]
    let start: Int
    /// Zeros of a later extent hide the bytes of an earlier one too.
    let end: Int
    let pages: Range<Int>

    init?(_ extent: Extent, in block: Memory.Block) {
      let offset = extent.address &- block.region.address
      guard offset < block.region.size, extent.size <= block.region.size - offset,
        extent.size > 0
      else { return nil }
      bytes = extent.bytes
      start = Int(offset)
      end = start + Int(extent.size)
      let size = Rig.pageSize
      pages = start / size..<(start + max(bytes.count, 1) + size - 1) / size
    }

    func copy(to wanted: UnsafeMutableRawPointer, page: Int) {
      let from = max(start, page * Rig.pageSize)
      let to = min(end, (page + 1) * Rig.pageSize)
      if from >= to { return }
      let target = wanted + (from - page * Rig.pageSize)
      memset(target, 0, to - from)
      let count = min(to, start + bytes.count) - from
      if count <= 0 { return }
      bytes.withUnsafeBytes { source in
        guard let base = source.baseAddress else { return }
        memcpy(target, base + (from - start), count)
      }
    }
  }
}
