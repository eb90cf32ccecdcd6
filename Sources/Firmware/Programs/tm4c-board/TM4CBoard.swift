/// The EK-TM4C123GXL as its vendor's software uses it: clock gates and what is behind a closed one, the bit-band, functions of the
/// ROM by its tables, the PLL while SysTick, a timer and the UART are at work, a button, a software reset and its cause. Each
/// step prints what it found.
///
/// The blue LED beats at 2 Hz all the time, at 16 MHz and at 50.
import _Volatile

private func register(_ address: UInt) -> VolatileMappedRegister<UInt32> {
  .init(unsafeBitPattern: address)
}

private enum SystemControl {
  static let resetCauses: UInt = 0x400F_E05C
  static let softwareReset: UInt32 = 1 << 4
}

/// A peripheral that answers only once its clock is there.
private enum ClockGate {
  /// The bit of RCGC at that offset, and then that of PR.
  static func open(_ kind: UInt, _ number: UInt32) {
    let gate = register(0x400F_E600 + kind)
    let ready = register(0x400F_EA00 + kind)
    gate.store(gate.load() | 1 << number)
    while ready.load() & 1 << number == 0 {}
  }
}

/// A pin of port F as an output.
private struct Pin {
  static let blue = Pin(mask: 0x04)
  static let green = Pin(mask: 0x08)
  let mask: UInt32
  private static var port: UInt { 0x4002_5000 }

  func configure() {
    let (direction, digital) = (register(Self.port + 0x400), register(Self.port + 0x51C))
    direction.store(direction.load() | mask)
    digital.store(digital.load() | mask)
  }

  func toggle() {
    // The address is a mask: this pin alone.
    let data = register(Self.port + UInt(mask) * 4)
    data.store(~data.load())
  }
}

private enum ROM {
  private static func function(_ table: UInt, _ number: UInt) -> UInt32 {
    register(UInt(register(0x0100_0010 + 4 * table).load()) + 4 * number).load()
  }

  static func setClock(_ configuration: UInt32) {
    _ = callAddress(function(13, 23), configuration, 0, 0, 0)
  }

  static func clock() -> UInt32 { callAddress(function(13, 24), 0, 0, 0, 0) }

  static func configureUART(_ base: UInt32, _ clock: UInt32, _ rate: UInt32, _ format: UInt32) {
    _ = callAddress(function(1, 5), base, clock, rate, format)
  }

  static func isUARTBusy(_ base: UInt32) -> Bool {
    callAddress(function(1, 26), base, 0, 0, 0) != 0
  }
}

// MARK: Faults

private nonisolated(unsafe) var faults: UInt32 = 0

/// A bus error is counted, and the instruction that made it left out.
@c @implementation
func handleException(_ frame: UnsafeMutablePointer<ExceptionFrame>) {
  guard activeException() == 3 else { unexpectedException(frame) }
  faults += 1
  let instruction = VolatileMappedRegister<UInt16>(unsafeBitPattern: UInt(frame.pointee.pc)).load()
  frame.pointee.pc += instruction >> 11 >= 0b11101 ? 4 : 2
}

// MARK: Time

private let ticksPerSecond: UInt32 = 100
private nonisolated(unsafe) var ticks: UInt32 = 0

@c @implementation
func sysTick() {
  ticks += 1
  if ticks % (ticksPerSecond / 4) == 0 { Pin.blue.toggle() }
}

private func wait(seconds: UInt32) {
  let end = loadAgain(&ticks) + seconds * ticksPerSecond
  while loadAgain(&ticks) < end { waitForInterrupt() }
}

/// Clocks that a one-shot of 1 ms takes, by the core's own counter.
private func millisecond(of clock: UInt32) -> UInt32 {
  let timer: UInt = 0x4003_0000
  register(timer + 0x0C).store(0)
  register(timer + 0x04).store(1)
  register(timer + 0x28).store(clock / 1000)
  register(timer + 0x24).store(1)
  let start = Clock.count()
  register(timer + 0x0C).store(1)
  while register(timer + 0x1C).load() & 1 == 0 {}
  return Clock.count() &- start
}

// MARK: Steps

private func say(_ text: StaticString, _ number: UInt32, _ unit: StaticString) {
  console.print(text)
  console.print(UInt(number))
  console.print(unit)
}

/// A word at the end of SRAM, which nothing else uses.
private func checkBitBand() {
  let address: UInt = 0x2000_7FF0
  let alias = 0x2200_0000 + (address - 0x2000_0000) * 32
  register(address).store(0)
  register(alias + 7 * 4).store(1)
  register(alias + 31 * 4).store(1)
  say("bit-band: ", register(address).load(), "\n")
}

private func checkGate() {
  _ = register(0x4002_4000).load()
  say("gate of port E closed: ", loadAgain(&faults), " bus fault\n")
  ClockGate.open(0x08, 4)
  _ = register(0x4002_4000).load()
  say("gate of port E open: ", loadAgain(&faults), " bus fault\n")
}

private func reportClock() {
  let clock = ROM.clock()
  say("clock: ", clock, " Hz, ")
  let counted = millisecond(of: clock)
  say("1 ms of a timer is ", counted / 100 * 100, " clocks\n")
}

private func raiseClock() {
  let uart: UInt32 = 0x4000_C000
  while ROM.isUARTBusy(uart) {}
  SysTick.stop()
  // SYSDIV 4, main oscillator of 16 MHz, PLL: 50 MHz.
  ROM.setClock(0x01C0_0540)
  ROM.configureUART(uart, ROM.clock(), 115_200, 0x60)
  SysTick.start(every: ROM.clock() / ticksPerSecond)
}

private func waitForButton() {
  let port: UInt = 0x4002_5000
  register(port + 0x510).store(register(port + 0x510).load() | 0x10)
  register(port + 0x51C).store(register(port + 0x51C).load() | 0x10)
  register(port + 0x41C).store(0x10)
  console.print("press SW1\n")
  while register(port + 0x414).load() & 0x10 == 0 { waitForInterrupt() }
  Pin.green.configure()
  Pin.green.toggle()
  console.print("pressed\n")
}

@c(main)
func main() -> Never {
  ClockGate.open(0x18, 0)
  ClockGate.open(0x08, 5)
  console.configure()
  if register(SystemControl.resetCauses).load() & SystemControl.softwareReset != 0 {
    console.print("reset by software\n")
    while ROM.isUARTBusy(0x4000_C000) {}
    Power.off(success: true)
  }
  Pin.blue.configure()
  ClockGate.open(0x04, 0)
  Clock.start()
  SysTick.start(every: coreClock / ticksPerSecond)
  checkBitBand()
  checkGate()
  reportClock()
  wait(seconds: 2)
  raiseClock()
  reportClock()
  wait(seconds: 2)
  waitForButton()
  while ROM.isUARTBusy(0x4000_C000) {}
  register(0xE000_ED0C).store(0x05FA_0004)
  while true {}
}
