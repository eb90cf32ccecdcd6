import Emu
import GDBStub
import Glibc
import Synchronization
import Testing

/// The environment variable that stops tests where they fail, with a port for GDB: `EMURUN_DEBUG=1 swift test --filter NAME`. 1 is
/// port 1234, or another one where that is taken; other numbers are ports.
public let debugVariable = "EMURUN_DEBUG"

/// A debugger at a test that has failed: at a copy of its machine, with all of its past. The test goes on when it leaves.
enum FailureDebugger {
  /// One at a time: tests run in many threads.
  private static let turn = Mutex(())

  private static let port: UInt16? = {
    guard let text = getenv(debugVariable).map({ String(cString: $0) }), text != "0",
      !text.isEmpty
    else { return nil }
    if text == "1" { return 1234 }
    guard let port = UInt16(text) else {
      say("\(debugVariable)=\(text) is no port; 1 is port 1234")
      return nil
    }
    return port
  }()

  static var isWanted: Bool { port != nil }

  /// - Parameter history: nil: there is no way back.
  static func serve(_ machine: Machine, _ history: History?) {
    guard let port else { return }
    turn.withLock { _ in
      guard let listener = Listener(port) ?? Listener(0) else {
        return say("no port for GDB: \(String(cString: strerror(errno)))")
      }
      defer { listener.close() }
      guard let copy = try? Machine(machine.snapshot()) else {
        return say("the host has no memory for another machine")
      }
      let session = Session(copy)
      if let history { session.debuggee.keepHistory(history) }
      let test = Test.current.map { "\($0.name) has failed" } ?? "a test has failed"
      say(
        """
        \(test), and its machine stands at index \(machine.index)\(history == nil ? ", with no way back" : ""):
          gdb-multiarch \(machine.image.path) -ex 'target remote 127.0.0.1:\(listener.port)'
        """)
      guard let connection = listener.accept() else { return }
      // Nobody else is to come.
      listener.close()
      defer { close(connection) }
      converse(session, connection)
    }
  }

  private static func converse(_ session: Session, _ connection: Int32) {
    var isAsleep = false
    while session.ending == nil && !session.hasEnded {
      let patience: Int32 = session.isRunning ? (isAsleep ? 50 : 0) : -1
      guard let bytes = receive(connection, patience) else { return }
      session.receive(bytes)
      session.run { machine, limit in
        var limit = limit
        limit.index = min(limit.index ?? .max, machine.index + 1 << 20)
        limit.tick = min(limit.tick ?? .max, machine.now + 1 << 24)
        let text = machine.console.count
        let pause = machine.run(until: limit)
        isAsleep = pause == .asleep
        session.print(machine.console.bytes(from: text))
        return pause
      }
      guard send(session.takeOutput(), connection) else { return }
      for notice in session.debuggee.takeNotices() { say(notice) }
    }
  }

  private static func say(_ words: String) {
    let line = Array("emurun: \(words)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }

  // MARK: Sockets

  /// nil: the other end has gone.
  private static func receive(_ connection: Int32, _ patience: Int32) -> [UInt8]? {
    var request = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
    guard poll(&request, 1, patience) > 0 else { return [] }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(connection, &chunk, chunk.count, 0)
    if count < 0 && errno == EINTR { return [] }
    return count > 0 ? Array(chunk.prefix(count)) : nil
  }

  private static func send(_ bytes: [UInt8], _ connection: Int32) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return false }
      sent += count
    }
    return true
  }

  /// A port of this machine alone.
  private final class Listener {
    private var descriptor: Int32
    let port: UInt16

    init?(_ wanted: UInt16) {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      guard descriptor >= 0 else { return nil }
      var yes: Int32 = 1
      setsockopt(
        descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
      var address = sockaddr_in()
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = wanted.bigEndian
      address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
      let descriptor = descriptor
      let isThere = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, size) == 0 && listen(descriptor, 1) == 0
            && getsockname(descriptor, $0, &size) == 0
        }
      }
      port = address.sin_port.bigEndian
      if !isThere {
        Glibc.close(descriptor)
        return nil
      }
    }

    /// Waits for somebody.
    func accept() -> Int32? {
      while true {
        let connection = Glibc.accept(descriptor, nil, nil)
        if connection >= 0 {
          var yes: Int32 = 1
          setsockopt(
            connection, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
          return connection
        }
        if errno != EINTR { return nil }
      }
    }

    func close() {
      if descriptor >= 0 { Glibc.close(descriptor) }
      descriptor = -1
    }
  }
}
