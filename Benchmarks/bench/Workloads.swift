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

  func measure() -> [Row] {
    (Self.names + ["sv39"]).map { measure($0, "rv64") } + Self.names.map { measure($0, "m4") }
  }

  /// What a timer interrupt every 16,000 instructions costs of the mix, and what `--cycles m4` does: factors of its time.
  func interruptions() -> (emurun: Double, icount: Double, cycles: Double) {
    let (mix, ticks) = ("\(directory)/mix-m4.elf", "\(directory)/mix-ticks-m4.elf")
    let icount = ["-icount", "shift=0,sleep=off"]
    let times = interleaved(
      [
        emurun(mix), emurun(ticks), emurun(mix) + ["--cycles", "m4"], qemu("m4", mix) + icount,
        qemu("m4", "\(directory)/mix-ticks-qemu-m4.elf") + icount,
      ], atLeast: 11)
    return (times[1] / times[0], times[4] / times[3], times[2] / times[0])
  }

  /// The same rounds of the mix on one hart, on four, and on one beside seven that sleep: speed,
  /// as a part of that of one alone.
  func harts() -> (four: Double, asleep: Double, icount: Double) {
    let images = [1, 4].map { "\(directory)/harts-\($0).elf" }
    let icount = ["-icount", "shift=0,sleep=off"]
    let times = interleaved([
      emurun(images[0]), emurun(images[1]) + ["--smp", "4"],
      emurun(images[0]) + ["--smp", "8"], qemu("rv64", images[0]) + icount,
      qemu("rv64", images[1]) + icount + ["-smp", "4"],
    ])
    return (times[0] / times[1], times[0] / times[2], times[3] / times[4])
  }

  /// The mix on `tm4c123gxl`, which has a variable clock, 50 devices and clock gates: speed, as a part of that on `m4-led`.
  func launchPad() -> Double {
    let mix = "\(directory)/mix-m4.elf"
    let times = interleaved([emurun(mix), emurun(mix) + ["--board", "tm4c123gxl"]])
    return times[0] / times[1]
  }

  /// Its UART at 115,200 baud, never idle, by interrupts and polling: virtual seconds a second.
  func printing() -> (byInterrupts: Double, polling: Double) {
    let seconds = (100.0, 10.0)
    func command(_ name: String, _ seconds: Double) -> [String] {
      [
        ".build/release/emurun", "\(directory)/\(name)-m4.elf", "--board", "tm4c123gxl", "--for",
        "\(seconds)s",
      ]
    }
    let times = interleaved([command("printing", seconds.0), command("polling", seconds.1)])
    return (seconds.0 / times[0], seconds.1 / times[1])
  }

  /// What it costs the mix, with a timer interrupt every 16,000 instructions, to be watched: LEDs, UARTs and interrupts as
  /// JSON Lines. A factor of its time.
  func tracing() -> Double {
    let mix = "\(directory)/mix-ticks-m4.elf"
    let times = interleaved(
      [
        emurun(mix), emurun(mix) + ["--trace", "led,uart,irq", "--trace-file", "/dev/null"],
      ], atLeast: 11)
    return times[1] / times[0]
  }

  /// What it costs to hold every call and return against its frame, or to count by call: factors of the time without.
  func followingCalls(_ option: [String]) -> [(workload: String, factor: Double)] {
    ["mix-rv64", "mix-m4", "calls-rv64", "calls-m4"].map { name in
      let image = "\(directory)/\(name).elf"
      let times = interleaved([emurun(image), emurun(image) + option])
      return (name, times[1] / times[0])
    }
  }

  /// What `--coverage` costs the mix of each core, its file included: factors of its time.
  func coverage() -> (rv64: Double, m4: Double) {
    let times = interleaved(
      ["rv64", "m4"].flatMap { guest in
        let mix = emurun("\(directory)/mix-\(guest).elf")
        return [mix, mix + ["--coverage", "/dev/null"]]
      }, atLeast: 11)
    return (times[1] / times[0], times[3] / times[2])
  }

  private func measure(_ name: String, _ guest: String) -> Row {
    let image = "\(directory)/\(name)-\(guest).elf"
    let times = interleaved([
      emurun(image), qemu(guest, image) + ["-icount", "shift=0,sleep=off"], qemu(guest, image),
    ])
    return Row(
      name: name, guest: guest, instructions: instructions(image), emurun: times[0],
      icount: times[1], plain: times[2])
  }

  /// Median CPU seconds of each command.
  /// - Parameter least: rounds, where a few hundredths are what is asked for.
  private func interleaved(_ commands: [[String]], atLeast least: Int = 0) -> [Double] {
    var times = commands.map { _ in [Double]() }
    for round in 0...max(rounds, least) {
      for (number, command) in commands.enumerated() {
        let child = Child.run(command)
        guard child.status == 0 else {
          fatal("\(command.joined(separator: " ")) ended with status \(child.status)")
        }
        // The first round warms the caches.
        if round > 0 { times[number].append(child.cpuSeconds) }
      }
    }
    return times.map(median)
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
