import Emu
import Testing

@testable import EmurunCLI

/// How runs end, and what the process makes of it.
@Suite struct EndTests {
  /// lui t0, 0x100; then the low half of `value` and the code into it.
  private func finisher(_ value: UInt32) -> [UInt8] {
    let low = value & 0xFFF
    let high = (value >> 12) + (low >= 0x800 ? 1 : 0)
    return words(
      0x0010_02B7, (high & 0xF_FFFF) << 12 | 0x337, low << 20 | 0x30313, 0x0062_A023, 0x0000_006F)
  }

  @Test func theGuestsOwnCode() throws {
    try withFolder { folder in
      let path = folder + "/program.bin"
      for (value, code, words) in [
        (0x5555, 0, "passed after"), (0x7_3333, 7, "failed with code 7 after"),
        (0x3F_3333, 63, "failed with code 63 after"),
        (0x100_3333, 63, "failed with code 256, exit code 63, after"),
      ] as [(UInt32, Int32, String)] {
        write(finisher(value), to: path)
        let outcome = emurun(path)
        #expect(outcome.code == code)
        #expect(outcome.errors.contains(words))
      }
      write(finisher(0x7777), to: path)
      let reset = emurun(path, "--no-reboot")
      #expect(reset.code == 0)
      #expect(reset.errors.contains("reset by the guest after"))
      #expect(emurun(path, "--for", "1us").errors.contains("stopped after 1.000 µs"))
    }
  }

  @Test func verdicts() throws {
    var plan = try Emurun.parse([image("hello-rv64.elf")]).plan(standardInput: -1)
    let codes = { (plan: RunPlan) in
      StopReason.allCases.map { plan.verdict(Stop($0)) }
    }
    // finisher semihosting htif sbi-reset reset time instructions expect fail idle lockup trap-loop fault interrupted script
    #expect(codes(plan) == [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 125, 125, 125, 130, 0])
    plan.expectedText = "x"
    #expect(codes(plan) == [1, 1, 1, 1, 1, 124, 124, 0, 1, 124, 125, 125, 125, 130, 0])
    #expect(plan.verdict(Stop(.fault, detail: "emulator bug: something")) == 70)
    #expect(plan.verdict(Stop(.semihosting, code: 200)) == 63)
  }

  @Test func aDeadRV64() throws {
    // li a0, 0x...; lw from nowhere: the trap vector is 0, where nothing is.
    let program = words(0xDEAD_0537, 0x0005_2583, 0x0000_006F)
    try withFolder { folder in
      let path = folder + "/program.bin"
      write(program, to: path)
      let outcome = emurun(path)
      #expect(outcome.code == 125)
      let text = outcome.errors
      #expect(text.contains("emurun: the guest died: trap loop at 0x0: "))
      #expect(text.contains("\n   pc 0x0000000000000000  zero 0x0000000000000000  ra "))
      #expect(text.contains("  a0 0xffffffffdead0000\n"))
      // The handler that never began, and what it was entered from.
      #expect(text.contains("\nbacktrace:\n  #0 0x0\n  #1 0x80000004\n"))
      #expect(text.contains("trap load access fault at 0x80000004\n"))
      #expect(text.contains("\ndied after "))
    }
  }

  @Test func aDeadCortexM() throws {
    // Vector table: stack, start; the start loads from nowhere, and there is no HardFault handler.
    let program = words(0x2000_1000, 0x0000_0011, 0, 0, 0x6800_4801, 0xE7FE_E7FE, 0xDEAD_0000)
    try withFolder { folder in
      let path = folder + "/program.bin"
      write(program, to: path)
      let outcome = emurun(path)
      #expect(outcome.code == 125)
      let text = outcome.errors
      #expect(text.contains("emurun: the guest died: lockup at "))
      #expect(text.contains("HardFault, at priority -1; CFSR 0x28200: PRECISERR INVSTATE; "))
      #expect(text.contains("HFSR 0x40000000: FORCED\n"))
      #expect(text.contains("\nbacktrace:\n"))
      #expect(text.contains("\n    r0 0xdead0000  r1 0x"))
      #expect(text.contains("trap bus fault at 0x12\n"))
      #expect(text.contains("the last 4 events:\n"))
      #expect(emurun(path, "--json").output.contains(#""reason": "lockup""#))
    }
  }

  /// What a Cortex-M writes to its ITM, as files, and nowhere else.
  @Test func stimulusPortsAsFiles() throws {
    // DEMCR.TRCENA; ITM_LAR, TER = 3, TCR = 1; "A" and "BC" to port 0, a word to port 1, one to
    // port 2, which is off.
    let program = words(
      0x2000_1000, 0x0000_0011, 0x0000_0000, 0x0000_0000, 0xF04F_480B, 0x6001_7180, 0x0600_20E0,
      0x4A0A_4909, 0x2103_6011, 0x6011_4A09, 0x3280_2101, 0x2141_6011, 0xF244_7001, 0x8001_3142,
      0x6041_4905, 0xE7FE_6081, 0xE000_EDFC, 0xC5AC_CE55, 0xE000_0FB0, 0xE000_0E00, 0x1234_5678)
    try withFolder { folder in
      let path = folder + "/itm.bin"
      write(program, to: path)
      let (zero, one) = (folder + "/zero", folder + "/one")
      let outcome = emurun(path, "--for", "1ms", "--itm", zero, "--itm", "1=" + one)
      #expect(outcome.code == 0)
      try #expect(read(zero) == "ABC")
      try #expect(Array(read(one).utf8) == [0x78, 0x56, 0x34, 0x12])
      #expect(!outcome.errors.contains("nothing came"))
      // The firmware has not enabled it: a user who waits for output is told why there is none.
      let off = emurun(path, "--for", "1ms", "--itm", "2=" + one)
      #expect(off.code == 0)
      try #expect(read(one) == "")
      #expect(off.errors.contains("nothing came from ITM port 2; the firmware must set DEMCR."))
      let twice = emurun(path, "--itm", zero, "--itm", "0=" + one)
      #expect(twice.code == 64)
      #expect(twice.errors.contains("--itm: port 0 can go to one file only"))
      let other = emurun(image("hello-rv64.elf"), "--itm", zero)
      #expect(other.code == 64)
      #expect(other.errors.contains("--itm: rv64-virt is no Cortex-M and has no ITM"))
    }
  }

  @Test func differentRunsAreTold() throws {
    let one = try Emurun.parse([image("led-heartbeat.elf"), "--for", "1s"])
      .plan(standardInput: -1)
    var other = one
    other.end = Moment(nanoseconds: 250_000_000)
    let host = Host(output: Output(), errors: Output())
    let machine = try one.machine()
    try one.drive(machine, host: host, between: {})
    try Repetition(plan: one, host: host).compare(with: machine)
    let refusal = #expect(throws: Refusal.self) {
      try Repetition(plan: other, host: host).compare(with: machine)
    }
    #expect(refusal?.code == 70)
    let lines = (refusal?.sentence ?? "").split(separator: "\n").map(String.init)
    // Twice the other plan, they are the same; what a real difference says: DivergenceTests.
    #expect(
      lines.first
        == "the second run is not the first, in its events too: but run once more beside each "
        + "other, they do not differ")
    #expect(lines.last?.contains("please report it") == true)
  }
}
