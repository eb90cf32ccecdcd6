import Foundation
import PackagePlugin

/// The firmware of a package: each folder `Firmware/NAME` with a list `images` (see emurun's Sources/Firmware/build).
struct Firmware {
  let package: URL
  /// Of its programs.
  let folder: URL
  /// emurun's Sources/Firmware.
  let runtime: URL
  let programs: [URL]

  init(of package: Package) throws {
    self.package = package.directoryURL
    runtime = try Self.runtime(package)
    folder = package.directoryURL.appending(path: "Firmware")
    programs = Self.files(in: folder).filter { $0.lastPathComponent == "images" }
      .map { $0.deletingLastPathComponent() }
      .sorted { $0.path < $1.path }
    if programs.isEmpty {
      Diagnostics.error(
        "no program in \(folder.path); each is a folder with its sources and a file"
          + " \"images\", a line an image: its name, its runtime (CortexM, RV64Machine or RV64Supervisor), its traits"
      )
    }
  }

  /// The first words of the list's lines.
  func images(of program: URL) throws -> [String] {
    let list = program.appending(path: "images")
    let names = try String(contentsOf: list, encoding: .utf8)
      .split(whereSeparator: \.isNewline)
      .compactMap { $0.split(whereSeparator: \.isWhitespace).first.map(String.init) }
      .filter { !$0.hasPrefix("#") }
    if names.isEmpty { Diagnostics.error("\(list.path) names no image") }
    return names
  }

  /// What the tool `firmware-images` is told to make them, which are all of the program's.
  func arguments(for images: [String], of program: URL, swiftc: URL, output: URL) -> [String] {
    [
      runtime.appending(path: "build").path, swiftc.deletingLastPathComponent().path, package.path,
      output.path, "Firmware/\(program.lastPathComponent)/images",
    ] + images
  }

  /// All that an image is made from.
  func sources(of program: URL) -> [URL] { Self.files(in: program) + Self.files(in: runtime) }

  /// The package that has a plugin is the user's own, or one that it depends on.
  private static func runtime(_ package: Package) throws -> URL {
    var packages = [package]
    var seen: Set<String> = []
    while let package = packages.popLast() {
      guard seen.insert(package.id).inserted else { continue }
      let folder = package.directoryURL.appending(path: "Sources/Firmware")
      if package.displayName == "emurun", FileManager.default.fileExists(atPath: folder.path) {
        return folder
      }
      packages += package.dependencies.map(\.package)
    }
    throw Missing()
  }

  private struct Missing: Error, CustomStringConvertible {
    let description = "the package does not depend on one with the name emurun"
  }

  private static func files(in folder: URL) -> [URL] {
    let found = FileManager.default.enumerator(
      at: folder, includingPropertiesForKeys: [.isRegularFileKey])
    return (found?.compactMap { $0 as? URL } ?? []).filter { !$0.hasDirectoryPath }
      .sorted { $0.path < $1.path }
  }
}
