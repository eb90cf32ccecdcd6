import Emu
import MachineCode

/// Whether an image can ever trap, by its bytes alone: docs/audit.md has the theorem.
public struct ZeroTrapProof: Sendable {
  /// What was not shown. None: the image never traps.
  public let obligations: [Obligation]
  /// Instructions that may run; complete where there is no obligation.
  public let reached: Set<UInt64>
  /// Device registers that are stored to, by their addresses, and the instructions that do.
  public let deviceStores: [UInt64: Set<UInt64>]
  /// Instructions that were followed, each as often as in a new state.
  public let steps: Int

  public var isProved: Bool { obligations.isEmpty && !reached.isEmpty }

  /// - Parameter most: steps before it gives up.
  public init(_ program: Program, on board: Board, most: Int = 400_000) {
    var written: [ClosedRange<UInt64>] = []
    var analysis: ValueAnalysis
    repeat {
      // Constants are read from memory that is taken for never written: until that turns out to be so.
      analysis = ValueAnalysis(program, on: board, assuming: written, most: most)
      analysis.run()
      let isSound = analysis.written.allSatisfy { range in
        written.contains { $0.lowerBound <= range.lowerBound && $0.upperBound >= range.upperBound }
      }
      if isSound || !analysis.obligations.isEmpty { break }
      written = Self.union(written, analysis.written)
    } while true
    obligations = analysis.obligations.sorted { ($0.address, $0.reason) < ($1.address, $1.reason) }
    reached = analysis.reached
    deviceStores = analysis.deviceStores
    steps = analysis.steps
  }

  private static func union(
    _ one: [ClosedRange<UInt64>], _ two: [ClosedRange<UInt64>]
  ) -> [ClosedRange<UInt64>] {
    var all: [ClosedRange<UInt64>] = []
    for range in (one + two).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = all.last, range.lowerBound <= last.upperBound {
        all[all.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        all.append(range)
      }
    }
    return all
  }
}

/// Instructions of the code map that may leave the straight path, whether they are ever reached or
/// not.
public struct Inventory: Sendable {
  public struct Site: Sendable, Hashable {
    public let kind: Obligation.Class
    public let address: UInt64
    /// The function that it was found in.
    public let function: UInt64
  }

  public let sites: [Site]

  public init(_ map: CodeMap) {
    var sites: [UInt64: Site] = [:]
    for function in map.functions.values.sorted(by: { $0.entry < $1.entry }) {
      for instruction in function.instructions.values {
        guard let kind = Self.kind(instruction), sites[instruction.address] == nil else { continue }
        sites[instruction.address] = Site(
          kind: kind, address: instruction.address, function: function.entry)
      }
    }
    self.sites = sites.values.sorted { $0.address < $1.address }
  }

  private static func kind(_ instruction: Instruction) -> Obligation.Class? {
    switch instruction.operation {
    case .system(let kind, _):
      switch kind {
      case .supervisorCall: .supervisorCall
      case .breakpoint: .breakpoint
      case .undefined: .undefined
      case .controlRegister: .controlRegister
      case .interruptMask: .interruptEnable
      case .wait: .wait
      case .trapReturn: .trapReturn
      case .addressTranslation: .addressTranslation
      case .harmless: nil
      }
    case .undecodable: .undecodable
    case .floatingPoint, .accessFP: .floatingPoint
    default: nil
    }
  }
}
