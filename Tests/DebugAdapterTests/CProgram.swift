import Emu
import Foundation

/// C for a Cortex-M4, from `reset` on, with a vector table of its own in `.vectors`.
enum CProgram {
  static func image(_ source: String) throws -> Image {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-program-\(UUID().uuidString)").path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-ec",
      """
      mkdir "$0"; cd "$0"; printf '%s' "$1" > program.c
      "$(dirname "$(readlink -f "$(command -v swiftc)")")/clang" -target armv7em-none-none-eabi -mcpu=cortex-m4 -g -O0 \
        -ffreestanding -nostdlib -fuse-ld=lld -Wl,--image-base=0 -Wl,-n \
        -Wl,--section-start=.vectors=0 -Wl,-Ttext=0x100 -Wl,-Tdata=0x20000000 \
        -Wl,-e,reset program.c -o program.elf
      """, folder, source,
    ]
    try process.run()
    process.waitUntilExit()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try Image(path: folder + "/program.elf")
  }
}
