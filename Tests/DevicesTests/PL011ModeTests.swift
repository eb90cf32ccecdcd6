import Devices
import Emu
import Testing

/// What TI's UARTs have beside plain characters: the TM4C123GH6PM's datasheet, sections 14.3.4 to 14.3.9.
@Suite struct PL011ModeTests {
  private enum R {
    static let data: UInt64 = 0x00
    static let errors: UInt64 = 0x04
    static let flags: UInt64 = 0x18
    static let lowPowerDivisor: UInt64 = 0x20
    static let line: UInt64 = 0x2C
    static let control: UInt64 = 0x30
    static let levels: UInt64 = 0x34
    static let mask: UInt64 = 0x38
    static let raw: UInt64 = 0x3C
    static let clear: UInt64 = 0x44
    static let ownAddress: UInt64 = 0xA4
    static let addressMask: UInt64 = 0xA8
  }
  private static let loopback: UInt64 = 0x381
  private let bench = DeviceBench(
    PL011(.timed, hasModem: true), clock: Clock(hertz: 16_000_000))
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }
  private func write(_ offset: UInt64, _ value: UInt64) { bench.write(offset, value) }

  /// A bit takes 16 clocks, a character 160, or 176 with a parity.
  private func start(line: UInt64 = 0x70, control: UInt64) {
    write(0x24, 1)
    write(R.line, line)
    write(R.control, control)
  }

  private var sentAt: [Tick] { bench.events.filter { $0.kind == .uart }.map(\.tick) }

  // MARK: Breaks

  /// In loopback one zero comes in, with the break and no stop bit, and with a wrong parity if that is odd; it is in the time of a
  /// character, once however long the break is, and what is sent later waits for its end.
  @Test(
    arguments: [(0x70, 0x500, 160), (0x76, 0x500, 176), (0x72, 0x700, 176)]
      as [(UInt64, UInt64, Tick)])
  func aBreak(line: UInt64, entry: UInt64, length: Tick) {
    start(line: line, control: Self.loopback)
    write(R.line, line | 1)
    write(R.data, 0x55)
    bench.advance(to: length - 1)
    #expect(read(R.flags) & 0x18 == 0x18)
    bench.advance(to: length)
    #expect(read(R.flags) & 0x10 == 0 && read(R.raw) == entry >> 1)
    bench.advance(to: 1_000)
    #expect(read(R.data) == entry && read(R.errors) == entry >> 8)
    #expect(read(R.flags) & 0x10 == 0x10)
    write(R.line, line)
    bench.advance(to: 1_000 + length)
    #expect(read(R.data) == 0x55 && read(R.errors) == 0 && bench.sent == "")
  }

  /// It begins behind the character that is under way. On the wire it is no byte.
  @Test func aBreakOutside() {
    start(control: 0x301)
    for byte in "ab".utf8 { write(R.data, UInt64(byte)) }
    bench.advance(to: 100)
    write(R.line, 0x71)
    bench.advance(to: 2_000)
    #expect(sentAt == [160] && read(R.flags) & 0x08 == 0x08)
    write(R.line, 0x70)
    bench.advance(to: 3_000)
    #expect(sentAt == [160, 2_160] && bench.sent == "ab" && bench.findings.isEmpty)
  }

  /// The interrupts of the three errors are masked and cleared like others.
  @Test func errorInterrupts() {
    start(control: Self.loopback)
    write(R.mask, 0x200)
    write(R.line, 0x71)
    bench.advance(to: 200)
    #expect(bench.isRaised)
    write(R.clear, 0x200)
    #expect(!bench.isRaised && read(R.raw) == 0x80)
  }

  // MARK: Nine bits

  /// 0x80 in the upper half, 0x80 to 0x82 and 0x84 to 0x8F are others' addresses for one that is 0x83 by itself, and its own by a
  /// mask of 0xF0.
  @Test(
    arguments: [(0xFF, 0x83, true), (0xFF, 0x82, false), (0xF0, 0x8F, true), (0xF0, 0x93, false)]
      as [(UInt64, UInt64, Bool)])
  func addresses(mask: UInt64, address: UInt64, isOwn: Bool) {
    start(control: Self.loopback)
    write(R.addressMask, mask)
    write(R.ownAddress, 0x8083)
    // Stick parity that is one, then zero.
    write(R.line, 0xF2)
    write(R.data, address)
    bench.advance(to: 175)
    #expect(read(R.raw) & 0x1000 == 0)
    bench.advance(to: 176)
    #expect(read(R.raw) & 0x1000 == (isOwn ? 0x1000 : 0) && read(R.flags) & 0x10 == 0x10)
    write(R.line, 0x70)
    write(R.data, 0x41)
    bench.advance(to: 352)
    #expect((read(R.flags) & 0x10 == 0) == isOwn)
    #expect(read(R.data) == (isOwn ? 0x41 : 0))
    // Another's address ends it.
    write(R.line, 0xF2)
    write(R.data, 0x11)
    bench.advance(to: 600)
    write(R.line, 0x70)
    write(R.data, 0x42)
    bench.advance(to: 1_000)
    #expect(read(R.flags) & 0x10 == 0x10 && bench.findings.isEmpty)
  }

  /// Without 9BITEN all characters are data, whatever their parity.
  @Test func notInTheOtherModes() {
    start(line: 0xF2, control: Self.loopback)
    write(R.ownAddress, 0x0083)
    write(R.data, 0x83)
    bench.advance(to: 176)
    #expect(read(R.data) == 0x83 && read(R.raw) & 0x1000 == 0)
  }

  // MARK: RTS and CTS

  /// CTSEN: a character begins while CTS is low only; one that is under way ends. Each change is CTSRIS.
  @Test func clearToSend() {
    start(control: 0x8301)
    #expect(read(R.flags) & 1 == 1)
    for byte in "abc".utf8 { write(R.data, UInt64(byte)) }
    bench.advance(to: 50)
    bench.input(0, true)
    #expect(read(R.flags) & 1 == 0 && read(R.raw) & 2 == 2)
    write(R.clear, 2)
    bench.advance(to: 1_000)
    #expect(sentAt == [160])
    bench.input(0, false)
    #expect(read(R.raw) & 2 == 2)
    bench.advance(to: 2_000)
    #expect(sentAt == [160, 1_160, 1_320])
    bench.input(0, true)
    write(R.control, 0x301)
    write(R.data, 0x64)
    bench.advance(to: 3_000)
    #expect(bench.sent == "abcd" && bench.findings.isEmpty)
  }

  /// RTS is low where UARTCTL.RTS is set; with RTSEN, where the receiver has less than its level. What is outside waits then.
  @Test func requestToSend() {
    start(control: 0x301)
    #expect(bench.lines.contains(.line(5)))
    write(R.control, 0xB01)
    #expect(!bench.lines.contains(.line(5)))
    write(R.levels, 0)
    write(R.control, 0x4301)
    write(R.mask, 0x10)
    #expect(!bench.lines.contains(.line(5)))
    bench.send("12345".utf8)
    bench.advance(to: 5_000)
    #expect(bench.taken == 2 && bench.lines.contains(.line(5)))
    #expect(read(R.data) == 0x31 && !bench.lines.contains(.line(5)))
    bench.advance(to: 6_000)
    #expect(bench.taken == 3 && bench.lines.contains(.line(5)) && bench.findings.isEmpty)
  }

  /// Only UART1 has them, and no other says that it has.
  @Test func onlyUART1() {
    let bench = DeviceBench(PL011(.timed), clock: Clock(hertz: 16_000_000))
    bench.write(R.control, 0xC301)
    bench.input(0, true)
    #expect(bench.lines == [] && bench.read(R.flags) == 0x90)
    #expect(bench.findings.map(\.name) == ["UARTCTL.RTSEN"])
    let machines = Board.tm4c123GXL.devices.filter { $0.name.hasPrefix("uart") }
    #expect(
      machines.filter { $0.map.registers.contains { $0.name == "UARTFR" && $0.reset == 0x91 } }
        .map(\.name) == ["uart1"])
  }

  // MARK: Infrared

  /// The bytes are the same, in the same time.
  @Test func infrared() {
    start(control: 0x307)
    write(R.lowPowerDivisor, 0x1FF)
    write(R.data, 0x41)
    bench.advance(to: 160)
    #expect(bench.sent == "A" && read(R.lowPowerDivisor) == 0xFF && bench.findings.isEmpty)
    write(R.control, 0x309)
    #expect(bench.findings.map(\.name) == ["UARTCTL.SMART"])
  }

  // MARK: Input

  /// An operating system sets its UART up twice: for its first words, and for its driver. What is typed meanwhile waits for somebody
  /// who looks for it.
  @Test func inputWaitsForAReader() {
    bench.send("ok".utf8)
    start(control: 0x301)
    for byte in "hi".utf8 {
      while read(R.flags) & 0x20 != 0 { bench.advance(to: bench.now + 10) }
      write(R.data, UInt64(byte))
    }
    bench.advance(to: 1_000)
    #expect(bench.taken == 0)
    write(R.control, 0)
    write(R.line, 0x60)
    start(control: 0x301)
    write(R.mask, 0x10)
    bench.advance(to: 2_000)
    #expect(bench.sent == "hi" && read(R.data) == 0x6F && read(R.data) == 0x6B)
  }

  /// Or one who polls, or collects by µDMA.
  @Test(arguments: [R.flags, R.raw, R.data, 0x48]) func itComesForOne(who polls: UInt64) {
    bench.send("ok".utf8)
    start(control: 0x301)
    #expect(bench.taken == 0)
    if polls == 0x48 { write(polls, 1) } else { for _ in 0..<2 { _ = read(polls) } }
    bench.advance(to: 1_000)
    #expect(bench.taken == 2)
  }
}
