/// Gathers the scattered pieces of a format that gives a few bytes at a time.
struct SegmentBuilder {
  private var segments: [Image.Segment] = []

  /// More pieces than any linker makes; it bounds what a hostile file can make us allocate.
  private static let mostPieces = 1 << 16

  /// Adds bytes, whose addresses the caller knows not to wrap.
  mutating func append(_ bytes: ArraySlice<UInt8>, at address: UInt64) {
    guard !bytes.isEmpty else { return }
    let size = UInt64(bytes.count)
    if let last = segments.indices.last, segments[last].address + segments[last].size == address {
      segments[last].bytes += bytes
      segments[last].size += size
    } else if segments.count <= Self.mostPieces {
      segments.append(
        .init(address: address, virtualAddress: address, bytes: Array(bytes), size: size))
    }
  }

  /// The segments in order, neighbours joined.
  func finished(_ file: ImageFile) throws(ImageError) -> [Image.Segment] {
    guard !segments.isEmpty else {
      throw file.bad("holds no data; build it again")
    }
    guard segments.count <= Self.mostPieces else {
      throw file.bad(
        "is scattered over more than \(Self.mostPieces) places; sort its records by address")
    }
    var joined = SegmentBuilder()
    for segment in try Self.sorted(segments, file) {
      joined.append(segment.bytes[...], at: segment.address)
    }
    return joined.segments
  }

  /// Sorts by address and refuses an overlap.
  static func sorted(
    _ segments: [Image.Segment], _ file: ImageFile
  ) throws(ImageError) -> [Image.Segment] {
    let sorted = segments.sorted { $0.address < $1.address }
    for (lower, upper) in zip(sorted, sorted.dropFirst()) where lower.lastAddress >= upper.address {
      throw file.bad(
        "gives the memory at \(file.hex(upper.address)) twice, in the segments "
          + "\(file.hex(lower.address))..\(file.hex(lower.lastAddress)) and "
          + "\(file.hex(upper.address))..\(file.hex(upper.lastAddress)); "
          + "check the addresses in its linker script")
    }
    return sorted
  }
}
