import CoreShim

/// Looks at a run that goes on: it is told of every instruction at some addresses before it is begun, out of translated code. None
/// of it is part of the machine: a run with it is the run without, to the last digest, and without it nothing is slower.
open class Lookout {
  /// As the pc has them, on any hart; ascending.
  public let addresses: [UInt64]
  /// Where regions of the code begin, ascending, each reaching to the next: it is also told of the first instruction where a hart goes
  /// from one to another, and of the first to which it came by no instruction: by an exception, the return from one, a reset.
  public let regions: [UInt64]

  public init(at addresses: Set<UInt64>, regions: Set<UInt64> = []) {
    self.addresses = addresses.sorted()
    self.regions = regions.sorted()
  }

  /// An instruction comes next. It may be asked what the hart and memory hold; nothing may be changed, and the machine itself
  /// stands where its turn began.
  ///
  /// - Parameters:
  ///   - place: of its address in `addresses`; for none of them, their number and how many regions begin at or below it.
  ///   - index: the machine's, of this instruction.
  open func look(_ place: Int, index: UInt64, hart: Hart) {}

  /// A guest reset: what was on the way is over.
  open func forget() {}
}

extension Hart {
  /// - Parameter lookout: kept by the machine.
  final func set(_ lookout: Lookout?) {
    self.lookout = lookout.map { Unmanaged.passUnretained($0) }
    let addresses = lookout?.addresses ?? []
    let isSet = core_set_looks(
      core, addresses, addresses.count,
      { context, place, index in
        guard let context else { return }
        Unmanaged<Hart>.fromOpaque(context)._withUnsafeGuaranteedRef { hart in
          hart.lookout?._withUnsafeGuaranteedRef {
            $0.look(place, index: index &+ hart.indexOffset, hart: hart)
          }
        }
      }, Unmanaged.passUnretained(self).toOpaque())
    let regions = lookout?.regions ?? []
    precondition(
      isSet && core_set_regions(core, regions, regions.count),
      "no memory for \(addresses.count) places to look at")
  }
}

// MARK: Asked by a look

extension Hart {
  /// How the hart came to the instruction that is looked at, beside by others.
  package final var arrival: Arrival { Arrival(rawValue: Int(core_came(core))) }
  /// Its `attempts` before the instruction with that index.
  package final func attempts(before index: UInt64) -> UInt64 { index &- indexOffset }
  /// The machine's, as that instruction begins.
  package final var lookedTick: Tick { core_looked_cycle(core) &+ tickOffset }
}

package struct Arrival: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  /// RV64: a trap or an interrupt was entered, or left; both: left, and then entered.
  package static let entry = Arrival(rawValue: CORE_CAME_ENTERED)
  package static let exit = Arrival(rawValue: CORE_CAME_RETURNED)
  /// Cortex-M: one was entered or left, or both.
  package static let exception = Arrival(rawValue: CORE_CAME_MOVED)
}
