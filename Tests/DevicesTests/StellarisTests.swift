import Devices
import Emu
import Testing

/// The LM3S6965's smaller peripherals against its datasheet.
@Suite struct StellarisTests {
  // MARK: Chapter 5, system control

  @Test func thePLLLocks() {
    let bench = DeviceBench(StellarisSystemControl(clock: Clock(hertz: 50_000_000)))
    bench.write(0x054, 0x40)
    #expect(bench.read(0x050) == 0 && !bench.isRaised)
    // What SysCtlClockSet does for 50 MHz: bypass, power up, divide, use.
    bench.write(0x060, 0x078E_3AC0 & ~(1 << 13))
    #expect(bench.read(0x050) == 0x40 && bench.isRaised)
    bench.write(0x058, 0x40)
    #expect(bench.read(0x058) == 0 && !bench.isRaised)
    bench.write(0x060, 0x01C0_0380)
    #expect(bench.findings.isEmpty && bench.read(0x064) == 0x0640)
    bench.write(0x060, 0x0380_0380)
    #expect(bench.findings.map(\.name) == ["a system clock other than this board's"])
  }

  @Test func itIsAnLM3S6965() {
    let bench = DeviceBench(StellarisSystemControl(clock: Clock(hertz: 50_000_000)))
    #expect(
      [0x000, 0x004, 0x008].map { bench.read($0) } == [0x1001_0002, 0x1073_402E, 0x00FF_007F])
    bench.write(0x108, 0x20)
    bench.write(0x048, 0x20)
    #expect(bench.read(0x108) == 0x20 && bench.findings.map(\.name) == ["SRCR2"])
  }

  // MARK: Chapter 11, the watchdog

  @Test func theSecondTimeoutResets() {
    let bench = DeviceBench(StellarisWatchdog())
    bench.write(0x000, 100)
    bench.write(0x008, 3)
    bench.advance(to: 99)
    #expect(!bench.isRaised && bench.read(0x004) == 1)
    bench.advance(to: 100)
    #expect(bench.isRaised && bench.read(0x004) == 100 && !bench.isResetRequested)
    bench.advance(to: 150)
    bench.write(0x00C, 1)
    #expect(!bench.isRaised && bench.read(0x004) == 100)
    bench.advance(to: 349)
    #expect(bench.isRaised && !bench.isResetRequested)
    bench.advance(to: 350)
    #expect(bench.isResetRequested)
  }

  /// Instructions of nine cycles: each time-out is seen late, and none is late for the one before.
  @Test(arguments: 100..<120 as Range<UInt32>)
  func aLateTimeoutDoesNotDelayTheNext(load: UInt32) throws {
    let code: [UInt32] = [
      0x4904_4803,  // ldr r0, [pc, #12]; ldr r1, [pc, #16]
      0x2103_6001,  // str r1, [r0]; movs r1, #3
      0xB4FF_6081,  // str r1, [r0, #8]; 1: push {r0-r7}
      0xE7FC_BCFF,  // pop {r0-r7}; b 1b
      0x4000_0000, load,
    ]
    var vectors = [UInt32](repeating: 0, count: 16)
    (vectors[0], vectors[1]) = (0x2000_1000, 0x41)
    let bytes = (vectors + code).flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xFF) } }
    var options = MachineOptions()
    options.timing = .m4
    options.stopsAtReset = true
    let image = try Image(bytes: bytes, path: "watchdog.bin", format: .raw, base: 0)
    let machine = try Machine(.lm3s6965EVB, image: image, options: options)
    _ = machine.run(until: RunLimit(index: 4))
    let reset = machine.now + 2 * UInt64(load)
    _ = machine.run(until: RunLimit(tick: 10_000))
    #expect(machine.stop?.reason == .reset)
    #expect((reset..<reset + 9).contains(machine.now))
  }

  @Test func aLockedWatchdogIgnoresWrites() {
    let bench = DeviceBench(StellarisWatchdog())
    bench.write(0xC00, 0)
    bench.write(0x000, 1)
    #expect(bench.read(0xC00) == 1 && bench.read(0x000) == 0xFFFF_FFFF)
    bench.write(0xC00, 0x1ACC_E551)
    bench.write(0x000, 1)
    #expect(bench.read(0xC00) == 0 && bench.read(0x000) == 1)
  }

  // MARK: Chapter 12, the ADC

  @Test func aSequenceThatSoftwareStarts() {
    let bench = DeviceBench(StellarisADC())
    bench.write(0x000, 1)
    // Two inputs and the temperature, interrupt at the end.
    bench.write(0x044, 0xE00)
    bench.write(0x008, 1)
    bench.write(0x028, 1)
    #expect(bench.lines == .line(0))
    #expect([0, 1, 2, 3].map { _ in bench.read(0x048) } == [0x200, 0x200, 557, 0])
    #expect(bench.read(0x018) == 1 && bench.read(0x04C) == 0x100)
    bench.write(0x00C, 1)
    #expect(bench.lines == [])
  }

  @Test func aTimerTriggersASequence() {
    let bench = DeviceBench(StellarisADC())
    bench.write(0x014, 0x5000)
    bench.write(0x0A4, 6)
    bench.write(0x008, 8)
    bench.input(0, true)
    #expect(bench.lines == [])
    bench.write(0x000, 8)
    bench.input(0, false)
    #expect(bench.lines == .line(3) && bench.read(0x0A8) == 0x200)
    bench.input(1, true)
    bench.input(2, true)
    #expect(bench.read(0x010) == 8 && bench.read(0x0AC) == 0x1000)
  }

  // MARK: Chapter 13, SSI

  @Test func framesComeBackInLoopback() {
    let bench = DeviceBench(PL022())
    bench.write(0x008, 0x1FF)
    #expect(bench.read(0x00C) == 3)
    bench.write(0x000, 0x0007)
    bench.write(0x004, 3)
    for frame in 0..<9 as Range<UInt64> { bench.write(0x008, 0x1A0 + frame) }
    #expect(bench.read(0x00C) == 0xF && bench.read(0x018) == 0xF)
    #expect((0..<8).map { _ in bench.read(0x008) } == (0xA0..<0xA8).map { $0 })
    bench.write(0x020, 3)
    #expect(bench.read(0x018) == 8)
    bench.write(0x004, 2)
    bench.write(0x008, 0x55)
    #expect(bench.read(0x008) == 0)
  }

  // MARK: Chapter 14, I2C

  @Test func nobodyAcknowledges() {
    let bench = DeviceBench(StellarisI2C())
    bench.write(0x004, 7)
    #expect(bench.read(0x004) == 0x20)
    bench.write(0x020, 0x10)
    bench.write(0x010, 1)
    bench.write(0x000, 0x3B)
    bench.write(0x004, 7)
    #expect(bench.read(0x004) == 0x26 && bench.isRaised)
    bench.write(0x01C, 1)
    #expect(!bench.isRaised)
  }

  // MARK: What is only declared

  @Test func aPeripheralWithoutAModelHasNames() {
    let bench = DeviceBench(
      DeclaredPeripheral([.notModelled("FMC", 8), .notModelled("PWM0", 0x40, count: 2)]))
    bench.write(8, 1)
    #expect(bench.read(0x44) == 0 && bench.read(0x100) == 0)
    #expect(bench.findings.map(\.name) == ["FMC", "PWM01", "+0x100"])
  }
}
