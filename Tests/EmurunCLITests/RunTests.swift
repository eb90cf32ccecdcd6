import Glibc
import Testing

@testable import EmurunCLI

/// Runs as a user sees them.
@Suite struct RunTests {
  @Test func helloRV64() {
    for name in ["hello-rv64.elf", "hello-rv64.bin"] {
      let outcome = emurun(image(name))
      #expect(outcome.code == 0)
      #expect(outcome.output == "hello from Swift on RV64\n")
      #expect(outcome.errors.hasPrefix("emurun: rv64-virt (RV64GC, 1 GHz), "))
      #expect(outcome.errors.contains("\npassed after "))
    }
  }

  @Test func helloM4EndsBySemihostingThatItsNoteSwitchesOn() {
    let outcome = emurun(image("hello-m4.elf"))
    #expect(outcome.code == 0)
    #expect(outcome.output == "hello from Swift on a Cortex-M4\n")
    #expect(outcome.errors.hasPrefix("emurun: m4-led (Cortex-M4F, 16 MHz), ELF image, "))
    // A raw image has no note.
    let raw = emurun(image("hello-m4.bin"), "--for", "1ms")
    #expect(raw.errors.contains("semihosting call, which is off (--semihosting)"))
    #expect(emurun(image("hello-m4.bin"), "--semihosting").errors.contains("passed after"))
  }

  /// By the address alone: there is no text in the image.
  @Test func swiftsChecksAreToldWithTheirLines() {
    let checks = [
      "arithmetic overflow", "Index out of bounds",
      "Unexpectedly found nil while unwrapping an Optional value", "Division by zero",
    ]
    for name in ["panic-trace-m4.elf", "panic-trace-rv64.elf"] {
      let lines = emurun(image(name), "--for", "1ms").errors.split(separator: "\n")
      for check in checks {
        #expect(
          lines.contains {
            $0.hasPrefix(
              "emurun: \(check) at Sources/Firmware/Programs/panic-trace/PanicTrace.swift:")
          })
      }
    }
  }

  @Test func heartbeatIsDrawn() {
    for name in ["led-heartbeat.elf", "led-heartbeat.bin"] {
      let outcome = emurun(image(name))
      #expect(outcome.code == 0)
      #expect(outcome.output == "led-heartbeat: PF1 beats at 1 Hz\n")
      let lines = outcome.errors.split(separator: "\n")
      #expect(
        lines[1...2].joined(separator: "\n") == """
          PF1 ○  ▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁▔▔▁▁   1.00 Hz  50 %  20 edges
                 ╵0 s    ╵2 s    ╵4 s    ╵6 s    ╵8 s
          """)
      #expect(lines[3].hasPrefix("stopped after 10.000 s virtual, "))
      #expect(lines[3].hasSuffix(" instructions, asleep 99.99 % (0.000 s host)"))
    }
  }

  @Test func sbiHeartbeatBeatsFourTimes() {
    let outcome = emurun(image("sbi-heartbeat-rv64.bin"))
    #expect(outcome.code == 0)
    #expect(outcome.output.hasSuffix("\n5 s\n"))
    for (led, frequency) in ["1.00", "2.00", "4.00", "8.00"].enumerated() {
      #expect(
        outcome.errors.split(separator: "\n").contains {
          $0.hasPrefix("led\(led)") && $0.contains(" \(frequency) Hz ")
        })
    }
    #expect(outcome.errors.contains("passed after 5.0"))
  }

  @Test func panicHeartbeatBlinksAboutOnceASecond() {
    let outcome = emurun(image("panic-heartbeat.elf"), "--for", "5s")
    #expect(outcome.code == 0)
    #expect(outcome.output.contains("panic"))
    #expect(outcome.errors.contains("1.00 Hz"))
  }

  @Test func limitsAreExact() {
    let outcome = emurun(image("led-heartbeat.elf"), "--max-instructions", "1000")
    #expect(outcome.code == 0)
    #expect(outcome.errors.contains(", 1 000 instructions"))
    let short = emurun(image("led-heartbeat.elf"), "--for", "1ms")
    #expect(short.errors.contains("stopped after 1.000 ms virtual"))
  }

  @Test func texts() {
    let rv64 = image("hello-rv64.elf")
    let came = emurun(rv64, "--expect-text", "from Swift")
    #expect(came.code == 0)
    #expect(came.output == "hello from Swift")
    #expect(came.errors.contains("\"from Swift\" came after "))
    #expect(emurun(rv64, "--fail-text", "from Swift").code == 1)
    // The firmware is content, the user is not.
    let never = emurun(rv64, "--expect-text", "goodbye")
    #expect(never.code == 1)
    #expect(never.errors.hasSuffix("emurun: \"goodbye\" was never printed\n"))
    let late = emurun(image("led-heartbeat.elf"), "--expect-text", "goodbye", "--for", "1s")
    #expect(late.code == 124)
    #expect(late.errors.hasSuffix("emurun: \"goodbye\" was never printed\n"))
  }

  @Test func digestAndTwice() {
    let outcome = emurun(image("sbi-heartbeat-rv64.elf"), "--digest", "--twice")
    #expect(outcome.code == 0)
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.last == "the second run, sliced differently, was the same")
    #expect(lines.dropLast().last?.hasPrefix("traceDigest ") == true)
    #expect(lines.dropLast().last?.count == 12 + 64)
  }

  @Test func theConsoleCanGoToAFile() throws {
    try withFolder { folder in
      let path = folder + "/console"
      let outcome = emurun(image("hello-rv64.elf"), "--uart", "0=\(path)")
      #expect(outcome.output == "")
      try #expect(read(path) == "hello from Swift on RV64\n")
      #expect(names(in: folder) == ["console"])
    }
  }

  @Test func ctrlC() {
    var calls = 0
    let outcome = emurun(
      image("led-heartbeat.elf"), "--for", "inf",
      isInterrupted: {
        calls += 1
        return calls > 3
      })
    #expect(outcome.code == 130)
    #expect(outcome.errors.contains("interrupted after "))
  }

  @Test func asciiWhereTheLocaleHasNoMore() {
    let outcome = emurun(image("led-heartbeat.elf"), environment: ["LANG": "C"])
    #expect(outcome.errors.contains("\nPF1 o  ##__##__"))
    #expect(outcome.errors.utf8.allSatisfy { $0 < 128 })
  }
}
