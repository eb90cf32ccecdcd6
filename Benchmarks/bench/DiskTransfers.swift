import Devices
import Emu
import Foundation

/// A guest that reads a disk of 64 MiB and writes it anew, several times.
enum DiskTransfers {
  private static let size = 64 << 20
  /// As `Benchmarks/Workloads/rounds` has it.
  private static let rounds = 8

  static func megabytesPerSecond(_ directory: String) -> Double {
    let path = directory + "/disk.img"
    do {
      try Data(repeating: 0x5A, count: size).write(to: URL(fileURLWithPath: path))
      let image = try Image(path: directory + "/disk-rv64.elf")
      let drive = Drive(try DiskImage(path: path))
      let times = try (0..<5).map { _ in
        let machine = try Machine(.rv64Virt(drives: [drive]), image: image)
        let start = cpuSeconds()
        _ = machine.run()
        guard machine.stop?.code == 0 else { fatal("\(image.path) failed") }
        return cpuSeconds() - start
      }
      return Double(2 * rounds * size) / 1e6 / median(times)
    } catch {
      fatal("\(error)")
    }
  }
}
