import Devices
import Emu
import Foundation

extension Guest {
  /// One that is as Spike's defaults are, before its first instruction.
  public func machine() throws -> Machine {
    var options = MachineOptions()
    options.rv64 = [.svade, .trapsMisaligned]
    options.trace = []
    // What else QEMU's board has, data that run as code may come upon.
    var board = Board.rv64Virt()
    board.devices.removeAll { !["uart0", "clint", "plic"].contains($0.name) }
    board.leds = []
    return try Machine(
      board, image: Image(bytes: elf, path: "guest \(seed)"), options: options)
  }

  /// What it has left there.
  public static func signature(of machine: Machine) -> [UInt8]? {
    machine.memory.read(base + UInt64(data), count: size - data)
  }

  /// The path of a file that has it, for the time of the call.
  func withFile<R>(_ body: (String) throws -> R) throws -> R {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "emurun-golden-\(ProcessInfo.processInfo.processIdentifier)-\(seed).elf")
    try Data(elf).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file.path)
  }
}
