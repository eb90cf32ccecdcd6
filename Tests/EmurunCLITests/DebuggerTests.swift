import Emu
import Glibc
import Testing

@testable import EmurunCLI

private let hasGDB = access("/usr/bin/gdb-multiarch", X_OK) == 0 || getenv("CI") != nil

/// `gdb-multiarch` at a run, by scripts that come by every packet of the stub on both cores. `scripts/setup test` installs it; without
/// it these tests are skipped, but where `CI` is set.
@Suite(.enabled(if: hasGDB)) struct DebuggerTests {
  static let program: String = {
    var path = [CChar](repeating: 0, count: 4096)
    readlink("/proc/self/exe", &path, path.count - 1)
    let parts = String(decoding: path.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
      .split(separator: "/", omittingEmptySubsequences: false)
    return (parts.dropLast() + ["emurun"]).joined(separator: "/")
  }()

  /// What GDB, and the emulator that it starts, print. `{target}` in a script connects.
  private static func gdb(_ name: String, _ options: String = "", _ script: String) throws -> String
  {
    try withFolder { folder in
      // GDB passes on what its pipe says, but not the last words.
      let words = "\(folder)/words"
      let target = "target remote | \(program) \(image(name)) --gdb stdio \(options) 2>\(words)"
      let heading = """
        set confirm off
        set pagination off
        set width 0
        set remotetimeout 60

        """
      write(
        (heading + script.replacing("{target}", with: target) + "\n").utf8, to: folder + "/script")
      return try text(
        "timeout 120 gdb-multiarch -nx -batch -x \(folder)/script \(image(name)) </dev/null 2>&1; "
          + "cat \(words)")
    }
  }

  static func text(_ command: String) throws -> String {
    guard let pipe = popen(command, "r") else { throw Refusal(errno, command) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 {
      bytes += chunk[..<count]
    }
    pclose(pipe)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Each line must come, in this order; one that ends in … only has to begin so.
  private static func expect(
    _ text: String, _ lines: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var rest = text.split(separator: "\n")[...]
    for line in lines {
      let isStart = line.hasSuffix("…")
      let place = rest.firstIndex {
        isStart ? $0.hasPrefix(line.dropLast()) : $0 == line
      }
      guard let place else {
        Issue.record("no line \"\(line)\" in:\n\(text)", sourceLocation: sourceLocation)
        return
      }
      rest = rest[(place + 1)...]
    }
  }

  /// Sources by their lines, of Swift, C and assembly: GDB reads of the debug information what an index in it does not hide.
  @Test(arguments: [
    ("led-heartbeat.elf", "sysTick", "LEDHeartbeat.swift", "reset"),
    ("timer-heartbeat-rv64.elf", "main", "TimerHeartbeat.swift", "start"),
  ])
  func sources(image: String, function: String, file: String, first: String) throws {
    let text = try Self.gdb(
      image, "",
      """
      info line \(first)
      info line \(function)
      {target}
      break \(function)
      continue
      backtrace 1
      kill
      """)
    #expect(text.contains(#/Line \d+ of "\S*Start.S" starts at address/#))
    #expect(text.contains("\(file)\" starts at address"))
    #expect(text.contains("\(file):"))
    #expect(!text.contains("warning:"))
  }

  @Test func cortexM() throws {
    let text = try Self.gdb(
      "led-heartbeat.elf", "",
      """
      {target}
      info registers
      printf "msp %x, d0 %g, fpscr %x, control %x\\n", $msp, $d0, $fpscr, $control
      info mem
      info threads
      break sysTick
      commands 1
      silent
      printf "handler %d\\n", $xpsr & 0x1ff
      end
      continue
      backtrace 2
      delete 1
      stepi
      nexti
      set var $r3 = 0x1234
      printf "r3 %x\\n", $r3
      set {int}0x2000f000 = 0x55aa1234
      x/1xw 0x2000f000
      x/2xb 0x2000f000
      finish
      monitor icount
      monitor devices
      monitor info uart0
      hbreak sysTick
      continue
      printf "second %d\\n", $xpsr & 0x1ff
      delete
      watch *(int*)0x400fe608
      continue
      delete
      rwatch *(int*)0x20001000
      continue
      delete
      awatch *(int*)0x20001000
      continue
      delete
      x/1xw 0x400fe604
      load
      compare-sections
      monitor reset halt
      printf "at reset %x\\n", $pc
      monitor snapshot here
      monitor goto 5000
      monitor goto here
      maintenance flush register-cache
      tbreak main
      continue
      nexti
      reverse-stepi
      reverse-continue
      kill
      """)
    Self.expect(
      text,
      [
        "r0             0x0…", "xpsr           0x…", "msp 20001000, d0 0, fpscr 0, control 0",
        "Using memory regions provided by the target.", "* 1    Thread 1 …", "handler 15", "#0  …",
        "r3 1234", "0x2000f000:\t0x55aa1234", "0x2000f000:\t0x34\t0x12",
        "index …", "uart0 at 0x4000c000, …", "second 15", "Hardware watchpoint 3: …",
        "Hardware watchpoint 3: …", "Hardware read watchpoint 4: …", "Value = …",
        "Hardware access (read/write) watchpoint 5: …", "0x400fe604:\t…",
        "Loading section …",
        "Transfer rate…", "Section …", "reset; …", "at reset …", "here: …", "index 5000…",
        "index …", "Temporary breakpoint 6, …", "No more reverse-execution history.",
        "[Inferior 1 (Remote target) killed]",
      ])
    #expect(!text.contains("MIS-MATCHED"))
    #expect(!text.contains("Error"))
  }

  @Test func rv64() throws {
    let text = try Self.gdb(
      "sbi-harts-rv64.elf", "--smp 3",
      """
      {target}
      info registers
      printf "priv %d, satp %lx, fa0 %g, fcsr %x\\n", $priv, $satp, $fa0.double, $fcsr
      info threads
      set $t0 = 0x123456789abcdef0
      printf "t0 %lx\\n", $t0
      set $fa0.double = 1.5
      printf "fa0 %g\\n", $fa0.double
      stepi
      stepi
      x/2i $pc
      break *$pc + 2
      continue
      delete
      monitor goto 500
      maintenance flush register-cache
      info threads
      thread 1
      stepi
      thread 2
      info registers pc
      x/1xb 0x10000005
      thread 1
      set scheduler-locking on
      stepi
      set scheduler-locking off
      detach
      """)
    Self.expect(
      text,
      [
        "ra             0x…", "pc             0x…", "priv 1, satp 0, fa0 0, fcsr 0",
        "* 1    Thread 1 …", "  2    Thread 2 …", "  3    Thread 3 …", "t0 123456789abcdef0",
        "fa0 1.5", "=> 0x…", "Thread 1 \"hart 0\" hit Breakpoint 1, …", "index 500, …",
        "pc             0x…",
        "0x10000005:\t0x60", "[Inferior 1 (Remote target) detached]",
      ])
    #expect(!text.contains("Error"))
  }

  /// An image in RAM that was damaged is loaded anew, and runs.
  @Test func loadsIntoMemory() throws {
    let text = try Self.gdb(
      "hello-rv64.elf", "",
      """
      {target}
      stepi 20
      set {long}$pc = 0
      stepi
      printf "cause %d\\n", $mcause
      compare-sections .text
      load
      compare-sections
      printf "at %lx\\n", $pc
      set $a0 = 0
      continue
      shell sleep 1
      """)
    Self.expect(
      text,
      [
        "cause 2", "Section .text, range 0x80000000 -- 0x80000274: MIS-MATCHED!",
        "Start address 0x0000000080000000, …",
        "Section .text, range 0x80000000 -- 0x80000274: matched.", "at 80000000",
        "hello from Swift on RV64", "[Inferior 1 (Remote target) exited normally]",
      ])
    #expect(text.matches(of: /MIS-MATCHED/).count == 1)
  }

  /// A step is one attempt, and an instruction that traps is one.
  @Test func aStepIntoATrap() throws {
    let text = try Self.gdb(
      "timer-heartbeat-rv64.elf", "",
      """
      {target}
      monitor goto 50
      maintenance flush register-cache
      set var $a0 = 77
      stepi
      printf "cause %d, %d from mtvec, value %d\\n", $mcause, $pc - $mtvec, $mtval
      monitor icount
      reverse-stepi
      printf "a0 %d\\n", $a0
      """)
    Self.expect(
      text, ["cause 5, 0 from mtvec, value 433", "index 51, retired 50, …", "a0 77"])
  }

  /// Stopped a hundred times, stepped, read: the digest of a run that nobody looked at.
  @Test(arguments: [
    ("led-heartbeat.elf", "sysTick", 10), ("timer-heartbeat-rv64.elf", "main", 1),
  ])
  func theDigestIsTheSame(name: String, function: String, steps: Int) throws {
    let plain = emurun(image(name), "--for", "200ms", "--digest")
    let digest = try #require(
      plain.errors.split(separator: "\n").first { $0.hasPrefix("traceDigest") })
    let text = try Self.gdb(
      name, "--for 200ms --digest",
      """
      {target}
      break \(function)
      set $count = 0
      while $count < \(steps)
        stepi 20
        info registers
        x/16xw $sp
        set $count = $count + 1
      end
      continue
      stepi
      delete
      continue
      shell sleep 1
      """)
    #expect(text.contains(digest), "\(text)")
    #expect(text.contains("[Inferior 1 (Remote target) exited normally]"))
  }

  /// What a debugger did to a run is in its recording: going back, writing a register, memory and a device. And the recording of a
  /// script, debugged, is the run that nobody debugged.
  @Test func recorded() throws {
    try withFolder { folder in
      let file = folder + "/debugged.rec"
      let text = try Self.gdb(
        "led-heartbeat.elf", "--for 200ms --digest --record \(file)",
        """
        {target}
        break sysTick
        continue
        stepi 3
        set var $r7 = 5
        reverse-stepi
        reverse-continue
        set var $r6 = 6
        set {int}0x400fe608 = 0
        continue
        set {int}0x2000f000 = 77
        delete
        continue
        shell sleep 1
        """)
      let digest = try #require(
        text.split(separator: "\n").first { $0.hasPrefix("traceDigest") }, "\(text)")
      let again = emurun("--replay", file, "--digest", "--twice")
      #expect(again.code == 0 && again.errors.contains(digest), "\(again.errors)")
      #expect(again.errors.contains("that was recorded"))
      let plain = emurun(image("led-heartbeat.elf"), "--for", "200ms", "--digest")
      #expect(!plain.errors.contains(digest))
      let debugged = try Self.gdb(
        "led-heartbeat.elf", "--digest --replay \(file)",
        """
        {target}
        break sysTick
        continue
        continue
        reverse-continue
        delete
        continue
        shell sleep 1
        """)
      #expect(debugged.contains(digest) && debugged.contains("that was recorded"), "\(debugged)")
    }
  }

  /// lldb finds a function, stops there twice, steps, and leaves.
  @Test(
    .enabled(if: access("/usr/bin/lldb-19", X_OK) == 0 || getenv("CI") != nil),
    arguments: [("led-heartbeat.elf", "sysTick"), ("timer-heartbeat-rv64.elf", "handleTrap")])
  func lldb(name: String, function: String) throws {
    try Self.withServer(name) { port, _ in
      let commands = [
        "gdb-remote \(port)", "breakpoint set -n \(function)", "continue", "register read pc",
        "continue", "thread step-inst", "bt", "breakpoint delete -f", "detach",
      ].map { "-o '\($0)'" }.joined(separator: " ")
      let text = try Self.text("timeout 120 lldb-19 --batch \(commands) \(image(name)) 2>&1")
      Self.expect(
        text,
        [
          "Breakpoint 1: where = \(name)`\(function) …",
          "* thread #1, name = 'hart 0', stop reason = breakpoint 1.1",
          "      pc = …", "* thread #1, name = 'hart 0', stop reason = breakpoint 1.1",
          "* thread #1, name = 'hart 0', stop reason = instruction step into",
          "  * frame #0: …", "Process 1 detached",
        ])
    }
  }

  /// A debugger that is lost while the run goes on, and then another one: the run has gone on.
  @Test func lostWhileItRuns() throws {
    let image = image("delay-heartbeat-m4.elf")
    func gdb(_ port: Substring, _ commands: String...) throws -> String {
      let words = (["set remotetimeout 60", "target remote 127.0.0.1:\(port)"] + commands)
        .map { "-ex '\($0)'" }.joined(separator: " ")
      return try Self.text(
        "timeout -s KILL 8 gdb-multiarch -nx -batch \(words) \(image) </dev/null 2>&1")
    }
    try Self.withServer("delay-heartbeat-m4.elf") { port, log in
      _ = try gdb(port, "continue")
      var words = ""
      for _ in 0..<600 where !words.contains("has gone") {
        usleep(100_000)
        words = try read(log)
      }
      #expect(words.contains("the debugger has gone; the run goes on"), "\(words)")
      let next = try gdb(port, "monitor icount", "monitor history", "kill")
      let index = try #require(next.firstMatch(of: #/index (\d+), /#)?.output.1, "\(next)")
      #expect(index != "0" && next.contains("from index \(index), 1 snapshots"), "\(next)")
    }
  }

  /// `--gdb stdio`: with its debugger the run is over, too.
  @Test func whoStartedItEndsIt() throws {
    let text = try Self.gdb(
      "delay-heartbeat-m4.elf", "",
      """
      {target}
      stepi
      quit
      """)
    #expect(text.contains("interrupted after"), "\(text)")
  }

  /// An emulator that waits for a debugger at a port, and the file with what it says.
  private static func withServer(
    _ name: String, _ body: (_ port: Substring, _ words: String) throws -> Void
  ) throws {
    try withFolder { folder in
      let log = folder + "/log"
      let start =
        "env --default-signal=INT \(program) \(image(name)) --gdb 127.0.0.1:0 -S >\(log) 2>&1 & echo $!"
      let process = try #require(pid_t(text(start).split(separator: "\n").first ?? ""))
      defer { kill(process, SIGKILL) }
      var port: Substring?
      for _ in 0..<600 where port == nil {
        usleep(100_000)
        port = try read(log).firstMatch(of: /target remote 127\.0\.0\.1:(\d+)/)?.output.1
      }
      try body(#require(port), log)
    }
  }

  /// Ctrl-C, a second debugger, one that is lost; over a socket.
  @Test func overASocket() throws {
    try withFolder { folder in
      let log = folder + "/log"
      let start =
        "env --default-signal=INT \(Self.program) \(image("delay-heartbeat-m4.elf")) --gdb 127.0.0.1:0 -S >\(log) 2>&1 & echo $!"
      let process = try #require(pid_t(Self.text(start).split(separator: "\n").first ?? ""))
      defer { kill(process, SIGKILL) }
      var port: Substring?
      for _ in 0..<600 where port == nil {
        usleep(100_000)
        port = try read(log).firstMatch(of: /target remote 127\.0\.0\.1:(\d+)/)?.output.1
      }
      let place = try #require(port)
      write(
        """
        set confirm off
        set pagination off
        target remote 127.0.0.1:\(place)
        shell timeout 60 bash -c 'exec 3<>/dev/tcp/127.0.0.1/\(place); cat <&3; echo turned away'
        shell (sleep 1; kill -INT $PPID) &
        continue
        monitor icount
        detach

        """.utf8, to: folder + "/script")
      let text = try Self.text(
        "timeout 120 gdb-multiarch -nx -batch -x \(folder)/script \(image("delay-heartbeat-m4.elf")) </dev/null 2>&1"
      )
      Self.expect(text, ["turned away", "Program received signal SIGINT, Interrupt.", "index …"])
      kill(process, SIGINT)
      var words = ""
      for _ in 0..<600 where !words.contains("interrupted after") {
        usleep(100_000)
        words = try read(log)
      }
      #expect(words.contains("interrupted after"), "\(words)")
    }
  }

  /// A debugger whose first words come with its call: they are answered, not waited for until it says them again.
  @Test func theFirstWordsAreHeard() throws {
    try withFolder { folder in
      let script = """
        import re, socket, subprocess, sys
        run = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        port = re.search(rb":(\\d+): target", run.stdout.readline()).group(1)
        call = socket.create_connection(("127.0.0.1", int(port)))
        call.sendall(b"$?#3f")
        call.settimeout(60)
        got = b""
        while b"#" not in got: got += call.recv(1)
        print(got)
        run.kill()
        """
      write(script.utf8, to: folder + "/call.py")
      let text = try Self.text(
        "python3 \(folder)/call.py \(Self.program) \(image("delay-heartbeat-m4.elf")) --gdb 127.0.0.1:0 -S 2>&1"
      )
      #expect(text.contains("+$T05"), "\(text)")
    }
  }

  @Test func whatCannotBe() {
    for (arguments, words) in [
      (["-S"], "-S waits for a debugger: add --gdb PORT, or -s"),
      (["--gdb", "nowhere"], "\"nowhere\" is no port: 1234, localhost:1234 and stdio are"),
      (["--gdb", "70000"], "\"70000\" is no port: 1234, localhost:1234 and stdio are"),
      (["--gdb", "stdio"], "--gdb stdio: there is no standard input and output"),
    ] {
      let outcome = emurun([image("hello-m4.elf")] + arguments)
      #expect(outcome.code == 64 && outcome.errors.contains(words), "\(outcome)")
    }
  }

  /// A port that somebody else has.
  @Test func aPortInUse() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        #expect(bind(listener, $0, size) == 0 && listen(listener, 1) == 0)
        #expect(getsockname(listener, $0, &size) == 0)
      }
    }
    let port = UInt16(bigEndian: address.sin_port)
    let outcome = emurun(image("hello-m4.elf"), "--gdb", "\(port)")
    #expect(outcome.code == 73)
    #expect(
      outcome.errors.contains(
        "--gdb 127.0.0.1:\(port): Address already in use; choose another port"))
  }
}
