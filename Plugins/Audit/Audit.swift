import Foundation
import PackagePlugin

/// `swift package audit [OPTIONS]`: builds the firmware of the package and asks the command `emurun audit` about each image, which holds
/// it against the file `policy` beside its program; without one the image has to be proved never to trap. What is written behind
/// `audit` goes to the command.
@main struct Audit: CommandPlugin {
  func performCommand(context: PluginContext, arguments: [String]) throws {
    let firmware = try Firmware(of: context.package)
    guard let emurun = try? context.tool(named: "emurun").url else {
      return Diagnostics.error(
        "emurun is not in PATH; 'make install' in its checkout puts it there")
    }
    let tool = try context.tool(named: "firmware-images").url
    let swiftc = try context.tool(named: "swiftc").url
    let output = context.pluginWorkDirectoryURL
    for program in firmware.programs {
      let images = try firmware.images(of: program)
      let build = firmware.arguments(for: images, of: program, swiftc: swiftc, output: output)
      guard try run(tool, build) == 0 else {
        Diagnostics.error("\(program.lastPathComponent) does not build")
        continue
      }
      let policy = program.appending(path: "policy").path
      let options = FileManager.default.fileExists(atPath: policy) ? ["--policy", policy] : []
      for image in images {
        let path = output.appending(path: "\(image).elf").path
        if try run(emurun, ["audit", path] + options + arguments) != 0 {
          let rule = options.isEmpty ? "it is not shown never to trap" : "it breaks \(policy)"
          Diagnostics.error("\(image): \(rule)")
        }
      }
    }
  }

  private func run(_ tool: URL, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = tool
    process.arguments = arguments
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
