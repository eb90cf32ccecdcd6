import Foundation
import PackagePlugin

/// Builds the firmware of the package that uses it: each folder `Firmware/NAME` with a list `images` (see emurun's
/// Sources/Firmware/build) becomes ELF images, resources of the target, before its tests are built.
@main struct FirmwareImages: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let folder = context.package.directoryURL.appending(path: "Firmware")
    let runtime = try runtime(context.package)
    let programs = files(in: folder).filter { $0.lastPathComponent == "images" }
      .map { $0.deletingLastPathComponent() }
      .sorted { $0.path < $1.path }
    if programs.isEmpty {
      Diagnostics.error(
        "FirmwareImages: no program in \(folder.path); each is a folder with its sources and a file"
          + " \"images\", a line an image: its name, its runtime (CortexM, RV64Machine or RV64Supervisor), its traits"
      )
    }
    let tool = try context.tool(named: "firmware-images").url
    let swiftc = try context.tool(named: "swiftc").url
    return try programs.map { program in
      let name = program.lastPathComponent
      let images = try images(of: program)
      return .buildCommand(
        displayName: "Firmware \(name): \(images.joined(separator: ", "))",
        executable: tool,
        arguments: [
          runtime.appending(path: "build").path, swiftc.deletingLastPathComponent().path,
          context.package.directoryURL.path, context.pluginWorkDirectoryURL.path,
        ] + images,
        inputFiles: files(in: program) + files(in: runtime),
        outputFiles: images.map { context.pluginWorkDirectoryURL.appending(path: "\($0).elf") })
    }
  }

  /// The first words of the list's lines.
  private func images(of program: URL) throws -> [String] {
    try String(contentsOf: program.appending(path: "images"), encoding: .utf8)
      .split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
  }

  /// emurun's Sources/Firmware: this plugin's package is the user's own, or one that it depends on.
  private func runtime(_ package: Package) throws -> URL {
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
    let description = "FirmwareImages: the package does not depend on one with the name emurun"
  }

  private func files(in folder: URL) -> [URL] {
    let found = FileManager.default.enumerator(
      at: folder, includingPropertiesForKeys: [.isRegularFileKey])
    return (found?.compactMap { $0 as? URL } ?? []).filter { !$0.hasDirectoryPath }
      .sorted { $0.path < $1.path }
  }
}
