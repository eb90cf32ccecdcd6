import PythonReaders
import Testing

@testable import EmurunCLI

@Suite struct ReportFolderTests {
  private let image = EmurunCLITests.image("led-heartbeat.elf")

  @Test func allThatARunWas() throws {
    try withFolder { top in
      let folder = top + "/of/today"
      let outcome = emurun(image, "--for", "3s", "--report", folder)
      #expect(outcome.code == 0)
      #expect(
        names(in: folder) == ["junit.xml", "led.vcd", "report.json", "timeline.html", "uart.log"])
      let report = try read(folder + "/report.json")
      let alone = emurun(image, "--for", "3s", "--json").output
      // The same report, and behind it what it takes to repeat the run.
      #expect(report.hasPrefix(alone.dropLast(3)))
      for word in ["\"arguments\"", "\"toolchain\"", "\"engine\"", "\"inputs\"", "\"sha256\""] {
        #expect(report.contains(word))
      }
      #expect(try read(folder + "/uart.log") == outcome.output)
      let junit = try read(folder + "/junit.xml")
      #expect(
        junit.contains(
          "<testcase classname=\"m4-led\" name=\"led-heartbeat.elf\" time=\"3.000000000\">"))
      #expect(junit.contains("failures=\"0\"") && !junit.contains("<failure"))
    }
  }

  @Test func itIsRepeated() throws {
    try withFolder { folder in
      #expect(emurun(image, "--for", "2s", "--report", folder).code == 0)
      let same = emurun("repeat", folder)
      #expect(same.code == 0 && same.output.hasPrefix("the same: "))
      // The files are as they were.
      let report = try read(folder + "/report.json")
      write(report.replacing("\"index\": ", with: "\"index\": 1").utf8, to: folder + "/report.json")
      let other = emurun("repeat", folder)
      #expect(other.code == 70 && other.output.contains("index was 1"))
      write("{}".utf8, to: folder + "/report.json")
      #expect(emurun("repeat", folder).code == 65)
      #expect(emurun("repeat", folder + "/none").code == 66)
    }
  }

  @Test func anImageThatHasChangedSince() throws {
    try withFolder { folder in
      let copy = folder + "/image.bin"
      write(
        try InputFile.read(EmurunCLITests.image("led-heartbeat.bin"), standardInput: -1), to: copy)
      #expect(emurun(copy, "--for", "1s", "--report", folder).code == 0)
      write(
        try InputFile.read(EmurunCLITests.image("panic-heartbeat.bin"), standardInput: -1), to: copy
      )
      let other = emurun("repeat", folder)
      #expect(other.code == 70)
      #expect(other.output.contains("image.bin is not the file that it was"))
      #expect(other.output.contains("traceDigest was"))
    }
  }

  @Test func aRunThatFailed() throws {
    try withFolder { folder in
      let outcome = emurun(
        image, "--for", "1s", "--expect-text", "a <text> & \"more\"", "--report", folder)
      #expect(outcome.code == 124)
      let junit = try read(folder + "/junit.xml")
      #expect(junit.contains("failures=\"1\""))
      #expect(junit.contains("a &lt;text&gt; &amp; &quot;more&quot;"))
      // It failed then, and it is the same run now.
      #expect(emurun("repeat", folder).code == 0)
    }
  }

  @Test func whereItCannotBe() throws {
    try withFolder { folder in
      #expect(emurun(image, "--report", "/proc/none").code == 73)
      write([], to: folder + "/file")
      #expect(emurun(image, "--report", folder + "/file").code == 73)
    }
  }

  @Test func openTelemetry() throws {
    try withFolder { folder in
      let path = folder + "/run.otlp.jsonl"
      #expect(emurun(image, "--for", "1s", "--otlp", path).code == 0)
      let first = try read(path)
      #expect(emurun(image, "--for", "1s", "--otlp", path).code == 0)
      #expect(try read(path) == first)
      guard let words = try Python.run("otlp.py", path) else { return }
      #expect(
        words == """
          spans 100 root led-heartbeat.elf seconds 1.0 children 99 handler SysTick
          events 1 first led-heartbeat: PF1 beats at 1 Hz
          metrics emurun.instructions emurun.virtual_time 1000000000 PF1 2

          """)
    }
  }

  @Test func noCollector() {
    let outcome = emurun(image, "--for", "1s", "--otlp", "http://127.0.0.1:9")
    #expect(outcome.code == 74 && outcome.errors.contains("--otlp http://127.0.0.1:9"))
  }
}
