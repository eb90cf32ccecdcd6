import Emu

/// `lm3s6965evb`: Luminary Micro's LM3S6965 evaluation board as QEMU has it, with this emulator's Cortex-M4F in place of the
/// chip's Cortex-M3, so that code with or without floating point runs. Addresses and interrupts: LM3S6965 datasheet, tables 2-4
/// and 3-1.
///
/// The clock is 50 MHz, what firmware for this board sets up; `StellarisSystemControl` tells of any other.
extension Board {
  public static let lm3s6965EVB: Board = {
    let clock = Clock(hertz: 50_000_000)
    func timer(_ number: Int, at address: UInt64, _ interrupts: (Int, Int)) -> Placement {
      Placement(
        "timer\(number)", StellarisTimer(), at: address, size: 0x1000,
        wires: [
          0: [.interrupt(interrupts.0)], 1: [.interrupt(interrupts.1)],
          2: [.input(number, of: "adc0")],
        ])
    }
    func port(
      _ name: String, at address: UInt64, _ interrupt: Int, jtag: UInt8 = 0, high: UInt8 = 0
    ) -> Placement {
      Placement(
        name, StellarisGPIO(jtag: jtag, high: high), at: address, size: 0x1000,
        interrupt: interrupt)
    }
    return Board(
      name: "lm3s6965evb", revision: 2,
      summary: "Cortex-M4F at 50 MHz, 1 cycle an instruction; QEMU's Stellaris board",
      core: .cortexM4(priorityBits: 8, interrupts: 64), clock: clock,
      regions: [
        .init("flash", at: 0, size: 256 << 10, writable: false),
        .init("sram", at: 0x2000_0000, size: 64 << 10, writable: true),
      ],
      // Slot numbers are in traces and digests: only append.
      devices: [
        Placement("uart0", PL011(), at: 0x4000_C000, size: 0x1000, interrupt: 5),
        Placement("uart1", PL011(), at: 0x4000_D000, size: 0x1000, interrupt: 6),
        Placement("uart2", PL011(), at: 0x4000_E000, size: 0x1000, interrupt: 33),
        port("gpioa", at: 0x4000_4000, 0),
        port("gpiob", at: 0x4000_5000, 1, jtag: 0x80),
        port("gpioc", at: 0x4000_6000, 2, jtag: 0x0F),
        port("gpiod", at: 0x4000_7000, 3),
        // The buttons: up, down, left and right; select.
        port("gpioe", at: 0x4002_4000, 4, high: 0x0F),
        port("gpiof", at: 0x4002_5000, 30, high: 0x02),
        port("gpiog", at: 0x4002_6000, 31),
        timer(0, at: 0x4003_0000, (19, 20)),
        timer(1, at: 0x4003_1000, (21, 22)),
        timer(2, at: 0x4003_2000, (23, 24)),
        timer(3, at: 0x4003_3000, (35, 36)),
        Placement(
          "adc0", StellarisADC(), at: 0x4003_8000, size: 0x1000,
          wires: [
            0: [.interrupt(14)], 1: [.interrupt(15)], 2: [.interrupt(16)], 3: [.interrupt(17)],
          ]),
        Placement("ssi0", PL022(), at: 0x4000_8000, size: 0x1000, interrupt: 7),
        Placement("i2c0", StellarisI2C(), at: 0x4002_0000, size: 0x1000, interrupt: 8),
        Placement("i2c1", StellarisI2C(), at: 0x4002_1000, size: 0x1000, interrupt: 37),
        Placement("watchdog", StellarisWatchdog(), at: 0x4000_0000, size: 0x1000, interrupt: 18),
        Placement(
          "sysctl", StellarisSystemControl(clock: clock), at: 0x400F_E000, size: 0x1000,
          interrupt: 28),
        Placement("flashctl", DeclaredPeripheral.lm3sFlashControl, at: 0x400F_D000, size: 0x1000),
        Placement("hib", DeclaredPeripheral.lm3sHibernation, at: 0x400F_C000, size: 0x1000),
        Placement("emac", DeclaredPeripheral.lm3sEthernet, at: 0x4004_8000, size: 0x1000),
        Placement("comp", DeclaredPeripheral.lm3sComparators, at: 0x4003_C000, size: 0x1000),
        Placement("pwm0", DeclaredPeripheral.lm3sPWM, at: 0x4002_8000, size: 0x1000),
        Placement("qei0", DeclaredPeripheral.lm3sEncoder, at: 0x4002_C000, size: 0x1000),
        Placement("qei1", DeclaredPeripheral.lm3sEncoder, at: 0x4002_D000, size: 0x1000),
      ],
      leds: [.init("LED", .green, device: "gpiof", pin: 0)],
      console: "uart0")
  }()
}
