import Devices
import Emu
import Foundation
import Testing

/// OpenSBI and U-Boot as Debian has them, on four harts, with a disk that is read and written: one digest, however the
/// run is cut, wherever its engines come from, and on whichever thread.
@Suite(
  .enabled(if: BootLoader.isHere || BootLoader.isRequired, "opensbi or u-boot-qemu is not here"))
struct BootLoaderTests {
  fileprivate static let whole = Result { try BootLoader.finish(BootLoader.machine()) }

  @Test func itDoesWhatIsTyped() throws {
    let machine = try BootLoader.machine()
    let outcome = BootLoader.finish(machine)
    #expect(machine.stop?.reason == .finisher && machine.stop?.code == 0)
    #expect(outcome.console.contains("Domain0 HARTs             : 0*,1*,2*,3*"))
    #expect(outcome.console.components(separatedBy: "8 blocks read: OK").count == 3)
    #expect(outcome.console.contains("8 blocks written: OK"))
    #expect(try outcome == Self.whole.get())
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func slicingIsInvisible(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let machine = try BootLoader.machine()
    while true {
      let limit =
        switch random.next() % 3 {
        case 0: RunLimit(tick: machine.now + random.next() % 1_000_000)
        case 1: RunLimit(index: machine.index + random.next() % 500_000)
        default: RunLimit(retired: machine.retired + random.next() % 3_000)
        }
      if case .stopped = machine.run(until: limit) { break }
    }
    #expect(try BootLoader.finish(machine) == Self.whole.get())
  }

  @Test(arguments: [MachineOptions.Engine.cold, .fresh, .pooled])
  func enginesAreAlike(engine: MachineOptions.Engine) throws {
    let machine = try BootLoader.machine { $0.engine = engine }
    #expect(try BootLoader.finish(machine) == Self.whole.get())
  }

  @Test func tracingIsInvisible() throws {
    let machine = try BootLoader.machine { $0.trace = .all }
    #expect(try BootLoader.finish(machine) == Self.whole.get())
  }

  @Test func snapshotsAreInvisible() throws {
    var random = SplitMix(seed: 9)
    var machine = try BootLoader.machine()
    for _ in 0..<8 {
      let limit = RunLimit(index: machine.index + random.next() % 4_000_000)
      if case .stopped = machine.run(until: limit) { break }
      let snapshot = machine.snapshot()
      // The original runs elsewhere first, and writes to a disk of its own.
      _ = machine.run(until: RunLimit(index: machine.index + 300_000))
      machine = try Machine(snapshot)
    }
    #expect(try BootLoader.finish(machine) == Self.whole.get())
  }

  @Test func filesAreInvisible() throws {
    var random = SplitMix(seed: 10)
    var machine = try BootLoader.machine()
    for _ in 0..<8 {
      let limit = RunLimit(index: machine.index + random.next() % 4_000_000)
      if case .stopped = machine.run(until: limit) { break }
      let file = try machine.snapshot().encoded()
      machine = try Machine(
        Snapshot(file, of: machine.board, image: machine.image, options: machine.options))
      #expect(try machine.snapshot().encoded() == file)
    }
    #expect(try BootLoader.finish(machine) == Self.whole.get())
  }

  @Test func threadsAreInvisible() async throws {
    let outcomes = try await withThrowingTaskGroup(of: BootLoader.Outcome.self) { group in
      for _ in 0..<4 { group.addTask { BootLoader.finish(try BootLoader.machine()) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let whole = try Self.whole.get()
    for outcome in outcomes { #expect(outcome == whole) }
  }
}

private enum BootLoader {
  static let isRequired = ProcessInfo.processInfo.environment["CI"] != nil
  static let isHere = [firmware, payload].allSatisfy(FileManager.default.fileExists)
  private static let firmware = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
  private static let payload = "/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin"

  struct Outcome: Hashable, Sendable {
    var trace: String
    var state: String
    var index: UInt64
    var console: String
  }

  /// A key ends the countdown.
  private static let typed =
    " "
    + [
      "virtio scan", "virtio read 84000000 0 8", "crc32 84000000 1000",
      "mw.b 84100000 5a 1000", "virtio write 84100000 10 8", "virtio read 84200000 10 8",
      "cmp.b 84100000 84200000 1000", "poweroff",
    ].map { $0 + "\r" }.joined()

  static func machine(_ change: (inout MachineOptions) -> Void = { _ in }) throws -> Machine {
    var random = SplitMix(seed: 4)
    let disk = (0..<65_536).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    var options = MachineOptions()
    options.firmware = try (Image(path: firmware), nil)
    options.base = 0x8020_0000
    options.input = Array(typed.utf8)
    change(&options)
    let board = Board.rv64Virt(harts: 4, drives: [Drive(DiskImage(bytes: disk))])
    return try Machine(board, image: Image(path: payload), options: options)
  }

  static func finish(_ machine: Machine) -> Outcome {
    if machine.run(until: RunLimit(tick: 5_000_000_000)) == .limit { machine.end(.timeLimit) }
    return Outcome(
      trace: machine.traceDigest, state: machine.stateDigest, index: machine.index,
      console: machine.console.text)
  }
}
