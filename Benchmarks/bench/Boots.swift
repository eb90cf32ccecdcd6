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

  /// Restores a second of a machine with 1 MiB in use, of which 10 pages are dirty each time; and resident memory at a tenth
  /// and at the end of so many. Translated code stays, else each would take milliseconds.
  static func restores(_ count: Int) -> (perSecond: Double, growth: String) {
    // ldr r1, =SRAM; ldr r2, =4096; movs r3, #10; 1: str r3, [r1]; adds r1, r1, r2; subs r3, #1; bne 1b; b .
    let code: [UInt32] = [
      0x4A04_4903, 0x600B_230A, 0x3B01_1889, 0xE7FE_D1FB, 0x2000_0000, 0x1000,
    ]
    let board = Board(
      name: "restores", revision: 1, summary: "", core: .cortexM4(priorityBits: 3, interrupts: 16),
      clock: Clock(hertz: 16_000_000),
      regions: [
        .init("flash", at: 0, size: 0x1000, writable: false),
        .init("sram", at: 0x2000_0000, size: 1 << 20, writable: true),
      ], devices: Board.m4LED.devices, console: Board.m4LED.console)
    do {
      var options = MachineOptions()
      options.loads = [(0x2000_0000, [UInt8](repeating: 0xA5, count: 1 << 20))]
      let image = try Image(bytes: Stores.image(code), path: "restores.bin", format: .raw, base: 0)
      let snapshot = try Machine(board, image: image, options: options).snapshot()
      var (before, start) = (0, 0.0)
      for number in 0..<count {
        if number == count / 10 { (before, start) = (residentKiB(), cpuSeconds()) }
        let machine = try Machine(snapshot)
        _ = machine.run(until: RunLimit(index: 45))
      }
      let seconds = cpuSeconds() - start
      return (Double(count - count / 10) / seconds, "\(before) → \(residentKiB()) KiB")
    } catch { fatal("\(error)") }
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
