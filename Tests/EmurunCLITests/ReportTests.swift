import Emu
import Testing

@testable import EmurunCLI

@Suite struct ReportTests {
  /// Keys of a pretty-printed report with their depth, in order; equal neighbours of an array once.
  private func keys(_ json: String) -> [String] {
    var keys: [String] = []
    for line in json.split(separator: "\n") {
      let indent = line.prefix { $0 == " " }.count
      let rest = line.dropFirst(indent)
      guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\""),
        rest[rest.index(after: end)...].hasPrefix(":")
      else { continue }
      keys.append(String(repeating: ".", count: indent / 2 - 1) + rest[..<end].dropFirst())
    }
    return keys
  }

  @Test func keysAndTheirOrder() {
    let outcome = emurun(image("led-heartbeat.elf"), "--json")
    #expect(outcome.code == 0)
    #expect(outcome.errors == "")
    let led =
      ["..name", "..edges", "..onNanoseconds", "..frequencyHz", "..dutyCycle"]
      + [
        "..jitterNanoseconds", "..longestOnNanoseconds", "..longestOffNanoseconds",
        "..chargeMillicoulombs",
      ]
    let region = ["..region", "..highWaterBytes"]
    #expect(
      keys(outcome.output)
        == ["image", ".path", ".format", ".sha256", ".entry", ".buildID", "board", "boardRevision"]
        + ["stop", ".reason", ".code", ".hart", ".pc", ".detail", "instructions", "index"]
        + ["virtualNanoseconds", "traceDigest", "stateDigest", "leds"] + led + led + led
        + ["uart", "..name", "..text", "traps", ".ecall", ".ebreak", ".svc", ".interrupts"]
        + [".faults", "memory"] + region + region + ["hostSeconds", "findings"])
    for line in [
      #"  "board": "m4-led","#, #"    "reason": "time-limit","#,
      #"  "virtualNanoseconds": 10000000000,"#, #"      "name": "console","#,
      #"      "text": "led-heartbeat: PF1 beats at 1 Hz\n""#, #"      "frequencyHz": 0.99999"#,
      #"      "frequencyHz": null,"#, #"      "dutyCycle": 0.500000"#, #"      "edges": 20,"#,
      #"  "hostSeconds": 0.0"#,
    ] { #expect(outcome.output.contains(line)) }
  }

  @Test func twoRunsGiveOneReport() {
    let first = emurun(image("sbi-heartbeat-rv64.elf"), "--json")
    #expect(first.output == emurun(image("sbi-heartbeat-rv64.elf"), "--json").output)
    #expect(first.output.contains(#""reason": "sbi-reset""#))
  }

  @Test func bytesThatAreNoText() throws {
    // lui t0, 0x10000; li t1, 0xff; sb t1, (t0); lui t0, 0x100; lui t1, 5; addi t1, t1, 0x555; sw t1, (t0)
    let program = words(
      0x1000_02B7, 0x0FF0_0313, 0x0062_8023, 0x0010_02B7, 0x0000_5337, 0x5553_0313, 0x0062_A023,
      0x0000_006F)
    try withFolder { folder in
      let path = folder + "/program.bin"
      write(program, to: path)
      let outcome = emurun(path, "--json")
      #expect(outcome.code == 0)
      #expect(outcome.output.contains("\"text\": \"\u{FFFD}\",\n      \"base64\": \"/w==\""))
      #expect(outcome.output.contains("\"entry\": null"))
      #expect(outcome.output.contains("\"buildID\": null"))
      // On the console it is the byte itself.
      let output = Output()
      let host = Host(output: output, errors: Output())
      #expect(Emurun.main([path], on: host) == 0)
      #expect(output.bytes == [0xFF])
    }
  }
}
