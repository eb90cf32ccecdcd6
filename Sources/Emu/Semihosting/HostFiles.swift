import Glibc

/// Why a call failed, as the guest's SYS_ERRNO sees it.
struct HostError: Error {
  let number: Int32
  static let badAddress = HostError(number: EFAULT)
  static let badHandle = HostError(number: EBADF)
  static let invalid = HostError(number: EINVAL)
  static let notImplemented = HostError(number: ENOSYS)
  static let notPermitted = HostError(number: EPERM)
  static let tooMany = HostError(number: EMFILE)
  static var last: HostError { HostError(number: errno) }
}

/// Files of the host below one folder, and nothing else of it: a path is walked a name at a time,
/// no `..` and no symbolic link is followed, so there is no way out.
struct HostFiles {
  let root: String?

  /// fopen's modes in the order of the specification: r rb r+ r+b w wb w+ w+b a ab a+ a+b.
  func open(_ path: String, mode: Int) throws(HostError) -> Int32 {
    let access = mode & 2 != 0 ? O_RDWR : mode < 4 ? O_RDONLY : O_WRONLY
    let flags =
      switch mode / 4 {
      case 0: access
      case 1: access | O_CREAT | O_TRUNC
      default: access | O_CREAT | O_APPEND
      }
    return try inFolder(of: path) { folder, name in
      openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o666)
    }
  }

  func remove(_ path: String) throws(HostError) {
    _ = try inFolder(of: path) { folder, name in unlinkat(folder, name, 0) }
  }

  func rename(_ path: String, to new: String) throws(HostError) {
    let target = try folder(of: new)
    defer { _ = Glibc.close(target.descriptor) }
    _ = try inFolder(of: path) { folder, name in
      renameat(folder, name, target.descriptor, target.name)
    }
  }

  func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

  func length(_ descriptor: Int32) throws(HostError) -> Int64 {
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw .last }
    return Int64(status.st_size)
  }

  func seek(_ descriptor: Int32, to position: UInt64) throws(HostError) {
    guard let offset = Int(exactly: position), lseek(descriptor, offset, SEEK_SET) >= 0 else {
      throw .invalid
    }
  }

  func write(_ bytes: [UInt8], _ descriptor: Int32) throws(HostError) -> Int {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 && errno == EINTR { continue }
      if count < 0 && done == 0 { throw .last }
      if count <= 0 { break }
      done += count
    }
    return done
  }

  /// Fewer only at the end of the file.
  func read(_ count: Int, _ descriptor: Int32) throws(HostError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: min(count, 65_536))
    while bytes.count < count {
      let wanted = min(chunk.count, count - bytes.count)
      let got = Glibc.read(descriptor, &chunk, wanted)
      if got < 0 && errno == EINTR { continue }
      if got < 0 && bytes.isEmpty { throw .last }
      if got <= 0 { break }
      bytes += chunk[..<got]
    }
    return bytes
  }

  // MARK: The way there

  private func inFolder(
    of path: String, _ body: (Int32, String) -> Int32
  ) throws(HostError) -> Int32 {
    let (descriptor, name) = try folder(of: path)
    let result = body(descriptor, name)
    let error = HostError.last
    _ = Glibc.close(descriptor)
    if result < 0 { throw error }
    return result
  }

  /// The folder of a path, open, and the name in it.
  private func folder(of path: String) throws(HostError) -> (descriptor: Int32, name: String) {
    guard let root else { throw .notPermitted }
    if path.hasPrefix("/") || path.contains("\0") { throw .notPermitted }
    var names = path.split(separator: "/").filter { $0 != "." }.map(String.init)
    guard let last = names.popLast(), last != "..", !names.contains("..") else {
      throw .notPermitted
    }
    var folder = Glibc.open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder < 0 { throw .last }
    for name in names {
      let next = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      let error = HostError.last
      _ = Glibc.close(folder)
      if next < 0 { throw error }
      folder = next
    }
    return (folder, last)
  }
}
