import _Volatile

/// The board `lm3s6965evb`.
let coreClock: UInt32 = 50_000_000

func register(_ address: UInt) -> VolatileMappedRegister<UInt32> {
  VolatileMappedRegister(unsafeBitPattern: address)
}

/// Its LED, on pin 0 of GPIO port F. An address in the port's data window says which pins an access is for.
struct LED {
  static let panic = LED()

  private var data: VolatileMappedRegister<UInt32> { register(0x4002_5000 + 1 << 2) }

  func configure() {
    register(0x400F_E108).store(1 << 5)  // RCGC2: port F's clock
    register(0x4002_5400).store(1)  // GPIODIR
    register(0x4002_551C).store(1)  // GPIODEN
  }

  func toggle() { data.store(data.load() ^ 1) }
}
