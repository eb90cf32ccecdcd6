import Emu
import Glibc

/// Files that are read whole, before a run: input for the guest, content for its memory.
enum InputFile {
  /// "-" is standard input.
  ///
  /// - Parameter most: bytes; an end to what has none, such as /dev/zero or the output of `yes`.
  static func read(
    _ path: String, standardInput: Int32, most: Int = 2 << 30
  ) throws(Refusal) -> [UInt8] {
    if path == "-" { return try read(standardInput, "standard input", most) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw refusal(path, errno) }
    defer { close(descriptor) }
    return try read(descriptor, path, most)
  }

  private static func read(
    _ descriptor: Int32, _ path: String, _ most: Int
  ) throws(Refusal) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= most {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      if count > 0 {
        bytes.append(contentsOf: chunk[..<count])
      } else if errno != EINTR {
        throw refusal(path, errno)
      }
    }
    throw Refusal(
      ExitCode.badData, "\(path): is longer than \(most >> 20) MiB; is it the right one?")
  }

  static func checkFolder(_ path: String) throws(Refusal) {
    var status = stat()
    if stat(path, &status) != 0 { throw refusal(path, errno) }
    if status.st_mode & S_IFMT != S_IFDIR { throw refusal(path, ENOTDIR) }
  }

  /// Of a file; nil: it cannot be read.
  static func sha256(_ path: String) -> String? {
    // What "file@address" names is not there.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { return nil }
    defer { close(descriptor) }
    var hash = SHA256()
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return SHA256.hex(hash.finish()) }
      if count < 0 { return nil }
      chunk.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
  }

  private static func refusal(_ path: String, _ error: Int32) -> Refusal {
    Refusal(ExitCode.noInput, "\(path): cannot be read: \(describe(error)); check the path")
  }
}
