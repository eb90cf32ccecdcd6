import Devices
import Emu
import Foundation
import Testing

/// Every device model passes the one checker. `EMURUN_SOAK` makes the random runs ten times as long.
@Suite struct ConformanceTests {
  @Test func uart16550() { expectConformance(UART16550(), window: 0x100) }
  @Test func siFiveTest() { expectConformance(SiFiveTest(), window: 0x1000) }
  @Test(arguments: [1, 8]) func clint(harts: Int) {
    expectConformance(CLINT(harts: harts, timebase: Ratio(1, 100)), window: 0x1_0000)
  }
  @Test func clintWithAnUnevenTimebase() {
    expectConformance(CLINT(harts: 2, timebase: Ratio(2, 3)), window: 0x1_0000)
  }
  @Test(arguments: [1, 8]) func plic(harts: Int) {
    expectConformance(PLIC(harts: harts), window: 0x60_0000)
  }
  @Test func goldfishRTC() {
    expectConformance(GoldfishRTC(clock: Clock(hertz: 1_000_000_000)), window: 0x1000)
  }
  @Test(arguments: VirtioVersion.allCases) func virtio(version: VirtioVersion) {
    let disk = VirtioBlock(DiskImage(bytes: Array(repeating: 7, count: 8192)))
    expectConformance(VirtioMMIO(disk, version: version), window: 0x1000)
    expectConformance(VirtioMMIO(VirtioConsole(), version: version), window: 0x1000)
    expectConformance(VirtioMMIO(VirtioEntropy(seed: 1), version: version), window: 0x1000)
    expectConformance(VirtioEmptySlot(version: version), window: 0x1000)
  }
  @Test func cfiFlash() {
    let flash = CFIFlash(banks: 1, bankSize: 256 << 10)
    expectConformance(flash, window: 256 << 10, keepsContent: true)
  }
  @Test func pciHost() {
    expectConformance(PCIHost("pci", size: 0x1000), window: 0x1000)
  }
  @Test func siFiveGPIO() { expectConformance(SiFiveGPIO(), window: 0x1000) }
  @Test func pl011() { expectConformance(PL011(), window: 0x1000) }
  @Test func gpioFBlock() { expectConformance(GPIOFBlock(), window: 0x1000) }

  @Test func stellarisGPIO() {
    expectConformance(StellarisGPIO(), window: 0x1000)
  }
  @Test func stellarisTimer() {
    expectConformance(StellarisTimer(), window: 0x1000, keepsContent: true)
  }
  @Test func tm4cGPIO() {
    // What the world outside does to its pins outlasts a reset.
    expectConformance(StellarisGPIO(.tm4c123, nmi: 1), window: 0x1000, keepsContent: true)
  }
  @Test func tm4cTimer() {
    // Lines whose changes are triggers stay where they are.
    let first = StellarisTimer(.tm4c123, synchronizes: true)
    expectConformance(first, window: 0x1000, keepsContent: true)
    expectConformance(StellarisTimer(.tm4c123Wide), window: 0x1000, keepsContent: true)
  }
  @Test func tm4cMemory() {
    expectConformance(TM4CFlashControl(size: 256 << 10), window: 0x1000)
    expectConformance(TM4CEEPROM(), window: 0x1000, keepsContent: true)
    expectConformance(TM4CHibernation(), window: 0x1000)
  }
  @Test func timedPL011() {
    expectConformance(PL011(.timed), window: 0x1000)
    expectConformance(PL011(.timed, hasModem: true), window: 0x1000)
  }
  @Test func tm4cWatchdog() {
    expectConformance(StellarisWatchdog(.piosc, hasNMI: true), window: 0x1000)
  }
  @Test func tm4cDMA() { expectConformance(TM4CDMA(), window: 0x1000) }
  @Test func tm4cADC() {
    let inputs = [TM4CADC.Signal([(0, 100), (1_000_000, 2_000)])]
    expectConformance(TM4CADC(inputs), window: 0x1000, clock: Clock(hertz: 16_000_000))
  }
  @Test func tm4cPWM() { expectConformance(TM4CPWM(), window: 0x1000) }
  @Test func tm4cSystemExceptions() {
    expectConformance(TM4CSystemExceptions(), window: 0x1000)
  }
  @Test func tm4cSSI() {
    let eeprom = SerialEEPROM([UInt8](repeating: 7, count: 512))
    expectConformance(PL022(isTM4C: true, eeprom: eeprom), window: 0x1000, keepsContent: true)
  }
  @Test func tm4cI2C() {
    let eeprom = SerialEEPROM([UInt8](repeating: 7, count: 256))
    expectConformance(TM4CI2C(eeprom: eeprom, at: 0), window: 0x1000, keepsContent: true)
  }
  @Test func tm4cSystemControl() {
    expectConformance(
      TM4CSystemControl(watchdogs: ["a", "b"]), window: 0x1000, keepsContent: true,
      clock: Clock(hertz: 16_000_000))
  }
  @Test func stellarisADC() { expectConformance(StellarisADC(), window: 0x1000) }
  @Test func stellarisI2C() { expectConformance(StellarisI2C(), window: 0x1000) }
  @Test func pl022() { expectConformance(PL022(), window: 0x1000) }
  @Test func stellarisWatchdog() { expectConformance(StellarisWatchdog(), window: 0x1000) }
  @Test func stellarisSystemControl() {
    expectConformance(
      StellarisSystemControl(clock: Clock(hertz: 50_000_000)), window: 0x1000)
  }
  @Test func declaredPeripherals() {
    let declared = Board.lm3s6965EVB.devices.filter { placement in
      !placement.map.registers.contains(where: \.modelled)
    }
    #expect(
      declared.map(\.name).sorted() == ["comp", "emac", "flashctl", "hib", "pwm0", "qei0", "qei1"])
    if let one = declared.first {
      expectConformance(DeclaredPeripheral(one.map.registers), window: one.size)
    }
  }

  private func expectConformance<D: Device>(
    _ device: D, window: UInt64, keepsContent: Bool = false,
    clock: Clock = Clock(hertz: 1_000_000_000)
  ) {
    let steps = ProcessInfo.processInfo.environment["EMURUN_SOAK"] == nil ? 10_000 : 100_000
    for seed in 1...3 as ClosedRange<UInt64> {
      let checker = DeviceConformance(
        device, window: window, seed: seed, steps: steps, keepsContent: keepsContent,
        clock: clock)
      let problems = checker.problems(visit: complaintOfRoundTrip)
      #expect(problems.isEmpty, "\(D.self), seed \(seed):\n\(problems.joined(separator: "\n"))")
    }
  }

  private func complaintOfRoundTrip(_ state: some Codable & Hashable) -> String? {
    do {
      let data = try JSONEncoder().encode(state)
      let back = try JSONDecoder().decode(type(of: state), from: data)
      return back == state ? nil : "its state does not survive encoding and decoding"
    } catch {
      return "its state cannot be encoded and decoded: \(error)"
    }
  }

  /// A checker that finds nothing proves nothing: devices with one mistake each.
  @Test func findsWhatIsWrong() {
    for (mistake, sentence) in Faulty.Mistake.sentences {
      let problems = DeviceConformance(Faulty(mistake), window: 16, steps: 500).problems()
      #expect(
        problems.contains { $0.contains(sentence) }, "\(mistake): \(problems)")
    }
    #expect(DeviceConformance(Faulty(nil), window: 16, steps: 500).problems() == [])
  }
}
