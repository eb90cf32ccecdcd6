import Emu

/// How a debugger leaves.
public enum DebuggerEnding: Sendable, Hashable {
  /// The run goes on without it.
  case detached
  /// The run ends.
  case killed
}

/// A debugger's protocol over a `Debuggee`: bytes in, bytes out.
public protocol DebuggerSession: AnyObject {
  var debuggee: Debuggee { get }
  var ending: DebuggerEnding? { get }
  /// The debugger was told that the run is over, and there is nothing more to say.
  var hasEnded: Bool { get }
  func receive(_ bytes: [UInt8])
  /// While `isRunning`: a part of what the debugger asked for.
  func run(_ slice: (Machine, RunLimit) -> Pause)
  func takeOutput() -> [UInt8]
  /// Text of the guest's console.
  func print(_ text: [UInt8])
}
