import Emu
import Foundation
import Testing

@testable import Devices

@Suite struct DiskTests {
  private let size = 3 << 20 | 512

  private func content() -> [UInt8] {
    var random = SplitMix(seed: 5)
    return (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  private func bytes(_ disk: Disk, _ offset: Int, _ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let isRead = bytes.withUnsafeMutableBytes { disk.read(at: UInt64(offset), into: $0) }
    #expect(isRead)
    return bytes
  }

  /// Against an array of bytes, with copies made on the way that must stay what they were.
  @Test func isAValue() {
    var model = content()
    var disk = Disk(DiskImage(bytes: model))
    var copies: [(Disk, [UInt8])] = []
    var random = SplitMix(seed: 1)
    for step in 0..<400 {
      let aligned = random.next() & 1 == 0
      var offset = Int(random.next() % UInt64(size))
      if aligned { offset &= ~4095 }
      let mask = [511, 4095, 16383, 0x1F_FFFF][Int(random.next() % 4)]
      let count = min(Int(random.next() >> 1) & mask + 1, size - offset)
      let range = offset..<offset + count
      switch random.next() % 3 {
      case 0:
        let new = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: count)
        let isWritten = new.withUnsafeBytes { disk.write(at: UInt64(offset), from: $0) }
        #expect(isWritten)
        model.replaceSubrange(range, with: new)
      case 1:
        let isZeroed = disk.zero(at: UInt64(offset), count: UInt64(count))
        #expect(isZeroed)
        model.replaceSubrange(range, with: Array(repeating: 0, count: count))
      default:
        #expect(bytes(disk, offset, count) == Array(model[range]))
      }
      if step % 50 == 0 { copies.append((disk, model)) }
    }
    #expect(bytes(disk, 0, size) == model)
    for (copy, model) in copies { #expect(bytes(copy, 0, size) == model) }
    #expect(copies.first.map { $0.0 != disk } == true)
  }

  @Test func survivesEncodingWithoutItsImage() throws {
    let image = DiskImage(bytes: content())
    var disk = Disk(image)
    for offset in [0, 5000, size - 512] {
      let isWritten = [1, 2, 3].withUnsafeBytes { disk.write(at: UInt64(offset), from: $0) }
      #expect(isWritten)
    }
    let isZeroed = disk.zero(at: 1 << 20, count: 1 << 20)
    #expect(isZeroed)
    let data = try JSONEncoder().encode(disk)
    var back = try JSONDecoder().decode(Disk.self, from: data)
    #expect(back == disk)
    back.image = image
    #expect(bytes(back, 0, size) == bytes(disk, 0, size))
    var (one, other) = (CanonicalBytes(), CanonicalBytes())
    one.append(encoding: disk)
    other.append(encoding: back)
    #expect(one.bytes == other.bytes)
    #expect(one.bytes.count < 20_000, "a block of one value takes no room")
  }

  @Test func differsByItsImage() {
    let one = Disk(DiskImage(bytes: [1]))
    #expect(one == Disk(DiskImage(bytes: [1])) && one != Disk(DiskImage(bytes: [2])))
  }

  @Test(arguments: [
    ([UInt8](repeating: 0, count: 513), "its 513 bytes are not a multiple of 512"),
    ([], "is empty, so it cannot be a disk"),
  ])
  func whatIsNoDisk(bytes: [UInt8], sentence: String) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-\(UUID().uuidString).img").path
    #expect(throws: BoardError.self) { try DiskImage(path: path) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      _ = try DiskImage(path: path)
      Issue.record("taken as a disk")
    } catch {
      #expect(error.message.hasPrefix(path + ": " + sentence))
    }
  }

  @Test func aFolderIsNoDisk() {
    #expect(throws: BoardError.self) { try DiskImage(path: "/tmp") }
  }

  /// A file that shrinks under a run: an I/O error for the guest, and a word to the user.
  @Test func anImageThatGoesAway() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-\(UUID().uuidString).img").path
    try Data(repeating: 1, count: 8192).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let disk = Disk(try DiskImage(path: path))
    truncate(path, 512)
    var bytes = [UInt8](repeating: 0, count: 1024)
    let isRead = bytes.withUnsafeMutableBytes { disk.read(at: 0, into: $0) }
    #expect(!isRead)
  }
}
