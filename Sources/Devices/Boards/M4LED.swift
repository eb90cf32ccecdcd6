import Emu

/// `m4-led`: a Cortex-M4F with the memories and the UART of TI's TM4C123 family, larger flash, and three LEDs on a GPIO port
/// of two registers that no chip has (`GPIOFBlock`).
extension Board {
  public static let m4LED = Board(
    name: "m4-led", revision: 3,
    summary: "Cortex-M4F at 16 MHz, 1 cycle an instruction; three LEDs on port F",
    core: .cortexM4(priorityBits: 3, interrupts: 64), clock: Clock(hertz: 16_000_000),
    regions: [
      .init("flash", at: 0, size: 2 << 20, writable: false),
      .init("sram", at: 0x2000_0000, size: 64 << 10, writable: true),
    ],
    // Slot numbers are in traces and digests: only append.
    devices: [
      Placement("uart0", PL011(), at: 0x4000_C000, size: 0x1000, interrupt: 5),
      Placement("gpiof", GPIOFBlock(), at: 0x400F_E000, size: 0x1000, interrupt: 30),
    ],
    leds: [
      .init("PF1", .red, device: "gpiof", pin: 1, milliamperes: 5),
      .init("PF2", .blue, device: "gpiof", pin: 2, milliamperes: 5),
      .init("PF3", .green, device: "gpiof", pin: 3, milliamperes: 5),
    ],
    console: "uart0")
}
