import Foundation
import PackagePlugin

/// Builds the firmware of the package that uses it into ELF images, resources of the target, before its tests are built.
@main struct FirmwareImages: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let firmware = try Firmware(of: context.package)
    let tool = try context.tool(named: "firmware-images").url
    let swiftc = try context.tool(named: "swiftc").url
    let output = context.pluginWorkDirectoryURL
    return try firmware.programs.map { program in
      let images = try firmware.images(of: program)
      return .buildCommand(
        displayName:
          "Firmware \(program.lastPathComponent): \(images.joined(separator: ", "))",
        executable: tool,
        arguments: firmware.arguments(for: images, swiftc: swiftc, output: output),
        inputFiles: firmware.sources(of: program),
        outputFiles: images.map { output.appending(path: "\($0).elf") })
    }
  }
}
