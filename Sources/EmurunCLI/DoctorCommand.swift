import ArgumentParser
import Emu
import Glibc

/// `emurun doctor`: is this library, on this host, one that runs can be trusted to?
struct DoctorCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Check libunicorn and this host.")

  func run(on host: Host) throws(Refusal) -> Int32 {
    let library = EngineLibrary.current
    var lines = [
      "libunicorn   \(library.version)",
      "  file       \(library.path)",
      "  build ID   \(library.buildID.isEmpty ? "none" : library.buildID)"
        + (library.isTested ? " (tested)" : " (unknown to this version of emurun)"),
    ]
    let failure = library.failure ?? library.selfTest()
    lines.append("self-test    \(failure.map { "FAILED: \($0)" } ?? "passed")")
    lines.append("host         \(Self.hostWords)")
    try host.output.write((lines.joined(separator: "\n") + "\n").utf8)
    if let failure {
      throw library.refusal(failure)
    }
    return ExitCode.success
  }

  private static var hostWords: String {
    var name = utsname()
    guard uname(&name) == 0 else { return "unknown" }
    return [text(&name.machine), text(&name.sysname), text(&name.release)].joined(separator: " ")
  }

  /// A C array of characters, which Swift sees as a tuple.
  private static func text<T>(_ field: inout T) -> String {
    withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

extension EngineLibrary {
  /// The sentence for a library or a host that will not do.
  func refusal(_ check: String) -> Refusal {
    Refusal(
      ExitCode.unavailable,
      "libunicorn \(version) (\(path)) on this host fails a check: \(check); "
        + "install Debian 12's libunicorn 2.0.1 on x86-64, and see emurun doctor")
  }
}
