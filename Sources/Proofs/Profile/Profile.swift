import Emu
import MachineCode

/// How many instructions each call stack of a run has begun, by the functions on it.
public struct Profile: Sendable, Hashable {
  public enum Frame: Sendable, Hashable {
    case hart(Int)
    /// A root: what its handler does is not what it interrupts does. RISC-V: `mcause`; Cortex-M: the number.
    case exception(UInt64)
    /// As the symbol has it.
    case function(String)
    case unknown
  }

  public struct Node: Sendable, Hashable {
    /// nil: a root.
    public let parent: Int?
    public let frame: Frame
    /// Instructions begun while it was innermost.
    public let count: UInt64
  }

  /// A call from its first instruction to what came behind its last.
  public struct Span: Sendable, Hashable {
    public let frame: Frame
    public let start: Tick
    public let end: Tick
    public let index: UInt64
  }

  /// The calls of one stack: two of them are one within the other, or apart.
  public struct Track: Sendable, Hashable {
    /// What the stack began with.
    public let name: Frame
    public let spans: [Span]
  }

  /// Parents before their children.
  public let nodes: [Node]
  public let tracks: [Track]
  /// Shorter calls are on no track.
  public let shortest: Tick

  public var count: UInt64 { nodes.reduce(0) { $0 + $1.count } }

  /// Stacks with counts, outermost first, in the order of their names: those that are named alike together.
  public func stacks(_ name: (Frame) -> String) -> [(frames: [String], count: UInt64)] {
    var paths: [[String]] = []
    var sums: [[String]: UInt64] = [:]
    for node in nodes {
      let path = (node.parent.map { paths[$0] } ?? []) + [name(node.frame)]
      paths.append(path)
      if node.count > 0 { sums[path, default: 0] += node.count }
    }
    return sums.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
  }
}

/// When calls began and ended: of a long run the longer ones.
struct Tracks {
  private var names: [Int: Profile.Frame] = [:]
  private var spans: [Int: [Profile.Span]] = [:]
  private var count = 0
  private(set) var shortest: Tick = 0
  private static let most = 1 << 17

  mutating func begin(_ track: Int, _ name: Profile.Frame) { names[track] = name }

  mutating func add(_ span: Profile.Span, of track: Int) {
    if span.end &- span.start < shortest { return }
    spans[track, default: []].append(span)
    count += 1
    while count > Self.most {
      shortest = max(1, 2 * shortest)
      spans = spans.mapValues { $0.filter { $0.end &- $0.start >= shortest } }
      count = spans.values.reduce(0) { $0 + $1.count }
    }
  }

  /// In the order in which they began, each from its beginning on, what lies within behind what it lies in.
  var tracks: [Profile.Track] {
    spans.sorted { $0.key < $1.key }.compactMap { track, spans in
      names[track].map { name in
        Profile.Track(
          name: name,
          // Calls end from the inside to the outside.
          spans: spans.reversed().enumerated().sorted {
            ($0.element.start, $0.offset) < ($1.element.start, $1.offset)
          }.map(\.element))
      }
    }
  }
}
