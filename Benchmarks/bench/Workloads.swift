/// The same image, instruction for instruction, in emurun and in QEMU, as whole processes, interleaved.
struct Workloads {
  struct Row {
    var name: String
    var guest: String
    var instructions: UInt64
    var emurun: Double
    var icount: Double
    var plain: Double
  }

  let directory: String
  let rounds: Int
  static let names = ["mix", "stores", "calls", "floats"]
  static let guests = ["rv64", "m4"]

  func measure() -> [Row] {
    Self.guests.flatMap { guest in Self.names.map { measure($0, guest) } }
  }

  private func measure(_ name: String, _ guest: String) -> Row {
    let image = "\(directory)/\(name)-\(guest).elf"
    var times: [[Double]] = [[], [], []]
    let commands = [
      emurun(image), qemu(guest, image) + ["-icount", "shift=0,sleep=off"], qemu(guest, image),
    ]
    for round in 0...rounds {
      for (number, command) in commands.enumerated() {
        let child = Child.run(command)
        guard child.status == 0 else {
          fatal("\(command.joined(separator: " ")) ended with status \(child.status)")
        }
        // The first round warms the caches.
        if round > 0 { times[number].append(child.cpuSeconds) }
      }
    }
    return Row(
      name: name, guest: guest, instructions: instructions(image), emurun: median(times[0]),
      icount: median(times[1]), plain: median(times[2]))
  }

  private func emurun(_ image: String) -> [String] {
    [".build/release/emurun", image, "--for", "inf", "--semihosting"]
  }

  private func qemu(_ guest: String, _ image: String) -> [String] {
    let board =
      guest == "rv64"
      ? ["qemu-system-riscv64", "-M", "virt", "-bios", "none"]
      : ["qemu-system-arm", "-M", "mps2-an386", "-semihosting-config", "enable=on,target=native"]
    return board + ["-display", "none", "-monitor", "none", "-serial", "none", "-kernel", image]
  }
}
