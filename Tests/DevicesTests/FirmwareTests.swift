import Devices
import Emu
import Testing

/// The shipped firmware on the boards that are guessed for it: models, device tree and wiring as software meets them.
@Suite struct FirmwareTests {
  private func machine(_ name: String) throws -> Machine {
    let images = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let image = try Image(path: "/\(images)/images/\(name)")
    return try Machine(Boards.guess(for: image).board, image: image)
  }

  /// Ticks of each edge of a pin.
  private func edges(_ machine: Machine, pin: UInt32) -> [Tick] {
    machine.trace.filter { $0.kind == .pin && $0.detail == pin }.map(\.tick)
  }

  @Test(arguments: ["bin", "elf"]) func ledHeartbeat(suffix: String) throws {
    let machine = try machine("led-heartbeat.\(suffix)")
    #expect(machine.board.name == "m4-led")
    #expect(machine.run(until: RunLimit(tick: 3 * 16_000_000)) == .limit)
    #expect(machine.console.text == "led-heartbeat: PF1 beats at 1 Hz\n")
    let edges = edges(machine, pin: 1)
    #expect(edges.count == 6)
    for (one, next) in zip(edges.dropFirst(), edges.dropFirst(2)) {
      #expect(next - one == 8_000_000)
    }
    #expect(machine.findings == [])
  }

  @Test(arguments: ["bin", "elf"]) func sbiHeartbeat(suffix: String) throws {
    let machine = try machine("sbi-heartbeat-rv64.\(suffix)")
    #expect(machine.board.name == "rv64-virt")
    guard case .stopped(let stop) = machine.run(until: RunLimit(tick: 10_000_000_000)) else {
      Issue.record("it does not end")
      return
    }
    #expect(stop.reason == .sbiReset && stop.code == 0)
    // Five seconds at 1, 2, 4 and 8 Hz, found through the device tree.
    for pin in 0..<4 as Range<UInt32> {
      #expect(edges(machine, pin: pin).count == 10 << pin)
    }
    #expect(machine.findings == [])
  }

  @Test(arguments: ["bin", "elf"]) func helloRV64(suffix: String) throws {
    let machine = try machine("hello-rv64.\(suffix)")
    guard case .stopped(let stop) = machine.run(until: RunLimit(tick: 1_000_000_000)) else {
      Issue.record("it does not end")
      return
    }
    #expect(stop.reason == .finisher && stop.code == 0)
    #expect(!machine.console.text.isEmpty && machine.findings == [])
  }
}
