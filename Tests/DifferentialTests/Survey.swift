import Devices
import Emu
import Foundation

/// Runs the survey guest on both emulators: one binary, `Guests/Survey`, that takes its cases from a file and writes what came of
/// each into another.
struct Survey {
  private let folder: URL
  private let guest: String

  /// - Parameter name: of its folder, apart from those of others.
  init(_ name: String) throws {
    folder = try Guest.folder("survey-\(name)")
    guest = try Guest.buildSurvey(in: folder)
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  /// One word a case, over all that it left: the same two words are the same outcome.
  func hashes(of cases: [SurveyCase]) throws -> (ours: [UInt32], theirs: [UInt32]) {
    try run(cases, whole: false)
  }

  /// For each case the state it began in and the one it ended in, here and there.
  func records(of cases: [SurveyCase]) throws -> [(ours: SurveyRecord, theirs: SurveyRecord)] {
    let (ours, theirs) = try run(cases, whole: true)
    let size = SurveyRecord.names.count
    return cases.indices.map {
      let words = $0 * size..<($0 + 1) * size
      return (SurveyRecord(words: Array(ours[words])), SurveyRecord(words: Array(theirs[words])))
    }
  }

  private struct Failed: Error, CustomStringConvertible { var description: String }
  /// QEMU has left less than it should.
  private struct Lost: Error {}

  /// QEMU's timers are the host's, and cases read them and jump by them: of some hundred runs one goes astray there. It is asked again.
  private func run(
    _ cases: [SurveyCase], whole: Bool
  ) throws -> (ours: [UInt32], theirs: [UInt32]) {
    for _ in 1...3 {
      do { return try runOnce(cases, whole: whole) } catch is Lost {}
    }
    throw Failed(description: "QEMU lost outcomes of \(cases.count) cases, three times")
  }

  private func runOnce(
    _ cases: [SurveyCase], whole: Bool
  ) throws -> (ours: [UInt32], theirs: [UInt32]) {
    var words: [UInt32] = [whole ? 1 : 0]
    words.reserveCapacity(4 * cases.count + 1)
    for one in cases { words += [one.encoding, one.prefix, one.seed, one.control] }
    let bytes = words.withUnsafeBytes { Data($0) }
    let rooms = try ["ours", "theirs"].map { name in
      let room = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: room, withIntermediateDirectories: true)
      try? FileManager.default.removeItem(at: room.appendingPathComponent("outcomes"))
      try bytes.write(to: room.appendingPathComponent("cases"))
      return room
    }
    let qemu = try QEMU.start(
      "/usr/bin/qemu-system-arm",
      [
        "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none",
        "-semihosting-config", "enable=on,target=native", "-kernel", guest,
      ], in: rooms[1], limit: 120 + cases.count / 100)
    let here = Result { try runHere(in: rooms[0].path) }
    let there = qemu.finish()
    try here.get()
    if there.status != 0 { throw Failed(description: "QEMU ended with \(there.status)") }
    let size = whole ? SurveyRecord.names.count : 1
    let outcomes = try rooms.map { room in
      let data = try Data(contentsOf: room.appendingPathComponent("outcomes"))
      let words = data.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
      if words.count != cases.count * size {
        if room == rooms[1] { throw Lost() }
        throw Failed(description: "\(words.count / size) of \(cases.count) cases")
      }
      return words
    }
    return (outcomes[0], outcomes[1])
  }

  private func runHere(in folder: String) throws {
    var options = MachineOptions()
    options.trace = []
    options.semihosting = SemihostingOptions(root: folder)
    let machine = try Machine(Self.board, image: Image(path: guest), options: options)
    _ = machine.run()
    if machine.stop?.reason != .semihosting || machine.stop?.code != 0 {
      throw Failed(description: "\(machine.stop.map(String.init(describing:)) ?? "no stop")")
    }
  }

  /// The memory of an `mps2-an386` (its mirrors are blocks of their own) and no device.
  private static let board = Board(
    name: "m4-survey", revision: 1, summary: "for the survey",
    core: .cortexM4(priorityBits: 8, interrupts: 32), clock: Clock(hertz: 25_000_000),
    regions: [
      .init("code", at: 0, size: 0x80_0000, writable: true),
      .init("data", at: 0x2000_0000, size: 0x80_0000, writable: true),
      .init("guest", at: 0x2100_0000, size: 0x100_0000, writable: true),
    ], devices: [])
}

/// All of one case, word by word as the guest has it.
struct SurveyRecord {
  var words: [UInt32]

  static let initial =
    (0..<13).map { "r\($0)" } + ["sp", "lr", "pc", "xpsr", "fpscr"] + (0..<32).map { "s\($0)" }
  static let outcome =
    ["exception", "exc_return", "msp", "psp", "control", "primask", "basepri", "faultmask"]
    + (0..<13).map { "r\($0)" }
    + ["r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr"].map { "stacked \($0)" }
    + ["cfsr", "hfsr", "dfsr", "mmfar", "bfar", "shcsr"]
    + (0..<16).map { "stacked s\($0)" } + ["stacked fpscr"] + (0..<32).map { "s\($0)" }
    + ["changed words", "changed hash", "changed first"]
  static let names = initial + outcome

  /// A word of the outcome.
  subscript(name: String) -> UInt32 {
    Self.outcome.firstIndex(of: name).map { words[Self.initial.count + $0] } ?? 0
  }
  /// Of outcomes.
  func differences(from other: SurveyRecord) -> [String] {
    Self.outcome.filter { self[$0] != other[$0] }
  }
  /// The general-purpose registers of the state it began in.
  var registers: String {
    words[..<18].map { String($0, radix: 16) }.joined(separator: " ")
  }
  /// A word of the state it began in.
  func start(_ name: String) -> UInt32 {
    Self.initial.firstIndex(of: name).map { words[$0] } ?? 0
  }
}
