import Emu
import Glibc
import Synchronization

/// A raw disk image: the file as it is when a run begins, read where it lies and never changed by a run. Shared by all
/// machines that have it in a drive.
public final class DiskImage: Sendable {
  public static let sectorSize: UInt64 = 512

  public let path: String
  /// In bytes, a multiple of 512.
  public let size: UInt64
  private let content: Content
  private let hash = Mutex<String?>(nil)

  private enum Content {
    case file(Int32)
    case bytes([UInt8])
    case zeros
    /// It is known by its hash only, as in a state that was decoded.
    case unknown
  }

  public init(path: String) throws(BoardError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      var error = BoardError(
        "\(path): cannot be opened: \(String(cString: strerror(errno))); check the path")
      error.isMissing = true
      throw error
    }
    // Folders have an end, too: the largest number.
    var status = stat()
    let isFolder = fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    let end = isFolder ? -1 : lseek(file, 0, SEEK_END)
    guard end > 0, UInt64(end) % Self.sectorSize == 0 else {
      close(file)
      throw BoardError(
        end < 0
          ? "\(path): is no file with a size, so it cannot be a disk"
          : end == 0
            ? "\(path): is empty, so it cannot be a disk"
            : "\(path): its \(end) bytes are not a multiple of 512, so it is no raw disk image "
              + "(truncate -s %512 fills it up)")
    }
    self.path = path
    size = UInt64(end)
    content = .file(file)
  }

  /// An image that is in no file; filled up to a multiple of 512 bytes.
  public init(bytes: [UInt8], name: String = "memory") {
    let sector = Int(Self.sectorSize)
    let count = max(1, (bytes.count + sector - 1) / sector) * sector
    path = name
    size = UInt64(count)
    content = .bytes(bytes + Array(repeating: 0, count: count - bytes.count))
  }

  /// An image that holds nothing.
  private static let zeros = "zeros"

  init(zeros size: UInt64, name: String) {
    path = name
    self.size = size
    content = .zeros
    // There is nothing to work out.
    hash.withLock { $0 = Self.zeros }
  }

  fileprivate init(hash: String, size: UInt64) {
    path = ""
    self.size = size
    content = hash == Self.zeros ? .zeros : .unknown
    self.hash.withLock { $0 = hash }
  }

  deinit { if case .file(let file) = content { close(file) } }

  /// False: the host cannot read it any more.
  func read(at offset: UInt64, into target: UnsafeMutableRawBufferPointer) -> Bool {
    switch content {
    case .file(let file): return Self.read(file, offset, target)
    case .bytes(let bytes):
      let start = Int(offset)
      bytes.withUnsafeBytes {
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + target.count]))
      }
      return true
    case .zeros:
      target.initializeMemory(as: UInt8.self, repeating: 0)
      return true
    case .unknown: return false
    }
  }

  private static func read(
    _ file: Int32, _ offset: UInt64, _ target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard let base = target.baseAddress else { return true }
    var done = 0
    while done < target.count {
      let count = pread(file, base + done, target.count - done, off_t(offset) + off_t(done))
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return false }
      done += count
    }
    return true
  }

  /// Of its content, worked out when it is first asked for.
  public var sha256: String {
    hash.withLock { hash in
      if let hash { return hash }
      let new = contentHash()
      hash = new
      return new
    }
  }

  private func contentHash() -> String {
    var hash = SHA256()
    let size = 1 << 20
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
    defer { buffer.deallocate() }
    var offset: UInt64 = 0
    while offset < self.size {
      let count = Int(min(UInt64(size), self.size - offset))
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
      guard read(at: offset, into: part) else { break }
      hash.update(UnsafeRawBufferPointer(part))
      offset += UInt64(count)
    }
    return SHA256.hex(hash.finish())
  }
}

/// By content.
extension DiskImage: Hashable, Codable {
  public static func == (one: DiskImage, other: DiskImage) -> Bool {
    one === other || one.size == other.size && one.sha256 == other.sha256
  }
  public func hash(into hasher: inout Hasher) { hasher.combine(size) }

  private enum Keys: String, CodingKey {
    case sha256
    case size
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: Keys.self)
    try keys.encode(sha256, forKey: .sha256)
    try keys.encode(size, forKey: .size)
  }

  public convenience init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: Keys.self)
    self.init(
      hash: try keys.decode(String.self, forKey: .sha256),
      size: try keys.decode(UInt64.self, forKey: .size))
  }
}
