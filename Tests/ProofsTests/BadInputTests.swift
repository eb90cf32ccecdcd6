import Emu
import Foundation
import Testing

@testable import EmurunCLI
@testable import MachineCode
@testable import Proofs

/// Damaged and strange files: each command comes back, with what it found or with one sentence.
@Suite struct BadInputTests {
  private static let soak = ProcessInfo.processInfo.environment["EMURUN_SOAK"].flatMap { Int($0) }

  // MARK: Mutated files

  enum Command: String, CaseIterable { case inspect, frames, audit }

  /// `EMURUN_SOAK` is how many: all of them for `inspect`, half for `frames`, a tenth for `audit`, which
  /// takes longest. Each file is the same one in every run.
  @Test(arguments: Command.allCases) func mutated(_ command: Command) throws {
    let seeds = try MutantELF.seeds()
    let share = [Command.inspect: 1, .frames: 2, .audit: 10][command] ?? 1
    let count = (Self.soak ?? 1_000) / share
    var ends: [Int32: Int] = [:]
    try withFolder { folder in
      let path = folder + "/a"
      for number in 0..<count {
        let mutant = MutantELF.make(number, of: seeds)
        try write(mutant, to: path)
        let outcome = Self.outcome(of: command, path)
        ends[outcome.code, default: 0] += 1
        if let problem = Self.problem(with: outcome, path) {
          Issue.record("mutant \(number), \(command.rawValue): \(problem)")
        }
      }
    }
    // It is of use only where a good part gets past the first look.
    #expect(ends[0, default: 0] + ends[1, default: 0] > count / 4, "\(ends)")
    #expect(ends[65, default: 0] > count / 40, "\(ends)")
    // Many changes do not touch what runs.
    if command == .audit { #expect(ends[0, default: 0] > count / 100, "\(ends)") }
  }

  /// A debug build takes seconds for the proof's usual number of steps.
  private static func outcome(of command: Command, _ path: String) -> Outcome {
    guard command == .audit else { return emurun(command.rawValue, path) }
    do {
      let audit = try AuditCommand.parse([path, "--for", "20us", "--compare", "100"])
      let report = try audit.report(standardInput: -1, most: 500)
      let text = report.text() + "\n" + report.json()
      if let contradiction = report.witness.contradiction {
        return Outcome(code: 70, output: text, errors: contradiction)
      }
      return Outcome(code: report.isGood ? 0 : 1, output: text, errors: "")
    } catch let refusal as Refusal {
      return Outcome(
        code: refusal.code, output: "", errors: "emurun: \(refusal.sentence)\n")
    } catch { return Outcome(code: 64, output: "", errors: "\(error)") }
  }

  private static func problem(with outcome: Outcome, _ path: String) -> String? {
    switch outcome.code {
    case 0, 1: return outcome.output.isEmpty ? "it says nothing" : nil
    case 65:
      let isSentence =
        outcome.output.isEmpty && outcome.errors.hasPrefix("emurun: ")
        && outcome.errors.contains(path) && outcome.errors.split(separator: "\n").count == 1
      return isSentence ? nil : "no sentence: \(outcome.output.prefix(200))\(outcome.errors)"
    default: return "it ends with \(outcome.code): \(outcome.errors)"
    }
  }

  /// What is proved of a changed image holds for its run too.
  @Test func whatIsProvedHolds() throws {
    let seeds: [(String, Range<Int>)] = [
      ("zero-trap-m4", 0xC0..<0x230), ("zero-trap-rv64", 0xF0..<0x1FC),
      ("delay-heartbeat-m4", 0xC0..<0x1C0),
    ]
    var proved = 0
    for number in 0..<max(60, (Self.soak ?? 0) / 50) {
      var random = SmallRandom(seed: UInt64(number) &* 0xC2B2_AE35 &+ 7)
      let (name, code) = seeds[number % seeds.count]
      var bytes = try Images.bytes(name + ".elf")
      bytes[code.lowerBound + random.next(below: code.count)] = UInt8(random.next(below: 256))
      guard let image = try? Image(bytes: bytes, path: name), let program = Program(image) else {
        continue
      }
      let board = try boards(named: program.machine == .arm ? "m4-led" : "rv64-virt")
      let proof = ZeroTrapProof(program, on: board, most: 20_000)
      guard proof.isProved, let machine = try? Machine(board, image: image) else { continue }
      proved += 1
      let witness = Witness(
        machine, CodeMap(program), proof, until: Moment(nanoseconds: 5_000_000), most: 5_000)
      #expect(witness.contradiction == nil, "mutant \(number) of \(name)")
      #expect(witness.departure == nil)
    }
    #expect(proved > 5)
  }

  // MARK: Little or too much

  @Test func nothingMuch() throws {
    try withFolder { folder in
      let path = folder + "/a"
      let whole = try Images.bytes("zero-trap-m4.elf")
      for bytes in [[], Array(whole.prefix(60)), Array(whole.prefix(0x90))] {
        try write(bytes, to: path)
        for command in Command.allCases {
          let outcome = emurun(command.rawValue, path)
          #expect(outcome.code == 65)
          #expect(Self.problem(with: outcome, path) == nil)
        }
      }
    }
  }

  /// Stripped of sections, symbols and DWARF: nothing that is proved needs any of them.
  @Test(arguments: ["zero-trap-m4", "zero-trap-rv64"]) func stripped(_ name: String) throws {
    try withFolder { folder in
      let path = folder + "/a"
      try write(MutantELF.stripped(Images.bytes(name + ".elf")), to: path)
      for image in [path, Images.path(name + ".bin")] {
        #expect(emurun("inspect", image).code == 0)
        let frames = emurun("frames", image)
        #expect(frames.code == 0)
        #expect(frames.output.contains("prologue"))
        let outcome = emurun("audit", image, "--for", "1ms")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("proved"))
      }
    }
  }

  /// The same source with either version of DWARF: the same frames, and lines for what is found.
  @Test(arguments: [Image.Machine.arm, .riscv64]) func versionsOfDWARF(_ core: Image.Machine) throws
  {
    let frames = try [4, 5].map { version in
      try MutantELF.compiled(for: core, dwarf: version) { path in
        let audit = emurun("audit", path, "--for", "1ms")
        #expect(audit.code == 1)
        #expect(audit.output.contains("a.c:4"), "\(audit.output)")
        return emurun("frames", path).output
      }
    }
    #expect(frames[0].contains("cfi"))
    #expect(frames[0] == frames[1])
  }

  /// Two functions that share their code, and one that lies within another.
  @Test func overlappingFunctions() throws {
    try withGuest(
      .riscv64,
      """
      _start: la sp, 0x80010000
        call one
        call two
        call three
        j .
      .type one, @function
      .type two, @function
      .type three, @function
      one: addi sp, sp, -16
      two: addi sp, sp, -16
      three: addi sp, sp, -16
        addi sp, sp, 16
        ret
      .size one, . - one
      .size two, . - two
      .size three, . - three
      """
    ) { image in
      let table = FrameTable(CodeMap(try #require(Program(image))))
      #expect(table.frames.filter { ["one", "two", "three"].contains($0.name) }.count == 3)
    }
  }

  /// Words that no mark calls data, among code and reached by it.
  @Test func dataInText() throws {
    var random = SmallRandom(seed: 3)
    let words = (0..<2_000).map { _ in "0x" + String(random.next(below: 1 << 31), radix: 16) }
    for (core, start) in [(Image.Machine.arm, "reset:"), (.riscv64, "_start:")] {
      // As .inst they are marked as code.
      let text = start + words.map { "\n .short \($0) & 0xffff" }.joined() + "\n"
      try withGuest(core, text) { image in
        for command in Command.allCases {
          let arguments = command == .audit ? ["--for", "1us"] : []
          let outcome = emurun([command.rawValue, image.path] + arguments)
          #expect(outcome.code == (command == .audit ? 1 : 0), "\(outcome.errors)")
        }
      }
    }
  }

  /// The reset vector leads into the vector table, which a core runs as well as anything else, and on into code from there.
  @Test func vectorsThatRun() throws {
    try withFolder { folder in
      let path = folder + "/a"
      var image = try MutantELF.compiled(for: .arm, dwarf: 5) { try Images.bytes(at: $0) }
      let table = try #require(image.firstRange(of: [0x00, 0x10, 0x00, 0x20])?.lowerBound)
      image[table + 4] = 1
      try write(image, to: path)
      let outcome = emurun("audit", path, "--for", "20us")
      #expect(outcome.code == 1)
      #expect(outcome.output.contains("ran, reached by what the code map does not follow"))
    }
  }

  /// IT with the condition that there is none of (A7.7.38, UNPREDICTABLE), which the core here executes.
  @Test func behindWhatIsUnpredictable() throws {
    try withGuest(.arm, "reset:\n .short 0xbff8\n nop\n b .\n") { image in
      let outcome = emurun("audit", image.path, "--for", "20us")
      #expect(outcome.code == 1)
      #expect(outcome.output.contains("undecodable-instruction at reset"))
      #expect(outcome.output.contains("ran, reached by what the code map does not follow"))
    }
  }

  /// Most of it looks like code. At its full size 100 MB.
  @Test func large() throws {
    let size = Self.soak == nil ? 4 << 20 : 100 << 20
    try withFolder { folder in
      let path = folder + "/a.bin"
      var random = SmallRandom(seed: 5)
      let noise = (0..<(1 << 16)).map { _ in UInt8(random.next(below: 256)) }
      var bytes = try Images.bytes("zero-trap-rv64.bin")
      while bytes.count < size { bytes += noise }
      try write(bytes, to: path)
      for command in Command.allCases {
        let usage = try emurunProcess(
          [command.rawValue, path] + (command == .audit ? ["--for", "1ms"] : []))
        #expect(usage.code == 0 || usage.code == 1)
        #expect(usage.mostKiB < 1 << 20, "\(command.rawValue)")
      }
    }
  }
}
