import Foundation
import Testing

@testable import EmurunCLI

@Suite struct DisassemblyTests {
  private let heartbeat = image("led-heartbeat.elf")
  private let path = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "LANG": "C.UTF-8"]

  @Test func aFunction() {
    let outcome = emurun("disasm", heartbeat, "--symbol", "sysTick")
    #expect(outcome.code == 0 && outcome.errors == "")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.first == "sysTick:")
    #expect(
      lines.dropFirst().first
        == "; Sources/Firmware/Programs/led-heartbeat/LEDHeartbeat.swift:21")
    #expect(lines.count { $0.hasSuffix("  bx lr") } == 1, "\(outcome.output)")
    // Behind the code lies where the variables are.
    #expect(lines.contains { $0.contains(".word 0x2000") }, "\(outcome.output)")
    let all = emurun("disasm", heartbeat).output
    #expect(all.contains("\nmain:\n") && !outcome.output.contains("main:"))
    for line in lines.dropFirst(2) { #expect(all.contains(line)) }
  }

  /// Every byte is there once, on both cores.
  @Test(arguments: ["features-m4.elf", "features-rv64.elf"])
  func everything(_ name: String) throws {
    let outcome = emurun(["disasm", image(name)], environment: path)
    #expect(outcome.code == 0, "\(outcome.errors)")
    var next: UInt64?
    var gaps = 0
    for line in outcome.output.split(separator: "\n") where line.hasPrefix(" ") {
      let words = line.split(separator: " ")
      let address = try #require(UInt64(words[0].dropFirst(2), radix: 16))
      if let next, next != address { gaps += 1 }
      let parcels = words.dropFirst().prefix { $0.allSatisfy(\.isHexDigit) && $0.count % 2 == 0 }
      let bytes = name.contains("m4") ? line.dropFirst(14).prefix(9) : parcels.first?[...] ?? ""
      next = address + UInt64(bytes.count { $0 != " " } / 2)
    }
    // Between sections.
    #expect(gaps <= 2)
    #expect(outcome.output.count { $0 == "\n" } > 900)
  }

  @Test(arguments: ["led-heartbeat.elf", "timer-heartbeat-rv64.elf"])
  func whatWasExecuted(_ name: String) throws {
    try withFolder { folder in
      let info = folder + "/run.info"
      #expect(emurun(image(name), "--for", "2s", "--coverage", info).code == 0)
      let outcome = emurun(["disasm", image(name), "--coverage", info], environment: path)
      #expect(outcome.code == 0, "\(outcome.errors)")
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.contains { $0.hasPrefix("       1 ") })
      #expect(lines.contains { $0.hasPrefix("   ##### ") })
      #expect(lines.contains { $0.hasSuffix("; taken 1, not taken 1") }, "\(outcome.output)")
      // What it says of lines and ways is what the tracefile says.
      let records = try read(info).split(separator: "\n").filter { $0.hasPrefix("BRDA:") }
      #expect(lines.count { $0.contains("; taken ") } == records.count / 2)
      let merged = folder + "/sum.info"
      #expect(emurun("coverage", "merge", info, info, "-o", merged).code == 0)
      let sum = emurun(["disasm", image(name), "--coverage", merged], environment: path).output
      #expect(
        sum.split(separator: "\n").count { $0.hasPrefix("       2 ") }
          == lines.count { $0.hasPrefix("       1 ") })
    }
  }

  @Test func badInput() throws {
    try withFolder { folder in
      let other = folder + "/x.info"
      write("SF:a.c\nDA:1,1\nend_of_record\n".utf8, to: other)
      for (arguments, code, words) in [
        ([heartbeat, "--symbol", "nobody"], 64, "has no code named \"nobody\""),
        ([heartbeat, "--from", "1x"], 64, "--from 1x: "),
        ([heartbeat, "--from", "0x40", "--to", "0x40"], 64, "--to is not behind --from"),
        ([heartbeat, "--from", "0x70000000"], 64, "has no code there"),
        ([heartbeat, "--symbol", "main", "--to", "9"], 64, "choose one"),
        ([heartbeat, "--coverage", other], 65, "is of no source of"),
        ([heartbeat, "--coverage", heartbeat], 65, "is it a tracefile of lcov?"),
        (["/nowhere"], 66, "/nowhere"),
      ] {
        let outcome = emurun(["disasm"] + arguments)
        #expect(outcome.code == Int32(code), "\(arguments): \(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
      }
    }
    let nothing = emurun(
      "disasm", image("hello-rv64.elf"), environment: ["PATH": "/nowhere", "LANG": "C.UTF-8"])
    #expect(nothing.code == 69 && nothing.output == "")
    #expect(nothing.errors.contains("binutils-riscv64-unknown-elf"))
    #expect(emurun("disasm", heartbeat, environment: ["PATH": "/nowhere"]).code == 0)
  }
}
