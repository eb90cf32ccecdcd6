import Emu
import EmurunCLI
import Foundation

/// What a command line came to.
struct Outcome {
  let code: Int32
  let output: String
  let errors: String
}

/// Runs the command in this process on a host of memory.
func emurun(_ arguments: String...) -> Outcome { emurun(arguments) }

func emurun(_ arguments: [String]) -> Outcome {
  let (output, errors) = (Output(), Output())
  let host = Host(output: output, errors: errors, environment: { _ in "C.UTF-8" })
  let code = Emurun.main(arguments, on: host)
  return Outcome(code: code, output: output.text, errors: errors.text)
}

/// Runs the program that is built beside the tests, and says how much memory it had at most.
func emurunProcess(_ arguments: [String]) throws -> (code: Int32, mostKiB: Int) {
  var path = [CChar](repeating: 0, count: 4096)
  readlink("/proc/self/exe", &path, path.count - 1)
  let test = String(decoding: path.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
  let program = URL(fileURLWithPath: test).deletingLastPathComponent().path + "/emurun"
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for stream in [STDOUT_FILENO, STDERR_FILENO] {
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0)
  }
  let words = ([program] + arguments).map { strdup($0) } + [nil]
  defer { for word in words { free(word) } }
  var child = pid_t()
  let error = posix_spawn(&child, program, &actions, nil, words, environ)
  guard error == 0 else { throw Toolchain.Failed(text: "\(program): error \(error)") }
  var (status, usage): (Int32, rusage) = (0, rusage())
  wait4(child, &status, 0, &usage)
  return (status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F), usage.ru_maxrss)
}

enum Images {
  static let top = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func path(_ name: String) -> String { top.appendingPathComponent("images/\(name)").path }

  static func bytes(_ name: String) throws -> [UInt8] { try bytes(at: path(name)) }

  static func bytes(at path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Every committed ELF, by its path.
  static let elves: [String] = {
    let folder = top.appendingPathComponent("images").path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".elf") }.sorted().map { folder + "/" + $0 }
  }()

  /// Programs of others that Debian's packages bring, which `scripts/setup test` installs.
  static let debian = [
    "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.elf",
    "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.elf",
    "/usr/lib/u-boot/qemu-riscv64/uboot.elf", "/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf",
  ]

  static func name(_ path: String) -> String {
    URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
  }
}

/// A folder that is gone afterwards.
func withFolder<T>(_ body: (String) throws -> T) throws -> T {
  let folder = NSTemporaryDirectory() + "emurun-proofs-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}

func write(_ bytes: [UInt8], to path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// The toolchain's own tools, which lie beside swiftc.
enum Toolchain {
  struct Failed: Error { let text: String }

  private static let folder: String = {
    let text = try? output("/bin/sh", ["-c", "readlink -f $(command -v swiftc)"])
    return URL(fileURLWithPath: (text ?? "").trimmingCharacters(in: .whitespacesAndNewlines))
      .deletingLastPathComponent().path
  }()

  static func run(_ tool: String, _ arguments: [String]) throws -> String {
    try output(folder + "/" + tool, arguments)
  }

  /// Sources/Firmware/build.
  static func build(_ arguments: [String]) throws {
    _ = try output(Images.top.appendingPathComponent("Sources/Firmware/build").path, arguments)
  }

  /// Standard output, which may be long; a failure is an error.
  private static func output(_ tool: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self)
    guard process.terminationStatus == 0 else { throw Failed(text: "\(tool): \(text)") }
    return text
  }
}
