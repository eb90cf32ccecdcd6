import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A port for one debugger at a time.
final class DebuggerSocket: DebuggerLink {
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let mailbox = Mailbox()
  private let listener: any Channel
  /// Where it really is: port 0 asks for a free one.
  let place: String
  let takesOthers = true

  init(host: String?, port: Int) throws(Refusal) {
    let mailbox = mailbox
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Caller(mailbox))
        }
      }
    let name = host ?? "127.0.0.1"
    do { listener = try bootstrap.bind(host: name, port: port).wait() } catch {
      try? group.syncShutdownGracefully()
      let reason = (error as? IOError).map { describe($0.errnoCode) } ?? "\(error)"
      throw Refusal(
        ExitCode.cannotCreate, "--gdb \(name):\(port): \(reason); choose another port")
    }
    place = "\(name):\(listener.localAddress?.port ?? port)"
  }

  var isConnected: Bool { mailbox.isConnected }
  func receive(patience: Double) -> [UInt8] { mailbox.take(patience: patience) }
  func wait(patience: Double) { mailbox.wait(patience: patience) }

  func send(_ bytes: [UInt8]) {
    guard let channel = mailbox.channel, !bytes.isEmpty else { return }
    channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
  }

  func hangUp() { try? mailbox.channel?.close().wait() }

  func close() {
    // What was said last is still to arrive.
    if let channel = mailbox.channel {
      try? channel.writeAndFlush(ByteBuffer()).wait()
      try? channel.close().wait()
    }
    try? listener.close().wait()
    try? group.syncShutdownGracefully()
  }
}

/// What comes in on the event loop's thread, for the thread that runs the machine.
private final class Mailbox: Sendable {
  private struct State {
    var channel: (any Channel)?
    var bytes: [UInt8] = []
  }
  private let state = NIOLockedValueBox(State())
  /// Locked while nothing has come.
  private let news = ConditionLock(value: false)

  var channel: (any Channel)? { state.withLockedValue { $0.channel } }
  var isConnected: Bool { channel != nil }

  /// False: somebody else is there.
  func connect(_ channel: any Channel) -> Bool {
    defer { tell() }
    return state.withLockedValue { state in
      if state.channel != nil { return false }
      state = State(channel: channel)
      return true
    }
  }

  func disconnect(_ channel: any Channel) {
    state.withLockedValue { if $0.channel === channel { $0.channel = nil } }
    tell()
  }

  func add(_ bytes: some Sequence<UInt8>) {
    state.withLockedValue { $0.bytes += bytes }
    tell()
  }

  private func tell() {
    news.lock()
    news.unlock(withValue: true)
  }

  func take(patience: Double) -> [UInt8] {
    let bytes = take()
    if !bytes.isEmpty || patience <= 0 { return bytes }
    wait(patience: patience)
    return take()
  }

  func wait(patience: Double) {
    if news.lock(whenValue: true, timeoutSeconds: patience) { news.unlock(withValue: false) }
  }

  private func take() -> [UInt8] {
    state.withLockedValue { state in
      defer { state.bytes = [] }
      return state.bytes
    }
  }
}

private final class Caller: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private let mailbox: Mailbox
  private var isRefused = false

  init(_ mailbox: Mailbox) { self.mailbox = mailbox }

  func channelActive(context: ChannelHandlerContext) {
    isRefused = !mailbox.connect(context.channel)
    if isRefused { context.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if !isRefused { mailbox.add(unwrapInboundIn(data).readableBytesView) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if !isRefused { mailbox.disconnect(context.channel) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
