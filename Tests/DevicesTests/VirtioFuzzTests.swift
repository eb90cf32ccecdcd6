import Emu
import Foundation
import Testing

@testable import Devices

/// Random rings, descriptors and registers, mostly near what is right. The device must answer, in bounded time, the same
/// again and on another machine half-way, and be whole after a reset. `EMURUN_SOAK=n`: n steps a device and version.
@Suite struct VirtioFuzzTests {
  private var steps: Int {
    ProcessInfo.processInfo.environment["EMURUN_SOAK"].flatMap { Int($0) } ?? 3000
  }

  @Test(arguments: VirtioVersion.allCases) func block(version: VirtioVersion) {
    let disk = VirtioBlock(DiskImage(bytes: Array(repeating: 3, count: 64 << 10)))
    fuzz(disk, version, queues: 1)
  }
  @Test(arguments: VirtioVersion.allCases) func console(version: VirtioVersion) {
    fuzz(VirtioConsole(), version, queues: 2)
  }
  @Test(arguments: VirtioVersion.allCases) func entropy(version: VirtioVersion) {
    fuzz(VirtioEntropy(seed: 1), version, queues: 1)
  }

  private func fuzz<F: VirtioFunction>(_ function: F, _ version: VirtioVersion, queues: Int) {
    for seed in 1...2 as ClosedRange<UInt64> {
      let whole = run(function, version, queues, seed, movingAt: nil)
      let moved = run(function, version, queues, seed, movingAt: steps / 2)
      #expect(whole.state == moved.state && whole.memory == moved.memory, "seed \(seed)")
      #expect(whole.completed > steps / 100, "too few requests get through to try anything")
    }
  }

  private struct Result<F: VirtioFunction> {
    var state: VirtioMMIO<F>.State
    var memory: [UInt8]
    var completed: Int
  }

  private func run<F: VirtioFunction>(
    _ function: F, _ version: VirtioVersion, _ queues: Int, _ seed: UInt64, movingAt move: Int?
  ) -> Result<F> {
    typealias Driver = VirtioDriver<F>
    var random = SplitMix(seed: seed)
    var driver = Driver(function, version, features: 3 << 28, queues: queues)
    var completed = 0
    var sent: [UInt8] = []
    for step in 0..<steps {
      if step == move {
        let next = Driver(function, version, features: 0, queues: 0)
        next.bench.advance(to: driver.bench.now)
        next.bench.memory.write(content(driver), at: Driver.memory)
        next.bench.state = driver.bench.state
        next.bench.send(sent.dropFirst(driver.bench.taken))
        driver = next
      }
      act(driver, &random, queues, &sent)
      if step % 8 == 7 {
        completed += (0..<queues).map { driver.given(queue: $0).count }.reduce(0, +)
        // What broke is reset, as a driver would.
        driver.bench.memory.write(Array(repeating: 0, count: 0x4000), at: Driver.memory)
        driver.start(features: random.next() & 3 << 28, queues: queues)
        #expect(driver.status == (version == .modern ? 15 : 7))
      }
    }
    return Result(state: driver.bench.state, memory: content(driver), completed: completed)
  }

  private func content<F>(_ driver: VirtioDriver<F>) -> [UInt8] {
    driver.bench.memory.read(VirtioDriver<F>.memory, count: 0x1_0000) ?? []
  }

  private func act<F>(
    _ driver: VirtioDriver<F>, _ random: inout SplitMix, _ queues: Int, _ sent: inout [UInt8]
  ) {
    typealias Driver = VirtioDriver<F>
    func pick<T>(_ values: [T], _ random: inout SplitMix) -> T {
      values[Int(random.next() % UInt64(values.count))]
    }
    let queue = Int(random.next() % UInt64(queues))
    switch random.next() % 16 {
    case 0: driver.bench.write(random.next() % 0x200 & ~3, random.next() & 0xFFFF_FFFF)
    case 1:
      driver.bench.memory.store(random.next(), at: Driver.memory + random.next() % 0x4000 & ~7)
    case 2: driver.bench.advance(to: driver.bench.now + random.next() % 5)
    case 3:
      sent.append(UInt8(truncatingIfNeeded: random.next()))
      driver.bench.send(sent.suffix(1))
    case 4: driver.bench.input(Int(random.next() % 64), random.next() & 1 == 0)
    default:
      // A request header, of which most are good ones.
      driver.bench.memory.store(
        pick([0, 0, 1, 1, 4, 8, 11, 13, 2] as [UInt32], &random), at: Driver.buffers)
      driver.bench.memory.store(random.next() % 140, at: Driver.buffers + 8)
      var buffers = [Driver.Buffer(address: Driver.buffers, count: 16)]
      for _ in 0..<random.next() % 4 {
        let isWritable = random.next() & 1 == 0
        let near = Driver.buffers + random.next() % 0x1000
        let wild: [UInt64] = [near, near, near, near, near, near, random.next(), 0x1000_0000]
        let count = pick([512, 512, 512, 1, 16, 0, 0x5000, 0xFFFF_FFFF] as [UInt64], &random)
        buffers.append(.init(address: pick(wild, &random), count: count, isWritable: isWritable))
      }
      buffers.sort { !$0.isWritable && $1.isWritable }
      buffers.append(.init(address: Driver.buffers + 0x3000, count: 1, isWritable: true))
      if F.deviceID == 4 { buffers.removeFirst() }
      if random.next() % 16 == 0 { buffers[0].flags = pick([1, 2, 4, 5, 8] as [UInt64], &random) }
      if random.next() % 4 == 0 {
        driver.describe(buffers, at: Driver.buffers + 0x2000)
        let count = 16 * UInt64(buffers.count)
        buffers = [.init(address: Driver.buffers + 0x2000, count: count, flags: 4)]
      }
      driver.describe(buffers, at: driver.descriptors(queue))
      driver.offer(random.next() % 32 == 0 ? UInt16(random.next() & 31) : 0, queue: queue)
    }
  }
}
