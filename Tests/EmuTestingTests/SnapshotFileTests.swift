import EmuTesting
import Foundation
import Testing

@testable import Emu

/// A snapshot as a file: the run that goes on from it is the run that went on, and no file does harm.
@Suite struct SnapshotFileTests {
  static let images =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".elf") }.sorted()
  private static let folder =
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    .joined(separator: "/") + "/images"
  private static let end = Moment(nanoseconds: 500_000_000)
  static let isSoak = ProcessInfo.processInfo.environment["EMURUN_SOAK"] != nil

  @Test func imagesAreThere() { #expect(Self.images.count > 30) }

  /// Saved, restored and continued, again and again: the digests of a run that was left alone.
  @Test(arguments: images) func nobodyCanTell(image: String) throws {
    let whole = try Self.machine(image)
    Self.finish(whole)
    var random = SplitMix(UInt64(image.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) }))
    var machine = try Self.machine(image)
    for _ in 0..<3 {
      let last = machine.board.clock.tick(reaching: Self.end)
      let cut = random.next() % max(1, last >> (random.next() % 24))
      if case .stopped = machine.run(until: RunLimit(tick: max(machine.now, cut))) { break }
      let file = try machine.snapshot().encoded()
      let snapshot = try Self.snapshot(file, of: machine)
      let copy = try Machine(snapshot)
      #expect(copy.stateDigest == machine.stateDigest)
      #expect(copy.traceDigest == machine.traceDigest)
      #expect(copy.trace.elementsEqual(machine.trace))
      #expect(try copy.snapshot().encoded() == file)
      machine = copy
    }
    Self.finish(machine)
    #expect(machine.traceDigest == whole.traceDigest)
    #expect(machine.stateDigest == whole.stateDigest)
    #expect(machine.console.bytes == whole.console.bytes)
  }

  @Test func aFileSaysOfWhatItIs() throws {
    let machine = try Self.machine("led-heartbeat.elf")
    let file = try machine.snapshot().encoded()
    func refusal(_ file: [UInt8], _ board: Board = .m4LED, _ image: String = "led-heartbeat")
      -> String
    {
      do {
        _ = try Snapshot(file, of: board, image: .bundled(image))
        return ""
      } catch { return "\(error)" }
    }
    var board = Board.m4LED
    board.revision += 1
    #expect(refusal(file) == "")
    #expect(refusal(file, board).contains("m4-led in revision"))
    let launchPad = try Boards.named("tm4c123gxl", harts: nil)
    #expect(refusal(file, launchPad).contains("of board m4-led, and this is tm4c123gxl"))
    #expect(refusal(file, .m4LED, "panic-heartbeat").contains("is another image"))
    #expect(refusal([1, 2, 3]).contains("no snapshot"))
    var other = file
    other[16] = 9
    #expect(refusal(other).contains("version 9"))
    #expect(refusal(Array(file.dropLast())).contains("cut off"))
    #expect(refusal(file + [0]).contains("something was added"))
    other = file
    other[file.count / 2] ^= 1
    #expect(refusal(other).contains("checksum"))
    for count in 0..<file.count where !refusal(Array(file.prefix(count))).contains("snapshot") {
      Issue.record("\(count) bytes of it are taken")
    }
  }

  /// Damage is seen by the checksum, always.
  @Test(arguments: ["led-heartbeat.elf", "sbi-harts-rv64.elf"]) func damageIsSeen(image: String)
    throws
  {
    let machine = try Self.machine(image)
    _ = machine.run(until: RunLimit(index: 20_000))
    let original = machine.snapshot()
    let file = try original.encoded()
    let setup = SnapshotSetup(original.board, original.boot, original.options)
    var random = SplitMix(1)
    for _ in 0..<(Self.isSoak ? 100_000 : 5000) {
      let damaged = Self.mutated(file, &random)
      if damaged == file { continue }
      let taken = try? Snapshot(damaged, setup, original.board, original.boot, original.options)
      if taken != nil { Issue.record("damage was not seen") }
    }
  }

  /// With a checksum that is right somebody means harm: refused, or a machine that runs.
  @Test(arguments: [
    "led-heartbeat.elf", "sbi-harts-rv64.elf", "tm4c-board-m4.elf", "timer-heartbeat-m4.elf",
    "tasks-rv64.elf",
  ])
  func noFileDoesHarm(image: String) throws {
    let machine = try Self.machine(image)
    _ = machine.run(until: RunLimit(index: 20_000))
    let original = machine.snapshot()
    let file = try original.encoded()
    let setup = SnapshotSetup(original.board, original.boot, original.options)
    let first = Int(ProcessInfo.processInfo.environment["EMURUN_FIRST_SEED"] ?? "") ?? 0
    var taken = 0
    let count = Self.isSoak ? 20_000 : 400
    for seed in first..<first + count {
      if first > 0 { FileHandle.standardError.write(Data("seed \(seed)\n".utf8)) }
      var random = SplitMix(UInt64(seed))
      let hostile = Self.sealed(Self.mutated(file, &random, behind: 60))
      let read = try? Snapshot(hostile, setup, original.board, original.boot, original.options)
      guard let snapshot = read, let copy = try? Machine(snapshot)
      else { continue }
      taken += 1
      _ = copy.run(until: RunLimit(tick: copy.now + 2_000_000, index: copy.index + 2000))
      _ = copy.stateDigest
      _ = copy.led(LEDName(copy.board.leds[0].name))
    }
    // Not all of them are refused: most bytes are memory, in which anything may be.
    #expect(taken > count / 50)
  }

  private static func mutated(
    _ file: [UInt8], _ random: inout SplitMix, behind: Int = 0
  ) -> [UInt8] {
    var file = file
    for _ in 0...random.next() % 3 {
      let place = behind + Int(random.next() % UInt64(file.count - behind))
      switch random.next() % 6 {
      case 0: file[place] = UInt8(truncatingIfNeeded: random.next())
      case 1: file[place] ^= 1 << UInt8(random.next() % 8)
      case 2: file[place] = [0, 0x7F, 0x80, 0xFF][Int(random.next() % 4)]
      case 3:
        for offset in place..<min(file.count, place + 8) { file[offset] = 0xFF }
      case 4: file.remove(at: place)
      default: file.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
      }
    }
    return file
  }

  /// With the length and the checksum that belong to it.
  private static func sealed(_ file: [UInt8]) -> [UInt8] {
    var file = file
    let body = Array(file.dropFirst(60))
    var hash = SHA256()
    body.withUnsafeBytes { hash.update($0) }
    file.replaceSubrange(20..<52, with: hash.finish())
    for place in 0..<8 { file[52 + place] = UInt8(truncatingIfNeeded: body.count >> (8 * place)) }
    return file
  }

  private static func snapshot(_ file: [UInt8], of machine: Machine) throws -> Snapshot {
    try Snapshot(
      file, of: machine.board, image: machine.image, options: machine.options)
  }

  private static func machine(_ name: String) throws -> Machine {
    let machine = try Machine(image: .bundled(name))
    machine.send(Array("hello\n".utf8))
    return machine
  }

  private static func finish(_ machine: Machine) {
    if machine.run(until: RunLimit(moment: end)) == .limit { machine.end(.timeLimit) }
  }
}

/// SplitMix64.
struct SplitMix {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
