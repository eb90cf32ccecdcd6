import Emu
import Glibc

/// What somebody types, for `--interactive`: a terminal in raw mode whose bytes go to the console as they come, Ctrl-C too.
/// Ctrl-A is the way out, as in QEMU: x ends the run, h helps, Ctrl-A again is one for the guest.
final class Keyboard {
  private let host: Host
  /// As it was; nil: not a terminal.
  private var saved: termios?
  private var isEscaped = false
  private var hasEnded = false
  private(set) var hasQuit = false
  var isTerminal: Bool { saved != nil }

  init(_ host: Host) {
    self.host = host
    var mode = termios()
    guard isatty(host.input) == 1, tcgetattr(host.input, &mode) == 0 else { return }
    saved = mode
    // Output keeps its line ends: the guest's text was not written for a raw terminal.
    mode.c_iflag &= ~tcflag_t(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON)
    mode.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG | IEXTEN)
    tcsetattr(host.input, TCSANOW, &mode)
    host.errors.say("emurun: Ctrl-A x ends the run, Ctrl-A h helps")
  }

  func close() {
    if var mode = saved { tcsetattr(host.input, TCSADRAIN, &mode) }
    saved = nil
  }

  deinit { close() }

  /// Everything typed since the last call; if that is nothing, what comes within `patience` seconds.
  func pass(to machine: Machine, patience: Double = 0) {
    // What is typed behind the end is no input of the run.
    if hasEnded || machine.stop != nil { return }
    guard isReady(timeout: Int32(min(patience, 1) * 1000)) else { return }
    var chunk = [UInt8](repeating: 0, count: 4096)
    let count = read(host.input, &chunk, chunk.count)
    // A terminal that is gone gives errors for ever, and is ready to.
    if count == 0 || count < 0 && errno != EINTR && errno != EAGAIN { hasEnded = true }
    if count <= 0 { return }
    var typed: [UInt8] = []
    for byte in chunk[..<count] { take(byte, &typed) }
    if !typed.isEmpty { machine.send(typed) }
    if hasQuit { machine.end(.interrupted, detail: "Ctrl-A x") }
  }

  /// Until something is typed; false: nothing will be.
  func wait() -> Bool {
    if hasEnded { return false }
    _ = isReady(timeout: -1)
    return true
  }

  private func isReady(timeout: Int32) -> Bool {
    var request = pollfd(fd: host.input, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, timeout) > 0
  }

  private func take(_ byte: UInt8, _ typed: inout [UInt8]) {
    let controlA: UInt8 = 1
    // What is piped in is data, and has no way out but its end.
    guard saved != nil else { return typed.append(byte) }
    guard isEscaped else {
      if byte == controlA { isEscaped = true } else { typed.append(byte) }
      return
    }
    isEscaped = false
    switch byte {
    case UInt8(ascii: "x"): hasQuit = true
    case controlA: typed.append(byte)
    default:
      host.errors.say("emurun: Ctrl-A x ends the run, Ctrl-A Ctrl-A sends Ctrl-A")
    }
  }
}
