import Emu
import Glibc
import Synchronization

extension Image {
  /// One of the images that come with emurun, by its name in `images/`; an ELF file unless the name says otherwise.
  ///
  /// They are found beside these sources, which are wherever tests are built, and not copied into a resource bundle: there is
  /// one place for them, and no test pays for Foundation's Bundle. Tests that are moved to a machine without the sources take
  /// them from the folder that the environment variable EMURUN_IMAGES names.
  public static func bundled(_ name: String) throws(ImageError) -> Image {
    let file = name.contains(".") ? name : name + ".elf"
    return try .file(folder + "/" + file)
  }

  /// An image file. Read once: a thousand tests of one image share it.
  public static func file(_ path: String) throws(ImageError) -> Image {
    CoverageFolder.begin()
    if let known = cache.withLock({ $0[path] }) { return known }
    let image = try Image(path: path)
    cache.withLock { $0[path] = image }
    return image
  }

  private static let cache = Mutex<[String: Image]>([:])

  private static let folder: String = {
    if let folder = getenv("EMURUN_IMAGES") { return String(cString: folder) }
    // Sources/EmuTesting/BundledImages.swift
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    return (parts.dropLast(3) + ["images"]).joined(separator: "/")
  }()
}
