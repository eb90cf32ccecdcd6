import Devices
import Emu
import Testing

/// The driver's side of a virtio device on a bench: queues of 16 descriptors in the bench's memory, laid out as version 1 has
/// it, so that they do for both.
struct VirtioDriver<Function: VirtioFunction> {
  static var memory: UInt64 { 0x8000_0000 }
  static var size: UInt64 { 16 }
  /// Free for buffers: 16 KiB.
  static var buffers: UInt64 { memory + 0xC000 }

  struct Buffer {
    var address: UInt64
    var count: UInt64
    var isWritable = false
    var flags: UInt64 = 0
  }

  let bench: DeviceBench<VirtioMMIO<Function>>
  let version: VirtioVersion

  init(
    _ function: Function, _ version: VirtioVersion = .modern, features: UInt64 = 0, queues: Int = 1
  ) {
    bench = DeviceBench(VirtioMMIO(function, version: version))
    self.version = version
    start(features: features, queues: queues)
  }

  func start(features: UInt64, queues: Int) {
    bench.write(0x70, 0)
    bench.write(0x70, 3)
    setFeatures(features | (version == .modern ? 1 << 32 : 0))
    if version == .modern { bench.write(0x70, 11) } else { bench.write(0x28, 4096) }
    for queue in 0..<queues { setUp(queue) }
    bench.write(0x70, version == .modern ? 15 : 7)
  }

  func setFeatures(_ features: UInt64) {
    for half in 0...1 as ClosedRange<UInt64> {
      bench.write(0x24, half)
      bench.write(0x20, features >> (32 * half) & 0xFFFF_FFFF)
    }
  }

  func descriptors(_ queue: Int) -> UInt64 { Self.memory + 0x2000 * UInt64(queue) }
  func available(_ queue: Int) -> UInt64 { descriptors(queue) + 16 * Self.size }
  func used(_ queue: Int) -> UInt64 { descriptors(queue) + 0x1000 }

  private func setUp(_ queue: Int) {
    bench.write(0x30, UInt64(queue))
    bench.write(0x38, Self.size)
    if version == .legacy {
      bench.write(0x3C, 4096)
      bench.write(0x40, descriptors(queue) >> 12)
      return
    }
    for (register, address) in [
      (0x80, descriptors(queue)), (0x90, available(queue)), (0xA0, used(queue)),
    ] as [(UInt64, UInt64)] {
      bench.write(register, address & 0xFFFF_FFFF)
      bench.write(register + 4, address >> 32)
    }
    bench.write(0x44, 1)
  }

  /// Writes a table of descriptors, each linked to the next.
  func describe(_ buffers: [Buffer], at table: UInt64, from first: UInt64 = 0) {
    for (number, buffer) in buffers.enumerated() {
      let index = first + UInt64(number)
      let isLast = number == buffers.count - 1
      bench.memory.store(buffer.address, at: table + 16 * index)
      let flags = buffer.flags | (isLast ? 0 : 1) | (buffer.isWritable ? 2 : 0)
      bench.memory.store(
        buffer.count | flags << 32 | (isLast ? 0 : index + 1) << 48, at: table + 16 * index + 8)
    }
  }

  /// Puts a chain into the available ring, and notifies of it unless told not to.
  func offer(_ head: UInt16, queue: Int = 0, notify: Bool = true) {
    let index: UInt16 = bench.memory.load(available(queue) + 2) ?? 0
    bench.memory.store(head, at: available(queue) + 4 + 2 * UInt64(index % UInt16(Self.size)))
    bench.memory.store(index &+ 1, at: available(queue) + 2)
    if notify { bench.write(0x50, UInt64(queue)) }
  }

  func send(_ buffers: [Buffer], queue: Int = 0) {
    describe(buffers, at: descriptors(queue))
    offer(0, queue: queue)
  }

  /// What the device has given back: heads and lengths.
  func given(queue: Int = 0) -> [(head: UInt32, length: UInt32)] {
    let index: UInt16 = bench.memory.load(used(queue) + 2) ?? 0
    return (0..<UInt64(index)).map { number in
      let place = used(queue) + 4 + 8 * (number % Self.size)
      return (bench.memory.load(place) ?? .max, bench.memory.load(place + 4) ?? .max)
    }
  }

  var status: UInt64? { bench.read(0x70) }
  var interrupts: UInt64? { bench.read(0x60) }
  var findings: [String] { bench.findings.map(\.name) }
}
