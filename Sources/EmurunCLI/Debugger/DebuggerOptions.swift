import ArgumentParser

struct DebuggerOptionsGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Serve GDB or lldb there; stdio: on standard input and output. This machine alone unless a host is named. "
        + "The run then has no end but its own.", valueName: "[host:]port"),
    transform: DebuggerAddress.parse)
  var gdb: DebuggerAddress?

  @Flag(name: .customShort("s"), help: "The same as --gdb 1234.")
  var usualPort = false

  @Flag(name: .customShort("S"), help: "Wait for the debugger before the first instruction.")
  var waits = false

  @Option(
    help: ArgumentHelp(
      "Memory for the way back, reverse-stepi and the like; 0: none. (default: 256M)",
      valueName: "size"),
    transform: HistorySize.parse)
  var history: HistorySize?

  /// For the past.
  var historyBytes: Int { history?.bytes ?? 256 << 20 }

  var address: DebuggerAddress? { gdb ?? (usualPort ? .socket(host: nil, port: 1234) : nil) }
}

/// "256M", and "0".
struct HistorySize: OptionValue, Hashable {
  static let form = MemorySize.form + ", or 0"
  let bytes: Int

  init?(argument: String) {
    if argument == "0" {
      bytes = 0
      return
    }
    guard let size = MemorySize(argument: argument) else { return nil }
    bytes = Int(clamping: size.bytes)
  }
}

/// Where a debugger comes from.
enum DebuggerAddress: Hashable {
  /// nil: this machine alone.
  case socket(host: String?, port: Int)
  case stdio

  /// "1234", ":1234", "localhost:1234", "[::1]:1234", "stdio", and "tcp::1234" as QEMU users type it.
  static func parse(_ text: String) throws -> DebuggerAddress {
    if text == "stdio" || text == "-" { return .stdio }
    let words = text.hasPrefix("tcp:") ? text.dropFirst(4) : text[...]
    let (host, number) =
      words.lastIndex(of: ":").map { (words[..<$0], words[words.index(after: $0)...]) }
      ?? ("", words)
    guard let port = Int(number), 0...65535 ~= port else {
      throw ValidationError("\"\(text)\" is no port: 1234, localhost:1234 and stdio are")
    }
    let name = host.hasPrefix("[") && host.hasSuffix("]") ? host.dropFirst().dropLast() : host
    return .socket(host: name.isEmpty ? nil : String(name), port: port)
  }
}
