import Devices
import Emu
import Testing

/// The TM4C123GH6PM's SSI against its datasheet, chapter 15, and an EEPROM on it.
@Suite struct TM4CSSITests {
  private enum R {
    static let control0: UInt64 = 0x000
    static let control1: UInt64 = 0x004
    static let data: UInt64 = 0x008
    static let status: UInt64 = 0x00C
    static let prescale: UInt64 = 0x010
    static let raw: UInt64 = 0x018
    static let dma: UInt64 = 0x024
  }
  private static let clock = Clock(hertz: 16_000_000)

  private func bench(
    eeprom: SerialEEPROM? = nil, control0: UInt64 = 0x107, control1: UInt64 = 2
  ) -> DeviceBench<PL022> {
    let bench = DeviceBench(PL022(isTM4C: true, eeprom: eeprom), clock: Self.clock)
    bench.write(R.prescale, 2)
    bench.write(R.control0, control0)
    bench.write(R.control1, control1)
    return bench
  }

  /// "SSInClk = SysClk / (CPSDVSR * (1 + SCR))": eight bits of four clocks; loopback, and both FIFOs.
  @Test func framesTakeTheirTime() {
    let bench = bench(control1: 3)
    for number in 0..<9 as Range<UInt64> { bench.write(R.data, 0x100 | 0x40 + number) }
    // One is on its way, eight wait: BSY, and neither TNF nor TFE.
    #expect(bench.read(R.status) == 0x10 && bench.read(R.raw) == 0)
    bench.write(R.data, 0)
    #expect(bench.findings.map(\.name) == ["SSIDR written while SSISR.TNF is 0"])
    bench.advance(to: 31)
    #expect(bench.read(R.status) == 0x10)
    bench.advance(to: 32)
    #expect(bench.read(R.status) == 0x16)
    bench.advance(to: 4 * 32 - 1)
    #expect(bench.read(R.raw) == 0)
    bench.advance(to: 4 * 32)
    // RX half full, TX half empty.
    #expect(bench.read(R.raw) == 0xC)
    bench.advance(to: 9 * 32)
    #expect(bench.read(R.status) == 0x0F && bench.read(R.raw) == 0xD)
    #expect((0..<8).map { _ in bench.read(R.data) ?? 0 } == (0x40..<0x48).map { UInt64($0) })
    #expect(bench.read(R.status) == 0x03)
  }

  /// SSICC 5: "PIOSC", whatever the core's clock is.
  @Test(arguments: [(80_000_000, 160), (16_000_000, 32), (1_000_000, 2)] as [(UInt64, Tick)])
  func theOtherClock(hertz: UInt64, ticks: Tick) {
    let bench = DeviceBench(PL022(isTM4C: true), clock: Clock(hertz: hertz))
    bench.write(0xFC8, 5)
    bench.write(R.prescale, 2)
    bench.write(R.control0, 0x107)
    bench.write(R.control1, 3)
    bench.write(R.data, 0x5A)
    bench.advance(to: ticks - 1)
    #expect(bench.read(R.status) == 0x13)
    bench.advance(to: ticks)
    #expect(bench.read(R.status) == 0x07 && bench.findings.isEmpty)
    // A time-out without a rate is over in a clock of that.
    bench.write(R.data, 1)
    bench.advance(to: 2 * ticks)
    bench.write(R.prescale, 0)
    #expect(bench.read(R.data) == 0x5A)
    bench.advance(to: bench.now + 5)
    #expect(bench.read(R.raw) == 0xA)
  }

  /// "... no further data is received" for 32 clocks of the line.
  @Test func receiveTimeout() {
    let bench = bench(control1: 3)
    bench.write(R.data, 1)
    bench.advance(to: 32 + 32 * 4 - 1)
    #expect(bench.read(R.raw) == 8)
    bench.advance(to: 32 + 32 * 4)
    #expect(bench.read(R.raw) == 0xA)
    _ = bench.read(R.data)
    #expect(bench.read(R.raw) == 8)
  }

  /// Requests for µDMA: single and burst of either side; a transfer's own interrupts do not go out meanwhile.
  @Test func requests() {
    let bench = bench(control1: 3)
    bench.write(0x014, 0xC)
    #expect(bench.lines == [.line(0)])
    bench.write(R.dma, 3)
    #expect(bench.lines == [.line(3), .line(4)])
    for number in 0..<6 as Range<UInt64> { bench.write(R.data, number) }
    #expect(bench.lines == [.line(3)])
    bench.advance(to: 32)
    #expect(bench.lines == [.line(1), .line(3), .line(4)])
    bench.advance(to: 4 * 32)
    #expect(bench.lines == [.line(1), .line(2), .line(3), .line(4)])
  }

  /// A page of an EEPROM, selected by a pin: write enable, write, the busy time, and reading back.
  @Test func anEEPROM() {
    let bench = bench(eeprom: SerialEEPROM([UInt8](repeating: 0xFF, count: 4096)))
    func exchange(_ bytes: [UInt8]) -> [UInt8] {
      bench.input(0, false)
      let answer = bytes.map { byte -> UInt8 in
        bench.write(R.data, UInt64(byte))
        bench.advance(to: bench.now + 40)
        return UInt8(truncatingIfNeeded: bench.read(R.data) ?? 0)
      }
      bench.input(0, true)
      return answer
    }
    // Without WREN nothing is written.
    _ = exchange([2, 0, 0x1E, 9])
    #expect(exchange([5, 0])[1] == 0)
    _ = exchange([6])
    #expect(exchange([5, 0])[1] == 2)
    // Two bytes up to the end of the page, and two at its beginning.
    _ = exchange([2, 0, 0x1E, 1, 2, 3, 4])
    #expect(exchange([5, 0])[1] & 1 == 1)
    #expect(exchange([3, 0, 0x1E, 0])[3] == 0xFF)
    bench.advance(to: bench.now + 80_000)
    #expect(exchange([5, 0])[1] == 0)
    #expect(exchange([3, 0, 0x1E, 0, 0, 0])[3...] == [1, 2, 0xFF])
    #expect(exchange([3, 0, 0, 0, 0, 0])[3...] == [3, 4, 0xFF])
  }

  /// SSIFss by itself: held through back-to-back frames with SPH 1, "pulsed High between each data word" with SPH 0.
  @Test(arguments: [true, false]) func frameSelect(isHeld: Bool) {
    let bench = bench(
      eeprom: SerialEEPROM((0..<256).map { UInt8($0) }), control0: isHeld ? 0x187 : 0x107)
    for byte in [3, 0x42, 0, 0] as [UInt64] { bench.write(R.data, byte) }
    bench.advance(to: 1_000)
    let answer = (0..<4).map { _ in bench.read(R.data) ?? 0 }
    #expect(answer == (isHeld ? [0xFF, 0xFF, 0x42, 0x43] : [0xFF, 0xFF, 0xFF, 0xFF]))
  }
}

/// The TM4C123GH6PM's I2C against its datasheet, chapter 16, and an EEPROM on its bus.
@Suite struct TM4CI2CTests {
  private enum R {
    static let address: UInt64 = 0x000
    static let control: UInt64 = 0x004
    static let data: UInt64 = 0x008
    static let period: UInt64 = 0x00C
    static let mask: UInt64 = 0x010
    static let raw: UInt64 = 0x014
    static let clear: UInt64 = 0x01C
    static let configuration: UInt64 = 0x020
    static let own: UInt64 = 0x800
    static let slave: UInt64 = 0x804
    static let slaveData: UInt64 = 0x808
    static let slaveRaw: UInt64 = 0x810
  }
  private enum C {
    static let single: UInt64 = 7
    static let start: UInt64 = 3
    static let go: UInt64 = 1
    static let finish: UInt64 = 5
    static let startReading: UInt64 = 0xB
    static let stop: UInt64 = 4
  }
  private static let clock = Clock(hertz: 16_000_000)
  private func bench(eeprom: SerialEEPROM? = nil, mode: UInt64 = 0x10) -> DeviceBench<TM4CI2C> {
    let bench = DeviceBench(TM4CI2C(eeprom: eeprom), clock: Self.clock)
    bench.write(R.configuration, mode)
    // 100 kHz: 16 MHz / (2 · 10 · 8).
    bench.write(R.period, 7)
    return bench
  }
  /// Ticks of a bit.
  private static let bit: Tick = 160

  private func wait(_ bench: DeviceBench<TM4CI2C>) -> UInt64 {
    while (bench.read(R.control) ?? 0) & 1 == 1, bench.now < 10_000_000 {
      bench.advance(to: bench.now + 1)
    }
    return bench.read(R.control) ?? 0xBAD
  }

  /// Nobody answers: ERROR and ADRACK, after the start and nine bits.
  @Test func noAcknowledge() {
    let bench = bench()
    bench.write(R.address, 0xA0)
    bench.write(R.control, C.single)
    #expect(bench.read(R.control) == 0x41)
    bench.advance(to: 10 * Self.bit - 1)
    #expect(bench.read(R.control) == 0x41 && bench.read(R.raw) == 0)
    bench.advance(to: 10 * Self.bit)
    #expect(bench.read(R.control) == 0x26 && bench.read(R.raw) == 1)
    bench.write(R.control, C.go)
    #expect(bench.findings.map(\.name) == ["I2CMCS: a byte without a start"])
  }

  /// Write a page, poll until it acknowledges again, and read it back with a repeated start.
  @Test func anEEPROM() {
    let bench = bench(eeprom: SerialEEPROM([UInt8](repeating: 0xFF, count: 4096)))
    func send(_ bytes: [UInt8], stop: Bool) -> UInt64 {
      bench.write(R.address, 0xA0)
      var status: UInt64 = 0
      for (number, byte) in bytes.enumerated() {
        bench.write(R.data, UInt64(byte))
        bench.write(
          R.control,
          (number == 0 ? C.start : C.go) | (stop && number == bytes.count - 1 ? C.stop : 0))
        status = wait(bench)
        if status & 2 != 0 {
          bench.write(R.control, C.stop)
          return status
        }
      }
      return status
    }
    func receive(_ count: Int) -> [UInt64] {
      bench.write(R.address, 0xA1)
      return (0..<count).map { number in
        bench.write(
          R.control,
          (number == 0 ? C.startReading : 9) & ~(number == count - 1 ? 8 : 0)
            | (number == count - 1 ? C.stop : 0))
        _ = wait(bench)
        return bench.read(R.data) ?? 0xBAD
      }
    }
    #expect(send([0x01, 0x1F, 0x11, 0x22], stop: true) == 0x20)
    let started = bench.now
    #expect(send([0x01, 0x1F], stop: true) & 0xE == 0x6)
    while send([0x01, 0x1F], stop: false) & 2 != 0 {}
    #expect(80_000...90_000 ~= bench.now - started)
    #expect(receive(2) == [0x11, 0xFF])
    #expect(bench.read(R.control) == 0x20)
    // The second byte went to the beginning of the page.
    _ = send([0x01, 0x00], stop: false)
    #expect(receive(1) == [0x22] && bench.findings.isEmpty)
  }

  /// I2CSACKCTL: with ACKOEN the acknowledgement is what ACKOVAL says, where 1 is "A NACK is sent".
  @Test(arguments: [(0, 0x20), (1, 0x20), (3, 0x2A)] as [(UInt64, UInt64)])
  func acknowledgeOverride(control: UInt64, status: UInt64) {
    let bench = bench(mode: 0x31)
    bench.write(R.own, 0x3C)
    bench.write(R.slave, 1)
    bench.write(0x820, control)
    bench.write(R.address, 0x78)
    bench.write(R.data, 0x5A)
    bench.write(R.control, C.single)
    bench.advance(to: 19 * Self.bit)
    #expect(bench.read(R.slaveData) == 0x5A && bench.read(0x820) == control)
    #expect(bench.read(R.control) == status && bench.findings.isEmpty)
  }

  /// LPBK: the module's own slave, which holds the clock until its software has taken or given the byte.
  @Test func loopback() {
    let bench = bench(mode: 0x31)
    bench.write(R.own, 0x3C)
    bench.write(R.slave, 1)
    bench.write(R.address, 0x78)
    bench.write(R.data, 0x5A)
    bench.write(R.control, C.single)
    bench.advance(to: 19 * Self.bit)
    // RREQ and FBR; the master waits.
    #expect(bench.read(R.slave) == 5 && bench.read(R.control) == 0x41)
    bench.advance(to: 100_000)
    #expect(bench.read(R.control) == 0x41)
    #expect(bench.read(R.slaveData) == 0x5A && bench.read(R.slave) == 0)
    #expect(bench.read(R.control) == 0x20 && bench.read(R.slaveRaw) == 7)

    bench.write(R.address, 0x79)
    bench.write(R.control, C.single)
    bench.advance(to: bench.now + 10 * Self.bit)
    #expect(bench.read(R.slave).map { $0 & 2 } == 2)
    bench.write(R.slaveData, 0xC3)
    bench.advance(to: bench.now + 9 * Self.bit)
    #expect(bench.read(R.control) == 0x20 && bench.read(R.data) == 0xC3)
    // Another address is nobody's.
    bench.write(R.address, 0x70)
    bench.write(R.control, C.single)
    #expect(wait(bench) == 0x26 && bench.findings.isEmpty)
  }
}
