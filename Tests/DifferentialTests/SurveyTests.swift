import Foundation
import Testing

/// Every encoding of Thumb-2 and FPv4-SP, here and on QEMU's Cortex-M4: docs/survey.md. `make test` runs one case in a hundred,
/// the same ones each time; `EMURUN_SOAK` all of them, and writes what came of it to the file `EMURUN_SURVEY`.
@Suite(.enabled(if: QEMU.isHere || QEMU.isRequired, "qemu-system-arm is not here"))
struct SurveyTests {
  private static let isSoak = ProcessInfo.processInfo.environment["EMURUN_SOAK"] != nil
  /// A pass takes every so manieth case of each space; an odd number, so that each of the bits that are counted through takes
  /// both values. Campaigns go pass by pass: what one has done when it is cut short is a sample of everything.
  private static let step = 101
  private static let passes = isSoak ? step : 1
  /// Cases in one run of the guest.
  private static let atOnce = 40_000

  @Test func agreesWithQEMU() throws {
    let survey = try Survey("all")
    defer { survey.remove() }
    var report = SurveyReport()
    var (batch, spaces): ([SurveyCase], [Int]) = ([], [])
    func flush() throws {
      try compare(batch, spaces, survey, &report)
      batch.removeAll(keepingCapacity: true)
      spaces.removeAll(keepingCapacity: true)
      if let path = ProcessInfo.processInfo.environment["EMURUN_SURVEY"] {
        try report.markdown.write(toFile: path, atomically: true, encoding: .utf8)
      }
    }
    for pass in 0..<Self.passes {
      for (number, space) in Space.all.enumerated() {
        let maker = CaseMaker(space, number: number)
        for index in stride(from: (number + pass) % Self.step, to: space.count, by: Self.step) {
          let one = maker[index]
          if !one.isRunnable { continue }
          batch.append(one)
          spaces.append(number)
          if batch.count == Self.atOnce { try flush() }
        }
      }
    }
    try flush()
    #expect(report.cases > (Self.isSoak ? 3_000_000 : 30_000))
    #expect(report.unexplained.isEmpty, "\(report.unexplained.joined(separator: "\n"))")
  }

  private func compare(
    _ cases: [SurveyCase], _ spaces: [Int], _ survey: Survey, _ report: inout SurveyReport
  ) throws {
    let (ours, theirs) = try survey.hashes(of: cases)
    for space in spaces { report.count(space) }
    let differ = cases.indices.filter { ours[$0] != theirs[$0] }
    let records = try survey.records(of: differ.map { cases[$0] })
    var memoryDiffers = false
    var again: (ours: [UInt32], theirs: [UInt32])?
    for (index, both) in zip(differ, records) {
      let agrees = both.ours.differences(from: both.theirs).isEmpty
      if agrees && again == nil { again = try survey.hashes(of: cases) }
      report.add(
        cases[index], both.ours, both.theirs, space: spaces[index], memoryDiffers: memoryDiffers,
        varies: agrees && again?.ours == ours && again?.theirs[index] != theirs[index])
      memoryDiffers = memoryDiffers || !agrees
    }
  }

  /// ADDS r0, r1, r2 by hand: the sandbox runs the instruction that it is told to, and both emulators are asked.
  @Test func sandboxRunsTheInstruction() throws {
    let cases = (0..<50).map {
      SurveyCase(encoding: 0x1888_0000, seed: $0 &* 0x9E37_79B1, control: 0)
    }
    let survey = try Survey("one")
    defer { survey.remove() }
    for (ours, theirs) in try survey.records(of: cases) {
      #expect(ours.words == theirs.words)
      let (sum, carry) = ours.start("r1").addingReportingOverflow(ours.start("r2"))
      #expect(ours["r0"] == sum)
      #expect(ours["stacked xpsr"] >> 29 & 1 == (carry ? 1 : 0))
      #expect(ours["stacked xpsr"] >> 30 & 1 == (sum == 0 ? 1 : 0))
      #expect(ours["stacked xpsr"] >> 31 == sum >> 31)
      #expect(ours["stacked pc"] == ours.start("pc") + 2)
      #expect(ours["cfsr"] == 1 << 16)
    }
  }
}

/// What the survey found, by space and by excuse.
struct SurveyReport {
  private(set) var cases = 0
  private(set) var unexplained: [String] = []
  private static let leftOver =
    "agrees when run again: an excused case before it had left other memory behind"
  private static let varying =
    "QEMU's outcome is another one when all is run again (its timers are the host's), and then agrees"
  private var bySpace: [Int: (cases: Int, differ: Int)] = [:]
  private var byExcuse: [String: Int] = [:]

  mutating func count(_ space: Int) {
    cases += 1
    bySpace[space, default: (0, 0)].cases += 1
  }

  mutating func add(
    _ one: SurveyCase, _ ours: SurveyRecord, _ theirs: SurveyRecord, space: Int,
    memoryDiffers: Bool, varies: Bool
  ) {
    bySpace[space, default: (0, 0)].differ += 1
    if let excuse = Excuse.of(one, ours, theirs) {
      byExcuse[excuse.text, default: 0] += 1
      return
    }
    let names = ours.differences(from: theirs)
    if names.isEmpty && (varies || memoryDiffers) {
      byExcuse[varies ? Self.varying : Self.leftOver, default: 0] += 1
      return
    }
    byExcuse["unexplained", default: 0] += 1
    if unexplained.count == 100 { return }
    let words = names.map {
      "\($0) \(String(ours[$0], radix: 16)), QEMU \(String(theirs[$0], radix: 16))"
    }
    unexplained.append(
      "\(one.description) (\(Space.all[space].name)): "
        + words.joined(separator: "; ")
        + " | from \(ours.registers), exception \(ours["exception"]), psp \(String(ours["psp"], radix: 16))"
    )
  }

  var markdown: String {
    var lines = [
      "# Instruction survey: result", "",
      "Written by `make soak`; [survey.md](survey.md) says what it means. "
        + "\(cases) of \(Space.all.reduce(0) { $0 + $1.count }) cases run; "
        + "what cannot be run counts as not run.", "",
      "| encodings | section | of | run | differences |", "|---|---|---|---|---|",
    ]
    for (number, space) in Space.all.enumerated() {
      let (cases, differ) = bySpace[number] ?? (0, 0)
      lines.append(
        "| \(space.name) | \(space.section) | \(space.count) | \(cases) | \(differ) |")
    }
    lines.append("")
    lines += ["| excuse | kind | differences |", "|---|---|---|"]
    for excuse in Excuse.all {
      lines.append("| \(excuse.text) | \(excuse.kind.rawValue) | \(byExcuse[excuse.text] ?? 0) |")
    }
    lines.append("| \(Self.leftOver) | order | \(byExcuse[Self.leftOver] ?? 0) |")
    lines.append("| \(Self.varying) | QEMU | \(byExcuse[Self.varying] ?? 0) |")
    lines.append("| none | | \(byExcuse["unexplained"] ?? 0) |")
    if !unexplained.isEmpty { lines += ["", "```"] + unexplained + ["```"] }
    return lines.joined(separator: "\n") + "\n"
  }
}
