import Devices
import Emu

/// A loop of a store to ICSR and two more instructions on an M4.
enum Interrupts {
  private static let count = 2_000_000
  private static let pendSV: UInt32 = 1 << 28

  /// What a PendSV costs, from its entry to its return, one instruction of its handler included.
  static func nanoseconds() -> Double {
    let rounds = (0..<5).map { _ in time(storing: pendSV) - time(storing: 0) }
    return median(rounds) / Double(count) * 1e9
  }

  private static func time(storing value: UInt32) -> Double {
    let code: [UInt32] = [
      0x4A05_4904,  // ldr r1, [pc, #16]; ldr r2, [pc, #20]
      0x6008_4805,  // ldr r0, [pc, #20]; 1: str r0, [r1]
      0xD1FC_3A01,  // subs r2, #1; bne 1b
      0xBF00_E7FE,  // b .; nop
      0x4770_4770,  // bx lr
      0xE000_ED04, UInt32(count), value,
    ]
    var vectors = [UInt32](repeating: 0, count: 16)
    (vectors[0], vectors[1], vectors[14]) = (0x2000_1000, 0x41, 0x51)
    let bytes = (vectors + code).flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xFF) } }
    do {
      let image = try Image(bytes: bytes, path: "interrupts.bin", format: .raw, base: 0)
      let machine = try Machine(.m4LED, image: image)
      let attempts = UInt64(count) * (value == 0 ? 3 : 4)
      let start = cpuSeconds()
      _ = machine.run(until: RunLimit(index: attempts))
      let taken = cpuSeconds() - start
      guard machine.traps.interrupts > 0 || value == 0 else { fatal("no interrupt was entered") }
      return taken
    } catch {
      fatal("\(error)")
    }
  }
}
