import Devices
import Emu

/// From the bytes of an image to a machine that has printed its banner and switched its LED on.
enum Boots {
  static func perSecond(cold: Bool, count: Int) -> Double {
    let bytes = image()
    for _ in 0..<50 { boot(bytes, cold) }
    let start = cpuSeconds()
    for _ in 0..<count { boot(bytes, cold) }
    return Double(count) / (cpuSeconds() - start)
  }

  /// Resident memory before and after so many boots, half of them cold.
  static func growth(_ count: Int) -> String {
    let bytes = image()
    for _ in 0..<2000 { boot(bytes, true) }
    let before = residentKiB()
    for number in 0..<count { boot(bytes, number % 2 == 0) }
    return "\(before) → \(residentKiB()) KiB"
  }

  private static func image() -> [UInt8] {
    guard let image = try? Image(path: "images/led-heartbeat.elf") else {
      fatal("images/led-heartbeat.elf is not here; run from the top of the checkout")
    }
    return image.contents
  }

  private static func boot(_ bytes: [UInt8], _ cold: Bool) {
    do {
      var options = MachineOptions()
      options.engine = cold ? .cold : .pooled
      let image = try Image(bytes: bytes, path: "led-heartbeat.elf")
      let machine = try Machine(.m4LED, image: image, options: options)
      let pause = machine.run(
        until: RunLimit(tick: 16_000_000) { $0.kind == .pin && $0.detail == 1 && $0.value == 1 })
      guard pause == .event, machine.console.text.contains("led-heartbeat") else {
        fatal("the heartbeat did not boot: \(pause)")
      }
    } catch {
      fatal("\(error)")
    }
  }
}
