import Emu
import Glibc

/// A disk as its guest has left it: an image, and the 4 KiB blocks that are no longer as they are there.
///
/// A copy costs a reference: what it holds is shared until one of the two writes, and then copied group by group, block by
/// block.
struct Disk: Codable, Hashable, Sendable {
  static let blockSize: UInt64 = 4096
  private static let groupSize: UInt64 = blockSize * UInt64(BlockGroup.count)

  /// Of the same content as before, when it is replaced.
  var image: DiskImage
  /// 1 MiB each; nil: nothing in it was changed.
  private var groups: [BlockGroup?]

  init(_ image: DiskImage) {
    self.image = image
    groups = Array(repeating: nil, count: Int((image.size + Self.groupSize - 1) / Self.groupSize))
  }

  /// False: the host cannot read the image any more.
  func read(at offset: UInt64, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
    var done = 0
    while done < bytes.count {
      let place = offset + UInt64(done)
      let rest = bytes.count - done
      if let block = block(Int(place / Self.blockSize)) {
        let start = Int(place % Self.blockSize)
        let count = min(rest, Block.size - start)
        UnsafeMutableRawBufferPointer(rebasing: bytes[done..<done + count])
          .copyMemory(from: UnsafeRawBufferPointer(start: block.bytes + start, count: count))
        done += count
      } else {
        let count = min(rest, Int(unchangedEnd(from: place, limit: UInt64(rest)) - place))
        let part = UnsafeMutableRawBufferPointer(rebasing: bytes[done..<done + count])
        if !image.read(at: place, into: part) { return false }
        done += count
      }
    }
    return true
  }

  /// False: the host cannot read the image any more, of which a part of a block is needed.
  mutating func write(at offset: UInt64, from bytes: UnsafeRawBufferPointer) -> Bool {
    change(offset, UInt64(bytes.count)) { target, done in
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[done..<done + target.count]))
    }
  }

  mutating func zero(at offset: UInt64, count: UInt64) -> Bool {
    var place = offset
    let end = offset + count
    while place < end {
      let next = min(end, (place / Self.blockSize + 1) * Self.blockSize)
      if place % Self.groupSize == 0 && end - place >= Self.groupSize {
        groups[Int(place / Self.groupSize)] = .zeros
        place += Self.groupSize
      } else if next - place == Self.blockSize {
        replace(Int(place / Self.blockSize), by: .zeros)
        place = next
      } else {
        let isChanged = change(place, next - place) { target, _ in
          target.initializeMemory(as: UInt8.self, repeating: 0)
        }
        if !isChanged { return false }
        place = next
      }
    }
    return true
  }

  // MARK: Blocks

  private func block(_ number: Int) -> Block? {
    groups[number / BlockGroup.count]?.blocks[number % BlockGroup.count]
  }

  /// How far the image holds, from a place in it.
  private func unchangedEnd(from place: UInt64, limit: UInt64) -> UInt64 {
    var number = Int(place / Self.blockSize)
    let end = Int((place + limit + Self.blockSize - 1) / Self.blockSize)
    while number < end {
      if groups[number / BlockGroup.count] == nil {
        number = (number / BlockGroup.count + 1) * BlockGroup.count
      } else if block(number) == nil {
        number += 1
      } else {
        break
      }
    }
    return min(UInt64(number) * Self.blockSize, place + limit)
  }

  /// Calls `body` with the bytes of each block in a range, and how many came before them.
  private mutating func change(
    _ offset: UInt64, _ count: UInt64, _ body: (UnsafeMutableRawBufferPointer, Int) -> Void
  ) -> Bool {
    var done: UInt64 = 0
    while done < count {
      let place = offset + done
      let start = place % Self.blockSize
      let length = min(count - done, Self.blockSize - start)
      let number = Int(place / Self.blockSize)
      guard let bytes = own(number, isReplaced: length == Self.blockSize) else { return false }
      body(UnsafeMutableRawBufferPointer(start: bytes + Int(start), count: Int(length)), Int(done))
      done += length
    }
    return true
  }

  /// The bytes of a block that is this disk's alone.
  private mutating func own(_ number: Int, isReplaced: Bool) -> UnsafeMutableRawPointer? {
    let index = number % BlockGroup.count
    let group = ownGroup(number / BlockGroup.count)
    if group.blocks[index] != nil, isKnownUniquelyReferenced(&group.blocks[index]) {
      return group.blocks[index]?.bytes
    }
    let new = Block()
    if let old = group.blocks[index] {
      if !isReplaced { new.bytes.copyMemory(from: old.bytes, byteCount: Block.size) }
    } else if !isReplaced {
      let place = UInt64(number) * Self.blockSize
      let count = Int(min(Self.blockSize, image.size - place))
      let part = UnsafeMutableRawBufferPointer(start: new.bytes, count: count)
      if !image.read(at: place, into: part) { return nil }
    }
    group.blocks[index] = new
    return new.bytes
  }

  private mutating func replace(_ number: Int, by block: Block) {
    ownGroup(number / BlockGroup.count).blocks[number % BlockGroup.count] = block
  }

  private mutating func ownGroup(_ number: Int) -> BlockGroup {
    if groups[number] != nil, isKnownUniquelyReferenced(&groups[number]),
      let group = groups[number]
    {
      return group
    }
    let new = BlockGroup(groups[number]?.blocks)
    groups[number] = new
    return new
  }

  // MARK: As a value

  /// Calls `body` for every changed block, in ascending order.
  func forEachChange(_ body: (_ number: Int, UnsafeRawBufferPointer) -> Bool) -> Bool {
    for (place, group) in groups.enumerated() {
      guard let group else { continue }
      for (index, block) in group.blocks.enumerated() {
        guard let block else { continue }
        let number = place * BlockGroup.count + index
        let end = min(UInt64(number + 1) * Self.blockSize, image.size)
        let start = UInt64(number) * Self.blockSize
        if start >= end { continue }
        let bytes = UnsafeRawBufferPointer(start: block.bytes, count: Int(end - start))
        if !body(number, bytes) { return false }
      }
    }
    return true
  }

  static func == (one: Disk, other: Disk) -> Bool {
    one.image == other.image
      && zip(one.groups, other.groups).allSatisfy { $0 === $1 || $0?.blocks == $1?.blocks }
  }

  func hash(into hasher: inout Hasher) {
    _ = forEachChange { number, bytes in
      hasher.combine(number)
      hasher.combine(bytes: bytes)
      return true
    }
  }

  /// Of one that is read from somewhere.
  private static let mostBytes: UInt64 = 1 << 42

  private struct Change: Codable {
    var number: Int
    /// Empty: all of them are `fill`.
    var bytes: [UInt8]
    var fill: UInt8
  }

  private enum Keys: String, CodingKey {
    case image
    case changes
  }

  func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: Keys.self)
    try keys.encode(image, forKey: .image)
    var changes: [Change] = []
    _ = forEachChange { number, bytes in
      let fill = bytes[0]
      let isFilled = bytes.allSatisfy { $0 == fill }
      changes.append(Change(number: number, bytes: isFilled ? [] : Array(bytes), fill: fill))
      return true
    }
    try keys.encode(changes, forKey: .changes)
  }

  init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: Keys.self)
    let image = try keys.decode(DiskImage.self, forKey: .image)
    guard image.size <= Self.mostBytes else {
      throw DecodingError.dataCorruptedError(
        forKey: .image, in: keys, debugDescription: "a disk of more than 4 TiB")
    }
    self.init(image)
    for change in try keys.decode([Change].self, forKey: .changes) {
      guard 0..<groups.count * BlockGroup.count ~= change.number,
        change.bytes.count <= Block.size
      else {
        throw DecodingError.dataCorruptedError(
          forKey: .changes, in: keys, debugDescription: "a block beyond the disk's end")
      }
      let block = Block()
      if change.bytes.isEmpty {
        block.bytes.initializeMemory(as: UInt8.self, repeating: change.fill, count: Block.size)
      }
      UnsafeMutableRawBufferPointer(start: block.bytes, count: change.bytes.count)
        .copyBytes(from: change.bytes)
      replace(change.number, by: block)
    }
  }
}

/// 4 KiB; not written any more once two disks have it.
private final class Block: @unchecked Sendable, Equatable {
  static let size = Int(Disk.blockSize)
  static let zeros = Block()

  let bytes = UnsafeMutableRawPointer.allocate(byteCount: Block.size, alignment: 64)

  init() { bytes.initializeMemory(as: UInt8.self, repeating: 0, count: Self.size) }
  deinit { bytes.deallocate() }

  static func == (one: Block, other: Block) -> Bool {
    one === other || memcmp(one.bytes, other.bytes, size) == 0
  }
}

/// 256 blocks, of which those are nil that are as in the image; not written any more once two disks have it.
private final class BlockGroup: @unchecked Sendable {
  static let count = 256
  static let zeros = BlockGroup(Array(repeating: .zeros, count: count))

  var blocks: [Block?]

  init(_ blocks: [Block?]?) {
    self.blocks = blocks ?? Array(repeating: nil, count: Self.count)
  }
}
