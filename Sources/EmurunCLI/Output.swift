import Glibc
import Timeline

/// One of the two streams that a command writes to. In tests it is memory.
public final class Output {
  let descriptor: Int32?
  private let name: String
  /// Columns; nil: not a terminal. Asked for again each time, since people resize.
  private let terminal: () -> Int?
  /// What was written, where that is memory.
  public private(set) var bytes: [UInt8] = []
  func take() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }
  /// Makes objects of words; nil: they are for people.
  var log: Log?
  /// The last byte written, by which one sees whether the cursor is at the start of a line.
  private(set) var last: UInt8?

  public init(descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
    let isTerminal = isatty(descriptor) == 1
    terminal = {
      guard isTerminal else { return nil }
      var size = winsize()
      return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        ? Int(size.ws_col) : 80
    }
  }

  /// Keeps what is written; `width` makes it a terminal.
  public init(width: Int? = nil) {
    descriptor = nil
    name = "memory"
    terminal = { width }
  }

  public var text: String { String(decoding: bytes, as: UTF8.self) }
  var isTerminal: Bool { log == nil && terminal() != nil }
  var width: Int { terminal() ?? 80 }

  /// Do both end up in the same place, on the same screen or in the same file?
  func isSame(as other: Output) -> Bool {
    guard let one = descriptor, let two = other.descriptor else { return false }
    var (first, second) = (stat(), stat())
    return fstat(one, &first) == 0 && fstat(two, &second) == 0
      && first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  func write(_ more: some Sequence<UInt8>) throws(Refusal) {
    let more = Array(more)
    guard let end = more.last else { return }
    last = end
    guard let descriptor else { return bytes.append(contentsOf: more) }
    if let error = writeAll(more, to: descriptor) {
      throw Refusal(ExitCode.ioError, "\(name): \(describe(error))")
    }
  }

  /// Words for a person. Where they cannot be written there is nobody left to tell.
  ///
  /// - Parameters:
  ///   - event: what it is about, for a log; as `level` and `fields` are.
  func say(
    _ text: String, _ event: String = "message", _ level: Log.Level? = nil,
    fields: (inout JSONWriter) -> Void = { _ in }
  ) {
    let line = log?.line(text, event, level, fields) ?? text
    do { try write((line + "\n").utf8) } catch {}
  }
}

/// 0-terminated C has no better way: everything, or the error number.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
  bytes.withUnsafeBytes { bytes in
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        // A terminal shared with a shell may have been made non-blocking.
        if errno == EAGAIN {
          var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&wait, 1, -1)
          continue
        }
        return errno
      }
      rest = rest.dropFirst(count)
    }
    return nil
  }
}

func describe(_ error: Int32) -> String {
  String(cString: strerror(error))
}
