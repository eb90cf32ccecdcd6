import CoreShim

/// The memory that exceptions stack to, unstack from and fetch vectors from: a flat copy of the memory map, so that a frame
/// costs one look-up and no reference counts.
///
/// Devices are not in it: a stack or a vector table in a device's window is a bus error.
struct StackMemory {
  private struct Block {
    var start: UInt32
    var size: UInt32
    var isWritable: Bool
    var bytes: UnsafeMutableRawPointer
    var handle: OpaquePointer
  }

  private let blocks: UnsafeMutablePointer<Block>
  private let count: Int

  private let memory: Unmanaged<Memory>

  init(_ memory: Memory) {
    self.memory = .passUnretained(memory)
    // A region that ends at 4 GiB does not exist: the last page is never memory.
    let regions = memory.blocks.filter { $0.region.end < 1 << 32 }
    count = regions.count
    blocks = .allocate(capacity: count)
    for (number, block) in regions.enumerated() {
      (blocks + number).initialize(
        to: Block(
          start: UInt32(block.region.address), size: UInt32(block.region.size),
          isWritable: block.region.writable, bytes: UnsafeMutableRawPointer(block.bytes),
          handle: block.handle))
    }
  }

  func deallocate() { blocks.deallocate() }

  @inline(__always) private func find(
    _ address: UInt32, _ size: UInt32
  ) -> UnsafeMutablePointer<Block>? {
    var number = 0
    while number < count {
      let block = blocks + number
      let offset = address &- block.pointee.start
      if offset < block.pointee.size && size <= block.pointee.size &- offset { return block }
      number += 1
    }
    return nil
  }

  /// False: some of it is no memory, or not for the guest to write; what comes before that is written.
  func store(_ words: UnsafePointer<UInt32>, count: Int, at address: UInt32) -> Bool {
    let size = UInt32(truncatingIfNeeded: count &* 4)
    if let block = find(address, size), block.pointee.isWritable {
      let offset = address &- block.pointee.start
      (block.pointee.bytes + Int(offset)).copyMemory(from: words, byteCount: Int(size))
      core_memory_written(block.pointee.handle, UInt64(offset), UInt64(size))
      told(address, size, by: .core)
      return true
    }
    if count == 1 { return false }
    var number = 0
    while number < count {
      let next = address &+ UInt32(truncatingIfNeeded: number &* 4)
      if !store(words + number, count: 1, at: next) { return false }
      number += 1
    }
    return true
  }

  /// False: some of it is no memory.
  func load(_ words: UnsafeMutablePointer<UInt32>, count: Int, at address: UInt32) -> Bool {
    let size = UInt32(truncatingIfNeeded: count &* 4)
    if let block = find(address, size) {
      let offset = address &- block.pointee.start
      UnsafeMutableRawPointer(words)
        .copyMemory(from: block.pointee.bytes + Int(offset), byteCount: Int(size))
      return true
    }
    if count == 1 { return false }
    var number = 0
    while number < count {
      let next = address &+ UInt32(truncatingIfNeeded: number &* 4)
      if !load(words + number, count: 1, at: next) { return false }
      number += 1
    }
    return true
  }

  @inline(__always) private func told(
    _ address: UInt32, _ size: UInt32, by storer: @autoclosure () -> Storer
  ) {
    memory._withUnsafeGuaranteedRef {
      if $0.isWatched { $0.touched(UInt64(address), UInt64(size), by: storer()) }
    }
  }

  /// An access of an instruction that reached memory by another way. False: none there.
  ///
  /// - Parameter index: of the instruction.
  func access(_ access: UnsafeMutablePointer<CoreAccess>, index: UInt64) -> Bool {
    let size = UInt32(access.pointee.size)
    guard let block = find(UInt32(truncatingIfNeeded: access.pointee.address), size) else {
      return false
    }
    let offset = UInt32(truncatingIfNeeded: access.pointee.address) &- block.pointee.start
    let bytes = block.pointee.bytes + Int(offset)
    if !access.pointee.is_store {
      access.pointee.value = 0
      withUnsafeMutableBytes(of: &access.pointee.value) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: Int(size)))
      }
      return true
    }
    if !block.pointee.isWritable { return false }
    withUnsafeBytes(of: &access.pointee.value) {
      if let from = $0.baseAddress { bytes.copyMemory(from: from, byteCount: Int(size)) }
    }
    core_memory_written(block.pointee.handle, UInt64(offset), UInt64(size))
    told(
      UInt32(truncatingIfNeeded: access.pointee.address), size,
      by: .instruction(hart: 0, pc: access.pointee.pc, index: index))
    return true
  }

  func word(at address: UInt32) -> UInt32? {
    guard let block = find(address, 4) else { return nil }
    let offset = Int(address &- block.pointee.start)
    return block.pointee.bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }
}
