import Emu
import Glibc
import Testing

/// Damaged files of every format: whatever a reader makes of them, it comes back, and what it
/// gives is sound. `EMURUN_SOAK` is how many; each is the same one in every run.
@Suite struct ImageMutationTests {
  private static let count = getenv("EMURUN_SOAK").flatMap { Int(String(cString: $0)) } ?? 2_000

  @Test(arguments: Image.Format.allCases.filter { $0 != .raw })
  func survives(_ format: Image.Format) throws {
    let seeds = MutationSeeds.files(format)
    var accepted = 0
    for number in 0..<max(1, Self.count / 4) {
      var random = SplitMix64(seed: UInt64(number))
      var bytes = seeds[number % seeds.count]
      for _ in 0...random.next(below: 4) { bytes.mutate(&random, format) }
      do throws(ImageError) {
        try check(Image(bytes: bytes, path: "a", format: format), &random)
        accepted += 1
      } catch {
        #expect(error.kind == .data)
        #expect(error.message.hasPrefix("a: "))
      }
    }
    // The campaign is of use only where a good part of the files gets past the first look.
    #expect(accepted > 0)
  }

  private func check(_ image: Image, _ random: inout SplitMix64) {
    _ = (image.note, image.buildID, image.vectors, image.bootHeader, image.familyName)
    #expect(!image.segments.isEmpty)
    for segment in image.segments {
      #expect(segment.size > 0 && segment.size >= UInt64(segment.bytes.count))
      #expect(segment.lastAddress >= segment.address)
    }
    for (lower, upper) in zip(image.segments, image.segments.dropFirst()) {
      #expect(lower.lastAddress < upper.address)
    }
    guard image.format == .elf else { return }
    let info = DebugInfo(image)
    for _ in 0..<4 {
      let segment = image.segments[random.next(below: image.segments.count)]
      let code = random.next(below: 2) == 0 ? segment.virtualAddress : image.virtualEntry ?? 0
      let pc = code &- 0x40 &+ UInt64(random.next(below: 0x100))
      _ = (info.symbol(at: pc), info.sourceLine(at: pc))
      let stack = random.next()
      let trace = info.backtrace(
        pc: pc, registers: { $0 == 2 || $0 == 13 ? stack : code &+ UInt64(8 * $0) },
        memory: { address, _ in code &+ address % 0x80 })
      #expect(1...DebugInfo.mostFrames ~= trace.count)
      #expect(trace.allSatisfy { !$0.description.isEmpty })
    }
  }
}

/// Good files to damage.
private enum MutationSeeds {
  static func files(_ format: Image.Format) -> [[UInt8]] {
    switch format {
    // What a real compiler writes is beside what we write: its DWARF is larger and stranger.
    case .elf:
      [ELFFile.withDebugInfo.bytes, ELFFile.cortexMWithDebugInfo.bytes, noted]
        + BundledImages.files("*.elf").compactMap { try? Image(path: $0).contents }
    case .ihex: [Array(ihex.utf8)]
    case .srec: [Array(srec.utf8)]
    case .uf2: [uf2]
    case .raw: [ELFFile.code]
    }
  }

  private static var noted: [UInt8] {
    var file = ELFFile.cortexM
    file.addNote("GNU", type: 3, [1, 2, 3, 4])
    file.addNote("emurun", type: 1, Array("board=m4-led\nsemihosting=on".utf8))
    return file.bytes
  }

  private static var ihex: String {
    HexFile.ihex(2, 0, [0x10, 0]) + HexFile.ihex(0, 0, ELFFile.code)
      + HexFile.ihex(4, 0, [0x80, 0]) + HexFile.ihex(0, 0, ELFFile.code)
      + HexFile.ihex(0, 8, ELFFile.code) + HexFile.ihex(3, 0, [0x10, 0, 0, 0])
      + HexFile.ihex(5, 0, [0x80, 0, 0, 0]) + HexFile.ihexEnd
  }

  private static var srec: String {
    HexFile.srec(0, 0, [65, 66]) + HexFile.srec(1, 0, ELFFile.code)
      + HexFile.srec(2, 0x1_0000, ELFFile.code) + HexFile.srec(3, 0x8000_0000, ELFFile.code)
      + HexFile.srec(5, 3) + HexFile.srec(7, 0x8000_0000)
  }

  private static var uf2: [UInt8] {
    (0..<4).flatMap { UF2Block(address: 256 * $0, number: $0, total: 4).bytes }
  }
}

extension [UInt8] {
  fileprivate mutating func mutate(_ random: inout SplitMix64, _ format: Image.Format) {
    guard count > 8 else { return }
    let isText = format == .ihex || format == .srec
    if isText, random.next(below: 2) == 0 { return replaceRecord(&random, format) }
    let place = random.next(below: count - 8)
    switch random.next(below: 8) {
    case 0: self[place] ^= 1 << UInt8(random.next(below: 8))
    case 1: self[place] = UInt8(truncatingIfNeeded: random.next())
    case 2: removeLast(random.next(below: count))
    case 3: removeSubrange(place..<place + 1 + random.next(below: 7))
    case 4: insert(contentsOf: self[place..<place + random.next(below: 8)], at: place)
    case 5: isText ? swapAt(place, place + 7) : overwrite(place & ~7, with: Self.extreme(&random))
    default:
      // Headers and tables are made of words, and their limits are where readers go wrong.
      isText
        ? replaceRecord(&random, format) : overwrite(place & ~3, with: Self.extreme(&random), 4)
    }
  }

  private mutating func overwrite(_ place: Int, with value: UInt64, _ size: Int = 8) {
    for byte in 0..<size { self[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
  }

  private static func extreme(_ random: inout SplitMix64) -> UInt64 {
    let values: [UInt64] = [
      0, 1, 2, 8, 0x40, 0x78, 0xFF, 0x1000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32,
      .max >> 1, 1 << 63, .max - 7, .max,
    ]
    return values[random.next(below: values.count)]
  }

  /// A record of any type, address and data, right in itself: it gets past the checksum.
  private mutating func replaceRecord(_ random: inout SplitMix64, _ format: Image.Format) {
    var lines = split(separator: 10).map(Array.init)
    let data = (0..<random.next(below: 6)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let address = UInt32(truncatingIfNeeded: random.next()) >> UInt32(random.next(below: 33))
    let record =
      format == .ihex
      ? HexFile.ihex(
        UInt8(random.next(below: 7)), UInt16(truncatingIfNeeded: address), data)
      : HexFile.srec(random.next(below: 10), address, data)
    let line = random.next(below: lines.count + 1)
    if line < lines.count, random.next(below: 2) == 0 { lines.remove(at: line) }
    lines.insert(Array(record.utf8.dropLast()), at: line)
    self = Array(lines.joined(separator: [10]))
  }
}

/// Steele, Lea and Flood's generator: small, and the same numbers everywhere.
struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  mutating func next(below limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
