import Emu
import Glibc
import Timeline

/// `--report DIR`: what the run was, for people and for machines, and all that it takes to do it again (`emurun repeat DIR`).
struct ReportFolder {
  static let input = "input.bin"
  private static let names = ["report.json", "uart.log", "led.vcd", "timeline.html", "junit.xml"]

  private let path: String
  private let command: Emurun
  private let plan: RunPlan
  private let host: Host
  private var files: [String: OutputFile] = [:]

  /// Opens what it is going to write, before the run begins.
  init(
    _ path: String, _ command: Emurun, _ plan: RunPlan, _ outputs: RunOutputs, _ host: Host
  ) throws(Refusal) {
    self.path = path
    self.command = command
    self.plan = plan
    self.host = host
    try Self.make(path)
    for name in Self.names { files[name] = try outputs.open(path + "/" + name, command) }
  }

  /// A folder that may be there already, like those that it is in.
  static func make(_ path: String) throws(Refusal) {
    var status = stat()
    for end in path.indices.dropFirst() where path[end] == "/" {
      mkdir(String(path[..<end]), 0o777)
    }
    if mkdir(path, 0o777) != 0, stat(path, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR {
      throw Refusal(
        ExitCode.cannotCreate,
        "\(path): no folder can be made there: \(describe(errno)); name another")
    }
  }

  func write(
    _ run: FinishedRun, _ outputs: RunOutputs, hostSeconds: Double
  ) throws(Refusal) {
    let report = outputs.report(run.machine).json(hostSeconds: hostSeconds) {
      $0.object("run") { add(run.code, &$0) }
    }
    let image = plan.image.path.split(separator: "/").last.map(String.init) ?? plan.image.path
    let junit = JUnit(name: "emurun", cases: [run.test(named: image)])
    var all = RunEvidence(run.machine, outputs.drawn, report).files
    all.append(("junit.xml", Array(junit.xml().utf8)))
    // Nobody has them any more.
    if command.streams.input == "-" { all.append((Self.input, plan.options.input)) }
    for (name, bytes) in all {
      let file: OutputFile
      if let known = files[name] { file = known } else { file = try OutputFile(path + "/" + name) }
      try file.write(bytes)
      try file.commit()
    }
  }

  /// What it takes to repeat the run, and what it was made by.
  private func add(_ code: Int32, _ json: inout JSONWriter) {
    json.add("exitCode", Int(code))
    json.array("arguments") { for word in host.arguments { $0.add(nil, word) } }
    json.add("folder", Self.workingFolder)
    json.array("inputs") {
      for path in command.inputs where path != "-" {
        $0.object {
          $0.add("path", path)
          $0.add("sha256", InputFile.sha256(path))
        }
      }
    }
    json.object("emurun") {
      $0.add("version", Emurun.configuration.version)
      $0.add("sha256", InputFile.sha256("/proc/self/exe"))
      $0.add("compiler", Self.compiler)
    }
    json.object("engine") {
      let library = EngineLibrary.current
      $0.add("library", "libunicorn \(library.version)")
      $0.add("buildID", library.buildID)
    }
    json.array("toolchain") { for line in plan.image.comments { $0.add(nil, line) } }
    json.object("options") {
      $0.add("harts", plan.board.harts)
      $0.add("quantum", plan.options.quantum)
      $0.add("timing", plan.options.timing.rawValue)
      $0.add("semihosting", plan.options.semihosting != nil)
      $0.add("commandLine", plan.options.commandLine)
    }
    json.add("isInteractive", plan.isInteractive)
  }

  static var workingFolder: String {
    guard let path = getcwd(nil, 0) else { return "" }
    defer { free(path) }
    return String(cString: path)
  }

  private static let compiler: String = {
    #if compiler(>=6.4)
      "Swift 6.4 or later"
    #elseif compiler(>=6.3)
      "Swift 6.3"
    #else
      "Swift before 6.3"
    #endif
  }()
}
