import _Volatile

/// The first four LEDs of the device tree's `gpio-leds` node, on a port that is a `sifive,gpio0`.
struct LEDs {
  private let port: UInt
  private var masks = InlineArray<4, UInt32>(repeating: 0)

  private var outputEnable: VolatileMappedRegister<UInt32> { .init(unsafeBitPattern: port &+ 0x08) }
  private var outputValue: VolatileMappedRegister<UInt32> { .init(unsafeBitPattern: port &+ 0x0C) }

  /// Nil on a board that has no such LEDs.
  init?(in tree: DeviceTreeNode) {
    guard let leds = tree.first(where: { $0.isCompatible(with: "gpio-leds") }),
      let phandle = leds.first(where: { $0["gpios"] != nil })?["gpios"]?[0],
      let port = tree.first(where: { $0["phandle"]?[0] == phandle }),
      port.isCompatible(with: "sifive,gpio0"), let window = port["reg"]
    else { return nil }
    // One address and one size, of one or two words each, whatever the bus has.
    self.port = window.length == 8 ? UInt(window[0]) : UInt(window[0]) << 32 | UInt(window[1])

    var below = leds
    var count = 0
    while count < masks.count, let led = below.next() {
      guard let gpios = led["gpios"], gpios[0] == phandle else { continue }
      masks[count] = 1 << gpios[1]
      count += 1
    }
    outputEnable.store(mask { _ in true })
  }

  func show(_ isOn: (Int) -> Bool) {
    outputValue.store(mask(isOn))
  }

  private func mask(_ isIncluded: (Int) -> Bool) -> UInt32 {
    var mask: UInt32 = 0
    for led in masks.indices where isIncluded(led) { mask |= masks[led] }
    return mask
  }
}
