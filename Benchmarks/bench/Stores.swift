import Devices
import Emu
import Timeline

/// A loop of one store and two more instructions on an M4.
enum Stores {
  static let count = 10_000_000
  static let device: UInt32 = 0x400F_E608
  private static let memory: UInt32 = 0x2000_8000

  /// What a store to the LED block costs more than one to RAM.
  static func nanoseconds() -> Double {
    let rounds = (0..<5).map { _ in time(storingTo: device) - time(storingTo: memory) }
    return median(rounds) / Double(count) * 1e9
  }

  /// Resident memory before and after so many exact stops.
  static func growth(_ stops: UInt64) -> String {
    let machine = machine(storingTo: device)
    var before = 0
    for stop in 1...stops {
      _ = machine.run(until: RunLimit(index: stop * 7))
      if stop == stops / 10 { before = residentKiB() }
    }
    return "\(before) → \(residentKiB()) KiB"
  }

  private static func time(storingTo address: UInt32) -> Double {
    let machine = machine(storingTo: address)
    let start = cpuSeconds()
    _ = machine.run(until: RunLimit(index: UInt64(3 * count)))
    return cpuSeconds() - start
  }

  /// Seconds of the loop with each access traced and written as a line, to nowhere; or with neither.
  static func time(tracing: Bool, json: Bool) -> Double {
    let machine = machine(storingTo: device, trace: tracing ? TraceKinds.mmio.mask : .visible)
    let names = EventNames(machine.board)
    var (lines, text) = (EventLines(names, .mmio, quantum: 1), EventText(names, .mmio))
    var (seen, bytes) = (0, 0)
    let start = cpuSeconds()
    while machine.index < UInt64(3 * count) {
      _ = machine.run(until: RunLimit(index: UInt64(3 * count), events: 1 << 16))
      if json {
        machine.trace.forEachPiece(from: seen) { lines.add($0) }
        lines.drain { bytes += $0.count }
      } else {
        machine.trace.forEachPiece(from: seen) { for event in $0 { text.add(event) } }
        text.drain { bytes += $0.count }
      }
      seen = machine.trace.endIndex
    }
    guard !tracing || bytes > 40 * count else { fatal("\(bytes) bytes of \(count) accesses") }
    return cpuSeconds() - start
  }

  /// - Parameter toggling: three pins, the word behind `address`, are inverted for ever instead: movs r0, #14; str r0, [r1];
  ///   1: str r0, [r1, #4]; mvns r0, r0; b 1b.
  static func machine(
    storingTo address: UInt32, toggling: Bool = false, trace: Event.Mask = .visible
  ) -> Machine {
    let code: [UInt32] = [
      0x4A04_4903,  // ldr r1, [pc, #12]; ldr r2, [pc, #16]
      toggling ? 0x6008_200E : 0x6008_2000,  // movs r0, #0; 1: str r0, [r1]
      toggling ? 0x43C0_6048 : 0xD1FC_3A01,  // subs r2, #1; bne 1b
      toggling ? 0x0000_E7FC : 0x0000_E7FE,  // b .
      address, UInt32(count),
    ]
    do {
      let image = try Image(bytes: Stores.image(code), path: "stores.bin", format: .raw, base: 0)
      var options = MachineOptions()
      options.trace = trace
      if trace != .visible { options.keptEvents = 1 << 18 }
      return try Machine(.m4LED, image: image, options: options)
    } catch {
      fatal("\(error)")
    }
  }
}

extension Stores {
  /// A raw image with this code behind its vectors.
  static func image(_ code: [UInt32]) -> [UInt8] {
    let vectors: [UInt32] = [0x2000_1000, 0x41] + [UInt32](repeating: 0, count: 14)
    return (vectors + code).flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xFF) } }
  }
}

extension Workloads {
  /// Attempts of a whole run, in this process.
  func instructions(_ path: String) -> UInt64 {
    do {
      var options = MachineOptions()
      options.semihosting = SemihostingOptions()
      let image = try Image(path: path)
      let machine = try Machine(
        path.contains("-m4") ? .m4LED : .rv64Virt(), image: image, options: options)
      _ = machine.run()
      return machine.index
    } catch {
      fatal("\(error)")
    }
  }
}
