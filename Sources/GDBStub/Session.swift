import Debugger
import Emu

/// A debugger at a machine: GDB's Remote Serial Protocol ("Debugging with GDB", appendix E), and what lldb asks beside it.
/// Bytes of the debugger go in by `receive`, bytes for it come out by `takeOutput`; while `isRunning`, `run` moves the machine.
/// There are no files, sockets or threads here.
public final class Session: DebuggerSession {
  public let debuggee: Debuggee
  public var machine: Machine { debuggee.machine }
  public private(set) var ending: DebuggerEnding?
  /// The debugger was told that the run is over.
  public private(set) var hasEnded = false

  let isStarted: Bool
  let layout: RegisterLayout
  private var decoder = PacketDecoder()
  private var output: [UInt8] = []
  private var acknowledges = true
  /// The latest packet, for a debugger that has not got it whole.
  private var latest: [UInt8] = []

  /// By `H`: whose registers and memory (g), and who goes on (c).
  var selected = 0
  var resumed = 0
  var flash = Flash()
  /// The machine is on its way to where a monitor word wants it, which is not answered yet.
  private var isMonitored = false

  /// - Parameter isStarted: by the debugger, which ends it when it leaves.
  public init(_ machine: Machine, isStarted: Bool = false) {
    self.isStarted = isStarted
    debuggee = Debuggee(machine)
    layout = RegisterLayout(machine.harts[0], machine.board.core.machine)
    select(debuggee.latest.hart)
  }

  public var isRunning: Bool { debuggee.isRunning }

  public func receive(_ bytes: some Sequence<UInt8>) {
    decoder.feed(bytes)
    while let item = decoder.next() {
      switch item {
      case .packet(let content):
        if acknowledges { output.append(UInt8(ascii: "+")) }
        answer(content)
      case .damaged: if acknowledges { output.append(UInt8(ascii: "-")) }
      case .refused: output += latest
      case .acknowledged: break
      case .interrupt: debuggee.interrupt()
      }
    }
  }

  /// A part of what the debugger asked for. `slice` runs the machine as far as that limit, or less, and may end it.
  public func run(_ slice: (Machine, RunLimit) -> Pause) {
    debuggee.run(slice)
    tellHalt()
  }

  public func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  private func send(_ content: some Sequence<UInt8>) {
    latest = framed(content)
    output += latest
  }

  /// Text for the debugger's console, while something is under way.
  public func print(_ text: some Sequence<UInt8>) {
    let text = Array(text)
    for start in stride(from: 0, to: text.count, by: 512) {
      send(Array("O".utf8) + Hex.bytes(text[start..<min(start + 512, text.count)]))
    }
  }

  private func answer(_ content: [UInt8]) {
    // While the target runs nothing but Ctrl-C may come; whoever asks something else wants it stopped.
    if isRunning {
      debuggee.halt(.interrupted)
      tellHalt()
    }
    let reply = reply(to: PacketText(content))
    if let content = reply.content { send(content) }
    if content == Array("QStartNoAckMode".utf8) { acknowledges = false }
  }

  private func tellHalt() {
    guard let halt = debuggee.takeHalt() else { return }
    // A debugger is not told that a monitor word has moved the machine.
    if isMonitored {
      isMonitored = false
      print(Array("\(debuggee.place)\n".utf8))
      return send("OK".utf8)
    }
    select(halt.hart)
    if case .ended = halt.reason { hasEnded = true }
    send(words(of: halt).utf8)
  }

  private func select(_ hart: Int) { (selected, resumed) = (hart, hart) }

  func monitor(_ line: String) -> Reply {
    guard case .text(let text) = debuggee.answer(line) else {
      isMonitored = true
      return .nothing
    }
    print(Array(text.utf8))
    return .ok
  }

  /// Something was written.
  func changed() { debuggee.changed(hart: selected) }

  func end(_ ending: DebuggerEnding, _ reply: Reply = .ok) -> Reply {
    self.ending = ending
    return reply
  }

  /// The hart that a debugger's thread is: they count from 1, and 0 is any.
  func hart(ofThread thread: Int) -> Int? {
    if thread == 0 || thread == -1 { return Int(machine.hart.number) }
    return machine.harts.indices.contains(thread - 1) ? thread - 1 : nil
  }

  var hart: Hart { machine.harts[selected] }
}
