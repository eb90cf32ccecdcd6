import Foundation
import PackagePlugin

/// `swift package audit [OPTIONS]`: builds the firmware of the package and asks the command `emurun audit` about each image, which holds
/// it against the file `policy` beside its program; without one the image has to be proved never to trap. What is written behind
/// `audit` goes to the command.
@main struct Audit: CommandPlugin {
  func performCommand(context: PluginContext, arguments: [String]) throws {
    let firmware = try Firmware(of: context.package)
    guard let emurun = try? context.tool(named: "emurun").url else {
      return Diagnostics.error(
        "emurun is not in PATH; 'make install' in its checkout puts it there")
    }
    let tool = try context.tool(named: "firmware-images").url
    let swiftc = try context.tool(named: "swiftc").url
    let output = context.pluginWorkDirectoryURL
    var findings = Findings(arguments, folder: output)
    for program in firmware.programs {
      let images = try firmware.images(of: program)
      let build = firmware.arguments(for: images, of: program, swiftc: swiftc, output: output)
      guard try run(tool, build) == 0 else {
        Diagnostics.error("\(program.lastPathComponent) does not build")
        continue
      }
      let policy = program.appending(path: "policy").path
      let options = FileManager.default.fileExists(atPath: policy) ? ["--policy", policy] : []
      for image in images {
        let path = output.appending(path: "\(image).elf").path
        let code = try run(emurun, ["audit", path] + options + findings.arguments)
        switch code {
        case 0: break
        case 1 where options.isEmpty: Diagnostics.error("\(image): it is not shown never to trap")
        case 1: Diagnostics.error("\(image): it breaks \(policy)")
        default: Diagnostics.error("\(image): emurun audit ended with \(code)")
        }
        try findings.add(image)
      }
    }
    try findings.write()
  }

  private func run(_ tool: URL, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = tool
    process.arguments = arguments
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}

/// The file of `--sarif` gets the findings of all images, as a run of its own each; the command writes those of one.
private struct Findings {
  private(set) var arguments: [String]
  private let log: URL
  private var file: URL?
  private var runs: [[String: Any]] = []
  private var whole: [String: Any] = [:]

  init(_ words: [String], folder: URL) {
    log = folder.appending(path: "audit.sarif")
    try? FileManager.default.removeItem(at: log)
    arguments = words
    if let place = words.firstIndex(of: "--sarif"), place + 1 < words.count {
      file = URL(filePath: words[place + 1])
      arguments[place + 1] = log.path
    } else if let place = words.firstIndex(where: { $0.hasPrefix("--sarif=") }) {
      file = URL(filePath: String(words[place].dropFirst("--sarif=".count)))
      arguments[place] = "--sarif=\(log.path)"
    }
  }

  mutating func add(_ image: String) throws {
    guard file != nil, let bytes = try? Data(contentsOf: log),
      let found = try JSONSerialization.jsonObject(with: bytes) as? [String: Any]
    else { return }
    try FileManager.default.removeItem(at: log)
    whole = found
    runs += (found["runs"] as? [[String: Any]] ?? []).map { run in
      // Forges tell runs of one tool by this.
      run.merging(["automationDetails": ["id": "\(image)/"]], uniquingKeysWith: { $1 })
    }
  }

  func write() throws {
    guard let file, !whole.isEmpty else { return }
    let all = whole.merging(["runs": runs], uniquingKeysWith: { $1 })
    try JSONSerialization.data(
      withJSONObject: all, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    ).write(to: file)
  }
}
