import Testing

@testable import EmurunCLI

@Suite struct SVDOptionTests {
  private static let chip = """
    <device><name>CHIP</name><peripherals><peripheral>
      <name>LEDS</name><baseAddress>0x400FE000</baseAddress>
      <registers>
        <register><name>DIRECTION</name><addressOffset>0x604</addressOffset></register>
        <register><name>LEVEL</name><addressOffset>0x608</addressOffset>
          <fields><field><name>RED</name><bitRange>[1:1]</bitRange></field></fields></register>
      </registers></peripheral>
    </peripherals></device>

    """

  @Test func namesInTracesAndFindings() throws {
    try withFolder { folder in
      let path = folder + "/chip.svd"
      write(Self.chip.utf8, to: path)
      let outcome = emurun(
        image("led-heartbeat.elf"), "--svd", path, "--for", "1ms", "--trace", "mmio")
      #expect(outcome.code == 0)
      #expect(outcome.errors.contains("mmio LEDS.LEVEL <- 0x00000002 {RED=0x1}\n"))
      let lines = folder + "/trace.jsonl"
      _ = emurun(
        image("led-heartbeat.elf"), "--svd", path, "--for", "1ms", "--trace", "mmio",
        "--trace-file", lines)
      let trace = try read(lines)
      #expect(trace.contains(#""register":"LEDS.LEVEL","fields":{"RED":"0x1"}"#))
      let elsewhere = emurun(
        image("led-heartbeat.elf"), "--board", "lm3s6965evb", "--svd", path, "--for", "1ms",
        "--json")
      #expect(elsewhere.output.contains(#""register": "LEVEL""#))
      #expect(elsewhere.output.contains(#""RED""#))
    }
  }

  @Test func listing() throws {
    try withFolder { folder in
      let path = folder + "/chip.svd"
      write(Self.chip.utf8, to: path)
      let outcome = emurun("svd", path)
      #expect(outcome.code == 0 && outcome.errors == "")
      #expect(
        outcome.output == """
          CHIP  1 peripherals
            0x400F_E000..0x400F_E60B  LEDS  2 registers, 1 fields

          """)
      write("<device>".utf8, to: path)
      #expect(emurun("svd", path).code == 65)
      #expect(emurun("svd", folder + "/no.svd").code == 66)
      #expect(emurun(image("led-heartbeat.elf"), "--svd", path).code == 65)
    }
  }
}
