#if Allocator
  // The two functions that Swift wants memory from, `posix_memalign` and `free`, are these by a line in Link/Hooks.ld.
  // The pool is what the linker script has left of RAM. An allocation takes the same few instructions whatever
  // came before it; the words behind the last one are never touched.

  private nonisolated(unsafe) var top: UInt = 0

  /// result: where the address goes; alignment: a power of two. A pool that is used up is a panic: nobody looks at the error.
  @c(poolAllocate)
  func poolAllocate(
    _ result: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ alignment: UInt, _ size: UInt
  ) -> CInt {
    withoutInterrupts {
      #if FreeList
        result.pointee = Blocks.take(alignment, size)
      #else
        result.pointee = bump(alignment, size)
      #endif
    }
    return 0
  }

  private func bump(_ alignment: UInt, _ size: UInt) -> UnsafeMutableRawPointer? {
    let from = top == 0 ? UInt(bitPattern: poolStart()) : top
    let start = (from &+ alignment &- 1) & ~(alignment &- 1)
    let end = start &+ size
    if end > UInt(bitPattern: poolEnd()) || end < start { panic("the pool is used up") }
    top = end
    return UnsafeMutableRawPointer(bitPattern: start)
  }

  #if FreeList
    /// What is given back is taken first. Blocks are of 16, 32, 64 … bytes, one list a size; a word in front of each says its list.
    private enum Blocks {
      private nonisolated(unsafe) static var lists = InlineArray<32, UnsafeMutableRawPointer?>(
        repeating: nil)
      private static let header: UInt = 16

      static func take(_ alignment: UInt, _ size: UInt) -> UnsafeMutableRawPointer? {
        let list = UInt.bitWidth &- (max(size, alignment, header) &- 1).leadingZeroBitCount
        if list >= lists.count { panic("the pool has no block of that size") }
        if let block = lists[list] {
          lists[list] = block.load(as: UnsafeMutableRawPointer?.self)
          return block
        }
        let space = max(alignment, header)
        guard let start = bump(space, space &+ 1 &<< UInt(list)) else { return nil }
        let block = start + Int(space)
        (block - Int(header)).storeBytes(of: UInt(list), as: UInt.self)
        return block
      }

      static func put(_ block: UnsafeMutableRawPointer) {
        let list = Int((block - Int(header)).load(as: UInt.self))
        block.storeBytes(of: lists[list], as: UnsafeMutableRawPointer?.self)
        lists[list] = block
      }
    }
  #endif

  @c(poolFree)
  func poolFree(_ block: UnsafeMutableRawPointer?) {
    #if FreeList
      if let block { withoutInterrupts { Blocks.put(block) } }
    #endif
  }
#endif
