import Emu
import Glibc

/// A disk in a board's virtio slot.
public struct Drive: Sendable {
  public enum Access: String, Sendable, CaseIterable {
    /// The guest may write, and what it wrote ends with the machine.
    case copyOnWrite = "cow"
    case readOnly = "ro"
    /// What the guest wrote goes to the file when `Machine.commit` is called: not before, so that no run of a machine is
    /// another's past.
    case commit = "rw"
  }
  public var image: DiskImage
  public var access: Access

  public init(_ image: DiskImage, _ access: Access = .copyOnWrite) {
    self.image = image
    self.access = access
  }

  /// The name of a drive's device on its board.
  static func name(_ number: Int) -> String { "disk\(number)" }
}

extension Machine {
  /// Writes what the guest has changed of those drives that are for it to their files.
  public func commit(_ drives: [Drive]) throws(BoardError) {
    for (number, drive) in drives.enumerated() where drive.access == .commit {
      let state = state(of: Drive.name(number), as: VirtioMMIO<VirtioBlock>.self)
      guard let disk = state?.function.disk else {
        preconditionFailure("\(board.name) has no drive \(number)")
      }
      try disk.commit()
    }
  }
}

extension Disk {
  fileprivate func commit() throws(BoardError) {
    let path = image.path
    func failure() -> BoardError {
      BoardError("\(path): cannot be written: \(String(cString: strerror(errno)))")
    }
    let file = open(path, O_WRONLY | O_CLOEXEC)
    if file < 0 { throw failure() }
    defer { close(file) }
    let isWritten = forEachChange { number, bytes in
      pwrite(file, bytes.baseAddress, bytes.count, off_t(number) * off_t(Self.blockSize))
        == bytes.count
    }
    if !isWritten || fsync(file) != 0 { throw failure() }
  }
}
