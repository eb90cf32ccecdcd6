import Foundation
import Testing

/// What the build says of firmware that cannot be: which section, and by how many bytes.
@Suite struct BuildErrorTests {
  private static let program = "@c(main) func main() -> Never { halted() }"

  @Test func tooLarge() throws {
    let text = try failure([
      "CortexMMemory.ld": """
      MEMORY {
        FLASH (rx) : ORIGIN = 0, LENGTH = 128
        SRAM (rw) : ORIGIN = 0x20000000, LENGTH = 2K
      }
      stackSize = 4K;

      """
    ])
    #expect(
      text.contains(/section '.text' will not fit in region 'FLASH': overflowed by [0-9]+ bytes/))
    #expect(
      text.contains("section '.stack' will not fit in region 'SRAM': overflowed by 2048 bytes"))
    #expect(text.hasSuffix("images: bad does not link\n"))
  }

  @Test func overlappingSections() throws {
    let text = try failure([
      "CortexM.ld": """
      SECTIONS {
        .vectors 0 : { KEEP(*(.vectors)) }
        .text 48 : { *(.text*) }
        .note.emurun 0x1000 : { *(.note.emurun .note.gnu.build-id) }
        .stack 0x20000000 : { stackTop = . + 4K; dataStart = .; dataEnd = .; dataLoad = .; bssStart = .; bssEnd = .; }
        poolStartByte = .; poolEndByte = .;
        INCLUDE Unloaded.ld
        /DISCARD/ : { *(.ARM.exidx* .swift*) }
      }
      INCLUDE CortexMSymbols.ld

      """
    ])
    #expect(text.contains("section .vectors virtual address range overlaps with .text"))
    #expect(text.contains(">>> by 16 bytes"))
  }

  @Test func undefinedHook() throws {
    let text = try failure([
      "Bad.h": "#include \"Instructions.h\"\nvoid tickHook(void);\n",
      "Bad.swift": "@c(main) func main() -> Never { while true { tickHook() } }",
    ])
    #expect(text.contains("undefined symbol: tickHook"))
    #expect(text.contains("referenced by Bad.swift:1 (Firmware/Bad/Bad.swift:1)"))
  }

  @Test func sectionThatNobodyPlaces() throws {
    let text = try failure([
      "Bad.swift":
        "@section(\".calibration\") @used let table: (Int, Int) = (1, 2)\n\(Self.program)"
    ])
    #expect(text.contains("is being placed in '.calibration'"))
  }

  @Test(arguments: [
    (
      "bad CortexM0", "there is no runtime CortexM0; there are CortexM, RV64Machine, RV64Supervisor"
    ),
    (
      "bad CortexM Consol",
      "there is no trait Consol; there are Console, Allocator, FreeList, FloatingPoint, Scheduler"
    ),
    ("bad", "its runtime is missing; there are CortexM, RV64Machine, RV64Supervisor"),
    // As other systems and editors write lines.
    (
      "# of two\r\n\r\nother CortexM\r\nbad\tCortexM0\r",
      "there is no runtime CortexM0; there are CortexM, RV64Machine, RV64Supervisor"
    ),
  ])
  func wordsThatItDoesNotKnow(line: String, words: String) throws {
    let text = try failure(["images": line])
    #expect(text == "images: Firmware/Bad/images: bad: \(words)\n")
  }

  @Test func aTraitThatThePackageLeavesOut() throws {
    let program = "@c(main) func main() -> Never { console.configure(); halted() }"
    let text = try failure(
      ["images": "bad CortexM Console", "Bad.swift": program], ["TRAITS=Allocator"])
    #expect(text.contains("cannot find 'console' in scope"))
    #expect(
      text.hasSuffix("does not compile without traits that its package leaves out: Console\n"))
  }

  @Test func headers() throws {
    let own = "void tickHook(void);\n"
    #expect(
      try failure(["Own.h": own]) == "images: Firmware/Bad/Own.h: write #include"
        + " \"Instructions.h\" in it, which the runtime needs\n")
    let whole = "#include \"Instructions.h\"\n" + own
    #expect(
      try failure(["Own.h": whole, "More.h": own]) == "images: Firmware/Bad has several headers:"
        + " the one that Swift is to see is to be called Bad.h\n")
    let text = try failure([
      "Bad.h": whole, "More.h": own,
      "Bad.swift": "@c(main) func main() -> Never { while true { tickHook() } }",
    ])
    #expect(text.contains("undefined symbol: tickHook"))
  }

  /// SwiftPM asks the plugin for the names of images only when files come and go: it is made to.
  @Test func anotherListThanThePluginSaw() throws {
    let text = try failure(
      ["images": "bad CortexM\nworse CortexM"], ["IMAGES_LIST=Firmware/Bad/images"])
    #expect(text == "images: Firmware/Bad/images names other images than before: build again\n")
    #expect(
      try failure(["images": "worse CortexM"], ["IMAGES_LIST=Firmware/Bad/images"]) == text)
  }

  /// What the build of a package with one program says, which must not succeed.
  /// - Parameter environment: IMAGES_LIST, where the plugin FirmwareImages asks, and TRAITS.
  private func failure(
    _ files: [String: String], _ environment: [String] = []
  ) throws -> String {
    let package = FileManager.default.temporaryDirectory
      .appendingPathComponent("emurun-bad-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: package) }
    let folder = package.appendingPathComponent("Firmware/Bad")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let usual = ["images": "bad CortexM", "Bad.swift": Self.program]
    for (name, text) in usual.merging(files, uniquingKeysWith: { $1 }) {
      try text.write(
        to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }
    let output = package.appendingPathComponent("out").path
    let (text, status) = try Firmware.run(
      "/usr/bin/env",
      environment
        + [Firmware.path("../Sources/Firmware/build"), "-C", package.path, "bad", "-o", output])
    #expect(status == 65)
    if environment.contains(where: { $0.hasPrefix("IMAGES_LIST=") }) {
      #expect(FileManager.default.fileExists(atPath: output + "/programs/changed"))
    }
    return text
  }
}
