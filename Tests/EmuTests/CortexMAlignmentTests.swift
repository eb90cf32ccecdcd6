import Testing

@testable import Emu

/// Alignment (ARM DDI 0403E.e, A3.2.1), division by zero, CCR (B3.2.8), and the bit-band aliases.
@Suite struct CortexMAlignmentTests {
  /// An instruction with r0 as its base, by name.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var code: @Sendable (inout Thumb) -> Void
    init(_ name: String, _ code: @escaping @Sendable (inout Thumb) -> Void) {
      testDescription = name
      self.code = code
    }
  }

  /// "The following data accesses support unaligned addressing, and only generate alignment faults
  /// when the CCR.UNALIGN_TRP bit is set to 1".
  static let sometimes: [Case] = [
    Case("LDR") { $0.ldr(1, 0) }, Case("STR") { $0.str(1, 0) }, Case("STRH") { $0.strh(1, 0) },
    Case("LDRH") { $0.emit(0x8801) }, Case("LDR.W") { $0.emit(0xF8D0, 0x1000) },
    Case("LDRSH.W") { $0.emit(0xF9B0, 0x1000) }, Case("STRH.W") { $0.emit(0xF8A0, 0x1000) },
    Case("LDRT") { $0.ldrt(1, 0) }, Case("STRT") { $0.strt(1, 0) },
    Case("LDR post-indexed") { $0.emit(0xF850, 0x1B04) },
    Case("TBH") {
      $0.movs(2, 0)
      $0.emit(0xE8D0, 0xF012)
    },
  ]

  /// "always generate an alignment fault".
  static let always: [Case] = [
    Case("LDRD") { $0.emit(0xE9D0, 0x1200) }, Case("STRD") { $0.emit(0xE9C0, 0x1200) },
    Case("LDM") { $0.emit(0xC806) }, Case("STM") { $0.emit(0xC006) },
    Case("LDMIA.W") { $0.emit(0xE890, 0x0006) }, Case("STMDB.W") { $0.emit(0xE900, 0x0006) },
    Case("LDREX") { $0.ldrex(1, 0) }, Case("LDREXH") { $0.emit(0xE8D0, 0x1F5F) },
    Case("VLDR") { $0.emit(0xED90, 0x0A00) }, Case("VSTR") { $0.emit(0xED80, 0x0A00) },
    Case("VLDM") { $0.emit(0xEC90, 0x0A02) }, Case("VSTM") { $0.emit(0xEC80, 0x0A02) },
    Case("VLDR.64") { $0.emit(0xED90, 0x0B00) },
  ]

  private func run(_ item: Case, trap: Bool, at address: UInt32) throws -> CortexMBench {
    let bench = try CortexMBench(vectors: [6: "usage"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 7 << 16)
      t.poke(SCS.cpacr, 0xF << 20)
      t.load(0, 0x2000_2000)
      t.movs(1, 0)
      t.label("before")
      item.code(&t)
      t.label("behind")
      t.poke(SCS.ccr, trap ? 0x208 : 0x200)
      t.load(0, address)
      t.movs(1, 0)
      t.label("fault")
      item.code(&t)
      t.end(1)
      t.label("usage")
      t.ldrSP(5, 24)
      t.load(6, SCS.cfsr)
      t.ldr(4, 6)
      t.end(2)
    }
    bench.run()
    return bench
  }

  @Test(arguments: sometimes) func unalignedUnderUNALIGN_TRP(_ item: Case) throws {
    for address in [0x2000_2001, 0x2000_23FF] as [UInt32] {
      let free = try run(item, trap: false, at: address)
      #expect(free.machine.stop?.code == 1)
      let trapped = try run(item, trap: true, at: address)
      #expect(trapped.machine.stop?.code == 2)
      #expect(trapped.state.r[4] == 1 << 24)
      let length = item.testDescription == "TBH" ? 2 : 0
      #expect(trapped.state.r[5] == trapped.program.address("fault") + UInt32(length))
      let aligned = try run(item, trap: true, at: 0x2000_2004)
      #expect(aligned.machine.stop?.code == 1)
    }
  }

  @Test(arguments: always) func alwaysAligned(_ item: Case) throws {
    for trap in [false, true] {
      let bench = try run(item, trap: trap, at: 0x2000_2003)
      #expect(bench.machine.stop?.code == 2)
      #expect(bench.state.r[4] == 1 << 24)
      #expect(bench.state.r[5] == bench.program.address("fault"))
      // Words are enough, for a double register too.
      #expect(try run(item, trap: trap, at: 0x2000_2004).machine.stop?.code == 1)
    }
  }

  /// "Accesses to Strongly Ordered and Device memory types must always be naturally aligned".
  @Test(arguments: [0x4000_0002, 0xA000_0001, 0x3000_0002] as [UInt32])
  func unalignedAccessToADevice(_ address: UInt32) throws {
    let bench = try run(Self.sometimes[0], trap: false, at: address)
    let isDevice = address >> 29 != 1
    #expect(bench.state.system.cfsr == (isDevice ? 1 << 24 : 1 << 9 | 1 << 15))
  }

  /// DIV_0_TRP: "trap on divide by 0", with ThisInstrAddr; without it "the quotient is 0". The same
  /// code runs both ways, in an IT block too.
  @Test(arguments: [false, true]) func divideByZero(_ signed: Bool) throws {
    let bench = try CortexMBench(vectors: [6: "usage"]) { t in
      func divide(_ rd: Int, _ rn: Int, _ rm: Int) {
        if signed { t.sdiv(rd, rn, rm) } else { t.udiv(rd, rn, rm) }
      }
      t.label("start")
      t.poke(SCS.shcsr, 7 << 16)
      t.load(1, signed ? 0xFFFF_FF9C : 100)
      t.movs(2, 0)
      t.movs(3, 7)
      t.movs(4, 0)
      t.label("again")
      divide(8, 1, 3)
      t.movs(0, 9)
      t.cmp(0, 9)
      t.it(0, 0x4)  // ITT EQ
      t.adds(4, 1)
      t.label("fault")
      divide(0, 1, 2)
      t.mark(1, by: 6, with: 7)
      t.poke(SCS.ccr, 0x210)
      t.b("again")
      t.label("usage")
      t.mov(9, 0)
      t.ldrSP(5, 24)
      t.load(6, SCS.cfsr)
      t.ldr(3, 6)
      t.end(2)
    }
    #expect(bench.run()?.code == 2)
    let state = bench.state
    #expect(bench.marks == [1])
    #expect(state.r[3] == 1 << 25)
    #expect(state.r[5] == bench.program.address("fault"))
    #expect(state.r[8] == (signed ? 0xFFFF_FFF2 : 14))
    #expect(state.r[9] == 9)
    #expect(state.r[4] == 2)
    #expect(bench.machine.traps.faults == 1)
  }

  /// UNALIGN_TRP and DIV_0_TRP count from the next instruction on, in the same block.
  @Test func trapsCountAtOnce() throws {
    let bench = try CortexMBench(vectors: [3: "hard"]) { t in
      t.label("start")
      t.load(0, SCS.ccr)
      t.load(1, 0x210)
      t.movs(2, 0)
      t.str(1, 0)
      t.label("fault")
      t.udiv(3, 1, 2)
      t.label("hard")
      t.ldrSP(5, 24)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[5] == bench.program.address("fault"))
    #expect(bench.state.system.cfsr == 1 << 25)
  }

  // MARK: Bit-banding

  /// "bit_word_offset = (byte_offset * 32) + (bit_number * 4)": every bit of a word, by word,
  /// halfword and byte.
  @Test func everyBitOfSRAM() throws {
    let pattern: UInt32 = 0xA5C3_96F1
    let target: UInt32 = 0x2000_2004
    for width in [0, 1, 2] {
      let bench = try CortexMBench { t in
        t.label("start")
        t.load(0, target)
        t.load(1, pattern)
        t.str(1, 0)
        t.movs(4, 0)
        t.movs(3, 0)
        for bit in (0..<32 as Range<UInt32>).reversed() {
          t.load(2, 0x2200_0000 + (target - 0x2000_0000) * 32 + bit * 4)
          switch width {
          case 0: t.ldrb(1, 2)
          case 1: t.emit(0x8811)  // LDRH r1, [r2]
          default: t.ldr(1, 2)
          }
          t.adds(4, 4, 4)
          t.adds(4, 4, 1)
          // Only bit 0 of what is stored counts: its opposite.
          t.adds(1, 0xF)
          switch width {
          case 0: t.strb(1, 2)
          case 1: t.strh(1, 2)
          default: t.str(1, 2)
          }
        }
        t.end()
      }
      bench.run()
      #expect(bench.state.r[4] == pattern)
      #expect(bench.word(target) == ~pattern)
      #expect(bench.word(target - 4) == 0)
      #expect(bench.word(target + 4) == 0)
    }
  }

  /// A device sees a load and a store of the width of the access; a device that refuses that width
  /// is a bus error of the alias.
  @Test func bitsOfADevice() throws {
    let alias: UInt32 = 0x4200_0000 + (Puller.raise - 0x4000_0000) * 32 + 3 * 4
    let bench = try CortexMBench(vectors: [5: "bus"]) { t in
      t.label("start")
      t.poke(SCS.shcsr, 7 << 16)
      t.load(0, alias)
      t.movs(1, 1)
      t.str(1, 0)
      t.load(0, 0x4200_0000 + 8 * 32 + 3 * 4)
      t.ldr(4, 0)
      t.load(0, alias)
      t.label("fault")
      t.strb(1, 0)
      t.label("bus")
      t.ldrSP(5, 24)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 1)
    let accesses = bench.machine.trace.filter {
      $0.source == 0 && [.mmioRead, .mmioWrite].contains($0.kind)
    }.prefix(3)
    #expect(accesses.map(\.kind) == [.mmioRead, .mmioWrite, .mmioRead])
    #expect(accesses.map(\.detail) == [0x0400_0000, 0x0400_0000, 0x0400_0008])
    #expect(accesses.map(\.value) == [0, 8, 8])
    #expect(bench.state.r[5] == bench.program.address("fault"))
    #expect(bench.state.system.bfar == alias)
  }

  /// Code that is changed through the alias is changed for the next instruction.
  @Test func codeThroughTheAlias() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, 0x2000_2000)
      t.load(1, 0x4770_3401)  // ADDS r4, #1; BX LR
      t.str(1, 0)
      t.movs(4, 0)
      t.load(5, 0x2000_2001)
      t.load(14, "first")
      t.bx(5)
      t.label("first")
      t.load(2, 0x2200_0000 + 0x2000 * 32 + 3 * 4)
      t.movs(1, 1)
      t.str(1, 2)
      t.load(14, "second")
      t.bx(5)
      t.label("second")
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 1 + 9)
  }
}
