import _Volatile

/// An LED beats at 1 Hz out of a general-purpose timer that counts half a second of 50 MHz again and again.

@c(main)
func main() -> Never {
  // The PLL's 200 MHz by four, from a crystal of 8 MHz.
  register(0x400F_E060).store(3 << 23 | 1 << 22 | 0xE << 6)  // RCC
  LED.panic.configure()
  LED.panic.toggle()
  register(0x400F_E104).store(1 << 16)  // RCGC1: timer 0's clock
  register(0x4003_0000).store(0)  // GPTMCFG: one timer of 32 bits
  register(0x4003_0004).store(2)  // GPTMTAMR: periodic
  register(0x4003_0028).store(coreClock / 2 - 1)  // GPTMTAILR: zero takes a cycle more
  register(0x4003_0018).store(1)  // GPTMIMR: time-out
  register(0xE000_E100).store(1 << 19)  // NVIC_ISER0
  register(0x4003_000C).store(1)  // GPTMCTL: on
  while true { idleHook() }
}

@c @implementation
func timer0A() {
  register(0x4003_0024).store(1)  // GPTMICR
  LED.panic.toggle()
}
