import Devices
import Emu
import Testing

/// Transport and queues, with the entropy device behind them: VIRTIO 1.2, chapters 2 to 4.
@Suite struct VirtioTests {
  typealias Driver = VirtioDriver<VirtioEntropy>
  private func driver(
    _ version: VirtioVersion = .modern, features: UInt64 = 0
  ) -> Driver { Driver(VirtioEntropy(seed: 1), version, features: features) }
  private let buffer = Driver.Buffer(address: Driver.buffers, count: 8, isWritable: true)
  private let indirect: UInt64 = 1 << 28
  private let eventIndex: UInt64 = 1 << 29

  @Test(arguments: VirtioVersion.allCases) func identifiesItself(version: VirtioVersion) {
    let bench = driver(version).bench
    #expect(bench.read(0) == 0x7472_6976, "\"virt\", little-endian")
    #expect(bench.read(4) == (version == .modern ? 2 : 1))
    #expect(bench.read(8) == 4)
    #expect(bench.read(0xC) == 0x554D_4551)
    #expect(bench.read(0, width: 1) == nil, "\"MUST use only 32 bit wide and aligned reads\"")
  }

  /// "DeviceID … value 0x0 is used to define a system memory map with placeholder devices."
  @Test(arguments: VirtioVersion.allCases) func anEmptySlot(version: VirtioVersion) {
    let bench = DeviceBench(VirtioEmptySlot(version: version))
    #expect(bench.read(0) == 0x7472_6976 && bench.read(4) == (version == .modern ? 2 : 1))
    #expect(bench.read(8) == 0 && bench.findings.isEmpty)
  }

  @Test func showsFeaturesByHalves() {
    let bench = driver().bench
    bench.write(0x14, 0)
    #expect(bench.read(0x10) == indirect | eventIndex)
    bench.write(0x14, 1)
    #expect(bench.read(0x10) == 1)
    bench.write(0x14, 2)
    #expect(bench.read(0x10) == 0)
  }

  /// "If the device does not support the subset of features, FEATURES_OK … will not be set."
  @Test func refusesFeaturesThatItDidNotOffer() {
    let driver = driver(taking: 1 << 32 | 1 << 20)
    #expect(driver.status == 3 && driver.findings == ["features that were not offered"])
  }

  /// Section 6.1: "A device MAY fail to operate further if VIRTIO_F_VERSION_1 is not accepted." xv6 never looks at the upper half.
  @Test func servesADriverThatDoesNotKnowVersion1() {
    let driver = driver(taking: 1 << 28)
    driver.bench.write(0x70, 15)
    #expect(driver.status == 15 && driver.findings == ["features without VIRTIO_F_VERSION_1"])
  }

  private func driver(taking features: UInt64) -> Driver {
    let driver = driver()
    driver.bench.write(0x70, 0)
    driver.bench.write(0x70, 3)
    driver.setFeatures(features)
    driver.bench.write(0x70, 11)
    return driver
  }

  /// "QueueNumMax … 0x0 if the queue is not available."
  @Test func queues() {
    let driver = driver()
    #expect(driver.bench.read(0x34) == 1024 && driver.bench.read(0x44) == 1)
    driver.bench.write(0x30, 1)
    #expect(driver.bench.read(0x34) == 0 && driver.bench.read(0x44) == 0)
    driver.bench.write(0x38, 8)
    driver.bench.write(0x50, 1)
    #expect(
      driver.findings == [
        "register of a queue that does not exist", "notification of a queue that does not exist",
      ])
    driver.bench.write(0x30, 0)
    driver.bench.write(0x80, 0)
    driver.bench.write(0x38, 4)
    driver.send([buffer])
    #expect(driver.given().map(\.length) == [8], "as before")
    driver.bench.write(0x44, 0)
    for size in [0, 3, 2048] as [UInt64] { driver.bench.write(0x38, size) }
    driver.bench.write(0x44, 1)
    #expect(
      driver.findings.suffix(2) == [
        "configuration of a queue that is in use",
        "QueueNum that is no power of 2, or above QueueNumMax",
      ])
    driver.offer(0)
    #expect(driver.given().count == 2 && driver.status == 15, "from the start of its rings")
  }

  @Test(arguments: VirtioVersion.allCases) func answersWithinTheStore(version: VirtioVersion) {
    let driver = driver(version)
    #expect(!driver.bench.isRaised)
    driver.send([buffer, .init(address: Driver.buffers + 0x100, count: 3, isWritable: true)])
    #expect(driver.given().map(\.length) == [11])
    #expect(driver.bench.isRaised && driver.interrupts == 1)
    driver.bench.write(0x64, 1)
    #expect(!driver.bench.isRaised && driver.interrupts == 0)
    #expect(driver.bench.memory.load(Driver.buffers + 11, as: UInt8.self) == 0)
  }

  /// "The device MUST NOT consume buffers … before DRIVER_OK": then it does.
  @Test func waitsForTheDriver() {
    let driver = driver()
    driver.bench.write(0x70, 11)
    driver.send([buffer])
    #expect(driver.given().isEmpty)
    driver.bench.write(0x70, 15)
    #expect(driver.given().count == 1)
  }

  /// "Writing zero (0x0) to this register triggers a device reset."
  @Test(arguments: VirtioVersion.allCases) func reset(version: VirtioVersion) {
    let driver = driver(version)
    driver.send([buffer])
    driver.bench.write(0x70, 0)
    #expect(driver.status == 0 && driver.interrupts == 0 && !driver.bench.isRaised)
    #expect(driver.bench.read(version == .modern ? 0x44 : 0x40) == 0)
    driver.offer(0)
    #expect(driver.given().count == 1)
  }

  /// "VIRTQ_AVAIL_F_NO_INTERRUPT … advises the device to not interrupt."
  @Test func suppression() {
    let driver = driver()
    driver.bench.memory.store(1 as UInt16, at: driver.available(0))
    driver.send([buffer])
    #expect(driver.given().count == 1 && !driver.bench.isRaised)
    driver.bench.memory.store(0 as UInt16, at: driver.available(0))
    driver.send([buffer])
    #expect(driver.bench.isRaised)
  }

  /// "If the VIRTIO_F_EVENT_IDX feature bit is negotiated … the device MUST send an interrupt" when it passes used_event; and
  /// it says in avail_event of which request it wants to hear.
  @Test func eventIndexes() {
    let driver = driver(features: eventIndex)
    let usedEvent = driver.available(0) + 4 + 2 * Driver.size
    let availableEvent = driver.used(0) + 4 + 8 * Driver.size
    driver.bench.memory.store(2 as UInt16, at: usedEvent)
    for round in 1...4 as ClosedRange<UInt16> {
      driver.send([buffer])
      #expect(driver.bench.isRaised == (round == 3), "used index \(round)")
      #expect(driver.bench.memory.load(availableEvent) == round)
      driver.bench.write(0x64, 1)
    }
    // Several at once: passed on the way.
    driver.bench.memory.store(5 as UInt16, at: usedEvent)
    driver.offer(0, notify: false)
    driver.offer(0, notify: false)
    driver.offer(0)
    #expect(driver.bench.isRaised)
  }

  @Test func indexesWrapAround() {
    let driver = driver()
    driver.describe([buffer], at: driver.descriptors(0))
    for round in 0..<70_000 { driver.offer(0, notify: round % 5 == 4) }
    #expect(driver.status == 15 && driver.findings.isEmpty)
    #expect(driver.bench.memory.load(driver.used(0) + 2) == UInt16(truncatingIfNeeded: 70_000))
  }

  /// "The device MUST handle the case of zero or more normal chained descriptors followed by a single descriptor with
  /// flags&VIRTQ_DESC_F_INDIRECT."
  @Test func indirectDescriptors() {
    let driver = driver(features: indirect)
    let table = Driver.buffers + 0x1000
    driver.describe([buffer, buffer, buffer], at: table)
    let reference = Driver.Buffer(address: table, count: 48, flags: 4)
    driver.send([reference])
    driver.send([buffer, reference])
    #expect(driver.given().map(\.length) == [24, 32] && driver.status == 15)
  }

  // MARK: Mistakes

  struct Mistake: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var sentence: String
    var make: @Sendable (Driver) -> Void

    init(_ description: String, _ sentence: String, _ make: @escaping @Sendable (Driver) -> Void) {
      testDescription = description
      self.sentence = sentence
      self.make = make
    }
  }

  private static func store(_ driver: Driver, _ number: UInt64, _ address: UInt64, _ rest: UInt64) {
    driver.bench.memory.store(address, at: driver.descriptors(0) + 16 * number)
    driver.bench.memory.store(rest, at: driver.descriptors(0) + 16 * number + 8)
  }

  static let mistakes: [Mistake] = {
    let good = Driver.Buffer(address: Driver.buffers, count: 8, isWritable: true)
    let loop = "a descriptor chain longer than its table, or in a circle"
    let table = "an indirect descriptor table that may not be one"
    return [
      Mistake("a descriptor that is its own next", loop) {
        store($0, 0, Driver.buffers, 8 | 3 << 32)
        $0.offer(0)
      },
      Mistake("a circle of all descriptors", loop) {
        for number in 0..<16 as Range<UInt64> {
          store($0, number, Driver.buffers, 8 | 3 << 32 | (number + 1) % 16 << 48)
        }
        $0.offer(5)
      },
      Mistake("a head beyond the table", "a descriptor index beyond its table") { $0.offer(16) },
      Mistake("a next beyond the table", "a descriptor index beyond its table") {
        store($0, 0, Driver.buffers, 8 | 3 << 32 | 0xFFFF << 48)
        $0.offer(0)
      },
      Mistake("an index that jumps", "an available index that is more than a queue ahead") {
        $0.bench.memory.store(17 as UInt16, at: $0.available(0) + 2)
        $0.bench.write(0x50, 0)
      },
      Mistake("an index that goes back", "an available index that is more than a queue ahead") {
        $0.bench.memory.store(UInt16.max, at: $0.available(0) + 2)
        $0.bench.write(0x50, 0)
      },
      Mistake("a buffer outside of RAM", "a buffer that is not in RAM") {
        $0.send([.init(address: 0x1000_0000, count: 8, isWritable: true)])
      },
      Mistake("a buffer at the end of RAM", "a buffer that is not in RAM") {
        $0.send([.init(address: Driver.memory + 0xFFFF, count: 2, isWritable: true)])
      },
      Mistake("a buffer around the address space", "a buffer that is not in RAM") {
        $0.send([.init(address: .max, count: 0xFFFF_FFFF, isWritable: true)])
      },
      Mistake("a readable buffer behind", "a readable descriptor behind a writable one") {
        $0.send([good, .init(address: Driver.buffers, count: 8)])
      },
      Mistake("a readable buffer for entropy", "a readable buffer") {
        $0.send([.init(address: Driver.buffers, count: 8), good])
      },
      Mistake("an empty table", table) {
        $0.send([.init(address: Driver.buffers, count: 0, flags: 4)])
      },
      Mistake("a table of no whole descriptors", table) {
        $0.send([.init(address: Driver.buffers, count: 24, flags: 4)])
      },
      Mistake("INDIRECT with NEXT", table) {
        $0.send([.init(address: Driver.buffers, count: 16, flags: 4), good])
      },
      Mistake("a table in a table", table) {
        let outer = Driver.buffers + 0x1000
        $0.describe([.init(address: outer, count: 16, flags: 4)], at: outer)
        $0.send([.init(address: outer, count: 16, flags: 4)])
      },
      Mistake("a circle in a table", loop) {
        let outer = Driver.buffers + 0x1000
        $0.bench.memory.store(Driver.buffers, at: outer)
        $0.bench.memory.store(8 | 3 << 32 as UInt64, at: outer + 8)
        $0.send([.init(address: outer, count: 16 * 65_536 * 4, flags: 4)])
      },
      Mistake("a table outside of RAM", "a ring that is not in RAM") {
        $0.send([.init(address: 0xFFFF_FFFF_FFFF_FFF8, count: 16, flags: 4)])
      },
    ]
  }()

  /// "The device SHOULD set DEVICE_NEEDS_RESET …; if DRIVER_OK is set, after it sets DEVICE_NEEDS_RESET, the device MUST send
  /// a device configuration change notification."
  @Test(arguments: mistakes) func needsAReset(after mistake: Mistake) {
    let driver = driver(features: indirect)
    mistake.make(driver)
    #expect(driver.findings == ["queue 0: " + mistake.sentence])
    #expect(driver.bench.findings.map(\.kind) == [.guestError])
    #expect(driver.status == 15 | 64 && driver.interrupts == 2 && driver.bench.isRaised)
    #expect(driver.given().isEmpty)
    // It does nothing more, and a reset makes it whole.
    driver.bench.write(0x70, 15)
    #expect(driver.status == 15 | 64)
    driver.bench.write(0x50, 0)
    #expect(driver.given().isEmpty)
    driver.bench.memory.write(Array(repeating: 0, count: 0x2000), at: Driver.memory)
    driver.start(features: indirect, queues: 1)
    #expect(driver.status == 15)
    driver.send([buffer])
    #expect(driver.given().count == 1)
  }

  /// Rings that are not in RAM, and one that is in ROM or wraps around.
  @Test(arguments: [0, 0x1000, 0x1000_0000, 0x8000_FFF8, 0xFFFF_FFFF_FFFF_FFF0] as [UInt64])
  func ringsOutsideOfRAM(address: UInt64) {
    for register in [0x80, 0x90, 0xA0] as [UInt64] {
      let driver = driver()
      driver.bench.write(0x44, 0)
      driver.bench.write(register, address & 0xFFFF_FFFF)
      driver.bench.write(register + 4, address >> 32)
      driver.bench.write(0x44, 1)
      driver.send([buffer])
      let isSilent = register == 0x90 && address == 0x8000_FFF8
      #expect(driver.status == (isSilent ? 15 : 15 | 64), "\(register)")
    }
  }

  @Test func aLegacyDeviceIsBrokenWithoutAStatus() {
    let driver = driver(.legacy)
    driver.offer(16)
    #expect(driver.status == 7 && driver.interrupts == 0 && driver.findings.count == 1)
    driver.offer(0)
    #expect(driver.given().isEmpty)
  }

  @Test func storesToTheConfiguration() {
    let bench = DeviceBench(VirtioMMIO(VirtioBlock(DiskImage(bytes: []))))
    let state = bench.state
    for width in [1, 2, 4, 8] as [UInt8] {
      #expect(bench.write(0x100, .max, width: width) && bench.state == state)
    }
    #expect(bench.findings.map(\.name) == ["store to the configuration space, which is read-only"])
    #expect(bench.read(0x140, width: 4) == 0 && bench.findings.count == 2)
  }
}
