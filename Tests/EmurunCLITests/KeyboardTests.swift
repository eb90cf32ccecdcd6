import Emu
import Glibc
import Testing

@testable import EmurunCLI

@Suite struct KeyboardTests {
  /// Echoes what it is sent until it gets a '.': li s0, uart; 1: lbu t0, 5(s0); andi t0, t0, 1; beqz 1b; lbu t1, (s0);
  /// sb t1, (s0); li t2, '.'; bne t1, t2, 1b; then the finisher.
  static let echo = words(
    0x1000_0437, 0x0054_4283, 0x0012_F293, 0xFE02_8CE3, 0x0004_4303, 0x0064_0023, 0x02E0_0393,
    0xFE73_14E3, 0x0010_02B7, 0x0000_5337, 0x5553_0313, 0x0062_A023, 0x0000_006F)

  private func withEcho(_ body: (String) throws -> Void) throws {
    try withFolder { folder in
      write(Self.echo, to: folder + "/echo.bin")
      try body(folder + "/echo.bin")
    }
  }

  @Test func inputFromAFileAndFromStandardInput() throws {
    try withEcho { path in
      let input = path + ".input"
      write("from a file.".utf8, to: input)
      #expect(emurun(path, "--input", input).output == "from a file.")
      let outcome = emurun(path, "--input", "-", "--twice", input: pipe("from a pipe."))
      #expect(outcome.output == "from a pipe.")
      #expect(outcome.code == 0)
      // Not enough: it waits for ever, and is not asked for more.
      #expect(emurun(path, "--input", input, "--for", "1ms").code == 0)
    }
  }

  @Test func interactiveFromAPipe() throws {
    try withEcho { path in
      let outcome = emurun(path, "--interactive", input: pipe("typed\u{1}x."))
      #expect(outcome.code == 0)
      #expect(outcome.output == "typed\u{1}x.")
    }
  }

  @Test func controlAXEndsARunAndLeavesTheTerminalAsItWas() throws {
    let (terminal, other) = pseudoTerminal()
    defer {
      close(terminal)
      close(other)
    }
    var before = termios()
    tcgetattr(other, &before)
    try withEcho { path in
      for option in ["--interactive", "-nographic"] {
        _ = writeAll(Array("abc\u{1}\u{1}\u{3}\u{1}x".utf8), to: terminal)
        let outcome = emurun(path, option, input: other)
        #expect(outcome.code == 0)
        #expect(outcome.errors.contains("Ctrl-A x ends the run"))
        #expect(outcome.errors.contains("interrupted after"))
      }
    }
    var after = termios()
    tcgetattr(other, &after)
    #expect(after.c_lflag == before.c_lflag)
    #expect(after.c_iflag == before.c_iflag)
  }

  @Test func aTerminalThatIsGoneTypesNoMore() throws {
    let (terminal, other) = pseudoTerminal()
    defer { close(other) }
    let host = Host(output: Output(), errors: Output(), input: other)
    let keyboard = Keyboard(host)
    close(terminal)
    keyboard.pass(to: try Emurun.parse([image("hello-m4.elf")]).plan(standardInput: -1).machine())
    #expect(!keyboard.wait())
  }

  /// At a terminal a second of the guest's takes no less than a second, and what was slow stays behind.
  @Test func virtualTimeIsHeldToTheWallClock() {
    var clock = WallClock()
    #expect(clock.lead(virtual: 0, host: 100) == 0)
    #expect(clock.lead(virtual: 3, host: 101) == 2)
    #expect(clock.lead(virtual: 3, host: 103) == 0)
    #expect(clock.lead(virtual: 4, host: 110) == 0)
    #expect(clock.lead(virtual: 5, host: 110.5) == 0.5)
    var pace = Pace.typed(Clock(hertz: 1_000_000_000))
    for _ in 0..<40 { pace.took(0) }
    #expect(pace.next() == 20_000_000)
  }

  private func pseudoTerminal() -> (terminal: Int32, other: Int32) {
    // What posix_openpt and its like do, which Swift's Glibc leaves out.
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    var (unlocked, number): (Int32, Int32) = (0, 0)
    #expect(ioctl(terminal, 0x4004_5431, &unlocked) == 0)
    #expect(ioctl(terminal, 0x8004_5430, &number) == 0)
    let other = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    return (terminal, other)
  }
}
