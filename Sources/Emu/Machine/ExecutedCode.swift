import CoreShim
import Synchronization

/// Which instructions a run has begun, by all harts, and which ways its conditional branches went.
/// Exact, as the index is.
public struct ExecutedCode: Sendable, Hashable {
  /// Of a conditional branch; of a Cortex-M, those in an IT block are none.
  public struct Ways: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let taken = Ways(rawValue: 1)
    public static let passed = Ways(rawValue: 2)
  }

  /// By address, as the program sees it: virtual.
  public private(set) var instructions: [UInt64: Ways] = [:]

  public static let none = ExecutedCode()

  /// What any of them has executed.
  public mutating func formUnion(_ other: ExecutedCode) {
    instructions.merge(other.instructions) { $0.union($1) }
  }

  private init() {}

  init(_ cores: [OpaquePointer]) {
    let all = Collected()
    for core in cores {
      core_each_covered(
        core,
        { data, pc, taken, passed in
          guard let data else { return }
          var ways: Ways = taken ? .taken : []
          if passed { ways.insert(.passed) }
          Unmanaged<Collected>.fromOpaque(data).takeUnretainedValue()
            .instructions[pc, default: []].formUnion(ways)
        }, Unmanaged.passUnretained(all).toOpaque())
    }
    instructions = all.instructions
  }

  private final class Collected {
    var instructions: [UInt64: Ways] = [:]
  }
}

extension Machine {
  /// Of a machine with `MachineOptions.keepsExecutedCode`; one that goes on from a snapshot begins
  /// there.
  public var executedCode: ExecutedCode { ExecutedCode(rig.cores) }
}

extension Machine {
  /// Told by each machine of this process what it has executed, when it is gone: for tests, which have no other place for that. A machine
  /// that was made before there was anybody to tell does not.
  package static let executedCodeReader = Mutex<(@Sendable (Image, ExecutedCode) -> Void)?>(nil)

  static var hasExecutedCodeReader: Bool { executedCodeReader.withLock { $0 != nil } }

  static func tell(_ image: Image, _ code: ExecutedCode) {
    executedCodeReader.withLock { $0 }?(image, code)
  }
}
