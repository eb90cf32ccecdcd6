import ArgumentParser
import BoardFiles
import Emu
import Glibc
import MachineCode

/// `emurun test DIR`: each script in a folder is a test.
struct TestCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Run the scripts in a folder as tests; 1 if one fails.",
    discussion: """
      A test is a script (*.yaml, *.yml; in folders below too) whose 'run' says which image it is \
      for; a board in a file is none. What these options say counts for all of them. Results come \
      in the order of the names, the same however many run at a time.
      """)

  @Argument(help: "The folder, or one script.")
  var path: String

  @Option(help: "The image of every test, whatever its script says.")
  var image: String?

  @Option(
    help: ArgumentHelp(
      "The board of every test, or a file that describes one.", valueName: "name|file.yaml"))
  var board: String?

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("Virtual time that each may take: 10s, 500ms.", valueName: "duration"))
  var duration: String?

  @Flag(help: "A finding fails its test.")
  var strict = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("How many run at a time. (default: one a processor)", valueName: "n"),
    transform: JobCount.parse)
  var jobs: JobCount?

  @Option(
    help: ArgumentHelp("Of n equal parts of the tests the i-th, from 1.", valueName: "i/n"),
    transform: Shard.parse)
  var shard: Shard?

  @Option(
    help: ArgumentHelp(
      "A folder for junit.xml, and below it a folder a test with what --report leaves of a run.",
      valueName: "folder"))
  var report: String?

  @Option(
    help: ArgumentHelp(
      "Which lines, functions and branches of their images' sources how many tests have executed.",
      valueName: "file"))
  var coverage: String?

  func run(on host: Host) throws(Refusal) -> Int32 {
    var tests = try TestScript.find(path)
    if let shard {
      tests = tests.enumerated().filter { shard.contains($0.offset) }.map(\.element)
    }
    // What cannot be run is told before anything runs.
    let images = try tests.map { test throws(Refusal) in try plan(test, host).run.image }
    if coverage != nil, !tests.isEmpty, !images.contains(where: CoverageOutput.isPossible) {
      throw Refusal(
        ExitCode.badData,
        "\(path): no image of these tests has a line table, without which --coverage says nothing; build ELF files with -g"
      )
    }
    let covered = try coverage.map { path throws(Refusal) in try OutputFile(path) }
    let file = try report.map { folder throws(Refusal) in
      for test in tests { try Self.makeFolders(of: folder + "/" + test.name) }
      try ReportFolder.make(folder)
      return try OutputFile(folder + "/junit.xml")
    }
    host.catchSignals()
    let outcomes = try outcomes(of: tests, host)
    if let file {
      try file.write(JUnit(name: path, cases: outcomes.map(\.test)).xml().utf8)
      try file.commit()
    }
    if let covered {
      var sum = LCOV()
      for outcome in outcomes { if let coverage = outcome.coverage { sum.add(coverage) } }
      try covered.write(sum.text.utf8)
      try covered.commit()
    }
    let failed = outcomes.count { $0.code != ExitCode.success }
    try host.output.write(
      ("\(tests.count) \(tests.count == 1 ? "test" : "tests"): \(tests.count - failed) passed, "
        + "\(failed) failed\n").utf8)
    if outcomes.contains(where: { $0.code == ExitCode.software }) { return ExitCode.software }
    return failed == 0 ? ExitCode.success : ExitCode.failure
  }

  /// Runs them, and tells how each went as soon as those before it are over.
  private func outcomes(
    of tests: [TestScript], _ host: Host
  ) throws(Refusal) -> [TestOutcome] {
    // What a host has that its threads share is read only.
    let command = self
    nonisolated(unsafe) let shared = host
    let count = jobs?.count ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let work = try OrderedWork(count: tests.count, threads: count) { number in
      do throws(Refusal) {
        return Result<TestOutcome, Refusal>.success(try command.outcome(of: tests[number], shared))
      } catch { return .failure(error) }
    }
    defer { work.finish() }
    var outcomes: [TestOutcome] = []
    for (number, test) in tests.enumerated() {
      let outcome = try work.take(number).get()
      if outcome.code == ExitCode.interrupted {
        throw Refusal(
          ExitCode.interrupted,
          "interrupted: \(tests.count - number) of \(tests.count) tests are not done")
      }
      try host.output.write(outcome.words(test, folder: report).utf8)
      outcomes.append(outcome)
    }
    return outcomes
  }

  private func outcome(of test: TestScript, _ host: Host) throws(Refusal) -> TestOutcome {
    var plan = try plan(test, host)
    plan.run.options.keepsExecutedCode = coverage != nil
    let errors = Output()
    var own = host
    own.output = Output()
    own.errors = errors
    own.arguments = words(test)
    for warning in plan.run.warnings { errors.say("emurun: warning: \(warning)") }
    let run = try plan.command.perform(plan.run, on: own)
    var outcome = TestOutcome(run, named: test.name, errors: errors.text)
    if coverage != nil { outcome.coverage = LCOV(plan.run.image, run.machine.executedCode) }
    return outcome
  }

  /// The command line of its run.
  private func words(_ test: TestScript) -> [String] {
    var words = ["--script=\(test.path)"]
    if let board { words.append("--board=\(board)") }
    if let duration { words.append("--for=\(duration)") }
    if strict { words.append("--strict") }
    if let report { words.append("--report=\(report)/\(test.name)") }
    return image.map { words + [$0] } ?? words
  }

  private func plan(
    _ test: TestScript, _ host: Host
  ) throws(Refusal) -> (command: Emurun, run: RunPlan) {
    var command: Emurun
    do { command = try Emurun.parse(words(test)) } catch {
      throw Refusal(ExitCode.usage, Emurun.message(for: error))
    }
    command = try command.scripted(words(test)).command
    if command.image == nil && command.boot.kernel == nil && command.boot.bios == nil {
      throw Refusal(
        ExitCode.badData,
        "\(test.path): says of no image; write run: {image: FILE}, or give --image")
    }
    // Of what a run says, only what is wrong.
    command.evidence.json = true
    do {
      return (command, try command.plan(standardInput: -1, types: host.deviceTypes))
    } catch {
      let isTold = error.sentence.hasPrefix(test.path)
      throw isTold ? error : Refusal(error.code, "\(test.path): \(error.sentence)")
    }
  }

  /// Those above a folder that a run makes itself.
  private static func makeFolders(of path: String) throws(Refusal) {
    for place in path.indices.dropFirst() where path[place] == "/" {
      try ReportFolder.make(String(path[..<place]))
    }
  }
}

/// How one went.
struct TestOutcome: Sendable {
  let code: Int32
  let test: JUnit.Case
  /// nil: its image has no lines, or nobody asks.
  var coverage: LCOV?
  private let figures: String
  private static let mostLines = 5

  init(_ run: FinishedRun, named name: String, errors: String) {
    code = run.code
    var test = run.test(named: name)
    test.errors = errors
    self.test = test
    figures = run.words.figures(run.machine)
  }

  func words(_ script: TestScript, folder: String?) -> String {
    guard let failure = test.failure else { return "passed  \(script.name)  \(figures)\n" }
    var text = "FAILED  \(script.name)\n" + Self.indented(failure) + Self.indented(test.errors)
    let console = String(decoding: test.output, as: UTF8.self).split(whereSeparator: \.isNewline)
    if !console.isEmpty {
      let lines = console.suffix(Self.mostLines).map { "  \(String($0).printable)" }
      text += Self.indented((["the end of its console:"] + lines).joined(separator: "\n"))
    }
    if let folder { text += "  more is in \(folder)/\(script.name)\n" }
    return text
  }

  private static func indented(_ text: String) -> String {
    text.split(separator: "\n").map { "  \($0)\n" }.joined()
  }
}

/// A script in a folder of tests.
struct TestScript: Sendable {
  /// Its path below that folder, without its ending.
  let name: String
  let path: String

  /// All of them, by name.
  static func find(_ path: String) throws(Refusal) -> [TestScript] {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw Refusal(ExitCode.noInput, "\(path): cannot be read: \(describe(errno))")
    }
    if status.st_mode & S_IFMT != S_IFDIR {
      let file = path.split(separator: "/").last.map(String.init) ?? path
      return [TestScript(name: stem(file) ?? file, path: path)]
    }
    var all: [TestScript] = []
    try collect(path, "", &all)
    all.sort { $0.name < $1.name }
    for (one, other) in zip(all, all.dropFirst()) where one.name == other.name {
      throw Refusal(
        ExitCode.badData, "\(one.path) and \(other.path) are tests of one name; rename one")
    }
    if all.isEmpty {
      throw Refusal(ExitCode.noInput, "\(path): there are no scripts (*.yaml) in it")
    }
    return all
  }

  private static func stem(_ file: String) -> String? {
    for ending in [".yaml", ".yml"] where file.hasSuffix(ending) {
      return String(file.dropLast(ending.count))
    }
    return nil
  }

  private static func collect(
    _ folder: String, _ prefix: String, _ all: inout [TestScript]
  ) throws(Refusal) {
    guard let directory = opendir(folder) else {
      throw Refusal(ExitCode.noInput, "\(folder): cannot be read: \(describe(errno))")
    }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let file = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if file.hasPrefix(".") { continue }
      let path = folder.hasSuffix("/") ? folder + file : "\(folder)/\(file)"
      var status = stat()
      // A link to a folder may lead round in a circle.
      if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
        try collect(path, prefix + file + "/", &all)
      } else if let stem = stem(file) {
        do {
          if try ScriptOptions(path: path).isBoard { continue }
        } catch { throw Refusal(error) }
        all.append(TestScript(name: prefix + stem, path: path))
      }
    }
  }
}

/// "4".
struct JobCount: OptionValue, Hashable {
  static let form = "write a number from 1 to 1024"
  let count: Int

  init?(argument: String) {
    guard let count = Int(argument), 1...1024 ~= count else { return nil }
    self.count = count
  }
}

/// "2/5": the second of five.
struct Shard: OptionValue, Hashable {
  static let form = "write I/N, such as 2/5 for the second of five parts"
  private let part, parts: Int

  init?(argument: String) {
    let numbers = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let part = numbers[0], let parts = numbers[1], 1...65_536 ~= parts,
      1...parts ~= part
    else { return nil }
    (self.part, self.parts) = (part, parts)
  }

  /// Every n-th, so that neighbours, which are often alike, are spread.
  func contains(_ number: Int) -> Bool { number % parts == part - 1 }
}
