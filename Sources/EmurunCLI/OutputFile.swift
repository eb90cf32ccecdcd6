import Glibc

/// A file that a run writes: there in full or not at all. It grows under another name beside its place and is moved there at the
/// end. What is no regular file (a pipe, /dev/null) is written directly.
final class OutputFile {
  private let path: String
  private let descriptor: Int32
  /// Where it grows; nil: directly.
  private var temporary: String?
  private let content: Content
  /// How much of it is whole.
  private var size = 0

  /// What of a file is worth keeping when its rest cannot be written.
  enum Content {
    case bytes
    case lines
    /// All or nothing.
    case whole
  }

  /// Opened before a run begins, so that a place that cannot be written is known then.
  init(_ path: String, _ content: Content = .whole) throws(Refusal) {
    self.content = content
    if path.isEmpty {
      throw Refusal(ExitCode.cannotCreate, "a file without a name cannot be written; name one")
    }
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

  /// Is a file that is to be written one of those that are read?
  static func isSame(_ path: String, as others: [String?]) -> Bool {
    var (first, second) = (stat(), stat())
    guard stat(path, &first) == 0 else { return false }
    return others.contains {
      guard let other = $0, stat(other, &second) == 0 else { return false }
      return first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }
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
    let bytes = Array(bytes)
    if let error = writeAll(bytes, to: descriptor) {
      keep(bytes)
      throw failure(error)
    }
    size += bytes.count
  }

  /// Of what could be written in part.
  private func keep(_ bytes: [UInt8]) {
    let written = bytes.prefix(max(0, lseek(descriptor, 0, SEEK_CUR) - size))
    switch content {
    case .bytes: size += written.count
    case .lines: size += written.lastIndex(of: 10).map { $0 + 1 } ?? 0
    case .whole: break
    }
  }

  /// The run cannot go on, since another file, or this one, cannot be written: what is whole of this one goes to its place.
  func salvage() {
    guard let temporary, content != .whole, size > 0, ftruncate(descriptor, size) == 0 else {
      return
    }
    if rename(temporary, path) == 0 { self.temporary = nil }
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
