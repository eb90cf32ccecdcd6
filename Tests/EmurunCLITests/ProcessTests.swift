import Glibc
import Testing

@testable import EmurunCLI

/// What only a process of its own can show: pipes, signals, exit codes.
@Suite struct ProcessTests {
  /// Built beside the tests.
  private static let program: String = {
    var path = [CChar](repeating: 0, count: 4096)
    readlink("/proc/self/exe", &path, path.count - 1)
    let parts = String(decoding: path.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
      .split(separator: "/", omittingEmptySubsequences: false)
    return (parts.dropLast() + ["emurun"]).joined(separator: "/")
  }()

  /// Both streams into one pipe, as `2>&1` has it; `body` gets the process and the pipe's end to read from.
  private func run(
    _ arguments: [String], by program: String = Self.program,
    _ body: (pid_t, Int32) throws -> Void
  ) throws -> Int32 {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    // Not for the children of other tests.
    for end in ends { #expect(fcntl(end, F_SETFD, FD_CLOEXEC) == 0) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
    // Tests run on threads that take no signals, perhaps under nohup, and a child would take after them.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child = pid_t()
    let error = posix_spawn(&child, program, &actions, &attributes, words, environ)
    try #require(error == 0, "\(program)")
    close(ends[1])
    let result = Result { try body(child, ends[0]) }
    // Whoever reads no more has left.
    close(ends[0])
    try result.get()
    var status: Int32 = 0
    waitpid(child, &status, 0)
    return status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
  }

  private func text(of descriptor: Int32) throws -> String {
    String(
      decoding: try InputFile.read("-", standardInput: descriptor), as: UTF8.self)
  }

  @Test func wordsAndConsoleInOnePlaceKeepTheirLines() throws {
    var text = ""
    let code = try run([image("hello-rv64.elf"), "--expect-text", "from Swift"]) { _, pipe in
      text = try self.text(of: pipe)
    }
    #expect(code == 0)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[0].hasPrefix("emurun: rv64-virt"))
    #expect(lines[1] == "hello from Swift")
    #expect(lines[2].hasPrefix("\"from Swift\" came after "))
  }

  @Test func aReaderThatLeavesIsAnOutputThatCannotBeWritten() throws {
    let code = try run([image("led-heartbeat.elf"), "--for", "inf", "--trace", "irq"]) { _, pipe in
      var byte: UInt8 = 0
      #expect(Glibc.read(pipe, &byte, 1) == 1)
    }
    #expect(code == 74)
  }

  /// No file may be longer than 8 KiB here, as on a disk that is full then. The trace has all lines that are whole, the UART all
  /// bytes, and a picture, which comes last, is not there.
  @Test func aDiskThatIsFullKeepsWhatIsWhole() throws {
    try withFolder { folder in
      let (trace, uart, page) = (folder + "/trace", folder + "/uart", folder + "/page")
      var text = ""
      let limited = "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""
      let code = try run(
        [
          "-c", limited, Self.program, image("led-heartbeat.elf"), "--trace-file", trace, "--uart",
          "0=" + uart, "--html", page,
        ], by: "/bin/sh"
      ) { _, pipe in text = try self.text(of: pipe) }
      #expect(code == 74)
      #expect(text.hasSuffix("emurun: \(trace): cannot be written: File too large\n"))
      #expect(names(in: folder) == ["trace", "uart"])
      let lines = try read(trace)
      #expect(lines.utf8.count > 7000 && lines.utf8.count <= 8192 && lines.hasSuffix("}\n"))
      #expect(lines.split(separator: "\n").allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
      let sent = try read(uart)
      #expect(sent == "led-heartbeat: PF1 beats at 1 Hz\n")
    }
  }

  /// A shell says 130 of the first; who kills a process is told so.
  @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, -SIGTERM), (SIGHUP, -SIGHUP)])
  func aSignalEndsWithASummary(_ signal: Int32, _ code: Int32) throws {
    try withFolder { folder in
      var text = ""
      let status = try run([
        image("led-heartbeat.elf"), "--for", "inf", "--trace-file", folder + "/trace",
      ]) { child, pipe in
        var first = [UInt8](repeating: 0, count: 4096)
        // Something came, so the run is on.
        while !first.contains(10) { _ = Glibc.read(pipe, &first, first.count) }
        kill(child, signal)
        text = try self.text(of: pipe)
      }
      #expect(status == code)
      #expect(text.contains("interrupted after "))
      #expect(names(in: folder) == ["trace"])
    }
  }
}
