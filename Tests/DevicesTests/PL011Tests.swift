import Devices
import Emu
import Testing

/// Against the TM4C123GH6PM datasheet, chapter 14.
@Suite struct PL011Tests {
  private let bench = DeviceBench(PL011())
  private enum R {
    static let data: UInt64 = 0x00
    static let errors: UInt64 = 0x04
    static let flags: UInt64 = 0x18
    static let lineControl: UInt64 = 0x2C
    static let control: UInt64 = 0x30
    static let levels: UInt64 = 0x34
    static let mask: UInt64 = 0x38
    static let raw: UInt64 = 0x3C
    static let masked: UInt64 = 0x40
    static let clear: UInt64 = 0x44
  }
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }
  private func write(_ offset: UInt64, _ value: UInt64) { bench.write(offset, value) }

  /// 115,200 baud, 8N1, FIFOs: the datasheet's 14.4, "Initialization and Configuration".
  private func enable(fifos: Bool = true, loopback: Bool = false) {
    write(R.control, 0)
    write(0x24, 8)
    write(0x28, 44)
    write(R.lineControl, fifos ? 0x70 : 0x60)
    write(R.control, 0x301 | (loopback ? 0x80 : 0))
  }

  @Test func sendsAtOnce() {
    enable()
    for byte in "ok\n".utf8 {
      #expect(read(R.flags) & 0x20 == 0)
      write(R.data, UInt64(byte))
    }
    #expect(read(R.flags) == 0x90 && bench.sent == "ok\n" && bench.findings.isEmpty)
  }

  @Test func takesBytes() {
    enable()
    bench.write(R.data, 0x41, width: 1)
    bench.write(R.data, 0x42, width: 2)
    #expect(bench.sent == "AB" && bench.read(R.flags, width: 1) == 0x90)
  }

  @Test func sendingWhileDisabledIsAFinding() {
    write(R.data, 0x41)
    #expect(bench.sent == "A" && bench.findings.count == 1)
  }

  @Test func registersKeepTheirBits() {
    for (offset, bits) in [
      (0x24, 0xFFFF), (0x28, 0x3F), (0x2C, 0xFF), (0x30, 0xCBBF), (0x34, 0x3F), (0x38, 0x17F2),
      (0xFC8, 0xF),
    ] as [(UInt64, UInt64)] {
      write(offset, 0xFFFF_FFFF)
      #expect(read(offset) == bits)
      bench.write(offset, 0, width: 1)
      #expect(read(offset) == bits & ~0xFF)
    }
  }

  @Test func identifiesItself() {
    let identity = stride(from: 0xFE0, to: 0x1000, by: 4).map { read($0) }
    #expect(identity == [0x11, 0x00, 0x18, 0x01, 0x0D, 0xF0, 0x05, 0xB1])
  }

  // MARK: Receiving

  /// A driver sets its UART up, empties the FIFOs and throws away what it finds there; then it enables a receive interrupt.
  @Test(arguments: [0x10, 0x40] as [UInt64])
  func inputWaitsUntilAnInterruptCanTellOfIt(_ interrupt: UInt64) {
    bench.send("go".utf8)
    write(R.mask, interrupt)
    #expect(bench.taken == 0)
    write(R.mask, 0)
    write(R.lineControl, 0x70)
    write(R.control, 0x301)
    #expect(bench.taken == 0 && read(R.flags) & 0x10 != 0)
    write(R.control, 0x101)
    write(R.mask, interrupt)
    #expect(bench.taken == 0)
    write(R.control, 0x301)
    #expect(bench.taken == 2 && read(R.flags) & 0x10 == 0)
    #expect(read(R.data) == 0x67 && read(R.data) == 0x6F && read(R.flags) & 0x10 != 0)
  }

  /// Who only sends looks at the flags once a character; who receives looks until something is there.
  @Test(arguments: [R.flags, R.raw]) func inputWaitsUntilItIsPolledFor(_ status: UInt64) {
    bench.send("go".utf8)
    enable()
    for _ in 0..<3 {
      _ = read(R.flags)
      write(R.data, 0x3E)
    }
    #expect(bench.taken == 0)
    _ = read(status)
    #expect(bench.taken == 0)
    _ = read(status)
    #expect(bench.taken == 1 && read(R.data) == 0x67)
    #expect(bench.taken == 2 && read(R.data) == 0x6F && read(R.flags) & 0x10 != 0)
    write(R.lineControl, 0x60)
    bench.send("!".utf8)
    #expect(bench.taken == 2)
  }

  @Test func theFIFOHolds16() {
    enable()
    write(R.mask, 0x10)
    bench.send(0..<20)
    #expect(bench.taken == 16 && read(R.flags) & 0x40 != 0)
    for byte in 0..<20 as Range<UInt64> { #expect(read(R.data) == byte) }
    #expect(read(R.flags) & 0x50 == 0x10)
  }

  @Test func withoutFIFOsOneCharacterWaits() {
    enable(fifos: false)
    write(R.mask, 0x10)
    bench.send([1, 2])
    #expect(bench.taken == 1 && read(R.flags) & 0x40 != 0 && read(R.raw) & 0x10 != 0)
    #expect(read(R.data) == 1 && read(R.data) == 2)
    #expect(read(R.raw) & 0x50 == 0)
  }

  /// "RX FIFO ≥ ⅛ full" ... "≥ ⅞ full".
  @Test(arguments: [(0, 2), (1, 4), (2, 8), (3, 12), (4, 14)])
  func receiveLevels(code: UInt64, level: Int) {
    enable()
    write(R.levels, code << 3)
    write(R.mask, 0x10)
    for count in 1...16 {
      bench.send([0])
      #expect(bench.isRaised == (count >= level), "\(count) characters")
    }
    // "... by reading data from the receive FIFO until it becomes less than the trigger level"
    for left in (0..<16).reversed() {
      _ = read(R.data)
      #expect(bench.isRaised == (left >= level), "\(left) left")
    }
  }

  /// "... or by clearing the interrupt by writing a 1 to the RXIC bit."
  @Test func interruptsAreCleared() {
    enable()
    write(R.levels, 0)
    write(R.mask, 0x50)
    bench.send([1, 2])
    #expect(read(R.masked) == 0x50)
    write(R.clear, 0x10)
    #expect(read(R.masked) == 0x40 && bench.isRaised)
    write(R.clear, 0x40)
    #expect(!bench.isRaised)
    // The time-out counts anew from the next read.
    _ = read(R.data)
    #expect(read(R.masked) == 0x40)
    _ = read(R.data)
    #expect(!bench.isRaised)
  }

  @Test func transmitInterrupt() {
    enable()
    write(R.mask, 0x20)
    #expect(!bench.isRaised)
    write(R.data, 0x41)
    #expect(bench.isRaised && read(R.masked) == 0x20)
    write(R.clear, 0x20)
    #expect(!bench.isRaised)
  }

  // MARK: Loopback and overrun

  @Test func loopback() {
    enable(loopback: true)
    write(R.data, 0x55)
    bench.send([1])
    #expect(bench.sent == "" && bench.taken == 0 && read(R.data) == 0x55)
  }

  /// "The FIFO contents remain valid because no further data is written when the FIFO is full."
  @Test func overrun() {
    enable(loopback: true)
    for byte in 0..<17 as Range<UInt64> { write(R.data, byte) }
    #expect(read(R.errors) == 8 && read(R.raw) & 0x400 != 0)
    #expect(read(R.data) == 0x800)
    write(R.data, 0x77)
    #expect(read(R.data) == 1)
    write(R.errors, 0xFF)
    #expect(read(R.errors) == 0)
  }

  @Test func changingTheFIFOsEmptiesThem() {
    enable()
    write(R.mask, 0x10)
    bench.send([1, 2, 3])
    write(R.lineControl, 0x60)
    #expect(read(R.flags) & 0x10 != 0 && read(R.raw) & 0x50 == 0)
  }

  /// Drivers enable the receive interrupt before the FIFOs, too: nothing that came in between is lost.
  @Test func turningTheFIFOsOnKeepsWhatWaits() {
    enable(fifos: false)
    write(R.mask, 0x50)
    bench.send([1, 2])
    #expect(bench.taken == 1 && read(R.raw) & 0x50 == 0x50)
    write(R.lineControl, 0x70)
    #expect(bench.taken == 2 && read(R.raw) & 0x50 == 0x40)
    #expect(read(R.data) == 1 && read(R.data) == 2 && read(R.flags) & 0x10 != 0)
  }

  @Test func theRestIsDeclared() {
    enable()
    write(0x48, 1)
    write(R.control, 0x303)
    write(R.lineControl, 0x71)
    #expect(
      bench.findings.map(\.name) == ["UARTDMACTL", "UARTCTL.SIREN", "UARTLCRH.BRK"])
  }
}
