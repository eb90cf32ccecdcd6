import Foundation

/// The readers in this folder, which know of a format only what is documented.
public enum Python {
  public struct Failure: Error {
    public let what: String
  }

  private static let top = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    .dropLast(3).joined(separator: "/")

  /// A file for them.
  public static func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let folder = NSTemporaryDirectory() + "emurun-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = folder + "/\(UInt64.random(in: 0 ... .max))-" + name
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// What it prints; nil: what it needs is not here, which it says by status 69. Required where `CI` is set.
  public static func run(_ script: String, _ arguments: String...) throws -> String? {
    try run(script, arguments)
  }

  public static func run(_ script: String, _ arguments: [String]) throws -> String? {
    let process = Process()
    let installed = top + "/.build/python/bin/python3"
    let isInstalled = FileManager.default.isExecutableFile(atPath: installed)
    process.executableURL = URL(fileURLWithPath: isInstalled ? installed : "/usr/bin/python3")
    process.arguments = [top + "/Tests/Python/" + script] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    if process.terminationStatus == 69 {
      let what = "\(script): what it needs is not here; scripts/setup test installs it"
      if ProcessInfo.processInfo.environment["CI"] != nil { throw Failure(what: what) }
      print("skipped: " + what)
      return nil
    }
    if process.terminationStatus != 0 {
      throw Failure(what: "\(script): status \(process.terminationStatus)")
    }
    return String(decoding: text, as: UTF8.self)
  }
}
