import Debugger
import Emu

/// What is debugged, and what the client has been told of it.
final class Target {
  let debuggee: Debuggee
  let debug: DebugInfo
  let layout: RegisterLayout
  let sources: SourceNames
  let steps: SourceSteps
  let stopsOnEntry: Bool
  let disassemble: Adapter.Disassemble
  var breakpoints = BreakpointList()
  /// By the references that the client has, from 1 on: those of a stop are forgotten when the machine goes on.
  var containers: [Container] = []

  /// What the client is told of where the motion leads.
  private(set) var reason = ""
  private(set) var isBackwards = false
  /// A watched access of that instruction is told of when it is done.
  var touched: [Int]?
  /// It was told so.
  var isOver = false

  init(
    _ machine: Machine, sources root: String, stopsOnEntry: Bool,
    _ disassemble: @escaping Adapter.Disassemble
  ) {
    debuggee = Debuggee(machine)
    debug = DebugInfo(machine.image)
    layout = RegisterLayout(machine.harts[0], machine.board.core.machine)
    sources = SourceNames(root: root)
    steps = SourceSteps(debug)
    self.stopsOnEntry = stopsOnEntry
    self.disassemble = disassemble
  }

  var machine: Machine { debuggee.machine }
  var isArm: Bool { machine.board.core.machine == .arm }

  func go(_ motion: Motion, _ reason: String, isBackwards: Bool = false) {
    self.reason = reason
    self.isBackwards = isBackwards
    touched = nil
    containers = []
    debuggee.start(motion)
  }

  /// By the number that the client has of it.
  func hart(_ thread: Int) throws(Failure) -> Int {
    guard machine.harts.indices.contains(thread &- 1) else {
      throw Failure("there is no thread \(thread)")
    }
    return thread - 1
  }
}

/// Names of sources, as the image has them and as the client does.
struct SourceNames {
  /// Where relative names begin.
  private let root: String

  init(root: String) { self.root = root.hasSuffix("/") ? String(root.dropLast()) : root }

  func source(_ file: String) -> Source {
    let path = file.hasPrefix("/") ? file : "\(root)/\(file)"
    return Source(name: file.split(separator: "/").last.map(String.init), path: path)
  }

  /// Is a file of the image the one of that path? The one may be named from a folder in which the other is.
  static func isSame(_ file: String, _ path: String) -> Bool {
    let (one, two) = (parts(file), parts(path))
    let count = min(one.count, two.count)
    return count > 0 && one.suffix(count).elementsEqual(two.suffix(count))
  }

  private static func parts(_ path: String) -> [Substring] {
    path.split(separator: "/").filter { $0 != "." }
  }
}
