import Glibc

/// What lies in memory at power-on: `bytes`, and zeros behind them up to `size`. Of two that
/// overlap the later one counts.
struct Extent: Sendable {
  var address: UInt64
  var bytes: [UInt8]
  var size: UInt64

  init(address: UInt64, bytes: [UInt8], size: UInt64? = nil) {
    self.address = address
    self.bytes = bytes
    self.size = size ?? UInt64(bytes.count)
  }
}

/// A page of memory as it was at some time, shared by every content in which it is the same.
final class Page: @unchecked Sendable {
  static let size = Int(Memory.pageSize)
  /// Never written again.
  let bytes: UnsafeMutableRawPointer

  init(copying source: UnsafeRawPointer) {
    bytes = .allocate(byteCount: Self.size, alignment: 16)
    memcpy(bytes, source, Self.size)
  }

  deinit { bytes.deallocate() }

  var contents: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: Self.size) }

  func isEqual(to other: UnsafeRawPointer) -> Bool { memcmp(bytes, other, Self.size) == 0 }
}

/// 64 pages side by side, as they share a word of `Memory.Block.touched`. nil: zeros.
final class PageGroup: Sendable {
  let pages: [Page?]
  init(_ pages: [Page?]) { self.pages = pages }
}

/// All that is in memory at one point of a run, shared by everybody who begins there.
final class Content: Sendable {
  enum Kind: Sendable {
    case extents([Extent])
    /// By block of memory.
    case pages([[PageGroup?]])
  }

  let kind: Kind
  init(_ extents: [Extent]) { kind = .extents(extents) }
  init(_ pages: [[PageGroup?]]) { kind = .pages(pages) }

  /// Of a block; nil: it is known in another way.
  func pages(_ block: Int) -> [PageGroup?]? {
    guard case .pages(let pages) = kind else { return nil }
    return pages[block]
  }

  /// Bytes that it takes beside another one of the same board.
  func size(beside other: Content?) -> Int {
    switch kind {
    case .extents(let extents): return extents.reduce(0) { $0 + $1.bytes.count }
    case .pages(let blocks):
      var size = 0
      for (number, groups) in blocks.enumerated() {
        size += groups.count * MemoryLayout<PageGroup?>.stride
        groups.eachDifference(from: other?.pages(number)) { _, page in
          if page != nil { size += Page.size }
        }
      }
      return size
    }
  }
}

extension [PageGroup?] {
  /// Each place where another page is, and the one that is here. nil: everything differs.
  func eachDifference(from other: [PageGroup?]?, _ body: (_ page: Int, Page?) -> Void) {
    for (word, group) in enumerated() {
      let twin = other?[word]
      if group === twin { continue }
      for bit in 0..<64 {
        let page = group?.pages[bit]
        if page !== twin?.pages[bit] { body(word * 64 + bit, page) }
      }
    }
  }
}

extension Memory.Block {
  /// - Parameter known: what pages hold that are not dirty; nil: nothing is known of them.
  func markDirty(wherePagesDiffer wanted: [PageGroup?], from known: [PageGroup?]?) {
    wanted.eachDifference(from: known) { page, _ in dirty[page / 64] |= 1 << UInt64(page % 64) }
    if known == nil {
      for word in 0..<words { dirty[word] |= touched[word] }
    }
  }

  /// All pages in use. Those that are as they are known are shared.
  ///
  /// - Parameter known: what pages hold that are not dirty; nil: nothing is known of them.
  func groups(since known: [PageGroup?]?) -> [PageGroup?] {
    (0..<words).map { word in
      let old = known?[word]
      let changed = known == nil ? touched[word] : dirty[word]
      if changed == 0 { return old }
      var pages = old?.pages ?? [Page?](repeating: nil, count: 64)
      var rest = changed
      var isSame = true
      while rest != 0 {
        let bit = rest.trailingZeroBitCount
        rest &= rest - 1
        let there = bytes + (word * 64 + bit) * Page.size
        if let page = pages[bit], page.isEqual(to: there) { continue }
        pages[bit] = Page(copying: there)
        isSame = false
      }
      return isSame ? old : PageGroup(pages)
    }
  }
}
