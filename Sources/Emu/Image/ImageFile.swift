import Glibc

/// The bytes of a file and the name to complain with: what every format's reader starts from.
struct ImageFile: Sendable {
  let path: String
  let bytes: [UInt8]

  /// Room for a kernel with all its debug information, and an end to what is no image.
  static let largest = 1 << 30

  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }

  init(path: String) throws(ImageError) {
    // Without O_NONBLOCK the open of a named pipe would wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Self.unreadable(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.unreadable(path, errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR:
      throw ImageError(.missing, "\(path): is a directory; name an image file in it")
    default:
      throw ImageError(
        .missing, "\(path): is a pipe, socket or device; copy what it gives into a file first")
    }
    guard status.st_size <= Self.largest else {
      throw ImageError(
        .data,
        "\(path): is \(status.st_size) bytes long, more than the 1 GiB that an image may have; "
          + "check that it is an image, or strip its debug information")
    }
    self.path = path
    self.bytes = try Self.contents(of: descriptor, path: path, expected: Int(status.st_size))
  }

  private static func contents(
    of descriptor: Int32, path: String, expected: Int
  ) throws(ImageError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: expected) { buffer, count in
      while count < expected {
        let done = read(descriptor, buffer.baseAddress.map { $0 + count }, expected - count)
        if done == 0 { break }
        if done > 0 {
          count += done
        } else if errno != EINTR {
          failure = errno
          break
        }
      }
    }
    guard failure == 0 else { throw unreadable(path, failure) }
    return bytes
  }

  private static func unreadable(_ path: String, _ code: Int32) -> ImageError {
    switch code {
    case ENOENT, ENOTDIR:
      ImageError(.missing, "\(path): there is no such file; check the path")
    case EACCES, EPERM:
      ImageError(.missing, "\(path): may not be read by this user; check its permissions")
    default:
      ImageError(
        .missing, "\(path): cannot be read: \(String(cString: strerror(code))); try another copy")
    }
  }
}

extension ImageFile {
  /// What to throw when the contents are wrong.
  func bad(_ sentence: String) -> ImageError { ImageError(.data, "\(path): \(sentence)") }

  /// Whether `size` bytes at `offset` lie inside of the file.
  func holds(_ size: UInt64, at offset: UInt64) -> Bool {
    offset <= UInt64(bytes.count) && size <= UInt64(bytes.count) - offset
  }

  /// A little-endian integer; the caller has made sure that the file holds it.
  func load<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type = Integer.self, at offset: UInt64
  ) -> Integer {
    // The load is checked against the array's bounds: a mistake of ours traps, it reads nothing.
    let value = bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: Int(offset), as: type)
    return Integer(littleEndian: value)
  }

  func hex(_ value: some BinaryInteger) -> String { "0x" + String(value, radix: 16) }
}
