import Testing

@testable import Emu

/// Encodings that the library by itself takes for something else. Each was found by the instruction survey (docs/survey.md).
@Suite struct CortexMEncodingTests {
  struct Undefined: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var first: UInt16
    var second: UInt16
    init(_ name: String, _ first: UInt16, _ second: UInt16) {
      (testDescription, self.first, self.second) = (name, first, second)
    }
  }

  static let undefined = [
    Undefined("BLX <label>: no Arm state (A5.3.4)", 0xF000, 0xE802),
    Undefined("STR <pc>, immediate (A7.7.161)", 0xF8CF, 0x0000),
    Undefined("STRH <pc>, immediate (A7.7.170)", 0xF8AF, 0x0000),
    Undefined("STRB <pc>, immediate (A7.7.163)", 0xF88F, 0x0000),
    Undefined("STR <pc>, register (A7.7.162)", 0xF84F, 0x0002),
    Undefined("VST1: no Advanced SIMD (A5.3.1)", 0xF901, 0x070F),
    Undefined("VLD1: no Advanced SIMD (A5.3.1)", 0xF921, 0x070F),
    Undefined("LDREXD (A5.3.6)", 0xE8D1, 0x2F7F),
    Undefined("STREXD (A5.3.6)", 0xE8C1, 0x207F),
    Undefined("VMRS FPSID: only FPSCR (A7.7.246)", 0xEEF0, 0x0A10),
    Undefined("VMRS FPEXC: only FPSCR (A7.7.246)", 0xEEF8, 0x0A10),
    Undefined("VMSR FPEXC: only FPSCR (A7.7.247)", 0xEEE8, 0x0A10),
  ]

  /// UsageFault UNDEFINSTR, nothing done.
  @Test(arguments: undefined) func isUndefined(_ encoding: Undefined) throws {
    let bench = try CortexMBench(vectors: [6: "usage"]) { t in
      t.label("start")
      t.poke(SCS.cpacr, 0xF << 20)
      t.poke(SCS.shcsr, 7 << 16)
      t.load(1, 0x2000_0100)
      t.movs(0, 0x77)
      t.movs(2, 0)
      t.emit(0x46F6)  // MOV lr, lr
      t.label("fault")
      t.emit(encoding.first, encoding.second)
      t.nop()
      t.nop()
      t.end(1)
      t.label("usage")
      t.ldrSP(8 - 1, 24)  // the stacked PC
      t.mov(9, 7)
      t.mov(10, 0)
      t.load(6, SCS.cfsr)
      t.ldr(7, 6)
      t.mov(8, 7)
      t.end()
    }
    #expect(bench.run()?.code == 0)
    #expect(bench.state.r[8] == 1 << 16)
    #expect(bench.state.r[9] == bench.program.address("fault"))
    #expect(bench.state.r[10] == 0x77)
    #expect(bench.word(0x2000_0100) == 0)
  }

  struct Move: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var halfwords: [UInt16]
    var becomes: UInt32
    init(_ name: String, _ halfwords: [UInt16], _ becomes: UInt32) {
      (testDescription, self.halfwords, self.becomes) = (name, halfwords, becomes)
    }
  }

  /// From SP = 0x20000800, r0 = 7, r1 = 0x20000100, where 0x2000_0203 is.
  static let moves = [
    Move("MOV SP, r2", [0x4695], 0x2000_0904),
    Move("MOV.W SP, r2", [0xEA4F, 0x0D02], 0x2000_0904),
    Move("ADD SP, r0", [0x4485], 0x2000_0804),
    Move("ADD.W SP, SP, r0", [0xEB0D, 0x0D00], 0x2000_0804),
    Move("ADD.W SP, SP, #5", [0xF10D, 0x0D05], 0x2000_0804),
    Move("SUBW SP, SP, #3", [0xF2AD, 0x0D03], 0x2000_07FC),
    Move("LDR SP, [r1]", [0xF8D1, 0xD000], 0x2000_0200),
    Move("LDR r3, [SP], #5", [0xF85D, 0x3B05], 0x2000_0804),
    Move("STR r3, [SP, #-3]!", [0xF84D, 0x3D03], 0x2000_07FC),
    Move("LDRSH r3, [SP], #-0x33", [0xF93D, 0x3933], 0x2000_07CC),
    Move("two in one block", [0x4485, 0x4485], 0x2000_0808),
    Move("skipped by IT", [0xBF18, 0x4485], 0x2000_0800),
  ]

  /// "bits [1:0] of SP are always zero" (B1.4.1), for the very next instruction, too.
  @Test(arguments: moves) func theStackPointerIsAligned(_ move: Move) throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(2, 0x2000_0800)
      t.emit(0x4695)  // MOV SP, r2
      t.load(1, 0x2000_0100)
      t.load(2, 0x2000_0203)
      t.str(2, 1)
      t.load(2, 0x2000_0907)
      t.movs(0, 7)
      t.cmp(0, 7)
      for halfword in move.halfwords { t.emit(halfword) }
      t.emit(0x466C)  // MOV r4, SP
      t.end()
    }
    #expect(bench.run()?.code == 0)
    #expect(bench.state.r[4] == move.becomes)
  }

  /// "The fixed-point to floating-point operation uses the Round to Nearest rounding mode" (A7.7.229), here 16777217 / 2 with
  /// FPSCR.RMode towards plus infinity: a tie, which goes to even.
  @Test func fixedPointIsRoundedToNearest() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.poke(SCS.cpacr, 0xF << 20)
      t.load(0, 1 << 22)
      t.vmsr(0)
      t.load(0, 0x0100_0001)
      t.vmov(s: 0, 0)
      t.emit(0xEEBA, 0x0AEF)  // VCVT.F32.S32 s0, s0, #1
      t.vmov(4, s: 0)
      t.vmov(s: 0, 0)
      t.emit(0xEEBB, 0x0AEF)  // VCVT.F32.U32 s0, s0, #1
      t.vmov(5, s: 0)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 0x4B00_0000)
    #expect(bench.state.r[5] == 0x4B00_0000)
  }

  /// VSTR of a doubleword wants a multiple of 4, not of 8 (A3.2.1), whether or not the page was stored to before.
  @Test(arguments: [false, true]) func doublewordsAreWordAligned(_ warm: Bool) throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.poke(SCS.cpacr, 0xF << 20)
      t.load(1, 0x2000_0804)
      if warm { t.str(1, 1, 16) }
      t.load(0, 0x1234_5678)
      t.vmov(s: 0, 0)
      t.vmov(s: 1, 1)
      t.emit(0xED81, 0x0B00)  // VSTR d0, [r1]
      t.end()
    }
    #expect(bench.run()?.reason == .finisher)
    #expect(bench.word(0x2000_0804) == 0x1234_5678)
    #expect(bench.word(0x2000_0808) == 0x2000_0804)
  }

  /// An ISB does not end the IT block that it is in (A7.7.38): what follows it is still conditional.
  @Test func isbInAnITBlock() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.movs(4, 0)
      t.cmp(4, 0)
      t.it(0, 0b0110)  // ITTE EQ
      t.isb()
      t.emit(0x3401)  // ADDEQ r4, #1
      t.emit(0x3410)  // ADDNE r4, #16
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 1)
  }

  /// "Bits [1:0] of SP are treated as RAZ/WI" (B1.4.1).
  @Test(arguments: [(Thumb.Special.msp, 0), (.psp, 1)])
  func stackPointersAreAligned(_ special: Thumb.Special, _ which: Int) throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, 0x2000_0803)
      t.msr(special, 0)
      t.mrs(4, special)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 0x2000_0800)
  }
}
