/// What it takes to look through Debian's U-Boot for RV64.
enum ImageReading {
  private static let image = "/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf"

  /// Median CPU seconds of a command, its run included where it makes one.
  static func seconds(_ command: String, _ options: String..., rounds: Int) -> Double {
    let times = (0..<rounds).map { _ in
      // 1: it is no image that never traps.
      let child = Child.run([".build/release/emurun", command, image] + options)
      guard child.status == 0 || child.status == 1 << 8 else {
        fatal("emurun \(command) ended with status \(child.status)")
      }
      return child.cpuSeconds
    }
    return median(times)
  }
}
