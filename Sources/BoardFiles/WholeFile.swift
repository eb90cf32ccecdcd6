import Glibc

/// A file that is read whole.
enum WholeFile {
  /// - Parameter most: bytes; what is larger is not what it is taken for.
  static func read(_ path: String, most: Int) throws(FileError) -> [UInt8] {
    func missing() -> FileError {
      var error = FileError(path, "cannot be read: \(String(cString: strerror(errno)))")
      error.isMissing = true
      return error
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw missing() }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= most {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      if count > 0 {
        bytes.append(contentsOf: chunk[..<count])
      } else if errno != EINTR {
        throw missing()
      }
    }
    throw FileError(path, "is larger than \(most >> 20) MiB; is it the right file?")
  }
}
