import _Volatile

/// QEMU's `virt` and emurun's `rv64-virt`, for a program with nothing below it.
#if Console
  let console = UART16550(base: 0x1000_0000)
#endif

/// What `rv64-virt` counts: an instruction is a nanosecond.
let coreClock: UInt64 = 1_000_000_000

enum Power {
  /// A store to the `sifive_test` finisher, where a failure carries a code in its upper half.
  static func off(success: Bool) -> Never { finish(success ? 0x5555 : 0x1_3333) }

  static func reset() -> Never { finish(0x7777) }

  private static func finish(_ word: UInt32) -> Never {
    VolatileMappedRegister<UInt32>(unsafeBitPattern: 0x10_0000).store(word)
    halted()
  }
}

/// One of the four on the pins of `gpio0`, which QEMU does not have.
struct LED {
  static let panic = LED(pin: 0)

  let pin: UInt32

  private var enable: VolatileMappedRegister<UInt32> { .init(unsafeBitPattern: 0x1006_0008) }
  private var value: VolatileMappedRegister<UInt32> { .init(unsafeBitPattern: 0x1006_000C) }

  func configure() {
    enable.store(enable.load() | 1 << pin)
  }

  func toggle() {
    value.store(value.load() ^ 1 << pin)
  }
}

/// The CLINT of hart 0.
enum Timer {
  /// `mtime` counts at 10 MHz.
  static let frequency: UInt64 = 10_000_000

  /// A timer interrupt comes when `time` is there; also takes back the one that is pending.
  static func interrupt(at time: UInt64) {
    VolatileMappedRegister<UInt64>(unsafeBitPattern: 0x0200_4000).store(time)
  }
}
