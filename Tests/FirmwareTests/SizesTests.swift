import Emu
import Foundation
import Testing

/// docs/firmware-sizes.md: measured on the images as they are. With `EMURUN_WRITE_SIZES` set it is written, C columns
/// included, which want Debian's cross compilers; else the rest of it is compared.
@Suite struct SizesTests {
  static let images = [
    "hello-m4", "hello-rv64", "zero-trap-m4", "zero-trap-rv64", "led-heartbeat", "panic-heartbeat",
    "delay-heartbeat-m4", "delay-heartbeat-rv64", "timer-heartbeat-m4", "timer-heartbeat-rv64",
    "sbi-heartbeat-rv64",
    "panic-codes-m4", "panic-codes-rv64", "panic-trace-m4", "panic-trace-rv64",
    "traps-allocation-m4", "traps-allocation-rv64", "traps-task-m4", "traps-task-rv64",
    "traps-output-m4", "traps-output-rv64", "traps-runtime-m4", "traps-runtime-rv64",
    "abi-fastpath-m4", "abi-fastpath-rv64", "bare-clock-m4", "bare-clock-rv64", "static-pool-m4",
    "static-pool-rv64", "static-pool-free-m4", "static-pool-free-rv64", "tasks-m4", "tasks-rv64",
    "features-m4", "features-rv64", "anchored-m4", "sbi-harts-rv64", "torture-m4",
  ]
  static let inC = [
    ("hello-m4", "hello-m4"), ("hello-rv64", "hello-rv64"), ("zero-trap-m4", "zero-trap-m4"),
    ("zero-trap-rv64", "zero-trap-rv64"), ("led-heartbeat", "led-heartbeat-m4"),
    ("delay-heartbeat-m4", "delay-heartbeat-m4"), ("delay-heartbeat-rv64", "delay-heartbeat-rv64"),
    ("timer-heartbeat-rv64", "timer-heartbeat-rv64"), ("panic-heartbeat", "panic-heartbeat-m4"),
  ]

  @Test func theTableIsTrue() throws {
    let rows = try Self.images.map(row)
    let path = Firmware.path("../docs/firmware-sizes.md")
    if ProcessInfo.processInfo.environment["EMURUN_WRITE_SIZES"] != nil {
      let traits = try FirmwareTraits.all.map { try FirmwareTraits.Trimmed($0).row }
      try (Self.head + rows + Self.traits + traits + Self.middle + compareWithC())
        .joined(separator: "\n")
        .appending("\n").write(toFile: path, atomically: true, encoding: .utf8)
    }
    let written = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      .map(String.init)
    for row in rows { #expect(written.contains(row)) }
  }

  private static let head = [
    "# Sizes of the firmware", "",
    "In bytes, written by `make sizes`. \"To main\" counts instructions from reset; \"stack\" reaches",
    "from its top to the deepest byte that was written in two seconds (a hundredth of one on RV64, where",
    "an instruction is a nanosecond), in a stack filled with 0xA5. \"ELF\" is the file as it is committed,",
    "\"trimmed\" the same without symbols and debug information.", "",
    "| image | `.text` | `.rodata` | `.data` | `.bss` | to `main` | stack | ELF | trimmed |",
    "|---|---|---|---|---|---|---|---|---|",
  ]
  private static let traits = [
    "", "## Without a trait", "",
    "The raw image of `features`, which has a little of everything, in a package that has left one trait out:",
    "", "| without | `features-m4` | `features-rv64` |", "|---|---|---|",
  ]
  private static let middle = [
    "", "## Beside C", "",
    "The same programs in C (`Sources/Firmware/C`), by Debian's gcc 12.2 at `-Os`, with the same start-up code, linker scripts",
    "and linker; the panic says the same. Swift first:", "",
    "| program | `.text` | `.rodata` | `.data` | `.bss` | to `main` | stack | ELF | trimmed |",
    "|---|---|---|---|---|---|---|---|---|",
  ]

  private func row(_ name: String) throws -> String {
    try row(name, Firmware.machine(name), Firmware.path("\(name).elf"))
  }

  private func row(_ label: String, _ machine: Machine, _ path: String) throws -> String {
    let sizes = try sizes(path)
    let image = try Image(path: path)
    let stack = try #require(Firmware.sections(path: path).first { $0.name == ".stack" })
    let top = try #require(DebugInfo(image).address(ofSymbol: "stackTop"))
    let unused = [UInt8](repeating: 0xA5, count: Int(top - stack.address))
    machine.memory.write(unused, at: stack.address)
    let toMain = try instructionsToMain(machine, image)
    let isM4 = machine.board.name != "rv64-virt"
    _ = machine.run(
      until: RunLimit(
        tick: machine.board.clock.ticks(nanoseconds: isM4 ? 2_000_000_000 : 10_000_000)))
    let left = try #require(machine.memory.read(stack.address, count: unused.count))
    let used = zip(left, unused).enumerated().first { $0.element.0 != $0.element.1 }
    let (file, trimmed) = try fileSizes(path)
    return
      "| `\(label)` | \(sizes[".text"] ?? 0) | \(sizes[".rodata"] ?? 0) | \(sizes[".data"] ?? 0) "
      + "| \(sizes[".bss"] ?? 0) | \(toMain) | \(unused.count - (used?.offset ?? unused.count)) "
      + "| \(file) | \(trimmed) |"
  }

  private func compareWithC() throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.path + "/emurun-firmware-c"
    let (text, status) = try Firmware.run(
      Firmware.path("../Sources/Firmware/C/build"), [folder])
    guard status == 0 else { throw Firmware.Failed(text: text) }
    return try Self.inC.flatMap { swift, c in
      let path = "\(folder)/\(c).elf"
      var options = MachineOptions()
      options.semihosting = SemihostingOptions()
      let machine = try Machine(
        Firmware.machine(swift).board, image: Image(path: path), options: options)
      return try [row(swift), row("\(c).c", machine, path)]
    }
  }

  private func sizes(_ path: String) throws -> [String: UInt64] {
    try Dictionary(
      Firmware.sections(path: path).map { ($0.name, $0.size) }, uniquingKeysWith: { one, _ in one })
  }

  private func instructionsToMain(_ machine: Machine, _ image: Image) throws -> UInt64 {
    let main = try #require(DebugInfo(image).address(ofSymbol: "main"))
    while machine.pc != main, machine.index < 1_000_000 {
      _ = machine.run(until: RunLimit(index: machine.index + 1))
    }
    return machine.retired
  }

  private func fileSizes(_ path: String) throws -> (Int, Int) {
    let output = FileManager.default.temporaryDirectory.path + "/emurun-\(UUID().uuidString).elf"
    defer { try? FileManager.default.removeItem(atPath: output) }
    let (text, status) = try Firmware.run(
      Firmware.tool("llvm-objcopy"), ["--strip-all", path, output])
    guard status == 0 else { throw Firmware.Failed(text: text) }
    return try (
      Data(contentsOf: URL(fileURLWithPath: path)).count,
      Data(contentsOf: URL(fileURLWithPath: output)).count
    )
  }
}
