import Emu
import Glibc
import Testing

@testable import EmurunCLI

@Suite struct RecordingTests {
  private let board = EmurunCLITests.image("tm4c-board-m4.elf")

  private func digest(_ outcome: Outcome) -> String {
    outcome.errors.split(separator: "\n").last { $0.hasPrefix("traceDigest") }.map(String.init)
      ?? outcome.errors
  }

  /// A session at the console, and the same one without anybody: with and without the image's name, traced, drawn, twice.
  @Test func aSession() throws {
    try withFolder { folder in
      let image = folder + "/echo.bin"
      write(KeyboardTests.echo, to: image)
      let file = folder + "/session.rec"
      let session = emurun(
        [image, "--interactive", "--for", "5ms", "--record", file, "--digest"],
        input: pipe("hello\nSW1\u{3}\u{0}"))
      #expect(session.code == 0)
      for words in [
        [], [image], ["--twice"], ["--trace", "irq"], ["--vcd", folder + "/run.vcd"],
      ] {
        let again = emurun(["--replay", file, "--digest"] + words)
        #expect(again.code == 0 && digest(again) == digest(session), "\(words) \(again.errors)")
        #expect(again.output == session.output)
        #expect(again.errors.contains("the run is the one that was recorded"))
      }
      // It did something, and a recording of the replay is the recording.
      #expect(digest(emurun(image, "--for", "5ms", "--digest")) != digest(session))
      let copy = folder + "/copy.rec"
      _ = emurun("--replay", file, "--record", copy)
      #expect(digest(emurun("--replay", copy, "--digest")) == digest(session))
      let shorter = emurun("--replay", file, "--for", "200us")
      #expect(shorter.code == 0 && !shorter.errors.contains("that was recorded"))
      #expect(emurun("--replay", file, "--report", folder + "/report").code == 0)
      #expect(emurun("repeat", folder + "/report").output.hasPrefix("the same"))
      for name in names(in: folder + "/report") { unlink(folder + "/report/" + name) }
      rmdir(folder + "/report")
    }
  }

  /// What is typed behind the end of a run is no input of it.
  @Test func typedTooLate() throws {
    try withFolder { folder in
      let (image, file) = (folder + "/echo.bin", folder + "/late.rec")
      write(KeyboardTests.echo, to: image)
      let session = emurun(
        [image, "--interactive", "--for", "1us", "--record", file, "--digest"], input: pipe("x"))
      let again = emurun("--replay", file, "--digest")
      #expect(session.code == 0 && again.code == 0 && digest(again) == digest(session))
    }
  }

  /// What it takes follows what came, not how long it ran.
  @Test func itsSize() throws {
    try withFolder { folder in
      func size(_ duration: String, _ text: String) throws -> Int {
        let file = folder + "/size.rec"
        _ = emurun(
          [board, "--interactive", "--for", duration, "--record", file], input: pipe(text))
        return try InputFile.read(file, standardInput: -1).count
      }
      let short = try size("1ms", "")
      #expect(try size("3s", "") <= short + 8)
      #expect(try size("1ms", String(repeating: "x", count: 1000)) < short + 1200)
    }
  }

  /// Texts, buttons and how it ended, of one that passes, one that fails and one that does not come to its end.
  @Test(arguments: [
    ("- delay: 30ms\n", 0), ("- expect-pin: {pin: gpiof.1, value: 1}\n", 1),
    ("- wait-serial: never\n", 124),
  ])
  func aScript(last: String, code: Int32) throws {
    let script = """
      - delay: 100us
      - write-serial: "hello"
      - set-control: {part-id: SW1, control: pressed, value: 1}
      - delay: 30ms
      - set-control: {part-id: SW1, value: 0}
      - write-serial: "\\n"

      """
    try withFolder { folder in
      write((script + last).utf8, to: folder + "/script.yaml")
      let file = folder + "/script.rec"
      let first = emurun(
        board, "--script", folder + "/script.yaml", "--for", "200ms", "--record", file, "--digest")
      #expect(first.code == code, "\(first.errors)")
      unlink(folder + "/script.yaml")
      let again = emurun("--replay", file, "--digest", "--twice")
      #expect(again.code == code && digest(again) == digest(first), "\(again.errors)")
    }
  }

  /// What says which machine it is comes out of the recording: harts, presses, input, texts to wait for.
  @Test func itsOptions() throws {
    try withFolder { folder in
      let file = folder + "/harts.rec"
      let harts = image("sbi-harts-rv64.elf")
      let first = emurun(
        harts, "--smp", "3", "--quantum=777", "--memory", "64M", "--expect-text", "hart 2", "--for",
        "2s", "--record", file, "--digest")
      let again = emurun("--replay", file, "--digest")
      #expect(again.code == first.code && digest(again) == digest(first))
      let other = emurun("--replay", file, "--smp", "2")
      #expect(other.code == 65)
      #expect(other.errors.contains("the recording is of a number of harts: 3, and this is 2"))

      write("typed before".utf8, to: folder + "/input")
      let press = ["--press", "SW1@1ms+20ms", "--input", folder + "/input"]
      let pressed = emurun([board, "--for", "60ms", "--record", file, "--digest"] + press)
      unlink(folder + "/input")
      #expect(digest(emurun("--replay", file, "--digest")) == digest(pressed))
      #expect(pressed.code == 0)
    }
  }

  /// One that its user ends ends there again.
  @Test func interrupted() throws {
    try withFolder { folder in
      var slices = 0
      let file = folder + "/ended.rec"
      let first = emurun(
        [board, "--record", file, "--digest"],
        isInterrupted: {
          slices += 1
          return slices > 3
        })
      #expect(first.code == 130)
      let again = emurun("--replay", file, "--digest")
      #expect(again.code == 130 && digest(again) == digest(first))
      #expect(again.errors.contains("that was recorded"))
    }
  }

  @Test func drives() throws {
    try withFolder { folder in
      let (file, disk) = (folder + "/disk.rec", folder + "/disk.img")
      write([UInt8](repeating: 7, count: 4096), to: disk)
      let harts = image("hello-rv64.elf")
      let first = emurun(harts, "--drive", disk, "--seed", "5", "--record", file, "--digest")
      #expect(digest(emurun("--replay", file, "--digest")) == digest(first))
      let moved = folder + "/moved.img"
      rename(disk, moved)
      #expect(emurun("--replay", file).code == 66)
      #expect(emurun("--replay", file, "--drive", moved).code == first.code)
      let seed = emurun("--replay", file, "--drive", moved, "--seed", "6")
      #expect(seed.code == 65 && seed.errors.contains("of --seed 5, and this is of --seed 6"))
      write([UInt8](repeating: 8, count: 4096), to: moved)
      let changed = emurun("--replay", file, "--drive", moved)
      #expect(changed.code == 65 && changed.errors.contains("of drive 0 with SHA-256"))
    }
  }

  @Test func cutOff() throws {
    try withFolder { folder in
      let file = folder + "/cut.rec"
      _ = emurun(
        [board, "--interactive", "--for", "100ms", "--record", file], input: pipe("hello"))
      let whole = try InputFile.read(file, standardInput: -1)
      write(whole.dropLast(3), to: file)
      let cut = emurun("--replay", file)
      #expect(cut.code == 0 && cut.errors.contains("cut.rec is cut off behind index "))
      let on = emurun("--replay", file, "--for", "100ms", "--digest")
      write(whole, to: file)
      #expect(digest(on) == digest(emurun("--replay", file, "--digest")))
    }
  }

  @Test func whatIsRefused() throws {
    try withFolder { folder in
      let file = folder + "/file.rec"
      _ = emurun(board, "--for", "1ms", "--record", file)
      let other = emurun(image("led-heartbeat.elf"), "--board", "tm4c123gxl", "--replay", file)
      #expect(other.code == 65 && other.errors.contains("the recording is of"))
      #expect(other.errors.contains("is another image"))
      let m4 = emurun(image("led-heartbeat.elf"), "--board", "m4-led", "--replay", file)
      #expect(m4.code == 65 && m4.errors.contains("and this is m4-led"))
      for words in [["--input", file], ["--press", "SW1@1ms+1ms"], ["--interactive"]] {
        #expect(emurun(["--replay", file] + words).code == 64)
      }
      #expect(emurun("--replay", file, "--record", file).code == 64)
      #expect(emurun("--replay", folder + "/none").code == 66)
      #expect(emurun("--replay", board).errors.contains("it is no recording"))
      #expect(emurun(board, "--record", folder + "/none/x").code == 73)
      #expect(emurun(board, "--realtime", "-s").code == 64)
      var bytes = try InputFile.read(file, standardInput: -1)
      bytes[16] = 9
      write(bytes, to: file)
      #expect(emurun("--replay", file).errors.contains("has version 9"))
      bytes[16] = 1
      bytes[bytes.count - 20] ^= 1
      write(bytes, to: file)
      let damaged = emurun("--replay", file)
      #expect(damaged.code == 65 && damaged.errors.contains("a checksum is another"))
    }
  }

  /// Held to the host's clock it is the same run.
  @Test func realTime() {
    let plain = emurun(board, "--for", "50ms", "--digest")
    let paced = emurun(board, "--for", "50ms", "--digest", "--realtime")
    #expect(paced.code == 0 && digest(paced) == digest(plain))
  }
}
