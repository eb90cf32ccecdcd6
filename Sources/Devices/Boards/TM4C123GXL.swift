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
    /// A trigger of both converters.
    func toADCs(_ input: Int) -> [Board.Wire] {
      [.input(input, of: "adc0"), .input(input, of: "adc1")]
    }
    func port(
      _ name: String, _ gate: String, _ device: StellarisGPIO, at apb: UInt64, or ahb: UInt64,
      _ interrupt: Int, timers: [Int: (String, Int)] = [:], faults: [Int: String] = [:],
      nmi: Int? = nil, clearToSend: Int? = nil
    ) -> Placement {
      let number = ["GPIOA", "GPIOB", "GPIOC", "GPIOD", "GPIOE", "GPIOF"].firstIndex(of: gate) ?? 0
      var wires: [Int: [Board.Wire]] = [
        0: [.interrupt(interrupt)], 9: toADCs(24 + number),
        10: [.input(TM4CDMA.request(gate, isBurst: true), of: "udma")],
      ]
      for (pin, timer) in timers { wires[1 + pin] = [.input(timer.1, of: timer.0)] }
      // MnFAULT0, where GPIOPCTL has module 0 as number 4 and module 1 as 5.
      for (pin, module) in faults {
        wires[(module == "pwm0" ? 16 : 24) + pin] = [.input(4, of: module)]
      }
      if let nmi { wires[32 + nmi] = [.nmi] }
      if let clearToSend { wires[clearToSend] = [.input(0, of: "uart1")] }
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
      var wires = requests(of: "UART\(number)", from: 1)
      wires[0] = [.interrupt(uarts[Int(number)])]
      // RTS, where GPIOPCTL has it as number 1 or 8.
      if number == 1 {
        wires[5] = [.input(8 * 1 + 0, of: "gpiof"), .input(8 * 8 + 4, of: "gpioc")]
      }
      return Placement(
        "uart\(number)", PL011(.timed, hasModem: number == 1), at: 0x4000_C000 + 0x1000 * number,
        size: 0x1000, gate: "UART\(number)", wires: wires)
    }
    func timerNumber(_ gate: String) -> Int {
      (gate.last?.wholeNumberValue ?? 0) + (gate.hasPrefix("W") ? 6 : 0)
    }
    func timer(
      _ name: String, _ gate: String, _ chip: StellarisTimer.Chip, at address: UInt64,
      _ interrupts: (Int, Int), next: String? = nil, pins: [(String, Int)] = []
    ) -> Placement {
      var wires: [Int: [Board.Wire]] = [
        0: [.interrupt(interrupts.0)], 1: [.interrupt(interrupts.1)],
      ]
      wires[2] = toADCs(timerNumber(gate))
      if let next { wires[5] = [.input(2, of: next)] }
      let synchronizes = name == "timer0"
      if synchronizes {
        for number in 1..<12 {
          let other = number < 6 ? "timer\(number)" : "wtimer\(number - 6)"
          for half in 0..<2 { wires[8 + 2 * number + half] = [.input(3 + half, of: other)] }
        }
      }
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
        name, StellarisTimer(chip, synchronizes: synchronizes), at: address, size: 0x1000,
        gate: gate, wires: wires)
    }
    func ssi(_ number: UInt64) -> Placement {
      Placement(
        "ssi\(number)", PL022(isTM4C: true), at: 0x4000_8000 + 0x1000 * number, size: 0x1000,
        gate: "SSI\(number)",
        wires: requests(of: "SSI\(number)", from: 1)
          .merging([0: [.interrupt(ssis[Int(number)])]]) { $1 })
    }
    func i2c(_ number: UInt64, _ interrupt: Int) -> Placement {
      Placement(
        "i2c\(number)", TM4CI2C(), at: 0x4002_0000 + 0x1000 * number, size: 0x1000,
        gate: "I2C\(number)", interrupt: interrupt)
    }
    func adc(_ number: UInt64) -> Placement {
      var wires: [Int: [Board.Wire]] = [:]
      for sequencer in 0..<4 {
        wires[sequencer] = [.interrupt(adcs[Int(number) * 4 + sequencer])]
        let source = "ADC\(number)SS\(sequencer)"
        wires[4 + sequencer] = [
          .input(TM4CDMA.request(source, isBurst: true), of: "udma")
        ]
      }
      for comparator in 0..<8 {
        let input = 32 + 8 * Int(number) + comparator
        wires[8 + comparator] = [.input(input, of: "pwm0"), .input(input, of: "pwm1")]
      }
      wires[16] = [.input(32, of: number == 0 ? "adc1" : "adc0")]
      return Placement(
        "adc\(number)", TM4CADC(), at: 0x4003_8000 + 0x1000 * number, size: 0x1000,
        gate: "ADC\(number)", wires: wires)
    }
    /// Generators' interrupts and that of faults; by output the pins, where GPIOPCTL has module 0 as number 4 and module 1 as 5.
    func pwm(_ number: Int, _ interrupts: [Int], pins: [[(String, Int)]]) -> Placement {
      var wires: [Int: [Board.Wire]] = [:]
      for (line, interrupt) in interrupts.enumerated() { wires[line] = [.interrupt(interrupt)] }
      for (output, places) in pins.enumerated() {
        wires[8 + output] = places.map { .input(8 * (4 + number) + $0.1, of: $0.0) }
      }
      for generator in 0..<4 { wires[16 + generator] = toADCs(16 + 4 * number + generator) }
      return Placement(
        "pwm\(number)", TM4CPWM(), at: 0x4002_8000 + 0x1000 * UInt64(number), size: 0x1000,
        gate: "PWM\(number)", wires: wires)
    }
    /// RCC's divisor of the PWM clock.
    var system: [Int: [Board.Wire]] = [0: [.interrupt(28)]]
    for bit in 0..<4 { system[1 + bit] = [.input(bit, of: "pwm0"), .input(bit, of: "pwm1")] }

    return Board(
      name: "tm4c123gxl", revision: 7,
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
          size: 0x1000, wires: system),
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
          ], clearToSend: 32 + 5),
        port(
          "gpiod", "GPIOD", StellarisGPIO(.tm4c123, nmi: 0x80), at: 0x4000_7000, or: 0x4005_B000, 3,
          timers: [
            0: ("wtimer2", 0), 1: ("wtimer2", 1), 2: ("wtimer3", 0), 3: ("wtimer3", 1),
            4: ("wtimer4", 0), 5: ("wtimer4", 1), 6: ("wtimer5", 0), 7: ("wtimer5", 1),
          ], faults: [2: "pwm0", 6: "pwm0"], nmi: 7),
        port("gpioe", "GPIOE", StellarisGPIO(.tm4c123), at: 0x4002_4000, or: 0x4005_C000, 4),
        port(
          "gpiof", "GPIOF", StellarisGPIO(.tm4c123, nmi: 0x01), at: 0x4002_5000, or: 0x4005_D000,
          30,
          timers: [
            0: ("timer0", 0), 1: ("timer0", 1), 2: ("timer1", 0), 3: ("timer1", 1),
            4: ("timer2", 0),
          ], faults: [2: "pwm0", 4: "pwm1"], nmi: 0, clearToSend: 40 + 1),
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
          "watchdog0", StellarisWatchdog(hasNMI: true), at: 0x4000_0000, size: 0x1000, gate: "WD0",
          wires: [0: [.interrupt(18)], 1: [.nmi]]),
        Placement(
          "watchdog1", StellarisWatchdog(.piosc, hasNMI: true), at: 0x4000_1000, size: 0x1000,
          gate: "WD1", wires: [0: [.interrupt(18)], 1: [.nmi]]),
        ssi(0), ssi(1), ssi(2), ssi(3),
        i2c(0, 8), i2c(1, 37), i2c(2, 68), i2c(3, 69),
        adc(0), adc(1),
        Placement(
          "flashctl", TM4CFlashControl(size: 256 << 10), at: 0x400F_D000, size: 0x1000,
          interrupt: 29),
        Placement(
          "eeprom", TM4CEEPROM(), at: 0x400A_F000, size: 0x1000, gate: "EEPROM0",
          wires: [0: [.input(0, of: "flashctl")]]),
        Placement(
          "hib", TM4CHibernation(), at: 0x400F_C000, size: 0x1000, gate: "HIB0", interrupt: 43),
        Placement(
          "sysexc", TM4CSystemExceptions(), at: 0x400F_9000, size: 0x1000, interrupt: 106),
        Placement(
          "udma", TM4CDMA(), at: 0x400F_F000, size: 0x1000, gate: "DMA0", wires: dma),
        Placement(
          "comp", DeclaredPeripheral.tm4cComparators, at: 0x4003_C000, size: 0x1000, gate: "ACMP0"),
        pwm(
          0, [10, 11, 12, 45, 9],
          pins: [
            [("gpiob", 6)], [("gpiob", 7)], [("gpiob", 4)], [("gpiob", 5)], [("gpioe", 4)],
            [("gpioe", 5)], [("gpioc", 4), ("gpiod", 0)], [("gpioc", 5), ("gpiod", 1)],
          ]),
        pwm(
          1, [134, 135, 136, 137, 138],
          pins: [
            [("gpiod", 0)], [("gpiod", 1)], [("gpioa", 6), ("gpioe", 4)],
            [("gpioa", 7), ("gpioe", 5)], [("gpiof", 0)], [("gpiof", 1)], [("gpiof", 2)],
            [("gpiof", 3)],
          ]),
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
