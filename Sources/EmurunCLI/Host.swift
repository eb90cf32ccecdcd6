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
  /// The host's clock, for what a run took; nothing in a run depends on it.
  public var seconds: () -> Double
  /// Has somebody pressed Ctrl-C?
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

  /// This process. Takes over Ctrl-C and broken pipes, which are ways for a run to end and not for the process.
  public static func process() -> Host {
    signal(SIGPIPE, SIG_IGN)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in
      interrupted.store(true, ordering: .relaxed)
    }
    // A second Ctrl-C ends a process that does not come to its end.
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
    _ = interrupted.load(ordering: .relaxed)
    sigaction(SIGINT, &action, nil)
    return Host(
      output: Output(descriptor: STDOUT_FILENO, name: "standard output"),
      errors: Output(descriptor: STDERR_FILENO, name: "standard error"),
      input: STDIN_FILENO,
      environment: { name in getenv(name).map { String(cString: $0) } },
      seconds: {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
      },
      isInterrupted: { interrupted.load(ordering: .relaxed) })
  }

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

private let interrupted = Atomic<Bool>(false)
