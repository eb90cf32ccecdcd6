import Foundation

/// The other emulator. Required where `CI` is set; elsewhere a test that needs it says that it is not here.
enum QEMU {
  static let isHere = FileManager.default.isExecutableFile(atPath: path)
  static let isRequired = ProcessInfo.processInfo.environment["CI"] != nil
  private static let path = "/usr/bin/qemu-system-riscv64"

  /// What a `virt` prints, one virtual nanosecond an instruction, as our own board has it.
  static func console(
    _ image: String, bios: String, _ more: [String] = []
  ) throws -> (text: String, status: Int32) {
    try run(
      path,
      [
        "-M", "virt", "-bios", bios, "-display", "none", "-monitor", "none", "-serial", "stdio",
        "-icount", "shift=0,sleep=off", "-kernel", image,
      ] + more)
  }

  /// What a Cortex-M4 on a Stellaris board prints, with semihosting on.
  static func stellaris(_ image: String) throws -> (text: String, status: Int32) {
    try run(
      "/usr/bin/qemu-system-arm",
      [
        "-M", "lm3s6965evb", "-cpu", "cortex-m4", "-display", "none", "-monitor", "none", "-serial",
        "stdio", "-semihosting-config", "enable=on,target=native", "-icount",
        "shift=0,sleep=off", "-kernel", image,
      ])
  }

  static func run(_ tool: String, _ arguments: [String]) throws -> (text: String, status: Int32) {
    try start(tool, arguments).finish()
  }

  /// - Parameter limit: seconds after which it is ended.
  static func start(
    _ tool: String, _ arguments: [String], in folder: URL? = nil, limit: Int = 120
  ) throws -> Running {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let deadline = DispatchWorkItem { kill(process.processIdentifier, SIGKILL) }
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(limit), execute: deadline)
    return Running(process: process, output: output, deadline: deadline)
  }

  struct Running {
    fileprivate let process: Process
    fileprivate let output: Pipe
    fileprivate let deadline: DispatchWorkItem

    func finish() -> (text: String, status: Int32) {
      let data = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      deadline.cancel()
      return (
        String(decoding: data, as: UTF8.self).replacing("\r\n", with: "\n"),
        process.terminationStatus
      )
    }
  }
}

/// Guests written in assembly or C, built with the Swift toolchain's own clang and lld.
enum Guest {
  /// - Parameter file: in `Guests`.
  static func build(_ file: String) throws -> String {
    let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    let source = sources.appendingPathComponent(file).path
    let folder = try folder(name)
    let (object, image) = (folder.path + "/guest.o", folder.path + "/guest.elf")
    let bin = try toolchain()
    try need(
      QEMU.run(
        bin + "/clang",
        [
          "--target=riscv64-unknown-elf", "-march=rv64gc", "-mno-relax", "-mcmodel=medany", "-Os",
          "-ffreestanding", "-c", "-o", object, source,
        ]))
    try need(
      QEMU.run(bin + "/ld.lld", ["-N", "-Ttext=0x80000000", "-e", "_start", "-o", image, object]))
    return image
  }

  /// Accesses to a Stellaris part's devices.
  static func stellaris() throws -> String {
    let folder = try folder("stellaris")
    let (object, image) = (folder.path + "/guest.o", folder.path + "/guest.elf")
    let bin = try toolchain()
    try need(
      QEMU.run(
        bin + "/clang",
        [
          "--target=armv7em-none-eabi", "-mcpu=cortex-m4", "-mthumb", "-Os", "-ffreestanding",
          "-Wall", "-Wextra", "-Werror", "-c", "-o", object,
          sources.appendingPathComponent("stellaris.c").path,
        ]))
    let script = sources.appendingPathComponent("stellaris.ld").path
    try need(QEMU.run(bin + "/ld.lld", ["-T", script, "-o", image, object]))
    return image
  }

  /// The C variant of `images/torture-m4`, on the same kernel.
  static func torture() throws -> String {
    let root = sources.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = try folder("torture")
    let bin = try toolchain()
    var objects: [String] = []
    for source in [
      sources.appendingPathComponent("torture.c"),
      root.appendingPathComponent("Sources/Firmware/Programs/torture-m4/Kernel.S"),
    ] {
      objects.append(folder.path + "/\(source.lastPathComponent).o")
      try need(
        QEMU.run(
          bin + "/clang",
          [
            "--target=armv7em-none-eabi", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard",
            "-mfpu=fpv4-sp-d16", "-Os", "-ffreestanding", "-Wall", "-Wextra", "-Werror",
            "-c", "-o", objects[objects.count - 1], source.path,
          ]))
    }
    let image = folder.path + "/guest.elf"
    try need(
      QEMU.run(
        bin + "/ld.lld",
        ["-T", sources.appendingPathComponent("torture.ld").path, "-o", image] + objects))
    return image
  }

  /// The instruction survey's, for a Cortex-M4.
  static func buildSurvey(in folder: URL) throws -> String {
    let source = sources.appendingPathComponent("Survey").path
    let image = folder.path + "/survey.elf"
    let bin = try toolchain()
    var objects: [String] = []
    // No FP register is touched before the sandbox has saved them all.
    for (name, abi) in [("sandbox.S", "hard"), ("survey.c", "soft")] {
      objects.append(folder.path + "/\(name).o")
      try need(
        QEMU.run(
          bin + "/clang",
          [
            "--target=thumbv7em-none-eabi", "-mcpu=cortex-m4", "-mfloat-abi=\(abi)", "-O2",
            "-ffreestanding", "-fno-builtin", "-Wall", "-Wextra", "-Werror",
            "-c", "-o", objects[objects.count - 1], source + "/\(name)",
          ]))
    }
    try need(
      QEMU.run(bin + "/ld.lld", ["-T", source + "/memory.ld", "-o", image] + objects))
    return image
  }

  static func folder(_ name: String) throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-\(name)-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  private static let sources =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Guests")

  private struct BuildFailed: Error { var text: String }

  private static func need(_ result: (text: String, status: Int32)) throws {
    if result.status != 0 { throw BuildFailed(text: result.text) }
  }

  private static func toolchain() throws -> String {
    let found = try QEMU.run(
      "/bin/sh", ["-c", "dirname \"$(readlink -f \"$(command -v swiftc)\")\""])
    return found.text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
