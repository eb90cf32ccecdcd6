import Foundation
import Testing

enum FirmwareTraits {
  static let all = ["Console", "Allocator", "FloatingPoint", "Scheduler"]

  /// `features` as a package gets it that depends on emurun with all traits but one.
  struct Trimmed {
    private static let images = ["features-m4", "features-rv64"]
    let folder: URL
    /// Of the table in docs/firmware-sizes.md.
    let row: String

    init(_ trait: String) throws {
      let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("emurun-traits-\(UUID().uuidString)")
      let (text, status) = try Firmware.run(
        "/bin/sh",
        [
          "-ec",
          """
          swift build --package-path "$0" --scratch-path "$1/build" --product firmware-images --traits "$2"
          mkdir "$1/Firmware"
          ln -s "$0/Sources/Firmware/Programs/features" "$1/Firmware"
          where=$1; shift 2
          "$where/build/debug/firmware-images" "$0/Sources/Firmware/build" \
            "$(dirname "$(readlink -f "$(command -v swiftc)")")" "$where" "$where" \
            Firmware/features/images "$@"
          """,
          Firmware.top.path, folder.path, all.filter { $0 != trait }.joined(separator: ","),
        ] + Self.images)
      guard status == 0 else { throw Firmware.Failed(text: text) }
      let sizes = try Self.images.map {
        try Data(contentsOf: folder.appendingPathComponent("\($0).bin")).count
      }
      self.folder = folder
      row = "| `\(trait)` | \(sizes[0]) | \(sizes[1]) |"
    }
  }
}

@Suite struct TraitTests {
  /// Without a package trait nothing of it is left, not even in the debug information, and the image is smaller.
  @Test(
    arguments: zip(
      FirmwareTraits.all,
      [
        ["TextOutput", "PL011", "UART16550"], ["poolAllocate", "posix_memalign"], ["fmul", "vmul"],
        ["Scheduler", "Channel"],
      ]))
  func aTraitThatIsOffIsGone(trait: String, marks: [String]) throws {
    let trimmed = try FirmwareTraits.Trimmed(trait)
    defer { try? FileManager.default.removeItem(at: trimmed.folder) }
    for name in ["features-rv64", "features-m4"] {
      let smaller = trimmed.folder.appendingPathComponent(name).path
      let with = try contents(Firmware.path(name))
      let without = try contents(smaller)
      #expect(marks.contains { with.contains($0) })
      for mark in marks { #expect(!without.contains(mark), "\(name): \(mark)") }
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: smaller + ".bin")).count
          < Firmware.bytes("\(name).bin").count)
    }
    // Another compiler's code has other sizes.
    let (version, _) = try Firmware.run(Firmware.tool("swiftc"), ["--version"])
    let compiler = version.split(separator: "\n").first { $0.contains("Swift version") } ?? "none"
    guard try contents(Firmware.path("features-m4")).contains(compiler) else { return }
    let table = try String(
      contentsOfFile: Firmware.path("../docs/firmware-sizes.md"), encoding: .utf8)
    #expect(table.contains("\n" + trimmed.row + "\n"))
  }

  /// All that an ELF has in words: names of symbols and types, and its instructions.
  private func contents(_ path: String) throws -> String {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path + ".elf"))
    return try String(decoding: bytes, as: UTF8.self)
      + Firmware.disassembly(path: path + ".elf").joined(separator: "\n")
  }
}
