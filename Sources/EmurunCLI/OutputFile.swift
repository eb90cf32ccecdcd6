import Glibc

/// A file that a run writes: there in full or not at all. It grows under another name beside its place and is moved there at the
/// end. What is no regular file (a pipe, /dev/null) is written directly.
final class OutputFile {
  private let path: String
  private let descriptor: Int32
  /// Where it grows; nil: directly.
  private var temporary: String?

  /// Opened before a run begins, so that a place that cannot be written is known then.
  init(_ path: String) throws(Refusal) {
    var target = path
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists, let real = realpath(path, nil) {
      // A symbolic link stays one.
      target = String(cString: real)
      free(real)
    }
    self.path = target
    if exists && status.st_mode & S_IFMT != S_IFREG {
      descriptor = open(path, O_WRONLY | O_CLOEXEC)
      if descriptor < 0 { throw Self.refusal(path, errno) }
      return
    }
    if exists && access(target, W_OK) != 0 { throw Self.refusal(path, errno) }
    var template = Array((target + ".XXXXXX").utf8CString)
    descriptor = mkstemp(&template)
    if descriptor < 0 { throw Self.refusal(path, errno) }
    temporary = template.withUnsafeBufferPointer {
      $0.baseAddress.map { String(cString: $0) }
    }
    let mask = umask(0)
    umask(mask)
    fchmod(descriptor, exists ? status.st_mode & 0o7777 : 0o666 & ~mask)
  }

  /// Is this the place of that file, so that the one would replace the other?
  func replaces(_ other: String) -> Bool {
    guard temporary != nil, let real = realpath(other, nil) else { return false }
    defer { free(real) }
    return String(cString: real) == place
  }

  func replaces(_ other: OutputFile) -> Bool {
    temporary != nil && other.temporary != nil && place == other.place
  }

  /// `path` without the detours that folders take.
  private var place: String? {
    let cut = path.lastIndex(of: "/")
    let folder = cut.map { path[...$0] } ?? "."
    guard let real = realpath(String(folder), nil) else { return nil }
    defer { free(real) }
    return String(cString: real) + "/" + path[(cut.map(path.index(after:)) ?? path.startIndex)...]
  }

  deinit {
    if let temporary { unlink(temporary) }
    close(descriptor)
  }

  func write(_ bytes: some Sequence<UInt8>) throws(Refusal) {
    if let error = writeAll(ContiguousArray(bytes), to: descriptor) { throw failure(error) }
  }

  /// It is complete: from here on it is there.
  func commit() throws(Refusal) {
    guard let temporary else { return }
    if rename(temporary, path) != 0 { throw failure(errno) }
    self.temporary = nil
  }

  private func failure(_ error: Int32) -> Refusal {
    Refusal(ExitCode.ioError, "\(path): cannot be written: \(describe(error))")
  }

  private static func refusal(_ path: String, _ error: Int32) -> Refusal {
    Refusal(
      ExitCode.cannotCreate,
      "\(path): cannot be written: \(describe(error)); name another file")
  }
}
