import _Volatile

/// The board `m4-led`.
let coreClock: UInt32 = 16_000_000

#if Console
  let console = PL011(base: 0x4000_C000)
#endif

/// One of the three LEDs on GPIO port F.
struct LED {
  static let red = LED(pin: 1)
  static let blue = LED(pin: 2)
  static let green = LED(pin: 3)
  static let panic = red

  let pin: UInt32

  private var direction: VolatileMappedRegister<UInt32> { .init(unsafeBitPattern: 0x400F_E604) }
  private var data: VolatileMappedRegister<UInt32> { .init(unsafeBitPattern: 0x400F_E608) }

  func configure() {
    direction.store(direction.load() | 1 << pin)
  }

  func toggle() {
    data.store(data.load() ^ 1 << pin)
  }
}
