import EmuTesting
import Foundation
import Testing

@testable import Emu

/// A recording as a file: the run that it makes is the run that was, and no file does harm.
@Suite struct InputRecordingTests {
  private static let end: UInt64 = 40_000

  private static func machine(_ name: String) throws -> Machine {
    try Machine(image: .bundled(name))
  }

  private static func start(_ machine: Machine) -> InputRecording.Start {
    InputRecording.Start(machine, arguments: ["--smp", "1"], writer: "a test")
  }

  /// Everything that can come, at places that depend on the seed; cut into slices of a few instructions or many.
  private static func play(_ machine: Machine, _ random: inout SplitMix, _ act: Bool = true) {
    while machine.stop == nil && machine.index < end {
      let limit = min(end, machine.index + 1 + random.next() % (1 << (random.next() % 13)))
      let pause = machine.run(until: RunLimit(index: limit, events: 1))
      if pause == .asleep && random.next() % 8 == 0 { machine.end(.idle) }
      guard act, random.next() % 8 == 0, machine.stop == nil else { continue }
      switch random.next() % 6 {
      case 0, 1: machine.send((0..<random.next() % 9).map { _ in UInt8(random.next() % 256) })
      case 2:
        guard let button = machine.board.buttons.first else { continue }
        machine.setButton(button.name, isPressed: random.next() % 2 == 0)
      case 3:
        guard let region = machine.board.regions.last else { continue }
        let address = region.address + random.next() % 0x1000
        _ = machine.poke(address, [UInt8(random.next() % 256)])
        _ = machine.program([1, 2], at: address)
      case 4: _ = machine.set(isCortexM(machine) ? .r(7) : .x(27), to: random.next())
      default: if random.next() % 16 == 0 { machine.pressReset() }
      }
    }
    if machine.stop == nil { machine.end(.instructionLimit) }
  }

  private static func isCortexM(_ machine: Machine) -> Bool {
    machine.board.core.machine == .arm
  }

  private static func replay(
    _ recording: InputRecording, _ machine: Machine, _ random: inout SplitMix
  ) {
    let replay = Replay(recording)
    while machine.stop == nil {
      replay.advance(machine)
      let limit = RunLimit(index: machine.index + 1 + random.next() % 3000)
      _ = machine.run(until: replay.limit(limit, machine, endsIt: true))
      if machine.stop == nil, replay.isOver(machine) { replay.end(machine) }
    }
    #expect(recording.end == nil || replay.difference(machine) == nil)
  }

  @Test(
    arguments: ["torture-m4.elf", "tm4c-board-m4.elf", "sbi-harts-rv64.elf", "tasks-rv64.elf"],
    0..<6 as Range<UInt64>)
  func itIsTheRun(image: String, seed: UInt64) throws {
    var random = SplitMix(seed)
    let machine = try Self.machine(image)
    var recorder = InputRecorder(machine, Self.start(machine))
    Self.play(machine, &random)
    recorder.finish(machine)
    let file = recorder.take()
    let recording = try InputRecording(file, of: machine.board)
    #expect(recording.inputs == machine.inputs && recording.end?.stop == machine.stop)
    let again = try Self.machine(image)
    Self.replay(recording, again, &random)
    #expect(again.traceDigest == machine.traceDigest)
    #expect(again.stateDigest == machine.stateDigest)
    #expect(again.inputs == machine.inputs && again.stop == machine.stop)
  }

  /// Cut off anywhere it is a part of the run: each input that is whole comes where it came.
  @Test func cutOff() throws {
    var random = SplitMix(3)
    let machine = try Self.machine("torture-m4.elf")
    var recorder = InputRecorder(machine, Self.start(machine))
    let start = recorder.take()
    let heading = start.count
    var file: [UInt8] = []
    var sizes: [Int] = []
    for _ in 0..<6 {
      _ = machine.run(until: RunLimit(index: machine.index + 500))
      machine.send([UInt8(random.next() % 256)])
      recorder.update(machine)
      file += recorder.take()
      sizes.append(file.count)
    }
    // Bytes by input, not by instruction.
    #expect(sizes.last ?? 0 < 6 * 32)
    recorder.finish(machine)
    let whole = start + file
    for count in 0...file.count {
      let recording = try InputRecording(
        Array(whole.prefix(heading + count)), of: machine.board)
      let known = sizes.filter { $0 <= count }.count
      #expect(recording.inputs == Array(machine.inputs.prefix(known)) && recording.end == nil)
      if ![sizes[2], sizes[2] + 3].contains(count) { continue }
      let again = try Self.machine("torture-m4.elf")
      Self.replay(recording, again, &random)
      #expect(again.index == machine.inputs[2].index && again.stop?.reason == .timeLimit)
    }
    for count in 0..<heading {
      #expect(throws: MachineError.self) {
        try InputRecording(Array(whole.prefix(count)), of: machine.board)
      }
    }
  }

  /// Somebody goes back with a debugger and does something else: that is the run.
  @Test func goneBack() throws {
    let machine = try Self.machine("torture-m4.elf")
    var recorder = InputRecorder(machine, Self.start(machine))
    var history = History(machine, budget: 1 << 26)
    func type(_ text: String, _ machine: Machine, at index: UInt64) {
      _ = machine.run(until: RunLimit(index: index))
      machine.send(text.utf8)
      recorder.update(machine)
    }
    type("a", machine, at: 500)
    type("b", machine, at: 900)
    history.reach(machine)
    let past = try #require(try history.machine(at: 700))
    #expect(past.inputs == [machine.inputs[0]])
    recorder.update(past)
    type("c", past, at: 800)
    #expect(past.inputs.count == 2)
    past.end(.interrupted)
    recorder.finish(past)
    let recording = try InputRecording(recorder.take(), of: machine.board)
    #expect(recording.inputs == past.inputs)
  }

  @Test func damageIsSeen() throws {
    let (file, board) = try Self.recorded("tm4c-board-m4.elf")
    var random = SplitMix(9)
    for _ in 0..<500 {
      let place = Int(random.next() % UInt64(file.count))
      var damaged = file
      damaged[place] ^= 1 << UInt8(random.next() % 8)
      guard let taken = try? InputRecording(damaged, of: board) else { continue }
      // A length that grew looks like a file that was cut off.
      #expect(taken.end == nil)
    }
  }

  /// With checksums that are right somebody means harm: refused, or a run.
  @Test(arguments: ["tm4c-board-m4.elf", "sbi-harts-rv64.elf"]) func noFileDoesHarm(image: String)
    throws
  {
    let (file, board) = try Self.recorded(image)
    let isSoak = ProcessInfo.processInfo.environment["EMURUN_SOAK"] != nil
    var taken = 0
    for seed in 0..<(isSoak ? 20_000 : 120) {
      var random = SplitMix(UInt64(seed))
      let hostile = Self.sealed(file, &random)
      guard let recording = try? InputRecording(hostile, of: board) else { continue }
      taken += 1
      let machine = try Self.machine(image)
      if recording.start.refusal(for: Self.start(machine)) != nil { continue }
      let replay = Replay(recording)
      for _ in 0..<40 where machine.stop == nil {
        replay.advance(machine)
        let limit = RunLimit(tick: machine.now + 20_000, index: machine.index + 2000)
        _ = machine.run(until: replay.limit(limit, machine, endsIt: true))
        if machine.stop == nil, replay.isOver(machine) { replay.end(machine) }
      }
      _ = machine.stateDigest
    }
    #expect(taken > 5)
  }

  private static func recorded(_ image: String) throws -> (file: [UInt8], board: Board) {
    var random = SplitMix(1)
    let machine = try machine(image)
    var recorder = InputRecorder(machine, start(machine))
    play(machine, &random)
    recorder.finish(machine)
    return (recorder.take(), machine.board)
  }

  /// The pieces of a file, some of them mutated, with checksums that belong to them.
  private static func sealed(_ file: [UInt8], _ random: inout SplitMix) -> [UInt8] {
    var place = 20
    var pieces: [(kind: UInt8, content: [UInt8])] = []
    while place < file.count {
      let count = (0..<4).reduce(0) { $0 | Int(file[place + $1]) << (8 * $1) }
      pieces.append((file[place + 4], Array(file[place + 5..<place + 5 + count])))
      place += 13 + count
    }
    for _ in 0...random.next() % 2 {
      let number = Int(random.next() % UInt64(pieces.count))
      switch random.next() % 8 {
      case 0: pieces[number].kind = UInt8(random.next() % 6)
      case 1: pieces.insert(pieces[number], at: Int(random.next() % UInt64(pieces.count)))
      default:
        if pieces[number].content.isEmpty { continue }
        let place = Int(random.next() % UInt64(pieces[number].content.count))
        switch random.next() % 3 {
        case 0: pieces[number].content[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: pieces[number].content.remove(at: place)
        default: pieces[number].content[place] ^= 1 << UInt8(random.next() % 8)
        }
      }
    }
    var result = Array(file.prefix(20))
    var sum: [UInt8] = []
    for piece in pieces {
      let bytes =
        (0..<4).map { UInt8(truncatingIfNeeded: piece.content.count >> (8 * $0)) } + [piece.kind]
        + piece.content
      sum = RecordingPiece.sum(behind: sum, bytes)
      result += bytes + sum
    }
    return result
  }
}
