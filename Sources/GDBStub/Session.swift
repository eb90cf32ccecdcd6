import Emu

/// A debugger at a machine: GDB's Remote Serial Protocol ("Debugging with GDB", appendix E), and what lldb asks beside it.
/// Bytes of the debugger go in by `receive`, bytes for it come out by `takeOutput`; while `isRunning`, `run` moves the machine.
/// There are no files, sockets or threads here.
///
/// What a debugger reads changes nothing, and where it stops the machine is no part of the run: the digests are those of
/// a run that nobody looked at. What it writes is part of the run from there on.
public final class Session {
  public internal(set) var machine: Machine
  /// How a debugger leaves.
  public enum Ending: Sendable, Hashable {
    /// The run goes on without it.
    case detached
    /// The run ends.
    case killed
  }
  public internal(set) var ending: Ending?
  /// The debugger was told that the run is over.
  public internal(set) var hasEnded = false
  /// The debugger has written something: from there on the run is another one.
  public internal(set) var hasChanged = false
  var notices: [String] = []

  let layout: RegisterLayout
  private var decoder = PacketDecoder()
  private var output: [UInt8] = []
  private var acknowledges = true
  /// The latest packet, for a debugger that has not got it whole.
  private var latest: [UInt8] = []

  /// By `H`: whose registers and memory (g), and who goes on (c).
  var selected = 0
  var resumed = 0
  var breakpoints = BreakpointTable()
  var flash = Flash()
  /// What the machine does at the moment; nil: it stands.
  var motion: Motion?
  var isInterrupted = false
  /// In answer to `?`.
  var stopReply = "S05"
  /// The breakpoints that the machine has.
  var applied = Breakpoints()
  /// nil: nothing is kept, and there is no way back.
  public internal(set) var history: History?
  /// The latest index that the machine has been at, before one went back.
  var farthest: UInt64 = 0
  /// By `monitor snapshot`.
  var kept: [String: Snapshot] = [:]
  /// The attempts of the hart that steps when its step began, and whether the machine is still to leave where it stood.
  var origin: UInt64?
  var leaves = false

  public init(_ machine: Machine) {
    self.machine = machine
    layout = RegisterLayout(machine.harts[0], machine.board.core.machine)
    selected = Int(machine.hart.number)
    stopReply = stopped(5)
  }

  public var isRunning: Bool { motion != nil }

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
      case .interrupt: isInterrupted = isRunning
      }
    }
  }

  public func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  /// What a person should be told, one sentence each.
  public func takeNotices() -> [String] {
    defer { notices = [] }
    return notices
  }

  func send(_ content: some Sequence<UInt8>) {
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
    if isRunning { halt(stopped(2)) }
    let reply = reply(to: PacketText(content))
    if let content = reply.content { send(content) }
    if content == Array("QStartNoAckMode".utf8) { acknowledges = false }
  }

  /// The hart that a debugger's thread is: they count from 1, and 0 is any.
  func hart(ofThread thread: Int) -> Int? {
    if thread == 0 || thread == -1 { return Int(machine.hart.number) }
    return machine.harts.indices.contains(thread - 1) ? thread - 1 : nil
  }

  var hart: Hart { machine.harts[selected] }
}
