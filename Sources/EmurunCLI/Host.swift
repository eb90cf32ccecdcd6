import Devices
import Glibc
import Synchronization

/// Everything outside of the emulator that a command touches. Tests bring their own.
public struct Host {
  /// The console's bytes, or a report.
  public var output: Output
  /// The emulator's own words.
  public var errors: Output
  /// Where `--input -` and `--interactive` read.
  public var input: Int32
  public var environment: (String) -> String?
  /// The words of the command line, without the program's name.
  public var arguments: [String] = []
  /// The host's clock, for what a run took; nothing in a run depends on it.
  public var seconds: () -> Double
  /// From here on, Ctrl-C and the like are ways for a run to end and not for the process.
  public var catchSignals: () -> Void = {}
  /// What boards in files may name.
  public var deviceTypes = DeviceTypes.builtIn
  /// Has somebody pressed Ctrl-C, or asked the process to end?
  public var isInterrupted: () -> Bool

  public init(
    output: Output, errors: Output, input: Int32 = -1,
    environment: @escaping (String) -> String? = { _ in nil },
    seconds: @escaping () -> Double = { 0 }, isInterrupted: @escaping () -> Bool = { false }
  ) {
    self.output = output
    self.errors = errors
    self.input = input
    self.environment = environment
    self.seconds = seconds
    self.isInterrupted = isInterrupted
  }

  /// This process. A broken pipe is an error of writing and does not end it.
  public static func process() -> Host {
    signal(SIGPIPE, SIG_IGN)
    var host = Host(
      output: Output(descriptor: STDOUT_FILENO, name: "standard output"),
      errors: Output(descriptor: STDERR_FILENO, name: "standard error"),
      input: STDIN_FILENO,
      environment: { name in getenv(name).map { String(cString: $0) } },
      seconds: {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
      },
      isInterrupted: { interruption.load(ordering: .relaxed) != 0 })
    host.catchSignals = {
      _ = interruption.load(ordering: .relaxed)
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { interruption.store($0, ordering: .relaxed) }
      // A second one ends a process that does not come to its end.
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
      for signal in [SIGINT, SIGTERM, SIGHUP] {
        var inherited = sigaction()
        sigaction(signal, nil, &inherited)
        // nohup, and shells for what they start in the background, want these ignored.
        let isIgnored =
          unsafeBitCast(inherited.__sigaction_handler.sa_handler, to: Int.self)
          == unsafeBitCast(SIG_IGN, to: Int.self)
        if !isIgnored { sigaction(signal, &action, nil) }
      }
    }
    return host
  }

  /// Ends the process. Whoever killed it is told so by the system, as with any other program.
  public static func exit(_ code: Int32) -> Never {
    let asked = interruption.load(ordering: .relaxed)
    if code == ExitCode.interrupted && asked != 0 && asked != SIGINT {
      signal(asked, SIG_DFL)
      raise(asked)
    }
    Glibc.exit(code)
  }

  /// The process's; "" if it is gone.
  static var folder: String {
    guard let path = getcwd(nil, 0) else { return "" }
    defer { free(path) }
    return String(cString: path)
  }

  /// So many seconds, or until a signal comes.
  func wait(_ seconds: Double) { if seconds > 0 { poll(nil, 0, Int32(min(seconds, 1) * 1000)) } }

  /// UTF-8, by the same three variables that C's locales go by.
  var isUnicode: Bool {
    for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
      guard let value = environment(name), !value.isEmpty else { continue }
      let upper = value.uppercased()
      return upper.contains("UTF-8") || upper.contains("UTF8")
    }
    return false
  }

  /// https://no-color.org
  var hasColour: Bool {
    errors.isTerminal && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb"
  }
}

/// The signal that asked for the end; 0: none.
private let interruption = Atomic<Int32>(0)
