import Emu

/// `tm4c123gxl`: TI's EK-TM4C123GXL LaunchPad, with a TM4C123GH6PM. Addresses and interrupts: its datasheet SPMS376E, tables 2-4
/// and 2-9; LEDs and buttons: the board's user guide SPMU296.
extension Board {
  public static let tm4c123GXL: Board = {
    // Interrupts, in the order of `TM4CDMA.vectors`.
    let uarts = [5, 6, 33, 59, 60, 61, 62, 63]
    let ssis = [7, 34, 57, 58]
    let adcs = [14, 15, 16, 17, 48, 49, 50, 51]
    let timers = [19, 20, 21, 22, 23, 24, 35, 36, 70, 71, 92, 93] + Array(94...105)
    let ports = [0, 1, 2, 3, 4, 30]
    func port(
      _ name: String, _ gate: String, _ device: StellarisGPIO, at apb: UInt64, or ahb: UInt64,
      _ interrupt: Int, timers: [Int: (String, Int)] = [:]
    ) -> Placement {
      var wires: [Int: [Board.Wire]] = [0: [.interrupt(interrupt)]]
      for (pin, timer) in timers { wires[1 + pin] = [.input(timer.1, of: timer.0)] }
      return Placement(name, device, at: apb, or: [ahb], size: 0x1000, gate: gate, wires: wires)
    }
    /// Lines `first` to `first` + 3: single and burst requests of a receiver, and of a transmitter.
    func requests(of name: String, from first: Int) -> [Int: [Board.Wire]] {
      var wires: [Int: [Board.Wire]] = [:]
      for (number, source) in ["RX", "TX"].enumerated() {
        for isBurst in [false, true] {
          wires[first + 2 * number + (isBurst ? 1 : 0)] = [
            .input(TM4CDMA.request(name + source, isBurst: isBurst), of: "udma")
          ]
        }
      }
      return wires
    }
    /// Interrupts of software channels, of errors, and of peripherals whose channels are done.
    let dma = Dictionary(
      uniqueKeysWithValues: ([46, 47] + uarts + ssis + adcs + timers + ports).enumerated().map {
        ($0, [Board.Wire.interrupt($1)])
      })
    func uart(_ number: UInt64) -> Placement {
      Placement(
        "uart\(number)", PL011(.timed), at: 0x4000_C000 + 0x1000 * number, size: 0x1000,
        gate: "UART\(number)",
        wires: requests(of: "UART\(number)", from: 1)
          .merging([0: [.interrupt(uarts[Int(number)])]]) { $1 })
    }
    func timer(
      _ name: String, _ gate: String, _ chip: StellarisTimer.Chip, at address: UInt64,
      _ interrupts: (Int, Int), next: String? = nil, pins: [(String, Int)] = []
    ) -> Placement {
      var wires: [Int: [Board.Wire]] = [
        0: [.interrupt(interrupts.0)], 1: [.interrupt(interrupts.1)],
      ]
      if let next { wires[5] = [.input(2, of: next)] }
      for (number, half) in ["A", "B"].enumerated() {
        wires[6 + number] = [
          .input(TM4CDMA.request(gate + half, isBurst: true), of: "udma")
        ]
      }
      // Outputs A and B in turn; GPIOPCTL has the timers as number 7.
      for (number, pin) in pins.enumerated() {
        wires[3 + number % 2, default: []].append(.input(8 * 7 + pin.1, of: pin.0))
      }
      return Placement(
        name, StellarisTimer(chip), at: address, size: 0x1000, gate: gate, wires: wires)
    }
    return Board(
      name: "tm4c123gxl", revision: 2,
      summary: "Cortex-M4F, TI's EK-TM4C123GXL LaunchPad; 16 MHz until software says otherwise",
      core: .cortexM4(priorityBits: 3, interrupts: 139), clock: Clock(hertz: 16_000_000),
      hasVariableClock: true,
      regions: [
        .init("flash", at: 0, size: 256 << 10, writable: false, ignoresStores: true),
        .init(
          "rom", at: TM4CROM.address, size: TM4CROM.size, writable: false, content: TM4CROM.content),
        .init("sram", at: 0x2000_0000, size: 32 << 10, writable: true),
      ],
      // Slot numbers are in traces and digests: only append.
      devices: [
        Placement(
          "sysctl", TM4CSystemControl(watchdogs: ["watchdog0", "watchdog1"]), at: 0x400F_E000,
          size: 0x1000, interrupt: 28),
        uart(0), uart(1), uart(2), uart(3), uart(4), uart(5), uart(6), uart(7),
        port(
          "gpioa", "GPIOA", StellarisGPIO(.tm4c123, functions: 0x0022_2211), at: 0x4000_4000,
          or: 0x4005_8000, 0),
        port(
          "gpiob", "GPIOB", StellarisGPIO(.tm4c123, functions: 0x0000_3300), at: 0x4000_5000,
          or: 0x4005_9000, 1,
          timers: [
            0: ("timer2", 0), 1: ("timer2", 1), 2: ("timer3", 0), 3: ("timer3", 1),
            4: ("timer1", 0), 5: ("timer1", 1), 6: ("timer0", 0), 7: ("timer0", 1),
          ]),
        port(
          "gpioc", "GPIOC", StellarisGPIO(.tm4c123, jtag: 0x0F, functions: 0x0000_1111),
          at: 0x4000_6000, or: 0x4005_A000, 2,
          timers: [
            0: ("timer4", 0), 1: ("timer4", 1), 2: ("timer5", 0), 3: ("timer5", 1),
            4: ("wtimer0", 0), 5: ("wtimer0", 1), 6: ("wtimer1", 0), 7: ("wtimer1", 1),
          ]),
        port(
          "gpiod", "GPIOD", StellarisGPIO(.tm4c123, nmi: 0x80), at: 0x4000_7000, or: 0x4005_B000, 3,
          timers: [
            0: ("wtimer2", 0), 1: ("wtimer2", 1), 2: ("wtimer3", 0), 3: ("wtimer3", 1),
            4: ("wtimer4", 0), 5: ("wtimer4", 1), 6: ("wtimer5", 0), 7: ("wtimer5", 1),
          ]),
        port("gpioe", "GPIOE", StellarisGPIO(.tm4c123), at: 0x4002_4000, or: 0x4005_C000, 4),
        port(
          "gpiof", "GPIOF", StellarisGPIO(.tm4c123, nmi: 0x01), at: 0x4002_5000, or: 0x4005_D000,
          30,
          timers: [
            0: ("timer0", 0), 1: ("timer0", 1), 2: ("timer1", 0), 3: ("timer1", 1),
            4: ("timer2", 0),
          ]),
        timer(
          "timer0", "TIMER0", .tm4c123, at: 0x4003_0000, (19, 20), next: "timer1",
          pins: [("gpiob", 6), ("gpiob", 7), ("gpiof", 0), ("gpiof", 1)]),
        timer(
          "timer1", "TIMER1", .tm4c123, at: 0x4003_1000, (21, 22), next: "timer2",
          pins: [("gpiob", 4), ("gpiob", 5), ("gpiof", 2), ("gpiof", 3)]),
        timer(
          "timer2", "TIMER2", .tm4c123, at: 0x4003_2000, (23, 24), next: "timer3",
          pins: [("gpiob", 0), ("gpiob", 1), ("gpiof", 4)]),
        timer(
          "timer3", "TIMER3", .tm4c123, at: 0x4003_3000, (35, 36), next: "timer4",
          pins: [("gpiob", 2), ("gpiob", 3)]),
        timer(
          "timer4", "TIMER4", .tm4c123, at: 0x4003_4000, (70, 71), next: "timer5",
          pins: [("gpioc", 0), ("gpioc", 1)]),
        timer(
          "timer5", "TIMER5", .tm4c123, at: 0x4003_5000, (92, 93), next: "wtimer0",
          pins: [("gpioc", 2), ("gpioc", 3)]),
        timer(
          "wtimer0", "WTIMER0", .tm4c123Wide, at: 0x4003_6000, (94, 95), next: "wtimer1",
          pins: [("gpioc", 4), ("gpioc", 5)]),
        timer(
          "wtimer1", "WTIMER1", .tm4c123Wide, at: 0x4003_7000, (96, 97), next: "wtimer2",
          pins: [("gpioc", 6), ("gpioc", 7)]),
        timer(
          "wtimer2", "WTIMER2", .tm4c123Wide, at: 0x4004_C000, (98, 99), next: "wtimer3",
          pins: [("gpiod", 0), ("gpiod", 1)]),
        timer(
          "wtimer3", "WTIMER3", .tm4c123Wide, at: 0x4004_D000, (100, 101), next: "wtimer4",
          pins: [("gpiod", 2), ("gpiod", 3)]),
        timer(
          "wtimer4", "WTIMER4", .tm4c123Wide, at: 0x4004_E000, (102, 103), next: "wtimer5",
          pins: [("gpiod", 4), ("gpiod", 5)]),
        timer(
          "wtimer5", "WTIMER5", .tm4c123Wide, at: 0x4004_F000, (104, 105),
          pins: [("gpiod", 6), ("gpiod", 7)]),
        Placement(
          "watchdog0", StellarisWatchdog(), at: 0x4000_0000, size: 0x1000, gate: "WD0",
          interrupt: 18),
        Placement(
          "watchdog1", StellarisWatchdog(.piosc), at: 0x4000_1000, size: 0x1000, gate: "WD1",
          interrupt: 18),
        Placement(
          "ssi0", PL022(isTM4C: true), at: 0x4000_8000, size: 0x1000, gate: "SSI0", interrupt: 7),
        Placement(
          "ssi1", PL022(isTM4C: true), at: 0x4000_9000, size: 0x1000, gate: "SSI1", interrupt: 34),
        Placement(
          "ssi2", PL022(isTM4C: true), at: 0x4000_A000, size: 0x1000, gate: "SSI2", interrupt: 57),
        Placement(
          "ssi3", PL022(isTM4C: true), at: 0x4000_B000, size: 0x1000, gate: "SSI3", interrupt: 58),
        Placement(
          "i2c0", StellarisI2C(), at: 0x4002_0000, size: 0x1000, gate: "I2C0", interrupt: 8),
        Placement(
          "i2c1", StellarisI2C(), at: 0x4002_1000, size: 0x1000, gate: "I2C1", interrupt: 37),
        Placement(
          "i2c2", StellarisI2C(), at: 0x4002_2000, size: 0x1000, gate: "I2C2", interrupt: 68),
        Placement(
          "i2c3", StellarisI2C(), at: 0x4002_3000, size: 0x1000, gate: "I2C3", interrupt: 69),
        Placement(
          "adc0", StellarisADC(), at: 0x4003_8000, size: 0x1000, gate: "ADC0",
          wires: [
            0: [.interrupt(14)], 1: [.interrupt(15)], 2: [.interrupt(16)], 3: [.interrupt(17)],
          ]),
        Placement(
          "adc1", StellarisADC(), at: 0x4003_9000, size: 0x1000, gate: "ADC1",
          wires: [
            0: [.interrupt(48)], 1: [.interrupt(49)], 2: [.interrupt(50)], 3: [.interrupt(51)],
          ]),
        Placement(
          "flashctl", TM4CFlashControl(size: 256 << 10), at: 0x400F_D000, size: 0x1000,
          interrupt: 29),
        Placement(
          "eeprom", TM4CEEPROM(), at: 0x400A_F000, size: 0x1000, gate: "EEPROM0"),
        Placement(
          "hib", TM4CHibernation(), at: 0x400F_C000, size: 0x1000, gate: "HIB0", interrupt: 43),
        Placement(
          "sysexc", DeclaredPeripheral.tm4cSystemExceptions, at: 0x400F_9000, size: 0x1000),
        Placement(
          "udma", TM4CDMA(), at: 0x400F_F000, size: 0x1000, gate: "DMA0", wires: dma),
        Placement(
          "comp", DeclaredPeripheral.tm4cComparators, at: 0x4003_C000, size: 0x1000, gate: "ACMP0"),
        Placement(
          "pwm0", DeclaredPeripheral.tm4cPWM, at: 0x4002_8000, size: 0x1000, gate: "PWM0"),
        Placement(
          "pwm1", DeclaredPeripheral.tm4cPWM, at: 0x4002_9000, size: 0x1000, gate: "PWM1"),
        Placement(
          "qei0", DeclaredPeripheral.tm4cEncoder, at: 0x4002_C000, size: 0x1000, gate: "QEI0"),
        Placement(
          "qei1", DeclaredPeripheral.tm4cEncoder, at: 0x4002_D000, size: 0x1000, gate: "QEI1"),
        Placement(
          "can0", DeclaredPeripheral.tm4cCAN, at: 0x4004_0000, size: 0x1000, gate: "CAN0"),
        Placement(
          "can1", DeclaredPeripheral.tm4cCAN, at: 0x4004_1000, size: 0x1000, gate: "CAN1"),
        Placement(
          "usb", DeclaredPeripheral.tm4cUSB, at: 0x4005_0000, size: 0x1000, gate: "USB0"),
      ],
      leds: [
        .init("PF1", .red, device: "gpiof", pin: 1, part: "RGB"),
        .init("PF2", .blue, device: "gpiof", pin: 2, part: "RGB"),
        .init("PF3", .green, device: "gpiof", pin: 3, part: "RGB"),
      ],
      buttons: [
        .init("SW1", device: "gpiof", pin: 4, pressed: false),
        .init("SW2", device: "gpiof", pin: 0, pressed: false),
      ],
      console: "uart0", firmwareCalls: TM4CROM.calls)
  }()
}
