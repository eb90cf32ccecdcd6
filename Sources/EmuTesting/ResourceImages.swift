import Emu
import Foundation

extension Image {
  /// An image among the resources of a test target, where the plugin `FirmwareImages` puts what it builds:
  /// `.bundled("doorbell", in: .module)`. An ELF file unless the name says otherwise.
  public static func bundled(_ name: String, in bundle: Bundle) throws(ImageError) -> Image {
    let file = name.contains(".") ? name : name + ".elf"
    guard let url = bundle.url(forResource: file, withExtension: nil) else {
      throw ImageError(
        .missing,
        "there is no \(file) in \(bundle.bundlePath); does the target have the plugin FirmwareImages, and"
          + " a file Firmware/*/images a line for it?")
    }
    return try .file(url.path)
  }
}
