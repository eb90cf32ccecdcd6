import Glibc

/// `--gdb stdio`: for a debugger that has started this process, as GDB does by `target remote | emurun --gdb stdio ...`.
final class DebuggerPipe: DebuggerLink {
  private let input: Int32
  private let output: Int32
  private(set) var isConnected = true
  let takesOthers = false

  init(input: Int32, output: Int32) {
    self.input = input
    self.output = output
  }

  func receive(patience: Double) -> [UInt8] {
    var request = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
    guard isConnected, poll(&request, 1, Int32(patience * 1000)) > 0 else { return [] }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(input, &chunk, chunk.count)
    if count == 0 || count < 0 && errno != EINTR && errno != EAGAIN { isConnected = false }
    return Array(chunk.prefix(max(count, 0)))
  }

  /// It is there from the start.
  func wait(patience: Double) {}

  func send(_ bytes: [UInt8]) {
    if bytes.isEmpty { return }
    if writeAll(bytes, to: output) != nil { isConnected = false }
  }

  func hangUp() { isConnected = false }
  func close() {}
}
