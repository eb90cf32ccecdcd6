import Emu
import MachineCode

/// How much stack an entry point may need at most, through all that it calls.
public struct StackBound: Sendable {
  /// At least so much, and no more where nothing is unknown.
  public let bytes: Int
  /// The calls that need it, the outermost first.
  public let path: [UInt64]
  /// What stands in the way of a bound: recursion, calls of computed addresses, frames without a
  /// size, each by name.
  public let unknown: [String]
}

/// Bounds of all functions, from the innermost out.
public struct StackBounds: Sendable {
  private let table: FrameTable
  private var bounds: [UInt64: StackBound] = [:]

  public init(_ table: FrameTable) {
    self.table = table
    for root in table.map.functions.keys.sorted() { visit(root) }
  }

  public subscript(entry: UInt64) -> StackBound? { bounds[entry] }

  /// Depth first; a call back into what is open is recursion.
  private mutating func visit(_ root: UInt64) {
    if bounds[root] != nil { return }
    var open: [(entry: UInt64, next: Int)] = [(root, 0)]
    var isOpen: Set<UInt64> = [root]
    var recursion: [UInt64: String] = [:]
    while let (entry, next) = open.last {
      let calls = table.map.functions[entry]?.calls ?? []
      guard next < calls.count else {
        bounds[entry] = bound(of: entry, recursion[entry])
        open.removeLast()
        isOpen.remove(entry)
        continue
      }
      open[open.count - 1].next += 1
      guard let target = calls[next].target, table.map.functions[target] != nil else { continue }
      if isOpen.contains(target) {
        let circle = open.drop { $0.entry != target }.map { table.map.program.name($0.entry) }
        // A loop that jumps to the beginning of its own function calls nobody.
        if calls[next].isTail && target == entry { continue }
        recursion[entry] =
          "recursion: \((circle + [table.map.program.name(target)]).joined(separator: " > "))"
      } else if bounds[target] == nil {
        open.append((target, 0))
        isOpen.insert(target)
      }
    }
  }

  private func bound(of entry: UInt64, _ recursion: String?) -> StackBound {
    guard let function = table.map.functions[entry], let motion = table.motions[entry] else {
      return StackBound(bytes: 0, path: [], unknown: [])
    }
    let name: (UInt64) -> String = { [program = table.map.program] in program.name($0) }
    var (most, path) = (motion.deepest, [entry])
    var unknown = motion.problems + (recursion.map { [$0] } ?? [])
    for call in function.calls {
      let depth = motion.depths[call.site] ?? 0
      guard let target = call.target else {
        // With a frame that is still there it can be no other function, whose caller would be without its stack pointer.
        if call.isTail, depth > 0, function.unresolved.contains(call.site),
          !function.unbounded.contains(call.site)
        {
          continue
        }
        unknown.append("a call of a computed address at \(name(call.site))")
        continue
      }
      guard let inner = bounds[target] else {
        // Recursion is told where it closes; a target without code is none of the image.
        if table.map.functions[target] == nil {
          unknown.append("a call of \(hex(target)), which is no code of the image")
        }
        continue
      }
      if depth + inner.bytes > most || path.count == 1 && depth + inner.bytes == most && most > 0 {
        (most, path) = (depth + inner.bytes, [entry] + inner.path)
      }
      unknown += inner.unknown
    }
    var seen: Set<String> = []
    unknown = unknown.filter { seen.insert($0).inserted }
    return StackBound(bytes: most, path: path, unknown: Array(unknown.prefix(16)))
  }
}

/// The stack of a Cortex-M that all exceptions share with the thread, unless software gives the
/// thread one of its own (Armv7-M ARM, B1.4.1, B1.5.6).
public struct ExceptionStack: Sendable {
  public struct Handler: Sendable {
    public let name: String
    public let number: Int
    public let entry: UInt64
    /// With the frame that the core pushes and what aligns it.
    public let bytes: Int
    public let unknown: [String]
  }

  /// The core's frame: 8 words, 26 where the FPU's registers are in it; 4 bytes may align it.
  public let frameSize: Int
  public let handlers: [Handler]
  public let thread: StackBound

  /// nil: no Cortex-M, or none with a reset vector.
  public init?(_ table: FrameTable, _ bounds: StackBounds) {
    let map = table.map
    guard map.program.machine == .arm,
      let reset = map.roots.first(where: { $0.root == .entry }), let thread = bounds[reset.address]
    else { return nil }
    let usesFP = map.functions.values.contains { function in
      function.instructions.values.contains { instruction in
        switch instruction.operation {
        case .floatingPoint, .accessFP: true
        default: false
        }
      }
    }
    let frameSize = (usesFP ? 104 : 32) + 4
    self.thread = thread
    self.frameSize = frameSize
    handlers = map.roots.compactMap { address, root in
      guard case .vector(let number, let name) = root, let bound = bounds[address] else {
        return nil
      }
      return Handler(
        name: name, number: number, entry: address, bytes: frameSize + bound.bytes,
        unknown: bound.unknown)
    }
  }

  /// The most that thread and handlers need together, where each priority preempts those above
  /// it, so that of each one handler at most is active. NMI and HardFault are above all of them.
  ///
  /// - Parameter priority: of a configurable exception; nil: any, other than all others.
  public func bytes(priority: (Handler) -> Int?) -> Int {
    var levels: [Int: Int] = [:]
    var total = thread.bytes
    for handler in handlers {
      if let level = handler.number == 2 ? -2 : handler.number == 3 ? -1 : priority(handler) {
        levels[level] = max(levels[level] ?? 0, handler.bytes)
      } else {
        total += handler.bytes
      }
    }
    return total + levels.values.reduce(0, +)
  }

  public var unknown: [String] {
    var seen: Set<String> = []
    return (thread.unknown + handlers.flatMap(\.unknown)).filter { seen.insert($0).inserted }
  }
}
