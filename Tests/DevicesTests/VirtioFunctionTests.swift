import Emu
import Testing

@testable import Devices

/// Block, console and entropy devices: VIRTIO 1.2, chapter 5.
@Suite struct VirtioBlockTests {
  typealias Driver = VirtioDriver<VirtioBlock>
  private let content = (0..<8 * 512).map { UInt8($0 / 512 + 1) }
  private let header = Driver.buffers
  private let data = Driver.buffers + 0x100
  private let status = Driver.buffers + 0xF0

  private func driver(isReadOnly: Bool = false) -> Driver {
    Driver(
      VirtioBlock(DiskImage(bytes: content), isReadOnly: isReadOnly, identifier: "disk0"),
      features: 1 << 28)
  }

  /// The status byte, and the used length.
  private func request(
    _ driver: Driver, _ type: UInt32, _ sector: UInt64, out: [UInt8] = [], in count: UInt64 = 0
  ) -> [UInt32] {
    driver.bench.memory.store(type, at: header)
    driver.bench.memory.store(sector, at: header + 8)
    driver.bench.memory.store(0xFF as UInt8, at: status)
    driver.bench.memory.write(out, at: data)
    var buffers = [Driver.Buffer(address: header, count: 16)]
    if !out.isEmpty { buffers.append(.init(address: data, count: UInt64(out.count))) }
    if count > 0 { buffers.append(.init(address: data, count: count, isWritable: true)) }
    driver.send(buffers + [.init(address: status, count: 1, isWritable: true)])
    let byte: UInt8 = driver.bench.memory.load(status) ?? 0xFE
    return [UInt32(byte), driver.given().last?.length ?? .max]
  }

  private func segment(_ sector: UInt64, _ count: UInt32, _ flags: UInt32 = 0) -> [UInt8] {
    var bytes = CanonicalBytes()
    bytes.append(sector)
    bytes.append(count)
    bytes.append(flags)
    return bytes.bytes
  }

  @Test func configuration() {
    let bench = driver().bench
    #expect(bench.read(0x100, width: 8) == 8 && bench.read(0x100) == 8)
    #expect(bench.read(0x10C) == 254 && bench.read(0x114) == 512)
    #expect(bench.read(0x113, width: 1) == 63)
  }

  @Test func readsAndWrites() {
    let driver = driver()
    #expect(request(driver, 0, 2, in: 1024) == [0, 1025])
    #expect(driver.bench.memory.read(data, count: 1024) == Array(content[1024..<2048]))
    #expect(request(driver, 1, 7, out: Array(repeating: 0xAA, count: 512)) == [0, 1])
    #expect(request(driver, 4, 0) == [0, 1])
    #expect(request(driver, 0, 6, in: 1024) == [0, 1025])
    #expect(
      driver.bench.memory.read(data, count: 1024)
        == Array(repeating: 7, count: 512) + Array(repeating: 0xAA, count: 512))
    // A driver's reset, and the board's, keep what was written.
    driver.start(features: 0, queues: 1)
    driver.bench.reset()
    #expect(driver.status == 0)
    driver.bench.memory.write(Array(repeating: 0, count: 0x2000), at: Driver.memory)
    driver.start(features: 0, queues: 1)
    #expect(request(driver, 0, 7, in: 512) == [0, 513])
    #expect(driver.bench.memory.load(data) == 0xAAAA_AAAA as UInt32)
  }

  @Test func whatIsRefused() {
    let driver = driver()
    #expect(request(driver, 0, 7, in: 1024) == [1, 0], "beyond the end")
    #expect(request(driver, 0, .max, in: 512) == [1, 0])
    #expect(request(driver, 0, 0, in: 100) == [1, 0], "no whole sectors")
    #expect(request(driver, 1, 8, out: Array(repeating: 1, count: 512)) == [1, 1])
    #expect(request(driver, 2, 0) == [2, 1], "SCSI")
    #expect(request(driver, 0xFFFF_FFFF, 0, in: 512) == [2, 0])
    #expect(driver.bench.findings.isEmpty && driver.status == 15)
  }

  /// "A device MUST set the status byte to VIRTIO_BLK_S_IOERR for a write request if the VIRTIO_BLK_F_RO feature if offered,
  /// and MUST NOT write any data."
  @Test func readOnly() {
    let driver = driver(isReadOnly: true)
    driver.bench.write(0x14, 0)
    #expect((driver.bench.read(0x10) ?? 0) >> 5 & 1 == 1)
    let state = driver.bench.state.function
    #expect(request(driver, 1, 0, out: Array(repeating: 1, count: 512)) == [1, 1])
    #expect(request(driver, 13, 0, out: segment(0, 1)) == [1, 1])
    #expect(driver.bench.state.function == state)
  }

  /// "The device MUST write … a NUL-terminated ASCII string" of 20 bytes at most.
  @Test func identifier() {
    let driver = driver()
    #expect(request(driver, 8, 0, in: 20) == [0, 21])
    let text = driver.bench.memory.read(data, count: 20)
    #expect(text == Array("disk0".utf8) + Array(repeating: 0, count: 15))
    #expect(request(driver, 8, 0, in: 30) == [0, 20])
    #expect(request(driver, 8, 0, in: 4) == [0, 5])
  }

  @Test(arguments: [11, 13] as [UInt32]) func zeroes(type: UInt32) {
    let driver = driver()
    #expect(request(driver, type, 0, out: segment(1, 2)) == [0, 1])
    #expect(request(driver, 0, 0, in: 2048) == [0, 2049])
    let zeros = [UInt8](repeating: 0, count: 1024)
    #expect(
      driver.bench.memory.read(data, count: 2048)
        == Array(content[..<512]) + zeros + Array(content[1536..<2048]))
    #expect(request(driver, type, 0, out: segment(7, 2)) == [1, 1])
    #expect(request(driver, type, 0, out: segment(.max, .max)) == [1, 1])
    #expect(request(driver, type, 0, out: segment(0, 1, 2)) == [2, 1], "an unknown flag")
    #expect(request(driver, type, 0, out: segment(0, 1, 1)) == [type == 11 ? 2 : 0, 1], "unmap")
    #expect(request(driver, type, 0, out: segment(0, 1) + [0]) == [1, 1])
  }

  /// "The driver MUST NOT assume a particular layout of descriptors": a header in pieces, a status behind data in one buffer.
  @Test func anyLayout() {
    let driver = driver()
    driver.bench.memory.store(0 as UInt32, at: header)
    driver.bench.memory.store(3 as UInt64, at: header + 8)
    driver.send([
      .init(address: header, count: 3), .init(address: header + 3, count: 10),
      .init(address: header + 13, count: 3), .init(address: data, count: 5, isWritable: true),
      .init(address: data + 5, count: 508, isWritable: true),
    ])
    #expect(driver.bench.memory.read(data, count: 513) == Array(content[1536..<2048]) + [0])
  }

  @Test func aRequestWithoutHeaderOrStatus() {
    for buffers in [
      [Driver.Buffer(address: header, count: 15)]
        + [.init(address: status, count: 1, isWritable: true)],
      [.init(address: header, count: 16)],
      [.init(address: header, count: 16, isWritable: true)],
    ] {
      let driver = driver()
      driver.send(buffers)
      #expect(driver.findings == ["queue 0: a request without header or status"])
      #expect(driver.status == 15 | 64)
    }
  }

  /// 12 requests of 8,372,224 bytes in one notification: 64 MiB of them at once, the rest at the next tick, wherever that is.
  @Test func muchWorkIsDoneFromTickToTick() {
    let disk = VirtioBlock(DiskImage(zeros: 16 << 20, name: "zeros"))
    let driver = Driver(disk, features: 1 << 28)
    driver.bench.memory.store(0 as UInt32, at: header)
    driver.bench.memory.store(0 as UInt64, at: header + 8)
    let table = Driver.memory + 0x4000
    let piece = Driver.Buffer(address: Driver.buffers + 0x1000, count: 8192, isWritable: true)
    driver.describe(
      [.init(address: header, count: 16)] + Array(repeating: piece, count: 1022)
        + [.init(address: status, count: 1, isWritable: true)], at: table)
    driver.describe([.init(address: table, count: 16 * 1024, flags: 4)], at: driver.descriptors(0))
    for _ in 0..<11 { driver.offer(0, notify: false) }
    driver.offer(0)
    #expect(driver.given().count == 9 && driver.bench.deadline == 1 && driver.bench.isRaised)

    let other = Driver(disk)
    let memory = driver.bench.memory.read(Driver.memory, count: 0x1_0000) ?? []
    other.bench.memory.write(memory, at: Driver.memory)
    other.bench.state = driver.bench.state
    for one in [driver, other] {
      one.bench.advance(to: 5)
      #expect(one.given().map(\.length) == Array(repeating: 8_372_225, count: 12))
      #expect(one.bench.deadline == nil)
    }
    #expect(driver.bench.state == other.bench.state)
  }
}

@Suite struct VirtioConsoleTests {
  typealias Driver = VirtioDriver<VirtioConsole>
  private let driver = Driver(VirtioConsole(), queues: 2)

  @Test func sends() {
    let text = Array("hello".utf8)
    driver.bench.memory.write(text, at: Driver.buffers)
    driver.send([.init(address: Driver.buffers, count: 5)], queue: 1)
    #expect(driver.bench.sent == "hello" && driver.given(queue: 1).map(\.length) == [0])
    #expect(driver.bench.isRaised)
  }

  /// A byte is an event: 10,000 of them take three ticks.
  @Test func aLongTextTakesItsTime() {
    let text = (0..<10_000).map { UInt8(truncatingIfNeeded: 65 + $0 % 26) }
    driver.bench.memory.write(text, at: Driver.buffers)
    driver.send([.init(address: Driver.buffers, count: 10_000)], queue: 1)
    #expect(driver.bench.sent.utf8.count == 4096 && driver.bench.deadline == 1)
    #expect(driver.given(queue: 1).isEmpty && !driver.bench.isRaised)
    driver.bench.advance(to: 1)
    #expect(driver.bench.sent.utf8.count == 8192 && driver.bench.deadline == 2)
    driver.bench.advance(to: 10)
    #expect(Array(driver.bench.sent.utf8) == text && driver.bench.deadline == nil)
    #expect(driver.given(queue: 1).count == 1 && driver.bench.isRaised)
  }

  /// Input waits until there is a buffer for it.
  @Test func receives() {
    driver.bench.send(Array("ab".utf8))
    #expect(driver.bench.taken == 0)
    let buffer = Driver.Buffer(address: Driver.buffers, count: 16, isWritable: true)
    driver.describe([buffer], at: driver.descriptors(0))
    driver.offer(0)
    #expect(driver.bench.taken == 1 && driver.given().map(\.length) == [1])
    driver.offer(0)
    #expect(driver.bench.taken == 2)
    #expect(driver.bench.memory.load(Driver.buffers) == UInt8(ascii: "b"))
  }

  /// "The device transmits the lower byte written to emerg_wr … possibly before DRIVER_OK."
  @Test func emergencyWrite() {
    driver.bench.write(0x70, 0)
    driver.bench.write(0x108, 0x1_41)
    #expect(driver.bench.sent == "A")
    #expect(driver.bench.read(0x104) == 1, "one port")
  }
}

@Suite struct VirtioEntropyTests {
  typealias Driver = VirtioDriver<VirtioEntropy>

  private func bytes(_ seed: UInt64, _ count: UInt64) -> [UInt8] {
    let driver = Driver(VirtioEntropy(seed: seed))
    driver.send([.init(address: Driver.buffers, count: count, isWritable: true)])
    return driver.bench.memory.read(Driver.buffers, count: Int(count)) ?? []
  }

  @Test func followsFromTheSeed() {
    #expect(bytes(1, 1000) == bytes(1, 1000))
    #expect(bytes(1, 1000) != bytes(2, 1000))
    // All values, about as often.
    let counts = bytes(3, 16_384).reduce(into: [UInt8: Int]()) { $0[$1, default: 0] += 1 }
    #expect(counts.count == 256 && counts.values.allSatisfy { 20...120 ~= $0 })
  }

  @Test func neverRepeats() {
    let driver = Driver(VirtioEntropy(seed: 1))
    let buffer = Driver.Buffer(address: Driver.buffers, count: 8, isWritable: true)
    var seen: Set<UInt64> = []
    for round in 0..<10 {
      if round == 5 {
        driver.bench.memory.write(Array(repeating: 0, count: 0x2000), at: Driver.memory)
        driver.start(features: 0, queues: 1)
      }
      driver.send([buffer])
      seen.insert(driver.bench.memory.load(Driver.buffers) ?? 0)
    }
    #expect(seen.count == 10)
  }
}
