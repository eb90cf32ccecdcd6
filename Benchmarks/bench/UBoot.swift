import Foundation

/// Debian's OpenSBI and U-Boot from the start of the process to the prompt. A key, typed when U-Boot asks for one, stops its
/// countdown.
struct UBoot {
  let rounds: Int
  private static let machine = [
    "-machine", "virt", "-nographic", "-bios",
    "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin",
    "-kernel", "/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin",
  ]
  private static let prompt = "=> "

  /// CPU seconds: ours, QEMU's with -icount, QEMU's without.
  func measure() -> (emurun: Double, icount: Double, plain: Double) {
    let key = FileManager.default.temporaryDirectory.appendingPathComponent("emurun-bench-key").path
    _ = FileManager.default.createFile(atPath: key, contents: Data(" ".utf8))
    defer { unlink(key) }
    let qemu = ["qemu-system-riscv64"] + Self.machine
    let emurun = [".build/release/emurun"] + Self.machine
    var times: [[Double]] = [[], [], []]
    for round in 0...rounds {
      let costs = [
        Self.cost(emurun + ["--input", key, "--expect-text", Self.prompt], types: false),
        Self.cost(qemu + ["-icount", "shift=0,sleep=off"], types: true),
        Self.cost(qemu, types: true),
      ]
      if round > 0 { for number in times.indices { times[number].append(costs[number]) } }
    }
    return (median(times[0]), median(times[1]), median(times[2]))
  }

  private static func cost(_ command: [String], types: Bool) -> Double {
    let (input, output) = (Pipe(), Pipe())
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input.fileHandleForReading.fileDescriptor, 0)
    posix_spawn_file_actions_adddup2(&actions, output.fileHandleForWriting.fileDescriptor, 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    let child = Child.start(command, &actions)
    try? output.fileHandleForWriting.close()
    var text = Data()
    func wait(for words: String) {
      while text.range(of: Data(words.utf8)) == nil {
        let more = output.fileHandleForReading.availableData
        if more.isEmpty { fatal("\(command[0]) ended before it printed \"\(words)\"") }
        text.append(more)
      }
    }
    if types {
      wait(for: "stop autoboot")
      input.fileHandleForWriting.write(Data(" ".utf8))
    }
    wait(for: prompt)
    // QEMU goes on for ever; emurun has ended.
    if types { kill(child.pid, SIGKILL) }
    return child.wait().cpuSeconds
  }
}
