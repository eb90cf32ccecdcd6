import BoardFiles
import Devices
import Emu
import Testing

@Suite struct SVDTests {
  static let chip = """
    <?xml version="1.0" encoding="utf-8"?>
    <device>
      <name>CHIP</name><size>32</size><resetValue>0x0</resetValue>
      <peripherals>
        <peripheral>
          <name>PWM0</name><baseAddress>0x40028000</baseAddress>
          <addressBlock><offset>0</offset><size>0x1000</size></addressBlock>
          <interrupt><name>PWM0_0</name><value>10</value></interrupt>
          <registers>
            <register>
              <name>CTL</name><addressOffset>0x0</addressOffset><resetValue>0x55</resetValue>
              <fields>
                <field><name>GLOBALSYNC</name><bitRange>[3:0]</bitRange></field>
                <field><name>MODE</name><lsb>4</lsb><msb>5</msb></field>
                <field><name>EN%s</name><dim>2</dim><dimIncrement>1</dimIncrement>
                  <bitOffset>#1000</bitOffset><bitWidth>1</bitWidth></field>
              </fields>
            </register>
            <register derivedFrom="CTL"><name>SYNC</name><addressOffset>4</addressOffset></register>
            <register>
              <dim>3</dim><dimIncrement>0x4</dimIncrement><dimIndex>A-C</dimIndex>
              <name>CMP%s</name><addressOffset>0x10</addressOffset><access>read-only</access>
            </register>
            <cluster>
              <dim>2</dim><dimIncrement>0x40</dimIncrement>
              <name>GEN[%s]</name><addressOffset>0x40</addressOffset>
              <register><name>LOAD</name><addressOffset>8</addressOffset><size>16</size></register>
            </cluster>
          </registers>
        </peripheral>
        <peripheral derivedFrom="PWM0"><name>PWM1</name><baseAddress>0x40029000</baseAddress></peripheral>
      </peripherals>
    </device>

    """

  private func read(_ text: String) throws -> SVDFile {
    try SVDFile(Array(text.utf8), path: "chip.svd")
  }

  @Test func everythingIsWrittenOut() throws {
    let svd = try read(Self.chip)
    #expect(svd.name == "CHIP" && svd.peripherals.map(\.name) == ["PWM0", "PWM1"])
    let pwm = svd.peripherals[0]
    #expect(pwm.size == 0x1000 && pwm.interrupts.map(\.number) == [10])
    #expect(
      pwm.registers.map { "\($0.name)+\($0.offset)" } == [
        "CTL+0", "SYNC+4", "CMPA+16", "CMPB+20", "CMPC+24", "GEN0.LOAD+72", "GEN1.LOAD+136",
      ])
    #expect(pwm.registers[0].reset == 0x55 && pwm.registers[1].reset == 0x55)
    #expect(
      pwm.registers[1].fields.map { "\($0.name) \($0.bits)" } == [
        "GLOBALSYNC 0...3", "MODE 4...5", "EN0 8...8", "EN1 9...9",
      ])
    #expect(pwm.registers[2].permission == .readOnly && pwm.registers[5].size == 2)
    #expect(svd.peripherals[1].registers.map(\.name) == pwm.registers.map(\.name))
    #expect(svd.doubts == [])
    #expect(svd.listing.contains("0x4002_8000..0x4002_8FFF  PWM0  7 registers, 8 fields, IRQ 10"))
  }

  @Test func names() throws {
    let names = try read(Self.chip).registerNames
    let register = try #require(names.register(at: 0x4002_9004))
    #expect(register.peripheral == "PWM1" && register.name == "SYNC")
    #expect(
      register.fields(in: 0x113, at: 0x4002_9004).map { "\($0.name)=\($0.value)" } == [
        "GLOBALSYNC=3", "MODE=1", "EN0=1",
      ])
    // The second byte of it.
    #expect(register.fields(in: 0x03, at: 0x4002_9005).map(\.name) == ["EN0", "EN1"])
    #expect(names.register(at: 0x4002_8020) == nil)
  }

  /// What the chip has and the board has not reads as at reset, takes nothing, and is told.
  @Test func stubs() throws {
    var board = Board.m4LED
    board.stubs = try read(Self.chip).stubs(for: board)
    #expect(board.stubs.map(\.name) == ["PWM0", "PWM1"])
    // ldr r0, =PWM0; ldr r1, [r0]; str r1, [r0, #16]; ldr r2, [r0, #16]; b .
    let code: [UInt16] = [0x4802, 0x6801, 0x6101, 0x6902, 0xE7FE, 0xBF00]
    var bytes: [UInt8] = [0, 0, 1, 0x20, 9, 0, 0, 0]
    for half in code { bytes += [UInt8(half & 0xFF), UInt8(half >> 8)] }
    bytes += [0, 0x80, 2, 0x40]
    let machine = try Machine(board, image: Image(bytes: bytes, path: "stub", format: .raw))
    _ = machine.run(until: RunLimit(index: 10))
    #expect(machine.traps.faults == 0)
    #expect(machine.harts[0].registers.first { $0.name == "r1" }?.value == 0x55)
    #expect(machine.harts[0].registers.first { $0.name == "r2" }?.value == 0)
    #expect(
      machine.findings.map { "\($0.kind.rawValue) \($0.device).\($0.name) \($0.isStore)" } == [
        "not modelled PWM0.CTL false", "not modelled PWM0.CMPA true",
        "not modelled PWM0.CMPA false",
      ])
    #expect(machine.findings.map(\.pc) == [0xA, 0xC, 0xE])
    // Not where the board has something.
    var other = Board.tm4c123GXL
    other.stubs = try read(Self.chip).stubs(for: other)
    #expect(other.stubs.isEmpty)
  }

  @Test(
    arguments: [
      ("<device>", "<devices>", "chip.svd:33:3: is no well-formed XML"),
      (
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>", "<!DOCTYPE device [<!ENTITY a \"b\">]>",
        "chip.svd:1: declares an entity"
      ),
      ("0x40028000", "0x4002800g", "chip.svd:6: <baseAddress> is a number, not \"0x4002800g\""),
      (
        "<baseAddress>0x40029000</baseAddress>", "",
        "chip.svd:31: <peripheral> PWM1 has no <baseAddress>"
      ),
      (
        "derivedFrom=\"PWM0\"", "derivedFrom=\"PWM9\"",
        "chip.svd:31: is derived from \"PWM9\", which is not there"
      ),
      (
        "derivedFrom=\"PWM0\"", "derivedFrom=\"PWM1\"",
        "chip.svd:31: is derived from itself by way of \"PWM1\""
      ),
      (
        "<dim>3</dim>", "<dim>1000000000</dim>",
        "chip.svd:20: <register> CMP%s is there 1000000000 times"
      ),
      (
        "<dimIncrement>0x4</dimIncrement>", "",
        "chip.svd:20: <register> CMP%s has a <dim> and no <dimIncrement>"
      ),
      ("A-C", "A-D", "chip.svd:20: <dimIndex> \"A-D\" does not name 3 of them"),
      ("[3:0]", "[3]", "chip.svd:13: <bitRange> is as [7:0], not \"[3]\""),
      ("<msb>5</msb>", "<msb>3</msb>", "chip.svd:14: there are no bits 3 to 4"),
      ("<name>CTL</name>", "", "chip.svd:10: a <register> has no name"),
      ("<size>16</size>", "<size>0</size>", "chip.svd:27: <register> LOAD is 0 bits wide"),
      ("</peripherals>", "", "chip.svd:33:3: is no well-formed XML"),
    ] as [(String, String, String)])
  func mistakes(_ old: String, _ new: String, _ said: String) {
    do {
      _ = try read(Self.chip.replacing(old, with: new, maxReplacements: 1))
      Issue.record("\(new) was taken")
    } catch {
      #expect("\(error)".hasPrefix(said), "\(error)")
    }
  }

  @Test func whatWouldNotEnd() {
    // Entities of entities, elements in elements, clusters of clusters of registers.
    let laughs =
      "<!DOCTYPE d [<!ENTITY a \"ha\">" + (0..<20).map { "<!ENTITY b\($0) \"&a;&a;\">" }.joined()
      + "]><device>&b19;</device>"
    let deep = String(repeating: "<device>", count: 100_000)
    var wide = "<register><name>R</name><addressOffset>0</addressOffset></register>"
    for _ in 0..<6 {
      wide =
        "<cluster><dim>1000</dim><dimIncrement>4</dimIncrement><name>C%s</name>"
        + "<addressOffset>0</addressOffset>\(wide)</cluster>"
    }
    let many =
      "<device><name>d</name><peripherals><peripheral><name>P</name><baseAddress>0</baseAddress>"
      + "<registers>\(wide)</registers></peripheral></peripherals></device>"
    for text in [laughs, deep, many, "", "<device/>", "\u{0}"] {
      #expect(throws: FileError.self) { try read(text) }
    }
  }

  /// What is read is used: listed, looked up, put on a board.
  private func use(_ text: String) {
    guard let svd = try? read(text) else { return }
    _ = (svd.listing, svd.doubts, svd.stubs(for: .m4LED))
    let names = svd.registerNames
    for address in [0, 0x4002_8000, 0x4002_9004, .max] as [UInt64] {
      _ = names.register(at: address)?.fields(in: .max, at: address)
    }
  }

  /// Every number of a file, at the ends of what numbers can be.
  @Test func extremeNumbers() {
    let extremes = ["0", "63", "64", "65", "0x7FFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFF", "-1", ""]
    var pieces: [String] = []
    var rest = Self.chip[...]
    while let range = rest.firstRange(of: />[#0-9][0-9A-Fa-fx]*</) {
      pieces.append(String(rest[..<range.lowerBound]) + ">")
      pieces.append(String(rest[range].dropFirst().dropLast()))
      rest = rest[rest.index(before: range.upperBound)...]
    }
    pieces.append(String(rest))
    #expect(pieces.count > 40)
    for place in stride(from: 1, to: pieces.count, by: 2) {
      for extreme in extremes {
        var pieces = pieces
        pieces[place] = extreme
        use(pieces.joined())
        // And the one behind it as well.
        if place + 2 < pieces.count {
          pieces[place + 2] = extreme
          use(pieces.joined())
        }
      }
    }
  }

  /// Sums that only just do not fit.
  @Test func sumsBeyondTheEnd() {
    use(
      Self.chip.replacing("<bitOffset>#1000</bitOffset>", with: "<bitOffset>0</bitOffset>")
        .replacing(
          "<dimIncrement>1</dimIncrement>",
          with: "<dimIncrement>0xFFFFFFFFFFFFFFFF</dimIncrement>"))
    use(
      "<device><name>d</name><peripherals><peripheral><name>P</name>"
        + "<baseAddress>0xFFFFFFFFFFFFFFFF</baseAddress></peripheral></peripherals></device>")
  }

  @Test func damagedFiles() {
    var random = Damage(seed: 3)
    for _ in 0..<1_000 { use(random.damaged(Self.chip)) }
  }

  @Test func doubts() throws {
    let text = Self.chip
      .replacing("<addressOffset>4</addressOffset>", with: "<addressOffset>2</addressOffset>")
      .replacing("[3:0]", with: "[40:33]").replacing("0x40029000", with: "0x40028800")
    let doubts = try read(text).doubts
    #expect(doubts.contains { $0.hasPrefix("chip.svd:19: PWM0.SYNC overlaps PWM0.CTL") })
    #expect(doubts.contains { $0.contains("PWM0.CTL.GLOBALSYNC goes beyond its register") })
    #expect(doubts.contains { $0.contains("PWM1 overlaps PWM0") })
  }
}
