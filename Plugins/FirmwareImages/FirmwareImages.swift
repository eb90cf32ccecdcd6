import Foundation
import PackagePlugin

/// Builds the firmware of the package that uses it into ELF images, resources of the target, before its tests are built.
@main struct FirmwareImages: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let firmware = try Firmware(of: context.package)
    let tool = try context.tool(named: "firmware-images").url
    let swiftc = try context.tool(named: "swiftc").url
    let output = context.pluginWorkDirectoryURL
    let builds = try firmware.programs.map { program in
      let images = try firmware.images(of: program)
      return Command.buildCommand(
        displayName:
          "Firmware \(program.lastPathComponent): \(images.joined(separator: ", "))",
        executable: tool,
        arguments: firmware.arguments(for: images, of: program, swiftc: swiftc, output: output),
        inputFiles: firmware.sources(of: program),
        outputFiles: images.map { output.appending(path: "\($0).elf") })
    }
    return try [structure(of: firmware, in: output)] + builds
  }

  /// Does nothing. But SwiftPM asks a plugin again when a file comes to or goes from where a command before the build writes,
  /// and at no other time: without it a new file would be built once, and its changes never.
  private func structure(of firmware: Firmware, in output: URL) throws -> Command {
    let folder = output.appending(path: "programs")
    let link = folder.appending(path: "Firmware")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try? FileManager.default.removeItem(at: link)
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: firmware.folder)
    return .prebuildCommand(
      displayName: "Firmware", executable: URL(filePath: "/bin/sh"), arguments: ["-c", ":"],
      outputFilesDirectory: folder)
  }
}
