import Devices
import Emu
import Testing

/// Against TI's PC16550D, and probed the way that drivers do.
@Suite struct UART16550Tests {
  private let bench = DeviceBench(UART16550(), size: 0x100)
  private enum R {
    static let data: UInt64 = 0
    static let ier: UInt64 = 1
    static let iir: UInt64 = 2
    static let fcr: UInt64 = 2
    static let lcr: UInt64 = 3
    static let mcr: UInt64 = 4
    static let lsr: UInt64 = 5
    static let msr: UInt64 = 6
    static let scr: UInt64 = 7
  }
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset, width: 1) ?? 0xBAD }
  private func write(_ offset: UInt64, _ value: UInt64) { bench.write(offset, value, width: 1) }

  // MARK: Sending

  @Test func sendsAtOnce() {
    for byte in "ok\n".utf8 {
      #expect(read(R.lsr) & 0x60 == 0x60)
      write(R.data, UInt64(byte))
    }
    #expect(bench.sent == "ok\n" && bench.console.text == "ok\n")
  }

  /// QEMU's takes the low byte of any width, and there is software that counts on it.
  @Test func wideAccessesReachOneRegister() {
    bench.write(R.data, 0x4241, width: 4)
    bench.write(R.data, 0x4443, width: 8)
    #expect(bench.sent == "AC")
    #expect(bench.read(R.mcr, width: 4) == 0)
    write(R.ier, 5)
    #expect(bench.read(R.data, width: 8) == 0)
  }

  @Test func divisorIsBehindDLAB() {
    write(R.lcr, 0x83)
    write(R.data, 0x34)
    write(R.ier, 0x12)
    #expect(read(R.data) == 0x34 && read(R.ier) == 0x12)
    write(R.lcr, 0x03)
    #expect(read(R.ier) == 0 && bench.sent == "")
  }

  // MARK: Receiving

  /// Ready to receive by interrupt, with FIFOs.
  private func enableReceiver(trigger: UInt64 = 0) {
    write(R.fcr, 0x01 | trigger << 6)
    write(R.ier, 0x01)
  }

  @Test func receivesThroughTheFIFO() {
    enableReceiver()
    bench.send(0..<20)
    #expect(bench.taken == 16)
    #expect(read(R.data) == 0)
    #expect(bench.taken == 17)
    for byte in 1..<20 as Range<UInt64> { #expect(read(R.data) == byte) }
    #expect(read(R.lsr) == 0x60 && bench.taken == 20)
  }

  /// "RCVR FIFO Trigger Level (Bytes)": 01, 04, 08, 14. Below it, what waits raises a time-out.
  @Test(arguments: [(0, 1), (1, 4), (2, 8), (3, 14)])
  func triggerLevels(code: UInt64, level: Int) {
    enableReceiver(trigger: code)
    for count in 1...16 {
      bench.send([0])
      #expect(read(R.iir) == (count < level ? 0xCC : 0xC4), "\(count) bytes")
      #expect(bench.isRaised)
    }
  }

  @Test func withoutFIFOsOneByteWaits() {
    write(R.ier, 0x01)
    bench.send([1, 2])
    #expect(bench.taken == 1 && read(R.iir) == 0x04)
    #expect(read(R.data) == 1 && read(R.data) == 2 && read(R.iir) == 0x01)
  }

  /// "Writing a 1 to FCR1 clears all bytes in the RCVR FIFO"; "When changing from the FIFO Mode to the 16450 Mode and vice
  /// versa, data is automatically cleared from the FIFOs."
  @Test func fifosAreCleared() {
    enableReceiver()
    bench.send([1, 2, 3])
    write(R.fcr, 0x03)
    #expect(read(R.lsr) & 1 == 0)
    bench.send([4])
    write(R.fcr, 0x00)
    #expect(read(R.lsr) & 1 == 0 && read(R.iir) & 0xC0 == 0)
    bench.send([5])
    // "This bit must be a 1 when other FCR bits are written to or they will not be programmed."
    write(R.fcr, 0x02)
    #expect(read(R.data) == 5)
  }

  // MARK: When input is taken

  /// Firmware and boot loader look at LSR to send, and clear or read away what the receiver holds: none of it is lost.
  @Test func inputWaitsUntilTheGuestCanTakeIt() {
    bench.send([7, 8])
    #expect(bench.taken == 0)
    // A banner.
    for byte in "OpenSBI".utf8 {
      #expect(read(R.lsr) & 0x21 == 0x20)
      write(R.data, UInt64(byte))
    }
    // A driver clears the receiver.
    write(R.fcr, 0x07)
    #expect(read(R.lsr) & 1 == 0 && read(R.data) == 0 && read(R.iir) == 0xC1 && read(R.msr) == 0xB0)
    #expect(bench.taken == 0)
    // Somebody polls: a byte at a time.
    #expect(read(R.lsr) & 1 == 0)
    #expect(read(R.lsr) & 1 == 0)
    #expect(read(R.lsr) & 1 == 1)
    #expect(bench.taken == 1 && read(R.data) == 7)
    #expect(read(R.lsr) & 1 == 1 && read(R.data) == 8)
    // The next stage starts from nothing again.
    write(R.fcr, 0x07)
    bench.send([9])
    #expect(bench.taken == 2)
    write(R.ier, 0x01)
    #expect(bench.taken == 3 && read(R.data) == 9)
  }

  // MARK: Interrupts

  /// Table IV: receiver line status, received data, time-out, transmitter empty, modem status.
  @Test func interruptPriorities() {
    write(R.fcr, 0x01)
    write(R.mcr, 0x10)
    // An overrun and sixteen bytes, through the loopback; a modem change on the way back.
    for byte in 0..<17 as Range<UInt64> { write(R.data, byte) }
    write(R.mcr, 0x00)
    write(R.ier, 0x0F)
    #expect(read(R.iir) == 0xC6)
    // "Reading the Line Status Register"
    #expect(read(R.lsr) == 0x63)
    #expect(read(R.lsr) == 0x61)
    #expect(read(R.iir) == 0xC4)
    for byte in 0..<16 as Range<UInt64> { #expect(read(R.data) == byte) }
    // "Reading the IIR Register (if source of interrupt) or Writing into the Transmitter Holding Register"
    #expect(read(R.iir) == 0xC2)
    #expect(read(R.iir) == 0xC0)
    #expect(bench.isRaised)
    // "Reading the MODEM Status Register"
    #expect(read(R.msr) == 0xBB)
    #expect(read(R.iir) == 0xC1 && !bench.isRaised)
  }

  @Test func transmitterInterrupt() {
    write(R.ier, 0x02)
    #expect(bench.isRaised && read(R.iir) == 0x02 && !bench.isRaised)
    write(R.data, 0x41)
    #expect(bench.isRaised)
    write(R.ier, 0x00)
    #expect(!bench.isRaised)
  }

  @Test func nothingIsRaisedUnlessEnabled() {
    write(R.mcr, 0x10)
    for _ in 0..<3 { write(R.data, 0) }
    #expect(!bench.isRaised && read(R.iir) == 0x01 && read(R.lsr) == 0x63)
  }

  // MARK: Loopback and modem

  /// "The four MODEM Control outputs are internally connected to the four MODEM Control inputs."
  @Test(arguments: 0..<16 as Range<UInt64>)
  func loopbackOfModemLines(outputs: UInt64) {
    write(R.mcr, 0x10 | outputs)
    let (dtr, rts, out1, out2) = (outputs & 1, outputs >> 1 & 1, outputs >> 2 & 1, outputs >> 3)
    #expect(read(R.msr) & 0xF0 == rts << 4 | dtr << 5 | out1 << 6 | out2 << 7)
    #expect(read(R.msr) & 0x0F == 0)
  }

  /// "The RI input to the chip has changed from a low to a high state", the pin's, which is active low: MSR's RI goes off.
  @Test func ringSeesItsTrailingEdge() {
    write(R.mcr, 0x1F)
    #expect(read(R.msr) & 0x04 == 0)
    write(R.mcr, 0x1B)
    #expect(read(R.msr) & 0x0F == 0x04)
  }

  @Test func loopbackKeepsDataInside() {
    write(R.mcr, 0x10)
    write(R.data, 0x55)
    #expect(bench.sent == "" && read(R.data) == 0x55)
    write(R.ier, 0x01)
    bench.send([1])
    #expect(bench.taken == 0)
    // Without FIFOs, an overrun destroys what waited.
    write(R.data, 0x10)
    write(R.data, 0x11)
    #expect(read(R.lsr) & 0x02 == 0x02 && read(R.data) == 0x11)
  }

  @Test func scratchKeepsAByte() {
    write(R.scr, 0xA5)
    #expect(read(R.scr) == 0xA5)
  }

  @Test func breakIsAFinding() {
    write(R.lcr, 0x43)
    #expect(bench.findings.map(\.name) == ["LCR.SET_BREAK"])
  }

  // MARK: Drivers

  /// Linux, drivers/tty/serial/8250: is there a UART, which one, and does its transmitter's interrupt come back?
  @Test func linuxFindsA16550A() {
    // IER has four bits.
    write(R.ier, 0x00)
    #expect(read(R.ier) & 0x0F == 0)
    write(R.ier, 0x0F)
    #expect(read(R.ier) & 0x0F == 0x0F)
    write(R.ier, 0x00)
    // OUT2 and RTS come back as DCD and CTS.
    write(R.mcr, 0x1A)
    #expect(read(R.msr) & 0xF0 == 0x90)
    write(R.mcr, 0x00)
    // FIFOs that work, and nothing of the larger chips.
    write(R.lcr, 0xBF)
    write(R.fcr, 0x00)
    write(R.lcr, 0x00)
    write(R.fcr, 0x01)
    #expect(read(R.iir) >> 6 == 3)
    write(R.lcr, 0x80)
    #expect(read(R.iir) != 0)
    write(R.lcr, 0xBF)
    #expect(read(R.iir) != 0)
    // No bank of a NatSemi SuperIO.
    write(R.lcr, 0x00)
    let mcr = read(R.mcr)
    write(R.lcr, 0xE0)
    #expect((read(2) ^ mcr) & 0x10 == 0)
    write(R.lcr, 0x00)
    write(R.mcr, mcr ^ 0x10)
    write(R.lcr, 0xE0)
    #expect((read(2) ^ mcr) & 0x10 == 0)
    write(R.lcr, 0x00)
    write(R.mcr, mcr)
    // No 64-byte FIFO, no UART enable bit.
    write(R.fcr, 0x21)
    #expect(read(R.iir) & 0x20 == 0)
    write(R.ier, 0x40)
    #expect(read(R.ier) & 0x40 == 0)
    // The transmitter's interrupt is raised anew each time that it is enabled.
    for _ in 0..<2 {
      write(R.ier, 0x02)
      #expect(read(R.iir) & 0x01 == 0)
      write(R.ier, 0x00)
    }
    write(R.ier, 0x02)
    #expect(read(R.lsr) & 0x40 == 0x40 && read(R.iir) & 0x01 == 0)
  }

  /// U-Boot, drivers/serial/ns16550.c.
  @Test func uBootSetsItUp() {
    #expect(read(R.lsr) & 0x40 != 0)
    write(R.ier, 0x00)
    write(R.mcr, 0x03)
    write(R.fcr, 0x07)
    write(R.lcr, 0x03)
    write(R.lcr, 0x83)
    write(R.data, 0x02)
    write(R.ier, 0x00)
    write(R.lcr, 0x03)
    bench.send("boot\n".utf8)
    for byte in "=> ".utf8 {
      #expect(read(R.lsr) & 0x20 != 0)
      write(R.data, UInt64(byte))
    }
    var typed: [UInt8] = []
    for _ in 0..<40 where read(R.lsr) & 0x01 != 0 {
      typed.append(UInt8(read(R.data)))
      #expect(read(R.lsr) & 0x20 != 0)
      write(R.data, UInt64(typed[typed.count - 1]))
    }
    #expect(bench.sent == "=> boot\n" && typed == Array("boot\n".utf8))
  }
}
